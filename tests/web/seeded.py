"""A store that holds a month of usage: several models, tenants and keys, errors, cache hits, verdicts and costs."""

import asyncio
import math
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from forebay.core.story import Choice, Heard, Step, Story
from forebay.core.types import Record
from forebay.store.database import Database, parse
from forebay.store.usage import UsageTable
from tests.support.records import record

MODELS = (("fast", "openai/gpt-5-mini", 2.0), ("smollm2", "local/smollm2", 1.0), ("deep", "anthropic/claude", 6.0))
PRINCIPALS = (("alice", "team"), ("bob", "team"), ("carol", "others"))
HOUR = 3600.0
DAY = 24 * HOUR
BATCH = 500
TOO_MANY = 429


def seed(url: str, recent: int = 900, older: int = 900) -> None:
    """``recent`` requests of the last hour, and ``older`` ones of the month before."""
    rows = [*_requests(random.Random(4), recent, older)]  # the same each time
    thread = threading.Thread(target=lambda: asyncio.run(_seed(url, rows)))  # Playwright has the loop of this one
    thread.start()
    thread.join()


def _requests(chance: random.Random, recent: int, older: int) -> Iterator[Record]:
    now = time.time()
    for number in range(recent):
        yield _request(chance, number, now - HOUR * (1 - (number + 0.5) / recent))
    for number in range(older):
        yield _request(chance, recent + number, now - HOUR - 29.5 * DAY * chance.random())


def _request(chance: random.Random, number: int, at: float) -> Record:
    model, deployment, slow = chance.choices(MODELS, (5, 3, 1))[0]
    principal, tenant = chance.choices(PRINCIPALS, (4, 2, 2))[0]
    wave = 1 + 0.6 * math.sin(at / 500)
    hit = chance.random() < 0.3
    ttft = 0.002 if hit else 0.15 * slow * wave * chance.lognormvariate(0, 0.4)
    tpot = None if hit else 0.012 * slow * chance.lognormvariate(0, 0.25)
    tokens = int(chance.lognormvariate(4.6, 0.6))
    plain = record(
        number,
        at=at,
        model=model,
        deployment="cache" if hit else deployment,
        principal=principal,
        tenant=tenant,
        stream=not hit,
        prompt_tokens=int(chance.lognormvariate(5.5, 0.5)),
        completion_tokens=tokens,
        ttft=ttft,
        tpot=tpot,
        latency=ttft + (tpot or 0.0) * (tokens - 1),
        cost=0 if hit else int(tokens * slow * 1_500_000),
        cache="hit" if hit else "miss",
        story=_story(deployment, ttft, hit=hit, masked=chance.random() < 0.2),
    )
    failed = chance.random()
    if failed < 0.04:
        return _ended(plain, TOO_MANY if failed < 0.025 else 502)
    return plain


def _ended(plain: Record, status: int) -> Record:
    return msgspec.structs.replace(
        plain,
        status=status,
        outcome="error",
        ttft=None,
        tpot=None,
        completion_tokens=0,
        cost=None,
        cache="",
        latency=0.02,
        story=_refusal() if status == TOO_MANY else Story(error="upstream_error"),
    )


def _refusal() -> Story:
    return Story(entered=0.0001, steps=(Step("admit", 0.0001, 0.0, 0.0002, 0.0002),), error="rate_limit_exceeded")


def _story(deployment: str, ttft: float, *, hit: bool, masked: bool) -> Story:
    guard = Step("guard", 0.0001, 0.0006, ttft, ttft + 0.0002)
    cache = Step("cache", 0.0006, 0.0 if hit else 0.0009, ttft * 0.99, ttft)
    heard = Heard("pii", "input", "mask", "fixed" if masked else "passed", 0.0004, kinds=("EMAIL",) if masked else ())
    return Story(entered=0.0001, asked=0.001, steps=(guard, cache), choices=(Choice(deployment),), heard=(heard,))


async def _seed(url: str, records: list[Record]) -> None:
    database = Database(parse(url))
    table = UsageTable(database)
    try:
        for first in range(0, len(records), BATCH):
            await table.add([(f"{first + n}", each) for n, each in enumerate(records[first : first + BATCH])])
    finally:
        await database.close()


def database_url(folder: Path) -> str:
    """Where the store is."""
    return f"sqlite:///{folder / 'forebay.db'}"
