#!/usr/bin/env python3
"""How well a watermark is found: by length, after attacks, and how often in texts that have none.

    python bench/watermark_corpus.py       # once: the texts, about half an hour on two cores
    python bench/watermark.py [--folder ~/.cache/forebay-bench/watermark] [--plots docs/plots]

All of it goes the way of a text that somebody sends: normalised, tokenised, tested. A text is found where the exact
binomial p of the whole is below the share of clean texts that may be found by mistake (FPR). It prints tables in
Markdown and draws the shares found against the length.
"""

import argparse
import json
import math
import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from plot import Axes, Curve, svg
from watermark_corpus import FOLDER, KEYS

from forebay.core.marks import SchemeName
from forebay.engine.reading import Reading
from forebay.watermark.detector import Finding, Hypothesis, detect
from forebay.watermark.keyring import Parameters, scheme_of
from forebay.watermark.normalise import normalised

LEVELS: Final = (1e-2, 1e-3, 1e-5)
LENGTHS: Final = (25, 50, 75, 100, 150, 200, 300, 400)
SHARES: Final = (0.1, 0.3, 0.5, 0.7)
LENGTH: Final = 200
INSIDE, AROUND = 50, 150
NULL_KEYS: Final[dict[SchemeName, int]] = {
    "keyed": 8000,
    "gumbel": 8000,
    "kgw-lefthash": 1000,
    "kgw-selfhash": 1000,
    "hf-selfhash": 1000,
}
# A key of this scheme takes a hash table of its own, and that two seconds: fewer keys, and more texts for each.
FEW_KEYS: Final[dict[SchemeName, int]] = {"hf-selfhash": 8}
VOCABULARY: Final = 49152
LOOK_ALIKES: Final = str.maketrans("aeopcxy", "аеорсху")  # noqa: RUF001  # that is the attack

Text = dict[str, object]
Ids = list[int]


def hypothesis(name: SchemeName, secret: str | None = None) -> Hypothesis:
    """The scheme with the corpus' key, or another one."""
    own = KEYS["ours" if name in {"keyed", "gumbel"} else "theirs"]
    return Hypothesis("", name, scheme_of(secret or own, Parameters(name, 0.25, None, VOCABULARY)))


class Bench:
    """The corpus, and the tokenizer of its model."""

    def __init__(self, folder: Path, model: str) -> None:
        self._folder = folder
        self._reading = Reading(model)

    def texts(self, name: str) -> list[Text]:
        """A set of the corpus; none where it was not written."""
        file = self._folder / f"{name}.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def ids(self, text: str) -> Ids:
        """As a text is examined."""
        return self._reading.read(normalised(text)).ids

    def found(self, ids: Sequence[int], name: SchemeName) -> Finding:
        """What is seen in a text."""
        return detect(ids, [hypothesis(name)]).best

    def cut(self, ids: Ids, length: int) -> str:
        """The first tokens of a text, as text."""
        return b"".join(self._pieces[token] for token in ids[:length]).decode("utf-8", "ignore")

    @property
    def _pieces(self) -> list[bytes]:
        self._reading.read("")
        tokenizer = self._reading._tokenizer  # noqa: SLF001
        assert tokenizer is not None
        return tokenizer.pieces


def share(p: Sequence[float], level: float) -> float:
    """How many of the texts are found."""
    return sum(each < level for each in p) / len(p)


def by_length(bench: Bench, name: SchemeName, temperature: float) -> dict[int, list[float]]:
    """The p of every text of a set, cut to each length."""
    corpus = [bench.ids(str(text["text"])) for text in bench.texts(f"{name}-{temperature}")]
    longest = min(map(len, corpus), default=0)
    chosen = {
        length: [bench.found(ids[:length], name).p for ids in corpus] for length in LENGTHS if length < longest + 20
    }
    return {length: p for length, p in chosen.items() if p}


def null(bench: Bench, name: SchemeName) -> dict[float, tuple[int, int]]:
    """How many (key, clean text) are found at each level, whole or by window, of how many."""
    corpus = [bench.ids(str(text["text"]))[:LENGTH] for text in bench.texts("null-1.0")]
    found = []
    for number in range(NULL_KEYS[name]):
        key = number // -(-NULL_KEYS[name] // FEW_KEYS[name]) if name in FEW_KEYS else number
        secret = f"a secret of the null {key}" if name in {"keyed", "gumbel"} else str(10_000_019 + 2 * key)
        found.append(detect(corpus[number % len(corpus)], [hypothesis(name, secret)]).best)
    return {level: (sum(each.p < level for each in found), len(found)) for level in LEVELS[:2]} | {
        -level: (sum(each.window_p < level for each in found), len(found)) for level in LEVELS[:2]
    }


def interval(count: int, total: int) -> tuple[float, float]:
    """The 99 % interval of a share (Wilson)."""
    z, p = 2.5758, count / total
    middle, half = p + z * z / 2 / total, z * math.sqrt(p * (1 - p) / total + z * z / 4 / total**2)
    scale = 1 + z * z / total
    return (middle - half) / scale, (middle + half) / scale


def attacks(clean: Sequence[str], pick: random.Random) -> dict[str, Callable[[str], str]]:
    """What is done to a marked text, by name."""
    words = [word for text in clean for word in text.split()]

    def substituted(amount: float) -> Callable[[str], str]:
        return lambda text: " ".join(pick.choice(words) if pick.random() < amount else each for each in text.split(" "))

    def deleted(amount: float) -> Callable[[str], str]:
        return lambda text: " ".join(each for each in text.split(" ") if pick.random() >= amount)

    return {
        "none (text → tokens again)": str,
        **{f"{amount:.0%} of words substituted": substituted(amount) for amount in SHARES},
        "10% of words deleted": deleted(0.1),
        "30% of words deleted": deleted(0.3),
        "lower case": str.lower,
        "look-alike letters": lambda text: text.translate(LOOK_ALIKES),
        "zero-width characters": "\u200b".join,
    }


