"""The mark for text that vLLM generates: a logits processor for its whole batch.

    FOREBAY_WATERMARK_SECRET=… vllm serve MODEL --logits-processors forebay.watermark.vllm:WatermarkLogitsProcessor

It is named there and not installed as an entry point (``vllm.logits_processors``): every vLLM of an environment loads
those, marked or not; Model Runner V2 does not start where one has this interface; and to what it finds so vLLM does not
give the tokens of the last step while it schedules asynchronously.

The environment says how (`WatermarkEnvironment`), a request whether: ``{"vllm_xargs": {"watermark": false}}``. vLLM
applies logits processors before temperature and filters, so the bias is multiplied by the temperature.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from forebay.core.marks import SchemeName
from forebay.watermark.keyring import Parameters, scheme_of
from forebay.watermark.tensors import BatchMarker

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

_PREFIX = "FOREBAY_WATERMARK_"
_COLDEST = 1e-5


class WatermarkEnvironment(msgspec.Struct, frozen=True):
    """What ``FOREBAY_WATERMARK_SECRET``, ``…_SCHEME`` and so on say; ``default``: for requests that do not."""

    secret: str
    scheme: SchemeName = "keyed"
    gamma: float = 0.25
    delta: float = 2.0
    width: int | None = None
    vocabulary: int | None = None
    default: bool = True

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "WatermarkEnvironment":
        """As ``environ`` has it.

        Raises:
            ValueError: something in it is wrong or missing.
        """
        said = {name.removeprefix(_PREFIX).lower(): each for name, each in environ.items() if name.startswith(_PREFIX)}
        try:
            return msgspec.convert(said, cls, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(f"The environment's {_PREFIX}… cannot be used: {error}") from None


class _Row(NamedTuple):
    """A request of the batch: its tokens, a list that grows, and its temperature."""

    output: list[int]
    temperature: float


class WatermarkLogitsProcessor(LogitsProcessor):  # type: ignore[misc]  # without vLLM it is unknown
    """Marks the rows that want it, each after its own last tokens."""

    @classmethod
    def validate_params(cls, sampling_params: "SamplingParams") -> None:
        """Refuse what is no answer to whether.

        Raises:
            ValueError: ``watermark`` is something else than true or false.
        """
        asked = (sampling_params.extra_args or {}).get("watermark")
        if not isinstance(asked, bool | int | None):
            raise ValueError("'watermark' must be true or false.")  # noqa: TRY004  # what vLLM answers with a 400

    def __init__(self, vllm_config: "VllmConfig", device: torch.device, is_pin_memory: bool) -> None:  # noqa: ARG002, FBT001  # vLLM's
        """Read the environment.

        Raises:
            ValueError: something in it is wrong or missing.
        """
        found = WatermarkEnvironment.of(os.environ)
        vocabulary = found.vocabulary or vllm_config.model_config.get_vocab_size()
        scheme = scheme_of(found.secret, Parameters(found.scheme, found.gamma, found.width, vocabulary), "SECRET")
        self._marker = BatchMarker(scheme, delta=found.delta)
        self._default = found.default
        self._rows: dict[int, _Row] = {}

    def is_argmax_invariant(self) -> bool:
        """It may change the likeliest token."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the requests to their places in the batch."""
        if batch_update is None:
            return
        for index in batch_update.removed:
            self._rows.pop(index, None)
        for index, params, _, output in batch_update.added:
            self._rows.pop(index, None)
            asked: Any = (params.extra_args or {}).get("watermark")
            if self._default if asked is None else asked:
                self._rows[index] = _Row(output, params.temperature)
        for source, target, direction in batch_update.moved:
            moved, replaced = self._rows.pop(source, None), self._rows.pop(target, None)
            if moved is not None:
                self._rows[target] = moved
            if replaced is not None and direction == MoveDirectionality.SWAP:
                self._rows[source] = replaced

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Mark ``logits``, shape (batch, vocabulary), in place."""
        rows = {index: row for index, row in self._rows.items() if self._is_marked(row)}
        if not rows:
            return logits
        places = torch.tensor(list(rows), device=logits.device)
        chosen = logits[places]
        # A greedy row is marked as at temperature 1.
        scales = [row.temperature if row.temperature > _COLDEST else 1.0 for row in rows.values()]
        self._marker.mark(chosen, [self._marker.context(row.output) for row in rows.values()], scales)
        logits[places] = chosen
        return logits

    def _is_marked(self, row: _Row) -> bool:
        # Where the likeliest token is taken, nothing is drawn that the key could draw.
        greedy = row.temperature <= _COLDEST
        return len(row.output) >= self._marker.width and not (greedy and self._marker.draws)
