"""The mark for text that Hugging Face's transformers generate: a logits processor, batched and on the model's device.

    processor = WatermarkProcessor(scheme_of(secret, Parameters("keyed")), delta=2.0)
    model.generate(**inputs, do_sample=True, logits_processor=LogitsProcessorList([processor]))

``generate`` puts it behind temperature and filters, where it belongs, and seeds each row from its own last tokens. With
padding on the left, as generation needs it, these are real ones.
"""

import torch
from transformers import LogitsProcessor

from forebay.watermark.scheme import Scheme
from forebay.watermark.tensors import BatchMarker


class WatermarkProcessor(LogitsProcessor):
    """Marks every row with ``scheme``; ``hard``: nothing that is not green may come."""

    def __init__(self, scheme: Scheme, *, delta: float = 2.0, hard: bool = False) -> None:
        self._marker = BatchMarker(scheme, delta=delta, hard=hard)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """``scores``, shape (batch, vocabulary), marked after ``input_ids``, shape (batch, length)."""
        width = self._marker.width
        if input_ids.shape[-1] < width:
            return scores
        marked = scores.clone()
        rows = input_ids.tolist()
        self._marker.mark(marked, [self._marker.context(row) for row in rows])
        return marked
