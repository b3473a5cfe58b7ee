#!/usr/bin/env python3
"""What the semantic cache finds, what it finds wrongly, how long it takes and how much memory it needs.

    python bench/cache/semantic.py --pairs FILE [--part test] [--gptcache PYTHON] [--only quality,edits,latency,peer]

FILE has a JSON object a line: ``text_a``, ``text_b`` and ``label`` (1: the same question). Each pair is one lookup: the
one question is stored, the other is asked. The pairs are divided by their questions (all that are connected lie on one
side), so that no question of the part ``test`` was seen while the rules were made. PYTHON is an interpreter that has
GPTCache. Beside Forebay stands the cosine alone, at thresholds that others come with.
"""

import argparse
import asyncio
import hashlib
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from semantic_edits import Pair, harmless, minimal
from semantic_vectors import Cosines
from semantic_words import MEASURED

from forebay.cache.semantic.index import packed
from forebay.cache.semantic.normalise import normalise
from forebay.cache.semantic.refusals import about_form, changeable
from forebay.cache.semantic.settings import DEMANDS, IndexSettings, Strictness
from forebay.cache.semantic.tier import SemanticTier
from forebay.cache.semantic.verify.verifier import Verifier
from forebay.core.entries import Entry, Question
from forebay.engine.sentences import SentenceEmbedder

COUNT: Final = 500
"""Edits a kind."""
ALONE: Final = (0.8, 0.9, 0.95, 0.98)
THRESHOLDS: Final = (0.88, 0.92, 0.95)
SIZES: Final = (10_000, 100_000)
LOOKUPS: Final = 300
GOALS: Final = "goals: at most 0.8 % false per lookup at recall 0.22; 1 % false a kind; harmless edits 97 % hits"
MIB: Final = 1e6

Judge = Callable[[str, str], bool]


class Labelled(NamedTuple):
    """A pair of the file."""

    pair: Pair
    same: bool


