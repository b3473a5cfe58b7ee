"""A body that names a prompt becomes one that has it; every other body stays as it came."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import ForebayError, InvalidRequestError, NotFoundError, UnsupportedParameterError
from forebay.core.prompts import Collection, Draft, Label, Message, Prompt
from forebay.core.types import Principal
from forebay.gateway.prompts.expand import Expansion
from forebay.gateway.prompts.shelf import Shelf

ALICE = Principal("alice")
MESSAGES = (Message("system", "Help {{who}}."), Message("user", "Ready?"))
DRAFT = Draft(
    "support", MESSAGES, {"who": {"type": "string"}}, "small", {"max_tokens": 9, "temperature": 0.5, "seed": 1}
)
SHELF = Shelf(
    Collection(
        [
            Prompt(DRAFT, 1),
            Prompt(DRAFT, 2),
            Prompt(Draft("odd", MESSAGES[1:], parameters={"n": 2}), 1),
            Prompt(Draft("said", (Message("system", "Tell a joke."),), model="small"), 1),
        ],
        [Label("", "support", "split", {1: 1.0, 2: 1.0})],
    )
)
EXPANSION = Expansion(lambda: SHELF)


def chat(**fields: Any) -> tuple[dict[str, Any], str]:
    body, name = EXPANSION.chat(msgspec.json.encode(fields), ALICE)
    return msgspec.json.decode(body), name


def response(**fields: Any) -> tuple[dict[str, Any], str]:
    body, name = EXPANSION.response(msgspec.json.encode(fields), ALICE)
    return msgspec.json.decode(body), name


NAMED = {"id": "support", "version": "2", "variables": {"who": "Bob"}}


def test_a_chat_gets_messages_model_and_parameters() -> None:
    own = {"role": "user", "content": "Why?"}
    assert chat(prompt=NAMED, messages=[own]) == (
        {
            "model": "small",
            "max_tokens": 9,
            "temperature": 0.5,
            "seed": 1,
            "messages": [{"role": "system", "content": "Help Bob."}, {"role": "user", "content": "Ready?"}, own],
        },
        "support@2",
    )


def test_what_the_request_says_itself_counts() -> None:
    body, _ = chat(prompt=NAMED, model="large", temperature=0, max_tokens=None)
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("large", 0, 9)


def test_a_response_gets_instructions_input_and_its_own_names() -> None:
    body, name = response(prompt=NAMED, input="Why?", instructions="Be short.")
    assert name == "support@2"
    assert body == {
        "model": "small",
        "max_output_tokens": 9,
        "temperature": 0.5,
        "seed": 1,
        "instructions": "Help Bob.\n\nBe short.",
        "input": [{"role": "user", "content": "Ready?"}, {"role": "user", "content": "Why?"}],
    }


def test_a_response_may_have_nothing_but_the_prompt() -> None:
    body, _ = response(prompt={"id": "said"})
    assert body == {"model": "small", "input": [{"role": "system", "content": "Tell a joke."}]}


def test_a_parameter_that_a_response_has_not_is_not_dropped() -> None:
    with pytest.raises(UnsupportedParameterError, match="'n'"):
        response(prompt={"id": "odd"}, model="m")


def test_the_user_decides_which_version_of_several() -> None:
    seen = {chat(prompt={**NAMED, "version": "split"}, user=f"u{number}")[1] for number in range(30)}
    again = [chat(prompt={**NAMED, "version": "split"}, user="u1")[1] for _ in range(3)]
    assert seen == {"support@1", "support@2"}
    assert len(set(again)) == 1


@pytest.mark.parametrize(
    ("prompt", "error"),
    [
        ({"version": 1}, InvalidRequestError),
        ({"id": 7}, InvalidRequestError),
        ({"id": "none"}, NotFoundError),
        ({"id": "support", "version": "3"}, NotFoundError),
        ({"id": "support"}, InvalidRequestError),
    ],
)
def test_what_cannot_be_put_in_is_told(prompt: Any, error: type[ForebayError]) -> None:
    with pytest.raises(error) as caught:
        chat(prompt=prompt, messages=[])
    assert (caught.value.param or "").startswith("prompt")


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "m", "messages": [{"role": "user", "content": "a \\"prompt\\": {}"}]}',
        b'{"prompt": "a text"}',
        b'{"prompt": null}',
        b'{"prompt": ',
        b'"prompt"',
        b'{"prompt": {"id": "x"}, "a": "\xff"}',
    ],
)
def test_other_bodies_stay_as_they_came(body: bytes) -> None:
    if b"\xff" in body:
        with pytest.raises(ForebayError):
            EXPANSION.chat(body, ALICE)
    else:
        assert EXPANSION.chat(body, ALICE) == (body, "")


@given(st.binary(max_size=100))
def test_any_bytes_are_expanded_refused_or_left(data: bytes) -> None:
    for expand in (EXPANSION.chat, EXPANSION.response):
        for body in (data, b'{"prompt": {"id": "said"}, "input": ' + data + b"}"):
            with contextlib.suppress(InvalidRequestError, NotFoundError):
                assert isinstance(expand(body, ALICE)[0], bytes)
