#!/usr/bin/env python3
"""What conversations cost: a page of the list, a search, a long conversation, and a response that is kept.

    python bench/conversations.py                  # SQLite
    python bench/conversations.py postgresql://…   # an empty database there

Every request goes through the whole application, without a socket; the model answers at once. With and without a store
take turns, so that other work on the machine falls on both.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from forebay.api.application import Application
from forebay.app import assemble
from forebay.core.conversations import START, Conversation, Item, Owner
from forebay.core.types import Usage
from forebay.settings import (
    ConversationSettings,
    DeploymentSettings,
    LogSettings,
    ModelSettings,
    Secret,
    Settings,
    StoreSettings,
)
from forebay.store.plugin import build
from tests.support.chunks import whole
from tests.support.scripted import Scripted

CONVERSATIONS, MESSAGES, LONG = 10_000, 4, 2_000
ROUNDS = 200
WORDS = ("river", "carries", "water", "hills", "sea", "turns", "what", "stands", "in", "its", "way", "into", "light")
OWNER = Owner("default", "anonymous")


def words(seed: int, count: int) -> str:
    """A text that is another for every ``seed``."""
    return f"number {seed} " + " ".join(WORDS[(seed * 7 + index * index) % len(WORDS)] for index in range(count))


def messages(name: str, count: int, length: int) -> Sequence[Item]:
    """A conversation without branches."""
    found: list[Item] = []
    for number in range(count):
        role, kind = ("assistant", "output_text") if number % 2 else ("user", "input_text")
        text = words(hash((name, number)) % 10_000, length)
        parent = found[-1].id if found else START
        fields = {"content": [{"type": kind, "text": text}]}
        found.append(
            Item(
                f"msg_{name}_{number}",
                "message",
                role,
                "completed",
                fields,
                number,
                text,
                parent,
                output=number % 2 > 0,
            )
        )
    return found


async def fill(settings: StoreSettings) -> None:
    """As many conversations as the figures speak of."""
    store = build(settings)
    for number in range(CONVERSATIONS):
        name = f"conv_{number:05d}"
        items = messages(name, MESSAGES, 50)
        made = Conversation(name, number, number, f"Title {number}", "user", items[-1].id)
        await store.conversations.create(OWNER, made, items)
    items = messages("conv_long", LONG, 80)
    await store.conversations.create(OWNER, Conversation("conv_long", 1, 1, "Long", "user", items[-1].id), items)
    await store.close()


class Client:
    """Asks an application as a server would."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
        """The answer's body; `RuntimeError` if it is an error."""
        where, _, query = path.partition("?")
        sent: list[bytes] = []
        status = 0
        given: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()}
        ]

        async def receive() -> MutableMapping[str, Any]:
            if not given:
                await asyncio.Event().wait()
            return given.pop()

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            sent.append(message.get("body", b""))

        headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1")]
        scope = {"type": "http", "method": method, "path": where, "query_string": query.encode(), "headers": headers}
        await self._application({**scope, "client": ("127.0.0.1", 1), "scheme": "http"}, receive, send)
        if status != 200:
            raise RuntimeError(b"".join(sent))
        return json.loads(b"".join(sent))


async def milliseconds(work: Callable[[], Awaitable[Any]], rounds: int) -> tuple[float, float]:
    """Median and 95th percentile."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken), sorted(taken)[int(0.95 * (rounds - 1))]


async def measure(settings: StoreSettings) -> None:
    """All figures, as rows of a table."""
    start = time.perf_counter()
    await fill(settings)
    print(f"{CONVERSATIONS} conversations made in {time.perf_counter() - start:.0f} s")
    answer = whole({"role": "assistant", "content": words(1, 80)})
    models = {"m": ModelSettings((DeploymentSettings("p"),))}
    served = Settings(models=models, store=settings, log=LogSettings(requests=False))
    ask = Client(assemble(served, {"p": Scripted([answer], Usage(1, 1))}))
    page = (await ask("GET", "/v1/conversations?limit=50"))["data"]
    middle = page[-1]["id"]
    rows: list[tuple[str, Callable[[], Awaitable[Any]], int]] = [
        ("first page of 50", lambda: ask("GET", "/v1/conversations?limit=50"), 50),
        ("page of 50 in the middle", lambda: ask("GET", "/v1/conversations?limit=50&after=conv_05000"), 50),
        ("search, found often", lambda: ask("GET", "/v1/conversations?query=river"), 20),
        ("search, found nowhere", lambda: ask("GET", "/v1/conversations?query=nowhere"), 20),
        ("2,000 messages", lambda: ask("GET", "/v1/conversations/conv_long/items?limit=2000&order=asc"), 20),
        ("the last 50 of them", lambda: ask("GET", "/v1/conversations/conv_long/items?limit=50"), 50),
    ]
    assert middle
    for name, work, rounds in rows:
        median, late = await milliseconds(work, rounds)
        print(f"| {name} | {median:.1f} | {late:.1f} |")
    body = {"model": "m", "input": "Hello"}
    made = (await ask("POST", "/v1/conversations", {}))["id"]
    kinds = {"not kept": body | {"store": False}, "kept": body, "in a conversation": body | {"conversation": made}}
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, asked in kinds.items():
            start = time.perf_counter()
            await ask("POST", "/v1/responses", asked)
            taken[name].append((time.perf_counter() - start) * 1e3)
    for name, each in taken.items():
        print(f"| response, {name} | {statistics.median(each):.2f} | {sorted(each)[int(0.95 * ROUNDS)]:.2f} |")


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", help="an empty database; by default a file of SQLite's")
    url = parser.parse_args().url
    with tempfile.TemporaryDirectory() as folder:
        kept = ConversationSettings(titles="words")
        where = Secret(url or f"sqlite:///{Path(folder) / 'forebay.db'}")
        asyncio.run(measure(StoreSettings(where, journal=str(Path(folder) / "journal"), conversations=kept)))


if __name__ == "__main__":
    main()
