#!/usr/bin/env python3
"""Writes the texts that `watermark.py` measures with: the embedded model's, marked in every way and not at all.

    python bench/watermark_corpus.py [--folder ~/.cache/forebay-bench/watermark] [--only keyed-1.0,null-1.0]

Each set is a file of JSON lines: a text, how many tokens it has, and the mean log-probability that the model itself
gives them, at temperature 1 and without the mark. A set that is there already is kept.
"""

import argparse
import asyncio
import json
import random
import time
from pathlib import Path
from typing import NamedTuple

from forebay.core.marks import SchemeName
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Trace, Whole
from forebay.engine.options import EngineSettings
from forebay.engine.provider import EngineProvider
from forebay.settings import WatermarkSettings
from forebay.watermark.keyring import KeyRing
from forebay.watermark.marks import Mark

FOLDER = Path("~/.cache/forebay-bench/watermark")
KEYS = {"ours": "a secret of the benchmark", "theirs": "15485863"}
AT_ONCE = 32
KINDS = ("A short history of", "A letter to a friend about", "Some thoughts on", "A story about", "An introduction to")
TOPICS = (
    "bridges", "the sea", "an old library", "winter", "bread", "a lost letter", "mountains", "the radio", "gardens",
    "trains", "a small harbour", "music", "the weather", "a market town", "clocks", "rivers", "a long walk", "school",
    "the moon", "birds", "a broken engine", "maps", "coffee", "a festival", "glass", "forests", "the first snow",
    "tools", "a neighbour", "bicycles", "sleep", "numbers", "a theatre", "stones", "ships", "the desert", "salt",
    "a promise", "windows", "paper",
)  # fmt: skip


class Corpus(NamedTuple):
    """A set of texts: how they are marked (``None``: not), at which temperature, and how many of which length."""

    scheme: SchemeName | None
    temperature: float
    texts: int
    tokens: int

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.scheme or 'null'}-{self.temperature}"


SETS = (
    Corpus("keyed", 1.0, 192, 400),
    Corpus(None, 1.0, 128, 400),
    Corpus("kgw-lefthash", 1.0, 64, 200),
    Corpus("gumbel", 1.0, 64, 200),
    Corpus("keyed", 0.7, 96, 400),
    Corpus("kgw-lefthash", 0.7, 64, 200),
    Corpus("gumbel", 0.7, 64, 200),
    Corpus("hf-selfhash", 1.0, 32, 200),
    Corpus("kgw-selfhash", 1.0, 32, 200),
    Corpus(None, 0.7, 64, 400),
)


def watermark(corpus: Corpus) -> Mark | None:
    """What the texts of a set are marked with: a quarter is green, by a bias of 2."""
    if corpus.scheme is None:
        return None
    key = "ours" if corpus.scheme in {"keyed", "gumbel"} else "theirs"
    return Mark(KeyRing(KEYS), WatermarkSettings(key=key, scheme=corpus.scheme))


async def text(provider: EngineProvider, corpus: Corpus, number: int) -> dict[str, object]:
    """The ``number``-th text of a set."""
    pick = random.Random(number)
    prompt = f"{pick.choice(KINDS)} {pick.choice(TOPICS)}.\n\n"
    body = {
        "prompt": prompt,
        "max_tokens": corpus.tokens,
        "min_tokens": corpus.tokens,
        "temperature": corpus.temperature,
        "top_p": 1.0,
        "logprobs": 0,
    }
    request = Request(Operation.COMPLETION, "m", json.dumps(body).encode())
    call = Call("bench", request, Principal("bench"), Trace(time.perf_counter()))
    reply = await provider.answer(call, Deployment("m", "engine", "m"))
    assert isinstance(reply, Whole)
    (choice,) = json.loads(reply.body)["choices"]
    logprobs = choice["logprobs"]["token_logprobs"]
    return {"text": choice["text"], "tokens": len(logprobs), "logprob": sum(logprobs) / len(logprobs)}


async def write(provider: EngineProvider, corpus: Corpus, folder: Path) -> None:
    """All texts of a set, so many at once."""
    target = folder / f"{corpus.name}.jsonl"
    if target.exists():
        return
    provider.mark_with(watermark(corpus))
    start, gate = time.perf_counter(), asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> dict[str, object]:
        async with gate:
            return await text(provider, corpus, number)

    found = await asyncio.gather(*(one(number) for number in range(corpus.texts)))
    draft = target.with_suffix(".part")
    draft.write_text("".join(json.dumps(each) + "\n" for each in found))
    draft.replace(target)
    seconds = time.perf_counter() - start
    print(f"{corpus.name}: {corpus.texts} texts, {corpus.texts * corpus.tokens / seconds:.0f} tokens/s", flush=True)


async def main() -> None:
    """Write what is missing."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=FOLDER)
    arguments.add_argument("--model", default="smollm2")
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    folder = given.folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = given.only.split(",") if given.only else [each.name for each in SETS]
    settings = EngineSettings(model=given.model, prefix_cache="off", kv_cache=1024**3)
    provider = EngineProvider(settings)
    await provider.start()
    try:
        for corpus in SETS:
            if corpus.name in chosen:
                await write(provider, corpus, folder)
    finally:
        await provider.close()


if __name__ == "__main__":
    asyncio.run(main())
