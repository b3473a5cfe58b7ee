"""A real ``forebay serve`` with a ledger, before an upstream that is always there, and clients that note what ended."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

from tests.support.served import ADDRESS
from tests.support.upstream import Asked, Peer, upstream

RATE = 200
START_SECONDS = 60.0
CONFIG = """
server: {{port: 0}}
log: {{requests: false}}
store: {{url: '{store}', journal: '{folder}/journal', durability: {durability}}}
providers: {{a: {{kind: openai, base_url: '{url}', exact: true}}}}
models: {{m: {{provider: a}}}}
"""
ANSWER = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
)
CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
)
STREAM = CHUNK + b"data: [DONE]\n\n"


async def answer(asked: Asked, peer: Peer) -> None:
    """A completion, whole or streamed, as it was asked for."""
    streamed = b'"stream":true' in asked.body
    kind, body = (b"text/event-stream", STREAM) if streamed else (b"application/json", ANSWER)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (kind, len(body))
    await peer.send(head + body)


class Ended(msgspec.Struct, frozen=True):
    """A request whose answer its client has seen whole, and when."""

    id: str
    at: float


class Site:
    """Starts servers on one ledger, one after the other."""

    def __init__(self, config: Path) -> None:
        self._config = config

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator["Server"]:
        """One server, interrupted at the end if it still lives."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "forebay", "serve", "--config", str(self._config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout
        try:
            async with asyncio.timeout(START_SECONDS):
                while not (found := ADDRESS.search(line := (await process.stdout.readline()).decode())):
                    assert line, "the server has ended"
            reading = asyncio.create_task(process.stdout.read())  # or its pipe fills
            yield Server(process, found[1])
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            await reading
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Server:
    """A running server, and what its clients have seen."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url
        self.ended: list[Ended] = []
        self.failed = 0
        self.killed_at = 0.0

    async def load(self, seconds: float) -> None:
        """So many seconds of `RATE` requests each, half of them streams, sent whether or not others have ended."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as asking:
            begun = time.monotonic()
            for number in range(round(seconds * RATE)):
                await asyncio.sleep(begun + number / RATE - time.monotonic())
                if self.killed_at:
                    return
                asking.create_task(self._ask(http, stream=number % 2 == 0))

    async def kill(self, after: float) -> None:
        """End it as a crash does."""
        await asyncio.sleep(after)
        self.killed_at = time.time()
        self._process.kill()
        await self._process.wait()

    async def _ask(self, http: aiohttp.ClientSession, *, stream: bool) -> None:
        body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
        try:
            async with http.post(
                f"{self.url}/v1/chat/completions", data=msgspec.json.encode(body), headers=JSON
            ) as got:
                text = await got.read()
                if got.status == 200 and text.endswith(b"[DONE]\n\n" if stream else b"}"):
                    self.ended.append(Ended(got.headers["x-request-id"], time.time()))
                    return
        except (aiohttp.ClientError, ConnectionError):
            pass
        self.failed += 1


JSON = {"content-type": "application/json"}


@contextlib.asynccontextmanager
async def site(folder: Path, durability: str, store: str = "") -> AsyncIterator[Site]:
    """A place for servers with that ledger, by default in an SQLite file in ``folder``."""
    async with upstream(answer) as provider:
        config = folder / "forebay.yaml"
        store = store or f"sqlite:///{folder}/forebay.db"
        config.write_text(CONFIG.format(store=store, folder=folder, durability=durability, url=provider.url))
        yield Site(config)


def delivered(folder: Path) -> bool:
    """Whether no row waits in the journal."""
    return not [file for file in (folder / "journal").glob("*") if file.suffix != ".lock" and file.stat().st_size]


def counted(folder: Path) -> Counter[str]:
    """How often each request is in the ledger."""
    with contextlib.closing(sqlite3.connect(folder / "forebay.db")) as connection:
        return Counter(row[0] for row in connection.execute("SELECT id FROM usage"))


class Tally(msgspec.Struct):
    """What became of the requests of several lives."""

    ended: int = 0
    failed: int = 0
    missing: int = 0
    doubled: int = 0
    oldest: float = 0.0
    """Seconds from the end of the oldest missing request to the kill."""


async def killed(folder: Path, durability: str, times: int, seconds: float) -> Tally:
    """Kill a server under load so many times, and count what its ledger has after the last start."""
    lives: list[Server] = []
    async with site(folder, durability) as place:
        for life in range(times):
            async with place.served() as server, asyncio.TaskGroup() as both:
                both.create_task(server.load(seconds + 10))
                both.create_task(server.kill(seconds + life * 0.013))
            lives.append(server)
        async with place.served():
            async with asyncio.timeout(60):
                while not await asyncio.to_thread(delivered, folder):  # noqa: ASYNC110  # files have no event
                    await asyncio.sleep(0.1)
    found = await asyncio.to_thread(counted, folder)
    tally = Tally(doubled=sum(count > 1 for count in found.values()))
    for server in lives:
        missing = [each for each in server.ended if each.id not in found]
        tally.ended += len(server.ended)
        tally.failed += server.failed
        tally.missing += len(missing)
        tally.oldest = max([tally.oldest, *(server.killed_at - each.at for each in missing)])
    return tally
