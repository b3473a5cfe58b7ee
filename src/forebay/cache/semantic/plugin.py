"""The semantic tier as a plug-in, by the name ``local``: its vectors are made and searched in this process."""

from forebay.cache.semantic.settings import IndexSettings
from forebay.cache.semantic.tier import SemanticTier
from forebay.plugins import SimilarPlugin, embedder_plugin


def _build(settings: IndexSettings) -> SemanticTier:
    return SemanticTier(embedder_plugin(settings.embedder).build(), settings)


plugin = SimilarPlugin(settings=IndexSettings, build=_build)
