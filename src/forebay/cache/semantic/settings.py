"""What may be said about the semantic tier in a settings file, below ``cache.semantic.index``."""

from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

Strictness = Literal["normal", "strict"]
Place = Literal["auto", "process"]


class Demands(NamedTuple):
    """The least cosine, whatever a request says, and how certain the second check must be."""

    cosine: float
    certainty: float


DEMANDS: Final = MappingProxyType({"normal": Demands(0.85, 0.25), "strict": Demands(0.95, 0.8)})


class IndexSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``embedder`` is the plug-in that makes vectors; ``strictness`` how sure a hit must be.

    At most ``max_entries`` questions are kept, the oldest go first. The nearest ``candidates`` are verified. While
    ``max_waiting`` texts wait for their vector, further ones are misses: a hit that comes late is none. With the
    ``place`` "auto" the index is in the store's server if it searches vectors (Redis 8), otherwise in this process.
    """

    embedder: str = "minilm"
    strictness: Strictness = "normal"
    place: Place = "auto"
    max_entries: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    candidates: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    max_waiting: Annotated[int, msgspec.Meta(ge=1)] = 32

    @property
    def demands(self) -> Demands:
        """What ``strictness`` means."""
        return DEMANDS[self.strictness]