def read_pairs(path: Path, part: str) -> list[Labelled]:
    """The pairs of ``part`` ("dev" or "test")."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    made = [Labelled((row["text_a"], row["text_b"]), bool(row["label"])) for row in rows]
    parents: dict[str, str] = {}

    def root(text: str) -> str:
        while parents.setdefault(text, text) != text:
            text = parents[text]
        return text

    for (one, other), _ in made:
        first, second = sorted((root(one), root(other)))
        parents[second] = first
    side = {"dev": 0, "test": 1}[part]
    return [row for row in made if hashlib.sha256(root(row.pair[0]).encode()).digest()[0] % 2 == side]


def judges(cosines: Cosines) -> dict[str, Judge]:
    """What is compared, each as a decision about two texts."""

    def alone(threshold: float) -> Judge:
        return lambda one, other: one == other or cosines(one, other) >= threshold

    def ours(strictness: Strictness, threshold: float) -> Judge:
        demands = DEMANDS[strictness]
        verifier = Verifier(demands.certainty)
        least = max(threshold, demands.cosine)

        def judge(one: str, other: str) -> bool:
            here, there = normalise(one), normalise(other)
            if here == there:
                return True
            cosine = cosines(here, there)
            if any(refuses(text) for refuses in (changeable, about_form) for text in (here, there)):
                return False
            return cosine >= least and verifier.refusal(here, there, cosine) is None

        return judge

    made = {f"cosine {threshold} alone": alone(threshold) for threshold in ALONE}
    made |= {f"Forebay, threshold {threshold}": ours("normal", threshold) for threshold in THRESHOLDS}
    return made | {"Forebay, strict": ours("strict", 0.95)}


def quality(rows: Sequence[Labelled], cosines: Cosines) -> None:
    """Recall and false hits on labelled pairs."""
    same = sum(row.same for row in rows)
    print(f"\n{len(rows)} lookups, {same} of which have their question in the store\n")
    print("| | recall | false hits per lookup | of the hits |\n|---|---:|---:|---:|")
    for name, judge in judges(cosines).items():
        hits = [row.same for row in rows if judge(*row.pair)]
        right, wrong = sum(hits), len(hits) - sum(hits)
        share = wrong / len(hits) if hits else 0.0
        print(f"| {name} | {right / same:.3f} | {wrong / len(rows):.2%} | {share:.1%} |")


def edits(cosines: Cosines) -> None:
    """Hits on edits that change the answer, and on edits that do not."""
    wrong, right = minimal(MEASURED, COUNT, seed=11), harmless(MEASURED, COUNT, seed=12)
    compared = judges(cosines)
    print(f"\n{COUNT} edits a kind; hits\n")
    print("| edit | " + " | ".join(compared) + " |\n|---|" + "---:|" * len(compared))
    for kind, pairs in (*wrong.items(), *right.items()):
        hits = [sum(judge(*pair) for pair in pairs) / len(pairs) for judge in compared.values()]
        print(f"| {kind} | " + " | ".join(f"{share:.1%}" for share in hits) + " |")


async def latency(texts: Sequence[str]) -> None:
    """Whole lookups, from the text to the key, in stores of several sizes; and what the entries weigh."""
    print("\n| entries | semantic hit p50 | p99 | miss p50 | same words p50 | memory | rebuilt in |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        embedder = SentenceEmbedder()
        tier = SemanticTier(embedder, IndexSettings(max_entries=size + LOOKUPS))
        await tier.start()
        for text in texts[:50]:
            await tier.find(b"warm", text, 0.5)
        before = resident()
        rebuilt = await fill(tier, size)
        stored = [f"What is the best way to {task}?" for task in tasks(LOOKUPS)]
        for number, text in enumerate(stored):
            await tier.add(hashlib.sha256(text.encode()).digest(), await tier.question(b"s", text), 2e9 + number)
        grown = (resident() - before) / MIB
        hits, found = await timed(tier, [f"How can I {task}?" for task in tasks(LOOKUPS)])
        misses, _ = await timed(tier, texts[100 : 100 + LOOKUPS])
        same, _ = await timed(tier, [text.upper() for text in stored])
        print(
            f"| {size:,} | {hits[LOOKUPS // 2]:.2f} ms | {hits[-LOOKUPS // 100]:.2f} ms | "
            f"{misses[len(misses) // 2]:.2f} ms | {same[LOOKUPS // 2]:.2f} ms | {grown:.0f} MB | {rebuilt:.0f} s |"
        )
        assert found > LOOKUPS * 0.9, f"only {found} of {LOOKUPS} were found"
        await tier.close()


async def timed(tier: SemanticTier, texts: Sequence[str]) -> tuple[list[float], int]:
    """Milliseconds of each lookup, in order, and how many were hits."""
    taken, found = [], 0
    for text in texts:
        start = time.perf_counter()
        match = await tier.find(b"s", text, 0.88)
        taken.append((time.perf_counter() - start) * 1e3)
        found += match is not None
    return sorted(taken), found


async def fill(tier: SemanticTier, size: int) -> float:
    """Fill one scope with vectors near real ones, each with a text of the usual length; how long that took."""
    name = (await tier.question(b"s", "x")).embedder
    chance = np.random.default_rng(5)
    centres = [np.frombuffer((await tier.question(b"s", text)).vector, np.int8) / 127 for text in tasks(400)]

    async def entries() -> AsyncIterator[tuple[bytes, Entry]]:
        for number in range(size):
            vector = centres[number % len(centres)] + chance.normal(0, 0.25, centres[0].shape)
            question = Question(b"s", f"what is the usual length of question number {number:06}", packed(vector), name)
            yield number.to_bytes(32, "big"), Entry(b"", 0, 2e9, question=question)

    start = time.perf_counter()
    assert await tier.rebuild(entries()) == size
    return time.perf_counter() - start


def tasks(count: int) -> list[str]:
    """Different things to do."""
    return [f"{task} in {place}" for task in MEASURED.tasks for place in MEASURED.places][:count]


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def peer(python: Path, rows: Sequence[Labelled]) -> None:
    """GPTCache with the same embedder, its index and its own evaluation, in its own environment."""
    script = Path(__file__).with_name("semantic_gptcache.py")
    asked = json.dumps([[*row.pair, row.same] for row in rows])
    print(subprocess.run([python, script], input=asked, text=True, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--part", choices=["dev", "test"], default="test")
    parser.add_argument("--gptcache", type=Path, metavar="PYTHON")
    parser.add_argument("--only", default="quality,edits,latency,peer")
    options = parser.parse_args()
    wanted = options.only.split(",")
    rows = read_pairs(options.pairs, options.part) if options.pairs else []
    if "quality" in wanted and rows:
        quality(rows, Cosines())
    if "edits" in wanted:
        edits(Cosines())
    if "latency" in wanted:
        asyncio.run(latency([row.pair[0] for row in rows] or tasks(400)))
    if "peer" in wanted and options.gptcache and rows:
        peer(options.gptcache, rows)
    print(f"\n{GOALS}")


if __name__ == "__main__":
    main()