def attacked(bench: Bench, name: SchemeName, temperature: float) -> list[tuple[str, list[Finding]]]:
    """What is seen after each attack on texts of `LENGTH` tokens."""
    clean = [str(text["text"]) for text in bench.texts("null-1.0")]
    marked = [bench.cut(bench.ids(str(text["text"])), LENGTH) for text in bench.texts(f"{name}-{temperature}")]
    found = []
    for what, attack in attacks(clean, random.Random(5)).items():
        found.append((what, [bench.found(bench.ids(attack(text)), name) for text in marked]))
    return found


def inside(bench: Bench, name: SchemeName, temperature: float) -> tuple[float, float]:
    """Which share of 50 marked tokens in 150 clean ones is found at 1e-2: by the whole, by the windows."""
    clean = [bench.ids(str(text["text"])) for text in bench.texts("null-1.0")]
    found = []
    for number, text in enumerate(bench.texts(f"{name}-{temperature}")):
        ids, around = bench.ids(str(text["text"])), clean[number % len(clean)]
        half = AROUND // 2
        for begin in (20, 90):
            mixed = around[:half] + ids[begin : begin + INSIDE] + around[half:AROUND]
            found.append(bench.found(mixed, name))
    return share([each.p for each in found], 1e-2), share([each.window_p for each in found], 1e-2)


def told_lengths(bench: Bench, plots: Path | None) -> None:
    """The shares found, by length."""
    print("\n| scheme | temperature | texts | FPR | " + " | ".join(map(str, LENGTHS)) + " |")
    print("|---|---|---|---|" + "---|" * len(LENGTHS))
    curves = []
    for name in NULL_KEYS:
        for temperature in (1.0, 0.7):
            found = by_length(bench, name, temperature)
            for level in LEVELS if found else ():
                cells = [f"{share(found[each], level):.3f}" if each in found else "-" for each in LENGTHS]
                count = len(next(iter(found.values())))
                print(f"| {name} | {temperature} | {count} | {level:.0e} | {' | '.join(cells)} |")
                if name == "keyed" and temperature == 1.0:
                    curves.append(Curve(f"FPR {level:.0e}", [(each, share(found[each], level)) for each in found]))
    if plots is not None and curves:
        axes = Axes("Marked texts that are found (keyed, δ 2, temperature 1)", "tokens", "share found")
        (plots / "watermark-length.svg").write_text(svg(axes, curves))


def told_null(bench: Bench) -> None:
    """How often a clean text is found."""
    print("\n| scheme | keys | p < 1e-2 (99 % interval) | p < 1e-3 | windows < 1e-2 | windows < 1e-3 |")
    print("|---|---|---|---|---|---|")
    for name in NULL_KEYS:
        found = null(bench, name)
        cells = []
        for level in (1e-2, 1e-3, -1e-2, -1e-3):
            low, high = interval(*found[level])
            cells.append(f"{found[level][0] / found[level][1]:.4f} ({low:.4f} to {high:.4f})")
        print(f"| {name} | {NULL_KEYS[name]} | {' | '.join(cells)} |", flush=True)


def told_attacks(bench: Bench) -> None:
    """What attacks leave of the mark."""
    for temperature in (1.0, 0.7):
        print(f"\n| {LENGTH} tokens (keyed, temperature {temperature}) | mean z | p < 1e-2 | p < 1e-3 | p < 1e-5 |")
        print("|---|---|---|---|---|")
        for what, found in attacked(bench, "keyed", temperature):
            z, p = statistics.mean(each.z for each in found), [each.p for each in found]
            print(f"| {what} | {z:.1f} | " + " | ".join(f"{share(p, level):.3f}" for level in LEVELS) + " |")
        whole, windows = inside(bench, "keyed", temperature)
        print(f"\n{INSIDE} marked tokens in {AROUND} clean ones, at 1e-2: whole {whole:.3f}, windows {windows:.3f}")


def told_perplexity(bench: Bench) -> None:
    """What the mark costs in the model's own eyes."""
    print("\n| scheme | temperature | perplexity | without a mark |\n|---|---|---|---|")
    for name in NULL_KEYS:
        for temperature in (1.0, 0.7):
            marked, clean = bench.texts(f"{name}-{temperature}"), bench.texts(f"null-{temperature}")
            if marked and clean and marked[0]["tokens"] == clean[0]["tokens"]:
                values = [
                    math.exp(-statistics.mean(float(str(t["logprob"])) for t in texts)) for texts in (marked, clean)
                ]
                print(f"| {name} | {temperature} | {values[0]:.2f} | {values[1]:.2f} |")


def main() -> None:
    """Print all tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=FOLDER)
    arguments.add_argument("--model", default="smollm2")
    arguments.add_argument("--plots", type=Path)
    arguments.add_argument("--only", choices=("perplexity", "lengths", "attacks", "null"))
    given = arguments.parse_args()
    bench = Bench(given.folder.expanduser(), given.model)
    if given.only in {None, "perplexity"}:
        told_perplexity(bench)
    if given.only in {None, "lengths"}:
        told_lengths(bench, given.plots)
    if given.only in {None, "attacks"}:
        told_attacks(bench)
    if given.only in {None, "null"}:
        told_null(bench)


if __name__ == "__main__":
    main()
