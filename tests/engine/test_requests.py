"""What clients may ask for, and how they are told what they may not."""

from typing import Any

import msgspec
import pytest

from forebay.core.decode import decode
from forebay.core.errors import EmptyArrayError, InvalidRequestError, UnsupportedParameterError
from forebay.engine.catalog import Advice
from forebay.engine.requests import Body, ChatBody, CompletionBody
from forebay.engine.sequence import Sampling

MESSAGES = [{"role": "user", "content": "Hello"}]


def chat(**fields: Any) -> ChatBody:
    body = decode(msgspec.json.encode({"model": "m", "messages": MESSAGES, **fields}), ChatBody)
    body.check()
    return body


def completion(**fields: Any) -> CompletionBody:
    body = decode(msgspec.json.encode({"model": "m", "prompt": "Hello", **fields}), CompletionBody)
    body.check()
    return body


def test_nothing_but_the_messages_is_needed() -> None:
    assert chat().sampling(100) == Sampling(max_tokens=100)
    assert completion().sampling(100) == Sampling(max_tokens=16)


def test_null_is_the_same_as_nothing() -> None:
    names = [name for name in ChatBody.__struct_fields__ if name != "messages"]
    assert chat(**dict.fromkeys(names)).sampling(9) == chat().sampling(9)
    names = [name for name in CompletionBody.__struct_fields__ if name != "prompt"]
    assert completion(**dict.fromkeys(names)).sampling(9) == completion().sampling(9)


def test_every_field_arrives() -> None:
    asked = chat(
        max_tokens=7, min_tokens=2, ignore_eos=True, temperature=0, top_p=0.5, top_k=-1, seed=-4, stop=["a", "b"],
        frequency_penalty=-2, presence_penalty=2, repetition_penalty=1.1, logprobs=True, top_logprobs=20,
    )  # fmt: skip
    assert asked.sampling(100) == Sampling(
        max_tokens=7, min_tokens=2, ignore_eos=True, temperature=0.0, top_p=0.5, top_k=0, seed=-4, stop=("a", "b"),
        frequency_penalty=-2.0, presence_penalty=2.0, repetition_penalty=1.1, logprobs=20,
    )  # fmt: skip


def test_unknown_fields_are_let_pass() -> None:
    assert chat(user="me", store=True, metadata={}, guided_json={}, tool_choice="none").sampling(1)


@pytest.mark.parametrize(
    ("asked", "room", "granted"),
    [
        ({"max_tokens": 5}, 100, 5),
        ({"max_tokens": 500}, 100, 100),
        ({"max_completion_tokens": 3, "max_tokens": 9}, 50, 3),
    ],
)
def test_an_answer_is_never_longer_than_the_room(asked: dict[str, int], room: int, granted: int) -> None:
    assert chat(**asked).sampling(room).max_tokens == granted


def test_logprobs_of_chats_and_of_completions() -> None:
    assert chat(logprobs=True).sampling(9).logprobs == 0
    assert chat(logprobs=False).sampling(9).logprobs is None
    assert completion(logprobs=0).sampling(9).logprobs == 0
    assert completion(logprobs=5).sampling(9).logprobs == 5


