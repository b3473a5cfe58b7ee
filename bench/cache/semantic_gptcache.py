#!/usr/bin/env python3
"""GPTCache as it comes, beside the semantic cache: run by `semantic.py` in an environment that has GPTCache.

It gets the vectors of the same model and keeps everything else: FAISS, SQLite, the distance as evaluation, and its
threshold of 0.8. Each pair is one lookup in a store that holds all stored questions.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from gptcache import Cache, Config
from gptcache.adapter.api import get, put
from gptcache.manager import CacheBase, VectorBase, get_data_manager
from gptcache.processor.pre import get_prompt
from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation

from forebay.engine import catalog, library
from forebay.engine.minilm import Embedder

LONGEST = 512
MOST = 500


def main() -> None:
    """Read the pairs, ask, print a row of each table."""
    rows = json.load(sys.stdin)[:MOST]
    embedder = Embedder(library.ensure(catalog.EMBEDDING), threads=1, precision="i8")

    def embed(text: str, **_: object) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        return embedder.embed(embedder.tokens(text, LONGEST))

    folder = tempfile.mkdtemp()  # It writes there at its end, after everything of ours.
    manager = get_data_manager(
        CacheBase("sqlite", sql_url=f"sqlite:///{Path(folder) / 'cache.db'}"),
        VectorBase("faiss", dimension=embedder.dimensions, index_path=str(Path(folder) / "index")),
    )
    cache = Cache()
    cache.init(
        pre_embedding_func=get_prompt,
        embedding_func=embed,
        data_manager=manager,
        similarity_evaluation=SearchDistanceEvaluation(),
        config=Config(),
    )
    for _, stored, _ in rows:
        put(stored, stored, cache_obj=cache)
    right, wrong, taken = 0, 0, []
    for asked, stored, same in rows:
        start = time.perf_counter()
        answer = get(asked, cache_obj=cache)
        taken.append((time.perf_counter() - start) * 1e3)
        right += answer == stored and same
        wrong += answer is not None and not (answer == stored and same)
    taken.sort()
    possible = sum(same for *_, same in rows)
    print(f"\nGPTCache, {len(rows)} entries: recall {right / possible:.3f}, false hits per lookup "
          f"{wrong / len(rows):.2%}, lookup p50 {taken[len(taken) // 2]:.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
