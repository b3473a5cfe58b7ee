"""What stands in the messages of a chat, and how it is told what is wrong with one."""

from typing import Any

import pytest

from forebay.core.errors import EmptyArrayError, InvalidRequestError
from forebay.engine.messages import plain

PLACE = "messages[1].tool_calls[0]"
MESSAGES = [{"role": "user", "content": "Hello"}]


def called(arguments: str) -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_a_chat_without_messages() -> None:
    with pytest.raises(EmptyArrayError) as caught:
        plain([])
    assert caught.value.param == "messages"


def test_content_may_come_in_parts_of_text() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert plain([{"role": "user", "content": parts}]) == MESSAGES


def test_a_refusal_is_text_too() -> None:
    message = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert plain([message]) == [{"role": "assistant", "content": "No."}]


def test_messages_keep_what_templates_may_want() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls, "name": "x"}
    assert plain([message]) == [message | {"content": ""}]


@pytest.mark.parametrize(("sent", "arguments"), [('{"a": 1}', {"a": 1}), ("", {}), (None, {}), ({"b": 2}, {"b": 2})])
def test_the_arguments_of_a_call_become_an_object(sent: object, arguments: object) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": sent}}
    (message,) = plain([{"role": "assistant", "content": None, "tool_calls": [call]}])
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": arguments}


def test_a_developer_is_what_templates_call_system() -> None:
    assert plain([{"role": "developer", "content": "a"}])[0]["role"] == "system"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "messages[1].content[0]"),
        ({"role": "user", "content": ["text"]}, "messages[1].content[0]"),
        ({"role": "user", "content": [{"type": "text", "text": 5}]}, "messages[1].content[0].text"),
        ({"role": "user", "content": 5}, "messages[1].content"),
        ({"role": "user"}, "messages[1].content"),
        ({"role": "user", "content": None}, "messages[1].content"),
        ({"role": "system", "content": None}, "messages[1].content"),
        ({"role": "tool", "tool_call_id": "1"}, "messages[1].content"),
        ({"role": "assistant", "content": None}, "messages[1].content"),
        ({"role": "assistant", "content": None, "tool_calls": []}, "messages[1].content"),
        ({"role": "assistant", "content": "", "tool_calls": {}}, "messages[1].tool_calls"),
        ({"role": "assistant", "content": "", "tool_calls": [5]}, "messages[1].tool_calls[0].function"),
        ({"role": "assistant", "content": "", "tool_calls": [called("{")]}, f"{PLACE}.function.arguments"),
        ({"role": "assistant", "content": "", "tool_calls": [called("[1]")]}, f"{PLACE}.function.arguments"),
        ({"role": "king", "content": "a"}, "messages[1].role"),
        ({"role": ["user"], "content": "a"}, "messages[1].role"),
        ({"content": "a"}, "messages[1].role"),
    ],
)
def test_a_message_that_cannot_be_read_is_told_with_its_place(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        plain([*MESSAGES, message])
    assert caught.value.param == param


def test_an_image_is_refused_because_the_model_reads_only_text() -> None:
    image = [{"type": "image_url", "image_url": {"url": "data:"}}]
    with pytest.raises(InvalidRequestError, match="reads only text"):
        plain([{"role": "user", "content": image}])
