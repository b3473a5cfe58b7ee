"""Writes `reference.json`: what torch and transformers make of some contexts, for the tests to be compared with.

    python tests/watermark/reference.py

It needs torch and transformers, which the tests do not.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]
from transformers import LlamaConfig, WatermarkDetector, WatermarkingConfig, WatermarkLogitsProcessor

SIZES = (1000, 32000, 49152, 50257, 128256)
KEY = 15485863
GAMMA = 0.25
CONTEXTS = 20
KGW_TABLE = 2971215073


def digest(green: torch.Tensor, size: int) -> str:
    mask = np.zeros(size, bool)
    mask[green.numpy()] = True
    return hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()


def kgw_selfhash(window: torch.Tensor, size: int, table: torch.Tensor) -> torch.Tensor:
    """As in the code of KGW's paper: ``anchored_minhash_prf``, then the permutation."""
    hashed = table[window % len(table)] + 1
    seed = int((KEY * hashed * hashed[-1]).min())
    generator = torch.Generator()
    generator.manual_seed(seed % (2**64 - 1))
    return torch.randperm(size, generator=generator)[: int(size * GAMMA)]


def marked(processor: WatermarkLogitsProcessor, size: int, length: int) -> list[int]:
    tokens = torch.randint(0, size, (1, 4))
    while tokens.shape[1] < length:
        scores = processor(tokens, 2 * torch.randn(1, size))
        tokens = torch.cat([tokens, torch.multinomial(scores.softmax(-1), 1)], dim=1)
    found: list[int] = tokens[0].tolist()
    return found


def texts(size: int, scheme: str, width: int) -> list[dict[str, object]]:
    config = WatermarkingConfig(greenlist_ratio=GAMMA, bias=3.0, seeding_scheme=scheme, context_width=width)
    processor = WatermarkLogitsProcessor(size, "cpu", GAMMA, 3.0, KEY, scheme, width)
    model = LlamaConfig(vocab_size=size, bos_token_id=None)
    detector = WatermarkDetector(model, "cpu", config, ignore_repeated_ngrams=True)
    found = []
    for length, mark in ((60, True), (200, True), (200, False)):
        tokens = marked(processor, size, length) if mark else torch.randint(0, size, (length,)).tolist()
        said: Any = detector(torch.tensor([tokens]), return_dict=True)
        found.append({"tokens": tokens, "z": float(said.z_score[0]), "scored": int(said.num_tokens_scored[0])})
    return found


def main() -> None:
    torch.manual_seed(8)
    generator = torch.Generator()
    generator.manual_seed(KGW_TABLE)
    table = torch.randperm(1_000_003, generator=generator)
    lists = []
    for size in SIZES:
        left = WatermarkLogitsProcessor(size, "cpu", GAMMA, 2.0, KEY, "lefthash", 1)
        own = WatermarkLogitsProcessor(size, "cpu", GAMMA, 2.0, KEY, "selfhash", 4)
        windows = torch.randint(0, size, (CONTEXTS, 4))
        lists += [
            {
                "size": size,
                "window": window.tolist(),
                "kgw-lefthash": digest(left._get_greenlist_ids(window), size),
                "hf-selfhash": digest(own._get_greenlist_ids(window), size),
                "kgw-selfhash": digest(kgw_selfhash(window, size, table), size),
            }
            for window in windows
        ]
    found = {
        "key": KEY,
        "gamma": GAMMA,
        "lists": lists,
        "texts": {
            "kgw-lefthash": texts(1000, "lefthash", 1),
            "hf-selfhash": texts(1000, "selfhash", 4),
        },
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
