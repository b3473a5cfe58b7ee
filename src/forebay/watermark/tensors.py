"""The schemes over a batch of logits in torch, on whatever device these are: for models that others serve.

`KeyedHash` is computed on the device, so that all that moves there is a number a row; on a CPU NumPy does it row by
row, in the memory of the logits. The lists of the other schemes come from NumPy. torch is not a dependency: who has a
model in it, has it.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from forebay.watermark.gumbel import Gumbel
from forebay.watermark.hashing import Mixer
from forebay.watermark.keyed import KeyedHash
from forebay.watermark.scheme import Floats, Scheme

_LIKELIEST = 40


class BatchMarker:
    """Marks rows of logits, each after its own context; ``draws``: the key takes the place of chance."""

    def __init__(self, scheme: Scheme, *, delta: float = 2.0, hard: bool = False) -> None:
        self.width = scheme.width
        self.draws = isinstance(scheme, Gumbel)
        self._scheme = scheme
        self._delta = math.inf if hard else delta
        self._salted: torch.Tensor | None = None
        self._mixer: Mixer | None = None
        self._bias = np.empty(0, np.float32)

    def context(self, tokens: Sequence[int]) -> Sequence[int]:
        """What the token after ``tokens`` is marked by; nothing where it is left to chance.

        That is where the key would draw and has drawn after the same context before: it would be a loop.
        """
        begin = len(tokens) - self.width
        context = tokens[begin:]
        if self.draws and any(tokens[place : place + self.width] == context for place in range(begin)):
            return ()
        return context

    def mark(
        self, logits: torch.Tensor, contexts: Sequence[Sequence[int]], scales: Sequence[float] | None = None
    ) -> None:
        """Mark ``logits``, shape (n, vocabulary), in place; each row after its `context`.

        ``scales`` is what the logits of a row will be divided by later on (its temperature), 1 if left out.
        """
        if isinstance(self._scheme, Gumbel):
            self._draw(self._scheme, logits, contexts, scales)
            return
        if isinstance(self._scheme, KeyedHash) and _in_memory(logits) and not math.isinf(self._delta):
            self._mark_in_memory(self._scheme, logits.numpy(), contexts, scales)
            return
        green = self._green(logits, contexts)
        if math.isinf(self._delta):
            possible = (green & torch.isfinite(logits)).any(dim=-1, keepdim=True)
            logits.masked_fill_(~green & possible, -math.inf)
            return
        bias = torch.full((len(logits), 1), self._delta, dtype=logits.dtype, device=logits.device)
        if scales is not None:
            bias *= torch.tensor(scales, dtype=logits.dtype, device=logits.device)[:, None]
        logits += green * bias

    def _mark_in_memory(
        self,
        scheme: KeyedHash,
        logits: Floats,
        contexts: Sequence[Sequence[int]],
        scales: Sequence[float] | None,
    ) -> None:
        vocabulary = logits.shape[-1]
        if self._mixer is None or len(self._bias) != vocabulary:
            self._mixer, self._bias = scheme.mixer(vocabulary), np.empty(vocabulary, np.float32)
        for number, (row, context) in enumerate(zip(logits, contexts, strict=True)):
            green = self._mixer.numbers(scheme.seed(context)) < np.uint32(scheme.bound)
            np.multiply(green, np.float32(self._delta * (scales[number] if scales else 1.0)), out=self._bias)
            np.add(row, self._bias, out=row)

    def _green(self, logits: torch.Tensor, contexts: Sequence[Sequence[int]]) -> torch.Tensor:
        if isinstance(self._scheme, KeyedHash):
            return self._hashed(self._scheme, logits, contexts)
        if self._scheme.costly:
            return self._of_the_likeliest(logits, contexts)
        every = np.arange(logits.shape[-1])
        rows = [self._scheme.green(tuple(context), every) for context in contexts]
        return torch.from_numpy(np.stack(rows)).to(logits.device)

    def _hashed(self, scheme: KeyedHash, logits: torch.Tensor, contexts: Sequence[Sequence[int]]) -> torch.Tensor:
        """`KeyedHash.green` for all rows at once, in signed integers: torch has no arithmetic for the others."""
        if self._salted is None or len(self._salted) != logits.shape[-1] or self._salted.device != logits.device:
            salted = scheme.salted(np.arange(logits.shape[-1])).view(np.int32)
            self._salted = torch.from_numpy(salted.copy()).to(logits.device)
        seeds = np.array([scheme.seed(context) for context in contexts], np.uint32).view(np.int32)
        numbers = torch.from_numpy(seeds).to(logits.device)[:, None] ^ self._salted[None, :]
        numbers ^= (numbers >> 16) & 0xFFFF
        numbers *= _signed(0x85EBCA6B)
        numbers ^= (numbers >> 13) & 0x7FFFF
        numbers *= _signed(0xC2B2AE35)
        numbers ^= (numbers >> 16) & 0xFFFF
        # Less than the bound as unsigned numbers: with the highest bit turned over, as signed ones.
        return (numbers ^ _signed(0x80000000)) < scheme.bound - 2**31

    def _of_the_likeliest(self, logits: torch.Tensor, contexts: Sequence[Sequence[int]]) -> torch.Tensor:
        green = torch.zeros(logits.shape, dtype=torch.bool)
        likeliest = logits.topk(min(_LIKELIEST, logits.shape[-1]), dim=-1).indices.cpu().numpy()
        for row, (context, tokens) in enumerate(zip(contexts, likeliest, strict=True)):
            found = self._scheme.green(tuple(context), tokens)
            green[row, torch.from_numpy(tokens[found])] = True
        return green.to(logits.device)

    def _draw(
        self, scheme: Gumbel, logits: torch.Tensor, contexts: Sequence[Sequence[int]], scales: Sequence[float] | None
    ) -> None:
        """Leave each row the token that the key draws."""
        every = np.arange(logits.shape[-1])
        for row, context in enumerate(contexts):
            if not context:
                continue
            scale = scales[row] if scales is not None else 1.0
            weights = (logits[row].float() / scale).softmax(dim=-1).cpu().numpy()
            winner = scheme.winner(tuple(context), every, weights)
            kept = logits[row, winner].clone()
            logits[row] = -math.inf
            logits[row, winner] = kept


def _in_memory(logits: torch.Tensor) -> bool:
    return logits.device.type == "cpu" and logits.dtype == torch.float32 and not logits.requires_grad


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number
