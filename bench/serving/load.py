"""The load: the same prompts for every OpenAI-compatible server, greedy, streamed, over /v1/completions.

Prompts have about 128 tokens and all differ. `ignore_eos` makes every answer as long as was asked for.
"""

import asyncio
import json
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

MODEL = "smollm2"
"""The name under which every server offers its model."""

ANSWER_SECONDS = 600
WORDS_OF_A_PROMPT = 112
WORDS = (
    "river market engine quiet harbour letter garden winter signal bridge copper window forest teacher number "
    "morning island paper stone music summer doctor village captain mirror orange yellow silver planet desert "
    "kitchen library ocean mountain"
)


class AnswerError(Exception):
    """A server answered with an error, or with nothing."""


@dataclass(frozen=True)
class Load:
    """Where requests go, and how many tokens each asks for."""

    url: str
    key: str
    tokens: int


@dataclass(frozen=True)
class Answer:
    """The figures of one answer, in seconds."""

    ttft: float
    tpot: float
    tokens: int


@dataclass(frozen=True)
class Level:
    """The figures of all answers at one concurrency."""

    concurrency: int
    requests: int
    tokens_per_s: float
    ttft_p50_ms: float
    tpot_p50_ms: float


def prompts(count: int) -> list[str]:
    """So many prompts, the same in every run."""
    words, picks = WORDS.split(), random.Random(7)
    return [
        "Write a story that uses these words: " + " ".join(picks.choice(words) for _ in range(WORDS_OF_A_PROMPT)) + "."
        for _ in range(count)
    ]


def run(load: Load, texts: Sequence[str], concurrency: int) -> Level:
    """Ask with all of ``texts``, so many at a time.

    Raises:
        AnswerError: an answer was none.
        aiohttp.ClientError: a connection failed.
    """
    answers, wall = asyncio.run(_ask_all(load, texts, concurrency))
    return Level(
        concurrency=concurrency,
        requests=len(answers),
        tokens_per_s=round(sum(answer.tokens for answer in answers) / wall, 1),
        ttft_p50_ms=round(1e3 * statistics.median(answer.ttft for answer in answers), 1),
        tpot_p50_ms=round(1e3 * statistics.median(answer.tpot for answer in answers), 2),
    )


async def _ask_all(load: Load, texts: Sequence[str], concurrency: int) -> tuple[list[Answer], float]:
    """The answers, and the seconds that they took all together."""
    todo = iter(texts)
    answers: list[Answer] = []
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        headers={"authorization": f"Bearer {load.key}"},
    ) as session:

        async def worker() -> None:
            for text in todo:
                answer = await _ask(session, load, text)
                answers.append(answer)

        start = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        return answers, time.perf_counter() - start


async def _ask(session: aiohttp.ClientSession, load: Load, prompt: str) -> Answer:
    body = {
        "model": MODEL,
        "prompt": prompt,
        "max_tokens": load.tokens,
        "temperature": 0,
        "stream": True,
        "ignore_eos": True,
        "stream_options": {"include_usage": True},
    }
    start = time.perf_counter()
    async with session.post(f"{load.url}/v1/completions", json=body) as reply:
        if reply.status != 200:
            raise AnswerError(f"{reply.status} {(await reply.text())[:300]}")
        return await _read(reply, start)


async def _read(reply: aiohttp.ClientResponse, start: float) -> Answer:
    chunks, tokens = 0, 0
    first = last = start
    async for line in reply.content:
        if not line.startswith(b"data: ") or line[6:].strip() == b"[DONE]":
            continue
        event = json.loads(line[6:])
        tokens = (event.get("usage") or {}).get("completion_tokens") or tokens
        if event.get("choices"):
            last = time.perf_counter()
            first = last if chunks == 0 else first
            chunks += 1
    if chunks == 0:
        raise AnswerError("a stream without content")
    tokens = tokens or chunks
    return Answer(ttft=first - start, tpot=(last - first) / max(tokens - 1, 1), tokens=tokens)
