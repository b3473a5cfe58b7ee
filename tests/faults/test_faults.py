"""Every fault of `table.toml`, streamed and whole, alone and with a fallback, through the whole server."""

import asyncio
import gc
import json
import logging
import tomllib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.app import application
from forebay.core.errors import ForebayError
from forebay.providers.transport import TransportError
from forebay.settings import load
from tests.faults.scripts import FAULTS, GOOD, HALF, TEXT, Fault
from tests.support.faulty import CHUNKED, PAUSE, Script, Upstream, chunk, upstream
from tests.support.serving import Running, serving
from tests.support.turns import until

TABLE = tomllib.loads((Path(__file__).parent / "table.toml").read_text(encoding="utf-8"))["fault"]
ROWS = {row["name"]: row for row in TABLE}
CASES = [(name, way, place) for name in ROWS for way in ("streamed", "whole") for place in (0, 1)]
PAGE = Path(__file__).parents[2] / "docs" / "streaming.md"
NOBODY = "http://127.0.0.1:1/v1"
CONFIG = """
log: {{requests: false}}
providers:
  first: {{kind: openai, base_url: "{first}"}}
  second: {{kind: openai, base_url: "{second}"}}
models:
  m:
    retries: {{base: 10ms}}
    deployments:
      - provider: first
        timeouts: {{connect: 1s, first_token: {first_token}, between_tokens: 200ms, total: {total}}}
      {more}
"""


@asynccontextmanager
async def gateway(first: str, second: str, *, alone: bool, hasty: bool) -> AsyncIterator[Running]:
    """A server before both; a ``hasty`` one has a total time-out that passes before the others."""
    more = "" if alone else "- {provider: second}"
    total, first_token = ("300ms", "250ms") if hasty else ("5s", "200ms")
    text = CONFIG.format(first=first, second=second, more=more, total=total, first_token=first_token)
    async with serving(application(load(text, source="test", environ={}))) as running:
        yield running


@asynccontextmanager
async def faulty(scripts: tuple[Script, ...] | None) -> AsyncIterator[str]:
    if scripts is None:
        yield NOBODY
    else:
        async with upstream(*scripts) as up:
            yield up.url


