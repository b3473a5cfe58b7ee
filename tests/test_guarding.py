"""Guards out of settings: their plug-ins, what they may use, and what is said where something is wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.types import Call, Operation, Reply, Whole
from forebay.core.verdicts import PASSED, Action, Context, Side, Span, Verdict
from forebay.generation import check, generation
from forebay.guarding import Toolbox, plugin_of, policies
from forebay.guards import Judged
from forebay.plugins import UnknownKindError
from forebay.settings import SettingsError, load
from tests.support.guards import Words, guarded

CONTEXT = Context(Side.INPUT, "team", "m", "req_1", "What?")


def shout(text: str, context: Context) -> Verdict:  # noqa: ARG001  # a guard's signature
    return Verdict(Action.FLAG, (Span(0, 1, "shout"),)) if text.isupper() else PASSED


def test_a_class_takes_its_options() -> None:
    (rule,) = policies(
        guarded("guards: {w: {kind: Words, words: [a, bcd], kind_of: x}}".replace(", kind_of: x", "")), Toolbox()
    ).all
    assert isinstance(rule.guard, Words)
    assert rule.guard.lookbehind == 2


async def test_a_function_is_a_guard() -> None:
    (rule,) = policies(load("guards: {s: {kind: 'tests.test_guarding:shout'}}", source="x", environ={}), Toolbox()).all
    assert isinstance(rule.guard, Judged)
    assert (await rule.guard.check("HEY", CONTEXT)).action is Action.FLAG
    assert rule.guard.lookbehind is None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{kind: nobody}", "unknown guard kind 'nobody'"),
        ("{kind: 'tests.test_guarding:nothing'}", "has no guard 'nothing'"),
        ("{kind: 'nowhere:nothing'}", "cannot be used here"),
        ("{kind: 'tests.support.guards:Words'}", "guards.w.words: is missing"),
        ("{kind: 'tests.support.guards:Words', words: [a], word: 1}", "unknown key 'word'; did you mean 'words'?"),
        ("{kind: remote, url: 'file:///etc/passwd'}", "must match"),
    ],
)
def test_mistakes_are_told_with_their_place(section: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(load(f"guards:\n  w: {section}", source="forebay.yaml", environ={}))
    assert message in str(caught.value)
    assert "forebay.yaml:2" in str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        "from forebay.guards import guard\n\n@guard\ndef it(text, context): ...",
        "import re\n\nre.compile('(')",
        "\n\nx = (",
    ],
)
def test_a_module_that_fails_is_told_with_its_line(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    module = f"broken_{abs(hash(request.node.name))}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    for build in (check, generation):
        with pytest.raises(SettingsError, match=r"forebay\.yaml:2") as caught:
            build(load(f"guards:\n  w: {{kind: '{module}:it'}}", source="forebay.yaml", environ={}))
        assert "guards.w" in str(caught.value)
        assert f"{module}.py, line 3" in str(caught.value)


def test_what_cannot_be_built_is_told() -> None:
    with pytest.raises(SettingsError, match="the guard cannot be built"):
        generation(guarded("guards: {w: {kind: Words, words: [a], action: shred}}"))


def test_the_fingerprint_is_that_of_the_guards() -> None:
    one, same, other = (
        policies(guarded(f"guards: {{w: {{kind: Words, words: [{word}]}}}}"), Toolbox()).fingerprint for word in "aab"
    )
    assert one == same != other


def test_no_kind_is_nobody_s() -> None:
    with pytest.raises(UnknownKindError):
        plugin_of("nobody")


async def test_a_guard_asks_a_model() -> None:
    seen: list[Call] = []

    async def ask(call: Call) -> Reply:
        seen.append(call)
        return Whole(b'{"choices": []}')

    tools = Toolbox()
    with pytest.raises(ForebayError):
        await tools.ask(Operation.CHAT, {"model": "m"})
    tools.bind(ask)
    assert await tools.ask(Operation.CHAT, {"model": "m", "messages": []}) == {"choices": []}
    assert seen[0].request.model == "m"


Answer = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture
async def other() -> AsyncIterator[BaseTestServer]:
    """Somebody else's guard."""

    async def judge(request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["text"] == "break":
            return web.Response(status=500)
        if asked["text"] == "move":
            return web.Response(status=307, headers={"location": "http://192.0.2.1/"})
        if asked["text"] == "mumble":
            return web.Response(text='{"action": "perhaps"}')
        assert request.headers["authorization"] == "Bearer key"
        return web.json_response({"action": "block", "spans": [{"start": 0, "end": 1, "kind": "x"}], "extra": asked})

    app = web.Application()
    app.router.add_post("/check", judge)
    async with TestServer(app) as server:
        yield server


async def test_somebody_else_s_server_judges(other: BaseTestServer) -> None:
    settings = load(
        f"guards: {{r: {{kind: remote, url: '{other.make_url('/check')}', key: key}}}}", source="x", environ={}
    )
    tools = Toolbox()
    (rule,) = policies(settings, tools).all
    verdict = await rule.guard.check("Hi", CONTEXT)
    assert verdict == Verdict(Action.BLOCK, (Span(0, 1, "x"),))
    for text in ("break", "move"):
        with pytest.raises(UpstreamError):
            await rule.guard.check(text, CONTEXT)
    with pytest.raises(Exception, match="Invalid enum value"):
        await rule.guard.check("mumble", CONTEXT)
    await other.close()
    with pytest.raises(UpstreamError):
        await rule.guard.check("Hi", CONTEXT)
    await tools.close()
