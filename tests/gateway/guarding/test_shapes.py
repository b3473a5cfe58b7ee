"""Whatever shape requests and replies have, no text in them goes past the guards, and nothing breaks."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import ForebayError
from forebay.core.stream import DONE, event
from forebay.core.types import Operation, Reply, Stream, Whole
from forebay.gateway.guard import Guard
from forebay.gateway.guarding.beside import Beside
from forebay.guarding import Toolbox, policies
from tests.gateway.guarding.test_stream import Streaming
from tests.gateway.test_guard import Notes, call
from tests.support.guards import guarded

RULES = "guards:\n  w: {kind: Words, words: [secret], on_fail: ACT}"
KEYS = [
    "content", "text", "thinking", "reasoning_content", "refusal", "tool_calls", "function_call", "function", "custom",
    "arguments", "input", "thinking_blocks", "annotations", "index", "role", "unheard_of", "parts",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["a secret b", "", "x", "secret", "[WORD]"])
ANY = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(KEYS), each, max_size=4)
)
FIELDS = st.dictionaries(st.sampled_from(KEYS), ANY, max_size=5)
ROLES = st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "tool", "assistant", None, ["user"]])})


def without(value: Any) -> Any:
    """``value`` without strings that are known to be no text."""
    if isinstance(value, dict):
        return {name: without(each) for name, each in value.items() if name not in {"index", "role"}}
    return [without(each) for each in value] if isinstance(value, list) else value


def run(body: dict[str, Any], model: Any, act: str = "filter", operation: Operation = Operation.CHAT) -> Reply | None:
    async def asked() -> Reply | None:
        stage = Guard(policies(guarded(RULES.replace("ACT", act)), Toolbox()), Notes(), Beside())
        try:
            return await stage(call(body, operation), model)
        except ForebayError:
            return None

    return asyncio.run(asked())


class Sink:
    """Answers with one body, and keeps what it was asked."""

    def __init__(self, body: Any) -> None:
        self.asked = b""
        self._body = json.dumps(body).encode()

    async def __call__(self, asked: Any) -> Reply:
        self.asked = asked.request.body
        return Whole(self._body)


@settings(max_examples=40)
@given(st.lists(FIELDS | ROLES | ANY, max_size=3), FIELDS)
def test_requests_of_any_shape(messages: list[Any], more: dict[str, Any]) -> None:
    sink = Sink({"choices": []})
    run({"messages": messages, "tools": [{"function": more}]}, sink)
    assert b"secret" not in json.dumps(without(json.loads(sink.asked or b"{}"))).encode()


@settings(max_examples=40)
@given(st.sampled_from([Operation.COMPLETION, Operation.EMBEDDING]), ANY)
def test_prompts_of_any_shape(operation: Operation, text: Any) -> None:
    sink = Sink({"choices": []})
    run({"prompt": text, "input": text}, sink, operation=operation)
    field = "prompt" if operation is Operation.COMPLETION else "input"
    assert "secret" not in json.dumps(without(json.loads(sink.asked or b"{}").get(field)))


@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries({"message": FIELDS | ANY}) | FIELDS, max_size=3), st.booleans())
def test_replies_of_any_shape(choices: list[Any], listed: bool) -> None:  # noqa: FBT001  # an example's value
    reply = run({"messages": []}, Sink({"choices": choices if listed else choices[:1]}))
    assert reply is None or (isinstance(reply, Whole) and b"secret" not in json.dumps(_said(reply)).encode())


def _said(reply: Whole) -> Any:
    return [without({key: each.get(key) for key in ("message", "text")}) for each in json.loads(reply.body)["choices"]]


@settings(max_examples=40)
@given(
    st.lists(st.fixed_dictionaries({"delta": FIELDS | ANY}) | FIELDS, max_size=4), st.sampled_from(["filter", "fix"])
)
def test_chunks_of_any_shape(choices: list[Any], act: str) -> None:
    script = [event(json.dumps({"id": "x", "choices": [each]}).encode()) for each in choices]

    async def drained() -> bytes:
        stage = Guard(policies(guarded(RULES.replace("ACT", act)), Toolbox()), Notes(), Beside())
        out = b""
        try:
            reply = await stage(call("Hi"), Streaming([*script, DONE]))
            assert isinstance(reply, Stream)
            async for each in reply.events:
                out += each.data
        except ForebayError:
            pass
        return out

    out = asyncio.run(drained())
    bodies = [json.loads(line[6:]) for line in out.split(b"\n\n") if line and line != b"data: [DONE]"]
    assert "secret" not in json.dumps(without(bodies))


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_chunk(data: bytes) -> None:
    async def drained() -> None:
        stage = Guard(policies(guarded(RULES.replace("ACT", "fix")), Toolbox()), Notes(), Beside())
        try:
            reply = await stage(call("Hi"), Streaming([b"data: " + data + b"\n\n", DONE]))
            assert isinstance(reply, Stream)
            async for _ in reply.events:
                pass
        except ForebayError:
            pass

    asyncio.run(drained())