async def asked(running: Running, *, stream: bool) -> tuple[int, str]:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{running.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as http, asyncio.timeout(10), http.post(url, json=body) as reply:
        assert reply.status != 429 or reply.headers["retry-after"] == "7"
        return reply.status, (await reply.read()).decode()


def outcome(status: int, text: str, *, stream: bool) -> str:
    """What a client got, in the table's words."""
    if status != 200:
        error = json.loads(text)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return f"{status} {error['code']}"
    said = _streamed(text) if stream else json.loads(text)["choices"][0]["message"]["content"]
    if said == TEXT:
        return "answer"
    return "fallback" if said == TEXT.replace("first", "other") else said


def _streamed(text: str) -> str:
    """The content of a whole stream, or how it broke; that it is either, and not both, is asserted."""
    assert text.endswith("\n\n")
    events = [each.removeprefix("data: ") for each in text.split("\n\n") if each]
    chunks: list[dict[str, Any]] = [json.loads(each) for each in events if each != "[DONE]"]
    finished = [each for each in chunks if "choices" in each and each["choices"][0]["finish_reason"]]
    broken = [each for each in chunks if "error" in each]
    if broken:
        assert chunks[-1] is broken[0]
        assert not finished
        assert events[-1] != "[DONE]"
        assert any(each["choices"][0]["delta"].get("content") for each in chunks[:-1])
        return f"broken {broken[0]['error']['code']}"
    assert events[-1] == "[DONE]"
    assert len(finished) == 1
    return "".join(each["choices"][0]["delta"].get("content", "") for each in chunks)


def other(fault: Fault) -> Fault:
    """The same with another text."""

    def changed(scripts: tuple[Script, ...] | None) -> tuple[Script, ...]:
        return tuple([_renamed(step) for step in script] for script in scripts or ())

    return Fault(changed(fault.streamed), changed(fault.whole))


def _renamed(step: bytes | float | str | None) -> bytes | float | str | None:
    return step.replace(b"first", b"other") if isinstance(step, bytes) else step


@pytest.mark.parametrize(("name", "way", "place"), CASES)
async def test_what_a_client_gets(name: str, way: str, place: int) -> None:
    stream = way == "streamed"
    fault, good = FAULTS[name], other(GOOD)
    scripts, spare = (fault.streamed, good.streamed) if stream else (fault.whole, good.whole)
    hasty = name == "takes longer than the total time-out"
    async with (
        faulty(scripts) as first,
        faulty(spare) as second,
        gateway(first, second, alone=not place, hasty=hasty) as running,
    ):
        status, text = await asked(running, stream=stream)
        expected = ROWS[name][way][place]
        assert outcome(status, text, stream=stream) == expected
        await _recorded(running, expected)


async def _recorded(running: Running, expected: str) -> None:
    """The request is counted as what it was, and a broken one with the tokens that had come."""
    async with aiohttp.ClientSession() as http, http.get(f"{running.url}/metrics") as reply:
        text = await reply.text()
    kind = "broken" if expected.startswith("broken") else "error" if expected[0].isdigit() else "ok"
    (line,) = [each for each in text.splitlines() if each.startswith("forebay_requests_total{")]
    assert f'outcome="{kind}"' in line
    tokens = [float(each.split()[-1]) for each in text.splitlines() if each.startswith("forebay_output_tokens_total{")]
    assert (sum(tokens) > 0) == (kind != "error")


KEPT = ("cut after two tokens", "malformed later event", "nested too deeply", "error after content", "not HTTP")


@pytest.mark.parametrize(("name", "way"), [(name, way) for name in KEPT for way in ("streamed", "whole")])
def test_a_failure_leaves_nothing_that_only_the_collector_would_find(name: str, way: str) -> None:
    stream = way == "streamed"
    fault, good = FAULTS[name], other(GOOD)
    scripts, spare = (fault.streamed, good.streamed) if stream else (fault.whole, good.whole)

    async def ask() -> None:
        async with faulty(scripts) as first, faulty(spare) as second:
            for alone in (True, False):
                async with gateway(first, second, alone=alone, hasty=False) as running:
                    await asked(running, stream=stream)

    assert left_by(ask) == []


def test_a_reply_beyond_the_limit_is_freed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.providers.openai.REPLY_BYTES", 100_000)

    async def ask() -> None:
        script = [CHUNKED, *[chunk(b" " * 50_000)] * 9, PAUSE]
        async with upstream(script) as up, gateway(up.url, NOBODY, alone=True, hasty=False) as running:
            assert (await asked(running, stream=False))[0] == 502

    assert left_by(ask) == []


def left_by(ask: Callable[[], Coroutine[None, None, None]]) -> list[object]:
    """The failures that are still in memory afterwards, without a garbage collector: nobody holds them any more."""
    before = {id(each) for each in failures()}
    gc.collect()
    gc.disable()
    logging.disable()  # pytest keeps what is logged
    try:
        asyncio.run(ask())
        return [each for each in failures() if id(each) not in before]
    finally:
        logging.disable(logging.NOTSET)
        gc.enable()


def failures() -> list[object]:
    return [each for each in gc.get_objects() if isinstance(each, ForebayError | TransportError)]


async def test_a_client_that_leaves_ends_the_upstream_s_work() -> None:
    async with (
        upstream([CHUNKED, chunk(HALF), PAUSE]) as up,
        gateway(up.url, NOBODY, alone=True, hasty=False) as running,
    ):
        await _leave(running, up)
        await until(lambda: up.open == 0)
        async with aiohttp.ClientSession() as http, http.get(f"{running.url}/metrics") as reply:
            assert 'status="499",outcome="aborted",cache=""} 1' in await reply.text()


async def _leave(running: Running, up: Upstream) -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    async with aiohttp.ClientSession() as http, http.post(f"{running.url}/v1/chat/completions", json=body) as reply:
        await reply.content.readany()
        assert up.open == 1


def test_every_fault_is_played() -> None:
    assert list(ROWS) == list(FAULTS)


WORDS = {"answer": "the answer", "fallback": "the other's answer"}


def shown(expected: str) -> str:
    """A cell of the page's table."""
    if expected in WORDS:
        return WORDS[expected]
    first, code = expected.split()
    return f"what came, then `{code}`" if first == "broken" else f"{first} `{code}`"


def test_the_page_shows_the_table() -> None:
    head = "| fault | streamed, alone | streamed, with a fallback | whole, alone | whole, with a fallback |"
    lines = [head, "|---|---|---|---|---|"]
    for row in TABLE:
        cells = [shown(each) for each in (*row["streamed"], *row["whole"])]
        lines.append(f"| {' | '.join([row['name'], *cells])} |")
    assert "\n".join(lines) in PAGE.read_text(encoding="utf-8"), "\n".join(lines)
