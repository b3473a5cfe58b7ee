#!/usr/bin/env python3
"""Trains the second check of the semantic cache and writes it where Forebay reads it.

    pip install scikit-learn
    python bench/cache/semantic_train.py [--output src/forebay/cache/semantic/verify/check.json]

It learns from the templates of `semantic_pairs` filled with the training half of `semantic_words`, and from nothing
else. Only pairs that no rule tells apart are used: the others never come to the second check. Monotonic constraints say
what is known beforehand, so that few examples are enough: a larger cosine or overlap never speaks against a pair, a
further difference never for it. What it prints is the outcome on the other half of the words.
"""

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from semantic_pairs import Example, examples
from semantic_vectors import Cosines
from semantic_words import MEASURED, TRAINING
from sklearn.ensemble import HistGradientBoostingClassifier

from forebay.cache.semantic.normalise import normalise
from forebay.cache.semantic.verify.features import NAMES, features
from forebay.cache.semantic.verify.reading import read
from forebay.cache.semantic.verify.rules import broken
from forebay.cache.semantic.verify.trees import Tree, Trees

OUTPUT: Final = Path(__file__).parents[2] / "src/forebay/cache/semantic/verify/check.json"
SIGNS: Final = {"cosine": 1, "overlap": 1, "same_kind": 1, "content": 1}
FALLING: Final = {name for name in NAMES if name.endswith(("_apart", "_most"))} - {"length_apart"}


def rows(made: list[Example], cosines: Cosines) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The features and labels of what the rules let pass."""
    data, labels = [], []
    for (asked, stored), same in made:
        one, other = normalise(asked), normalise(stored)
        if one == other or broken(read(one), read(other)):
            continue
        data.append(features(read(one), read(other), cosines(one, other)))
        labels.append(same)
    return np.array(data, np.float64), np.array(labels)


def exported(model: HistGradientBoostingClassifier) -> Trees:
    """The trees of a trained model in the form that Forebay evaluates."""
    trees = []
    for (predictor,) in model._predictors:  # noqa: SLF001 - scikit-learn shows its trees nowhere else
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        trees.append(
            Tree(
                feature=np.where(leaf, -1, nodes["feature_idx"]).tolist(),
                threshold=np.where(leaf, 0, np.round(nodes["num_threshold"], 6)).tolist(),
                left=nodes["left"].tolist(),
                right=nodes["right"].tolist(),
                value=np.where(leaf, np.round(nodes["value"], 6), 0).tolist(),
            )
        )
    return Trees(list(NAMES), float(model._baseline_prediction.item()), trees)  # noqa: SLF001 - as above


def main() -> None:
    """Train, measure on the other words, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cosines = Cosines()
    data, labels = rows(examples(TRAINING, options.seed), cosines)
    signs = [SIGNS.get(name, -1 if name in FALLING else 0) for name in NAMES]
    model = HistGradientBoostingClassifier(
        max_iter=80, max_depth=4, learning_rate=0.1, min_samples_leaf=20, l2_regularization=1.0,
        monotonic_cst=signs, class_weight="balanced", random_state=options.seed,
    ).fit(data, labels)  # fmt: skip
    trees = exported(model)
    options.output.write_bytes(msgspec.json.encode(trees))
    print(f"{len(labels)} pairs, {labels.mean():.0%} the same; {options.output.stat().st_size} bytes")
    held, truth = rows(examples(MEASURED, options.seed + 1), cosines)
    found = np.array([trees.probability(row) for row in held.tolist()])
    assert np.allclose(found, model.predict_proba(held)[:, 1], atol=1e-3), "the export is not the model"
    for least in (0.3, 0.5, 0.7, 0.8, 0.9):
        print(f"certainty {least}: {(found[truth] >= least).mean():.1%} of the same, "
              f"{(found[~truth] >= least).mean():.1%} of the others pass")  # fmt: skip


if __name__ == "__main__":
    main()