def test_one_stop_string_needs_no_list() -> None:
    assert chat(stop="###").sampling(9).stop == ("###",)
    assert chat(stop=[]).sampling(9).stop == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", -1),
        ("max_tokens", 0),
        ("max_tokens", "5"),
        ("max_completion_tokens", 1.5),
        ("min_tokens", -1),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "hot"),
        ("top_p", 1.1),
        ("top_p", -0.1),
        ("top_k", -2),
        ("seed", "x"),
        ("frequency_penalty", 2.5),
        ("presence_penalty", -2.5),
        ("repetition_penalty", 0),
        ("stop", ""),
        ("stop", 5),
        ("stop", ["a"] * 5),
        ("stop", "x" * 257),
        ("logprobs", 1),
        ("top_logprobs", 21),
        ("ignore_eos", "yes"),
    ],
)
def test_a_wrong_value_is_told_with_its_field(field: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat(**{"logprobs": True, field: value})
    assert caught.value.param == field
    assert field in caught.value.message


@pytest.mark.parametrize("value", [True, 6, -1])
def test_logprobs_of_a_completion_are_a_small_number(value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        completion(logprobs=value)
    assert caught.value.param == "logprobs"


def test_alternatives_need_logprobs() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat(top_logprobs=3)
    assert caught.value.param == "top_logprobs"


@pytest.mark.parametrize(
    ("field", "value", "neutral"),
    [
        ("n", 2, 1),
        ("best_of", 2, 1),
        ("echo", True, False),
        ("suffix", "end", ""),
        ("logit_bias", {"5": 1}, {}),
        ("min_p", 0.1, 0),
        ("tools", [{"type": "function"}], []),
        ("functions", [{}], []),
        ("response_format", {"type": "json_object"}, {"type": "text"}),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_name(field: str, value: object, neutral: object) -> None:
    ask: list[Any] = [chat, completion]
    for make in ask:
        make(**{field: neutral})
        with pytest.raises(UnsupportedParameterError) as caught:
            make(**{field: value})
        assert caught.value.param == field


def test_a_chat_without_messages() -> None:
    with pytest.raises(EmptyArrayError) as caught:
        chat(messages=[])
    assert caught.value.param == "messages"


def test_content_may_come_in_parts_of_text() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert chat(messages=[{"role": "user", "content": parts}]).plain_messages() == MESSAGES


def test_messages_keep_what_templates_may_want() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}], "name": "x"}
    assert chat(messages=[message]).plain_messages() == [message | {"content": ""}]


def test_a_developer_is_what_templates_call_system() -> None:
    assert chat(messages=[{"role": "developer", "content": "a"}]).plain_messages()[0]["role"] == "system"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "messages[1].content[0]"),
        ({"role": "user", "content": ["text"]}, "messages[1].content[0]"),
        ({"role": "user", "content": [{"type": "text", "text": 5}]}, "messages[1].content[0].text"),
        ({"role": "user", "content": 5}, "messages[1].content"),
        ({"role": "king", "content": "a"}, "messages[1].role"),
        ({"role": ["user"], "content": "a"}, "messages[1].role"),
        ({"content": "a"}, "messages[1].role"),
    ],
)
def test_a_message_that_cannot_be_read_is_told_with_its_place(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat(messages=[*MESSAGES, message]).plain_messages()
    assert caught.value.param == param


def test_an_image_is_refused_because_the_model_reads_only_text() -> None:
    image = [{"type": "image_url", "image_url": {"url": "data:"}}]
    with pytest.raises(InvalidRequestError, match="reads only text"):
        chat(messages=[{"role": "user", "content": image}]).plain_messages()


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([5, 6], [[5, 6]]), ([[5], [6, 7]], [[5], [6, 7]]), ("", [""])],
)
def test_a_prompt_has_four_forms(prompt: object, prompts: object) -> None:
    assert completion(prompt=prompt).prompts() == prompts


@pytest.mark.parametrize("prompt", [[], ["a", 5], ["a", [5]], [5, [5]], 5, {}, [5.5], [[1, "a"]], [None]])
def test_a_prompt_of_no_such_form(prompt: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        completion(prompt=prompt).prompts()
    assert (caught.value.param or "").startswith("prompt")


def test_both_are_bodies() -> None:
    bodies: list[Body] = [chat(), completion()]
    assert len(bodies) == 2


def test_a_model_s_advice_holds_where_the_request_is_silent() -> None:
    advice = Advice(temperature=0.2, top_p=0.9, max_tokens=50)
    silent = chat().sampling(100, advice)
    assert (silent.temperature, silent.top_p, silent.max_tokens) == (0.2, 0.9, 50)
    spoken = chat(temperature=0, top_p=1, max_tokens=70).sampling(100, advice)
    assert (spoken.temperature, spoken.top_p, spoken.max_tokens) == (0, 1, 70)
    assert completion().sampling(100, advice).max_tokens == 16
