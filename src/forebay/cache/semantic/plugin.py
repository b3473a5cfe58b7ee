"""The semantic tier as a plug-in, by the name ``local``: its vectors are made in this process."""

from forebay.cache.semantic.holding import SharesQuestions
from forebay.cache.semantic.settings import IndexSettings
from forebay.cache.semantic.tier import SemanticTier
from forebay.core.ports import CacheStore
from forebay.plugins import EMBEDDERS, SimilarPlugin


def _build(settings: IndexSettings, store: CacheStore) -> SemanticTier:
    shared = store if isinstance(store, SharesQuestions) else None
    return SemanticTier(EMBEDDERS.plugin(settings.embedder).build(), settings, shared=shared)


plugin = SimilarPlugin(settings=IndexSettings, build=_build)
