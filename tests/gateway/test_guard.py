"""Guards at work on whole calls."""

import json
from typing import Any

import pytest

from forebay.core.errors import ContentFilterError, ForebayError, InvalidRequestError, UnavailableError
from forebay.core.types import Call, Operation, Principal, Reply, Request, Trace, Usage, Whole
from forebay.core.verdicts import Judgement
from forebay.gateway.guard import Guard
from forebay.gateway.guarding.beside import Beside
from forebay.guarding import Toolbox, policies
from tests.support.guards import guarded


class Notes:
    """An auditor that remembers."""

    def __init__(self) -> None:
        self.judgements: list[Judgement] = []
        self.seconds: list[float] = []

    def judged(self, judgement: Judgement) -> None:
        self.judgements.append(judgement)

    def held(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Model:
    """Answers each call with the next of its answers, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(json.loads(call.request.body))
        call.trace.deployment = "d"
        call.trace.usage = Usage(3, 5)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not isinstance(answer, dict):
            answer = message({"content": answer})
        return Whole(json.dumps(answer).encode(), Usage(3, 5))


def message(fields: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    own = {"role": "assistant", "refusal": None, **fields}
    return {"choices": [{"index": 0, "message": own, "logprobs": {"content": []}, "finish_reason": finish}]}


def call(body: dict[str, Any] | str, operation: Operation = Operation.CHAT) -> Call:
    if isinstance(body, str):
        body = {"messages": [{"role": "user", "content": body}]}
    request = Request(operation, "m", json.dumps({"model": "m", **body}).encode())
    return Call("req_1", request, Principal("alice", "team"), Trace(0.0))


async def ask(rules: str, asked: Any, model: Model, notes: Notes | None = None) -> dict[str, Any]:
    settings = guarded(f"guards:\n{rules}")
    beside = Beside()
    stage = Guard(policies(settings, Toolbox()), notes or Notes(), beside)
    reply = await stage(asked if isinstance(asked, Call) else call(asked), model)
    await beside.close()
    assert isinstance(reply, Whole)
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def said(answer: dict[str, Any]) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


async def test_a_refused_message_is_named_and_not_repeated() -> None:
    model = Model("Hi")
    with pytest.raises(ContentFilterError) as caught:
        await ask(
            "  w: {kind: Words, words: [bomb], action: block}",
            call({"messages": [{"role": "user", "content": "hello"}, {"role": "user", "content": "a bomb"}]}),
            model,
        )
    assert caught.value.param == "messages[1].content"
    assert caught.value.code == "content_filter"
    assert "bomb" not in caught.value.message
    assert not model.asked


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "bomb"}],
        [{"role": "user", "content": [{"type": "text", "text": "bomb"}]}],
        [{"role": "tool", "tool_call_id": "1", "content": "bomb"}],
        [{"role": "tool", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "a bomb"}]}]}],
        [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"a":"bomb"}'}}]}],
        [{"role": "assistant", "function_call": {"name": "f", "arguments": "bomb"}}],
        [{"role": "user", "content": {"odd": "bomb"}}],
        [{"role": "assistant", "reasoning_content": "bomb", "content": "x"}],
        ["bomb"],
    ],
)
async def test_every_text_of_every_message_is_judged(messages: list[Any]) -> None:
    with pytest.raises(ContentFilterError):
        await ask("  w: {kind: Words, words: [bomb], action: block}", call({"messages": messages}), Model("Hi"))


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (Operation.COMPLETION, {"prompt": "bomb"}),
        (Operation.COMPLETION, {"prompt": ["a", "bomb"]}),
        (Operation.COMPLETION, {"prompt": "a", "suffix": "bomb"}),
        (Operation.EMBEDDING, {"input": ["a", "bomb"]}),
        (Operation.EMBEDDING, {"input": [1, 2]}),
        (Operation.COMPLETION, {"prompt": [[1, 2]]}),
        (Operation.COUNT, {"messages": [{"role": "user", "content": "bomb"}]}),
    ],
)
async def test_every_operation_is_guarded(operation: Operation, body: dict[str, Any]) -> None:
    with pytest.raises(ContentFilterError):
        await ask("  w: {kind: Words, words: [bomb], action: block}", call(body, operation), Model("Hi"))


async def test_what_is_masked_comes_back() -> None:
    class Echo(Model):
        async def __call__(self, call: Call) -> Reply:
            await super().__call__(call)
            text = self.asked[-1]["messages"][0]["content"]
            return Whole(json.dumps(message({"content": f"You are {text.lower()}"})).encode())

    model = Echo("")
    answer = await ask(
        "  w: {kind: Words, words: [Ann, Bob], kind_: 1}".replace(", kind_: 1", ""), "Ann, Bob, Ann", model
    )
    sent = model.asked[0]["messages"][0]["content"]
    assert "Ann" not in sent
    assert "Bob" not in sent
    assert sent.startswith("[WORD-1-")
    assert said(answer) == "You are Ann, Bob, Ann"


async def test_values_are_written_into_arguments_as_json() -> None:
    class Caller(Model):
        async def __call__(self, call: Call) -> Reply:
            await super().__call__(call)
            text = self.asked[-1]["messages"][0]["content"]
            function = {"name": "f", "arguments": json.dumps({"q": text})}
            calls = [{"id": "1", "type": "function", "function": function}]
            return Whole(json.dumps(message({"content": None, "tool_calls": calls}, "tool_calls")).encode())

    answer = await ask("  w: {kind: Words, words: ['a\"\\']}", 'a"\\', Caller(""))
    function = answer["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"q": 'a"\\'}


@pytest.mark.parametrize(
    ("on_fail", "expected"),
    [("fix", "a [WORD] b"), ("filter", "a  b"), ("noop", "a bomb b")],
)
async def test_answers_are_changed(on_fail: str, expected: str) -> None:
    answer = await ask(
        f"  w: {{kind: Words, words: [bomb], action: block, on: [output], on_fail: {on_fail}}}", "Hi", Model("a bomb b")
    )
    assert said(answer) == expected
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert (answer["choices"][0]["logprobs"] is None) == (on_fail != "noop")


async def test_a_kept_back_answer_is_empty() -> None:
    answer = await ask("  w: {kind: Words, words: [bomb], on: [output], on_fail: refrain}", "Hi", Model("a bomb b"))
    assert said(answer) == ""
    assert answer["choices"][0]["finish_reason"] == "content_filter"


async def test_an_answer_is_refused() -> None:
    with pytest.raises(ContentFilterError, match="'w' does not let the answer pass"):
        await ask("  w: {kind: Words, words: [bomb], on: [output], on_fail: exception}", "Hi", Model("a bomb b"))


async def test_asking_again_is_counted() -> None:
    model = Model("a bomb", "peace")
    asked = call("Hi")
    answer = await ask("  w: {kind: Words, words: [bomb], on: [output], on_fail: reask}", asked, model)
    assert said(answer) == "peace"
    assert [each["role"] for each in model.asked[1]["messages"]] == ["user", "assistant", "user"]
    assert "1 found" in model.asked[1]["messages"][-1]["content"]
    assert asked.trace.lost == Usage(3, 5)
    assert asked.trace.usage == Usage(3, 5)


async def test_asking_again_has_an_end() -> None:
    model = Model("a bomb")
    with pytest.raises(ContentFilterError):
        await ask("  w: {kind: Words, words: [bomb], on: [output], on_fail: reask, reasks: 2}", "Hi", model)
    assert len(model.asked) == 3


async def test_a_fix_that_suffices_is_not_asked_again() -> None:
    model = Model("a bomb")
    answer = await ask("  w: {kind: Words, words: [bomb], on: [output], on_fail: fix_reask, instead: X}", "Hi", model)
    assert said(answer) == "a X"
    assert len(model.asked) == 1


@pytest.mark.parametrize("how", ["raises", "hangs", "none", "outside", "disorder", "negative", "score", "action"])
async def test_a_guard_that_does_not_judge_lets_nothing_pass(how: str) -> None:
    rules = f"  w: {{kind: Faulty, how: {how}, timeout_ms: 20}}"
    with pytest.raises(UnavailableError) as caught:
        await ask(rules, "secret", Model("Hi"))
    assert caught.value.code == "guard_failed"
    assert "secret" not in caught.value.message
    assert said(await ask(rules.replace("}", ", on_error: open}"), "x", Model("Hi"))) == "Hi"
    assert said(await ask(rules.replace("}", ", mode: monitor}"), "x", Model("Hi"))) == "Hi"


async def test_a_guard_that_finds_too_much_has_not_judged() -> None:
    with pytest.raises(UnavailableError):
        await ask("  w: {kind: Words, words: [x]}", "x" * 10_001, Model("Hi"))


async def test_monitors_only_take_notes() -> None:
    notes = Notes()
    rules = "  w: {kind: Words, words: [bomb], action: block, mode: monitor, on: [input, output]}"
    answer = await ask(rules, "bomb", Model("a bomb b"), notes)
    assert said(answer) == "a bomb b"
    assert [(each.side, each.action, each.outcome) for each in notes.judgements] == [
        ("input", "block", "noted"),
        ("output", "block", "noted"),
    ]
    assert all("bomb" not in repr(each) for each in notes.judgements)
    assert len({each.spans[0].hash for each in notes.judgements}) == 1


async def test_every_judgement_is_told_once() -> None:
    notes = Notes()
    await ask("  w: {kind: Words, words: [bomb], on: [input]}", "x bomb", Model("y"), notes)
    (only,) = notes.judgements
    assert (only.guard, only.action, only.outcome, only.tenant) == ("w", "mask", "fixed", "team")
    assert [(each.start, each.end, each.kind) for each in only.spans] == [(2, 6, "word")]


async def test_policies_only_add() -> None:
    policy = "\npolicies: {tenants: {team: [t]}, keys: {bob: [k]}, models: {m: [o]}}\nmodels: {m: {provider: p}}\n"
    policy += "providers: {p: {kind: openai}}"
    names = {"t": "tango", "k": "kilo", "o": "oscar", "e": "echo"}
    rules = "\n".join(f"  {name}: {{kind: Words, words: [{word}], action: block}}" for name, word in names.items())
    for name, word in names.items():
        try:
            await ask(rules + policy, word, Model("Hi"))
            refused = False
        except ForebayError:
            refused = True
        assert refused == (name != "k")


@pytest.mark.parametrize(
    "fields",
    [
        {"my_prompt": "bomb"},
        {"metadata": {"id": "bomb"}},
        {"metadata": {"bomb": "a"}},
        {"user": "bomb"},
        {"stop": ["bomb"]},
        {"chat_template_kwargs": {"x": "bomb"}},
        {"extra": {"id": "bomb"}},
        {"tools": [{"type": "function", "function": {"name": "bomb"}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"bomb": {}}}}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "description": "bomb"}}},
        {"messages": [{"role": "user", "content": "x", "name": "bomb"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "url": "a bomb", "data": "bomb"}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "bomb"}}]}]},
        {"messages": [{"role": "please bomb", "content": "x"}]},
    ],
)
async def test_no_field_of_a_request_hides_a_text(fields: dict[str, Any]) -> None:
    model = Model("Hi")
    body = {"messages": [{"role": "user", "content": "x"}], **fields}
    with pytest.raises(ContentFilterError):
        await ask("  w: {kind: Words, words: [bomb], action: block}", call(body), model)
    assert not model.asked


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (Operation.EMBEDDING, {"input": "x", "title": "bomb"}),
        (Operation.IMAGE, {"prompt": "x", "negative_prompt": "bomb"}),
        (Operation.COMPLETION, {"prompt": "x", "my": "bomb"}),
    ],
)
async def test_no_field_of_other_operations_hides_a_text(operation: Operation, body: dict[str, Any]) -> None:
    with pytest.raises(ContentFilterError):
        await ask("  w: {kind: Words, words: [bomb], action: block}", call(body, operation), Model("Hi"))


async def test_pictures_and_ids_are_no_texts() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "bomb" * 40, "detail": "low"}}
    message_ = {"role": "user", "content": [picture]}
    model = Model("Hi")
    await ask("  w: {kind: Words, words: [bomb], action: block}", call({"messages": [message_]}), model)
    assert model.asked


async def test_names_are_masked_and_texts_keep_their_place() -> None:
    model = Model("Hi")
    body = {"messages": [{"role": "user", "content": "x"}], "metadata": {"a bomb": "a bomb", "b": "c"}}
    await ask("  w: {kind: Words, words: [bomb], on: [input], masks: permanent}", call(body), model)
    assert model.asked[0]["metadata"] == {"a [WORD]": "a [WORD]", "b": "c"}


@pytest.mark.parametrize("body", ['{"a":' * 200 + "1" + "}" * 200, json.dumps({"a": ["x"] * 20_001})])
async def test_more_than_guards_can_read_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequestError):
        await ask("  w: {kind: Words, words: [bomb]}", call({"more": json.loads(body)}), Model("Hi"))


TOKEN = {"token": "x", "logprob": 0, "top_logprobs": [{"token": "bomb", "logprob": -1}]}


@pytest.mark.parametrize(
    "fields",
    [
        {"citations": ["bomb"]},
        {"usage": {"total_tokens": 1, "note": "bomb"}},
        {"id": "a bomb"},
        {"model": "a bomb"},
        {"system_fingerprint": "a bomb"},
        {"error": {"message": "bomb"}},
        {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "a bomb"}]},
        {"choices": [{"index": 0, "message": {"content": "x"}, "logprobs": {"content": [TOKEN]}}]},
        {"choices": [{"index": 0, "text": "x", "logprobs": {"top_logprobs": [{"bomb": -1}]}}]},
        {"choices": [{"index": 0, "message": {"tool_calls": [{"id": "a bomb", "function": {"name": "bomb"}}]}}]},
        {"choices": ["bomb"]},
        {"choices": {"text": "bomb"}},
    ],
)
@pytest.mark.parametrize("on_fail", ["fix", "refrain"])
async def test_no_field_of_a_reply_hides_a_text(fields: dict[str, Any], on_fail: str) -> None:
    rules = f"  w: {{kind: Words, words: [bomb], on: [output, tool_args], on_fail: {on_fail}}}"
    answer = await ask(rules, call("Hi"), Model({**message({"content": "x"}), **fields}))
    assert "bomb" not in json.dumps(answer)
