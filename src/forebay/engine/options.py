"""What a configuration may say about the embedded engine."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from forebay.core.types import Principal
from forebay.engine import catalog
from forebay.engine.adapter import Adapter
from forebay.engine.blocks import BLOCK
from forebay.engine.local import LocalSettings
from forebay.engine.sequence import Origin
from forebay.settings import Size, WatermarkSettings

_Positive = Annotated[int, Meta(ge=1)]


class AdapterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the LoRA adapters are, and how many may be in memory at once.

    ``folder`` has a subfolder for each, as PEFT writes it. Beyond ``max_loaded`` adapters, or ``max_bytes`` of them,
    the one that was used longest ago makes room. ``max_rank`` bounds what one of them costs in every step.
    """

    folder: Annotated[str, Meta(min_length=1)]
    max_loaded: _Positive = 8
    max_bytes: Size = 512 * 1024 * 1024
    max_rank: Annotated[int, Meta(ge=1, le=256)] = 64


class EngineSettings(LocalSettings, frozen=True, forbid_unknown_fields=True):
    """What a deployment may say about its engine.

    ``model`` is a name of the catalogue, a GGUF file or a converted folder. ``context`` may only shorten what the model
    can, and what fits into ``kv_cache``. ``max_batched_tokens`` bounds what is computed in one step: longer prompts are
    computed in chunks. ``prefix_cache`` says who may begin with what others have computed: everybody, those of the same
    tenant (nobody can then tell by the time it takes what others have asked), or nobody.
    ``temperature``, ``top_p`` and (for chats) ``max_tokens`` hold for requests that do not say. Without ``adapters``
    the model has none, without a ``watermark`` its answers have none.
    """

    model: str = catalog.DEFAULT
    threads: _Positive | None = None
    kv_cache: Size = 256 * 1024 * 1024
    max_running: _Positive = 32
    max_waiting: Annotated[int, Meta(ge=0)] = 256
    max_batched_tokens: Annotated[int, Meta(ge=BLOCK)] = 512
    prefix_cache: Literal["shared", "tenant", "off"] = "shared"
    context: _Positive | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: _Positive | None = None
    adapters: AdapterSettings | None = None
    watermark: WatermarkSettings | None = None

    def advice(self) -> catalog.Advice:
        """How to sample for a request that does not say."""
        row = catalog.MODELS.get(self.model)
        made = row.advice if row else catalog.Advice()
        return catalog.Advice(
            made.temperature if self.temperature is None else self.temperature,
            made.top_p if self.top_p is None else self.top_p,
            self.max_tokens or made.max_tokens,
        )

    def origin(self, principal: Principal, adapter: Adapter | None = None) -> Origin:
        """Where what ``principal`` asks for comes from, as far as the engine is concerned."""
        if self.prefix_cache == "off":
            return Origin(principal.name, None, adapter)
        return Origin(principal.name, principal.tenant.encode() if self.prefix_cache == "tenant" else b"", adapter)
