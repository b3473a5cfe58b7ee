"""Whose answers are marked: what a key allows, what a request says, and who can do it."""

import json
from typing import Any

import pytest

from forebay.core.errors import PermissionDeniedError
from forebay.core.marks import MarkPolicy
from forebay.core.types import Call, Operation, Principal, Reply, Request, Trace, Whole
from forebay.gateway.watermark import Watermarks


async def passed(policy: MarkPolicy, operation: Operation = Operation.CHAT, **body: Any) -> Request:
    seen: list[Request] = []

    async def ask(call: Call) -> Reply:
        seen.append(call.request)
        return Whole(b"{}")

    request = Request(operation, "m", json.dumps(body).encode(), watermark=body.get("watermark"))
    await Watermarks()(Call("1", request, Principal("alice", watermark=policy), Trace(0.0)), ask)
    return seen[0]


@pytest.mark.parametrize(
    ("policy", "asked", "wanted"),
    [
        ("model", None, None),
        ("model", True, True),
        ("choose", None, None),
        ("choose", False, False),
        ("choose", True, True),
        ("always", None, True),
        ("always", True, True),
        ("never", None, False),
        ("never", False, False),
    ],
)
async def test_what_the_key_says_stands_in_the_request(policy: MarkPolicy, asked: Any, wanted: Any) -> None:
    said: dict[str, Any] = {} if asked is None else {"watermark": asked}
    request = await passed(policy, messages=["hello"], **said)
    assert request.watermark is wanted
    assert json.loads(request.body).get("watermark") is wanted
    assert json.loads(request.body)["messages"] == ["hello"]


@pytest.mark.parametrize(("policy", "asked"), [("model", False), ("always", False), ("never", True)])
async def test_what_the_key_does_not_allow_is_refused(policy: MarkPolicy, asked: bool) -> None:  # noqa: FBT001
    with pytest.raises(PermissionDeniedError) as refused:
        await passed(policy, watermark=asked)
    assert refused.value.param == "watermark"


async def test_what_makes_no_text_has_no_mark() -> None:
    assert (await passed("always", Operation.EMBEDDING, input="hello")).watermark is None
