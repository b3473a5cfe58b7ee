"""What clients may ask for, and how they are told what they may not."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, UnsupportedParameterError
from forebay.engine.catalog import Advice
from forebay.engine.requests import Body, ChatBody, CompletionBody
from forebay.engine.sequence import Sampling

VOCABULARY = 1000
MESSAGES = [{"role": "user", "content": "Hello"}]


def chat(**fields: Any) -> ChatBody:
    body = decode(msgspec.json.encode({"model": "m", "messages": MESSAGES, **fields}), ChatBody)
    body.check(VOCABULARY)
    return body


def completion(**fields: Any) -> CompletionBody:
    body = decode(msgspec.json.encode({"model": "m", "prompt": "Hello", **fields}), CompletionBody)
    body.check(VOCABULARY)
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
        max_tokens=7, min_tokens=2, ignore_eos=True, temperature=0, top_p=0.5, top_k=-1, min_p=0.1, seed=-4,
        stop=["a", "b"], logit_bias={"5": -100, "999": 1.5},
        frequency_penalty=-2, presence_penalty=2, repetition_penalty=1.1, logprobs=True, top_logprobs=20,
    )  # fmt: skip
    assert asked.sampling(100) == Sampling(
        max_tokens=7, min_tokens=2, ignore_eos=True, temperature=0.0, top_p=0.5, top_k=0, min_p=0.1, seed=-4,
        stop=("a", "b"), logit_bias={5: -100.0, 999: 1.5},
        frequency_penalty=-2.0, presence_penalty=2.0, repetition_penalty=1.1, logprobs=20,
    )  # fmt: skip


def test_unknown_fields_are_let_pass() -> None:
    assert chat(user="me", store=True, metadata={}, tool_choice="none").sampling(1)


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
        ("n", "2"),
        ("best_of", "2"),
        ("min_p", 1.1),
        ("logit_bias", [5]),
        ("logit_bias", {str(token): 1 for token in range(1025)}),
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
        ("best_of", 2, 1),
        ("suffix", "end", ""),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_name(field: str, value: object, neutral: object) -> None:
    ask: list[Any] = [chat, completion]
    for make in ask:
        make(**{field: neutral})
        with pytest.raises(UnsupportedParameterError) as caught:
            make(**{field: value})
        assert caught.value.param == field


def test_as_many_answers_as_were_asked_for() -> None:
    assert chat().choices == chat(n=None).choices == 1
    assert chat(n=128, best_of=128).choices == completion(n=128).choices == 128


@pytest.mark.parametrize("n", [0, -1, 129])
def test_the_range_of_n_is_told(n: int) -> None:
    with pytest.raises(InvalidRequestError, match=r"Invalid value for 'n': expected `int` [<>]= (1|128)") as caught:
        chat(n=n)
    assert caught.value.param == "n"


@pytest.mark.parametrize("token", ["1000", "-1", "x", "", "\u0665", "1.0", "9" * 5000])
def test_a_bias_is_for_a_token_of_the_model(token: str) -> None:
    with pytest.raises(InvalidRequestError, match="from 0 to 999") as caught:
        chat(logit_bias={token: 1})
    assert caught.value.param == "logit_bias"
    assert len(caught.value.message) < 200


def test_nothing_is_generated_only_where_the_prompt_is_echoed() -> None:
    assert completion(max_tokens=0, echo=True).sampling(9).max_tokens == 0
    for make in (completion, chat):
        with pytest.raises(InvalidRequestError) as caught:
            make(max_tokens=0)
        assert caught.value.param == "max_tokens"


@pytest.mark.parametrize("bias", [100.5, -101])
def test_the_token_of_a_wrong_bias_is_told(bias: float) -> None:
    with pytest.raises(InvalidRequestError, match="token 7 ") as caught:
        chat(logit_bias={"5": 1, "7": bias})
    assert caught.value.param == "logit_bias"


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_an_answer_cannot_be_longer_than_it_may_be(field: str) -> None:
    chat(min_tokens=5, **{field: 5})
    with pytest.raises(InvalidRequestError, match="more than the 5 tokens") as caught:
        chat(min_tokens=6, **{field: 5})
    assert caught.value.param == "min_tokens"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("functions", [{"name": "f"}]),
        ("functions", {}),
        ("functions", ""),
        ("functions", 0),
        ("function_call", "auto"),
        ("function_call", {}),
    ],
)
def test_the_old_form_of_tools_is_refused_with_the_new_one(field: str, value: object) -> None:
    with pytest.raises(UnsupportedParameterError, match="tool") as caught:
        chat(**{field: value})
    assert caught.value.param == field


def test_tools_and_another_form_of_the_answer_do_not_go_together() -> None:
    asked = {"tools": [{"type": "function", "function": {"name": "f"}}], "guided_regex": "a"}
    with pytest.raises(InvalidRequestError) as caught:
        chat(**asked).constraint()
    assert caught.value.param == "guided_regex"
    found = chat(**asked, tool_choice="none").constraint()
    assert found is not None
    assert found.param == "guided_regex"


def test_tools_are_for_chats() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        completion(tools=[{}])
    assert caught.value.param == "tools"


@pytest.mark.parametrize("make", [lambda: chat(echo=True), lambda: completion(echo=True, logprobs=1)])
def test_what_cannot_be_echoed(make: Callable[[], Body]) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        make()
    assert caught.value.param == "echo"


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
