"""Chooses the next token of each sequence from its logits, exactly and cheaply.

Greedy rows are one `argmax` over the whole batch. Every other row is worked on alone: its 200 kB stay in the core's own
cache, and the result cannot depend on the rest of the batch. A draw inverts the cumulative distribution in two levels
(sums of blocks, then one block), so nothing is sorted and one random number is enough. Where a filter needs the
likeliest tokens, a bound that cannot cut off any of them leaves a few candidates to sort; the others lose their weight.
Where only few tokens have any weight, as at low temperatures, all of that is done with those alone.

`_changed` is where a row is changed, and `_next` where a grammar restricts it after that. A watermark comes last: it
has its say in what is drawn after temperature and filters, and none where a grammar leaves one token.
"""

from collections.abc import Sequence as Items
from typing import Final

import numpy as np
import numpy.typing as npt

from forebay.core.marking import Bias
from forebay.engine.sequence import Logprobs, Sampling, Sequence

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_BLOCK: Final = 256  # Entries of a row that are summed, or compared, as one.
_MASK: Final = 2**64 - 1
_COLDEST: Final = 1e-5  # Below this the likeliest token is taken: 1/temperature would overflow.
_REACH: Final = 28.0  # What is e^28 times lighter than the likeliest is lost in rounding, even all of it together.
_FEW: Final = 1024  # So many tokens are sorted faster than a whole row is added up.
_BANNED: Final = -1e30  # Impossible, but not as impossible as what a grammar forbids.
_LIKELY: Final = 1e-5  # The share of all weight above which a token is a first candidate for top_p.


def uniform(seed: int, position: int) -> float:
    """The random number in [0, 1) that ``seed`` gives for ``position``: SplitMix64, which is a function of both.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
    """
    return (_mix(_mix(seed) + position * 0x9E3779B97F4A7C15) >> 11) * 2.0**-53


def derived(seed: int, choice: int) -> int:
    """The seed of the ``choice``-th answer to one prompt, of which the first has ``seed`` itself."""
    return _mix(_mix(seed) ^ choice) if choice else seed


def _mix(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


class Chance:
    """The random numbers for one token; most often one is enough, and it is `uniform`'s."""

    __slots__ = ("_drawn", "_position", "_seed")

    def __init__(self, seed: int, position: int) -> None:
        self._seed = seed
        self._position = position
        self._drawn = 0

    def next(self) -> float:
        """Another one in [0, 1)."""
        self._drawn += 1
        # No position is ever so far on that the numbers of two of them meet.
        return uniform(self._seed, self._position + ((self._drawn - 1) << 40))


class Choice:
    """A token, and its logprobs if they were asked for."""

    __slots__ = ("logprobs", "token")

    def __init__(self, token: int, logprobs: Logprobs | None = None) -> None:
        self.token = token
        self.logprobs = logprobs


class Sampler:
    """Chooses tokens out of ``vocabulary``; it owns its scratch memory, so it is not for more than one thread."""

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        blocks = -(-vocabulary // _BLOCK)
        self._row = np.empty(vocabulary, np.float32)
        # Weights of a row, in blocks; what stands behind the last token always stays zero.
        self._blocks = np.zeros((blocks, _BLOCK), np.float32)
        self._weights = self._blocks.reshape(-1)[:vocabulary]
        self._ones = np.ones(_BLOCK, np.float32)
        self._tokens = np.arange(vocabulary)

    def choose(self, logits: Floats, sequences: Items[Sequence]) -> list[Choice]:
        """The next token of each sequence, from its line of ``logits``."""
        likeliest = logits.argmax(axis=1).tolist()
        return [
            Choice(token) if _is_plain(sequence) else self._choose(row, sequence)
            for token, row, sequence in zip(likeliest, logits, sequences, strict=True)
        ]

    def _choose(self, row: Floats, sequence: Sequence) -> Choice:
        sampling = sequence.sampling
        token = self._next(row, sequence)
        return Choice(token, None if sampling.logprobs is None else self._logprobs(row, token, sampling.logprobs))

    def _next(self, row: Floats, sequence: Sequence) -> int:
        """The token. A grammar has the last word on the row, and may take another token than the one chosen."""
        grammar = sequence.grammar
        if grammar is None:
            return self._pick(self._changed(row, sequence), sequence)
        token = grammar.only()
        if token is None:
            changed = self._changed(row, sequence)
            grammar.restrict(changed)
            token = self._pick(changed, sequence)
        return grammar.advance(token, sequence.sampling.max_tokens - sequence.generated - 1)

    def _pick(self, row: Floats, sequence: Sequence) -> int:
        bias = _bias(sequence)
        if sequence.sampling.temperature < _COLDEST:
            return int(row.argmax()) if bias is None or not bias.greedy else _likeliest_marked(row, bias)
        return self._draw(row, sequence.sampling, Chance(sequence.seed, sequence.generated), bias)

    def _changed(self, row: Floats, sequence: Sequence) -> Floats:
        """The row after everything that bans, favours or punishes tokens; ``row`` itself where nothing does."""
        sampling = sequence.sampling
        banned = list(sequence.stop_ids) if sequence.generated < sampling.min_tokens else []
        if not (sampling.penalised or sampling.logit_bias or banned or sequence.grammar):
            return row
        changed = self._row
        np.copyto(changed, row)
        _penalise(changed, sequence)
        if sampling.logit_bias:
            changed[list(sampling.logit_bias)] += np.array(list(sampling.logit_bias.values()), np.float32)
        changed[banned] = _BANNED
        return changed

    def _draw(self, row: Floats, sampling: Sampling, chance: Chance, bias: Bias | None) -> int:
        highest = row.max()
        likely = row > highest - _REACH * sampling.temperature
        if 0 < np.count_nonzero(likely) <= _FEW:
            tokens = np.flatnonzero(likely)
            weights = np.exp((row[tokens] - highest) / np.float32(sampling.temperature))
            return _draw_sorted(tokens, weights, sampling, chance, bias)
        return self._draw_many(row, sampling, chance, bias)

    def _draw_many(self, row: Floats, sampling: Sampling, chance: Chance, bias: Bias | None) -> int:
        self._weigh(row, sampling.temperature)
        if sampling.min_p:
            np.multiply(self._weights, self._weights >= sampling.min_p, out=self._weights)
        if 0 < sampling.top_k < self._vocabulary:
            self._keep(sampling.top_k, self._largest(sampling.top_k)[0])
        if sampling.top_p < 1.0:
            self._keep_nucleus(sampling.top_p)
        sums = self._sums()
        if bias is None:
            return self._at(sums, chance.next())
        for _ in range(bias.tries):
            token = self._at(sums, chance.next())
            if bias.stands(token, chance.next()):
                return token
        bias.weigh(self._tokens, self._weights)
        return self._at(self._sums(), chance.next())

    def _at(self, sums: Doubles, chance: float) -> int:
        """The token at the share ``chance`` of all weight, of which ``sums`` are the cumulated blocks."""
        target = chance * sums[-1]
        block = _invert(sums, target)
        within = self._blocks[block].cumsum(dtype=np.float64)
        return block * _BLOCK + _invert(within, target - (sums[block - 1] if block else 0.0))

    def _keep_nucleus(self, top_p: float) -> None:
        """Take the weight from all but the fewest tokens that together have the share ``top_p`` of it."""
        weights, total = self._weights, self._sums()[-1]
        wanted = top_p * total
        # Tokens below the second bound are left out even all together; the third is for rounding's sake.
        for bound in (_LIKELY, (1.0 - top_p) / self._vocabulary, 0.0):
            candidates = np.compress(weights >= bound * total, weights)
            if len(candidates) and candidates.sum(dtype=np.float64) >= wanted:
                break
        candidates.sort()
        falling = candidates[::-1]
        last = min(int(falling.cumsum(dtype=np.float64).searchsorted(wanted)), len(falling) - 1)
        self._keep(last + 1, falling[last])

    def _keep(self, count: int, least: np.float32) -> None:
        """Take the weight from all tokens but ``count``, the lightest of which weighs ``least``."""
        weights = self._weights
        heavy = weights >= least
        np.multiply(weights, heavy, out=weights)
        surplus = np.count_nonzero(heavy) - count
        if surplus > 0:
            weights[np.flatnonzero(weights == least)[-surplus:]] = 0.0

    def _largest(self, count: int) -> Floats:
        """The ``count`` largest weights, rising."""
        weights = self._weights
        # As many blocks as tokens are wanted hold one that weighs at least this.
        heads = self._blocks.max(axis=1) if count <= len(self._blocks) else weights
        bound = np.partition(heads, len(heads) - count)[len(heads) - count]
        candidates: Floats = np.compress(weights >= bound, weights)
        candidates.sort()
        return candidates[-count:]

    def _weigh(self, row: Floats, temperature: float) -> np.float32:
        """Fill `_weights` with what each token weighs, the likeliest 1; returns its logit."""
        highest: np.float32 = row.max()
        np.subtract(row, highest, out=self._weights)
        if temperature != 1.0:
            np.multiply(self._weights, np.float32(1.0 / temperature), out=self._weights)
        np.exp(self._weights, out=self._weights)
        return highest

    def _sums(self) -> Doubles:
        sums: Doubles = self._blocks.dot(self._ones).cumsum(dtype=np.float64)
        return sums

    def _logprobs(self, row: Floats, token: int, count: int) -> Logprobs:
        """What the model itself thinks: before temperature and penalties."""
        highest = self._weigh(row, 1.0)
        log_total = float(highest) + float(np.log(self._sums()[-1]))
        top = tuple((each, float(row[each]) - log_total) for each in self._likeliest(count))
        return Logprobs(float(row[token]) - log_total, top)

    def _likeliest(self, count: int) -> list[int]:
        """The ``count`` heaviest tokens, by falling weight."""
        if not count:
            return []
        weights = self._weights
        tokens = np.flatnonzero(weights >= self._largest(count)[0])
        found: list[int] = tokens[np.argsort(-weights[tokens], kind="stable")][:count].tolist()
        return found


def _bias(sequence: Sequence) -> Bias | None:
    """What the watermark does to the next token; nothing to those whose context would reach into the prompt."""
    marker = sequence.marker
    if marker is None or sequence.generated < marker.width:
        return None
    tokens = sequence.tokens
    return marker.bias(tokens[len(tokens) - marker.width :])


def _likeliest_marked(row: Floats, bias: Bias) -> int:
    """The likeliest token of those that the watermark favours, as at temperature 1."""
    highest = row.max()
    tokens = np.flatnonzero(row > highest - _REACH)
    weights = np.exp(row[tokens] - highest)
    bias.weigh(tokens, weights)
    return int(tokens[weights.argmax()])


def _is_plain(sequence: Sequence) -> bool:
    """Whether the likeliest token is all there is to know."""
    sampling = sequence.sampling
    return (
        sequence.grammar is None
        and sequence.marker is None
        and sampling.temperature < _COLDEST
        and sampling.logprobs is None
        and not sampling.penalised
        and not sampling.logit_bias
        and not sampling.min_tokens
    )


def _penalise(row: Floats, sequence: Sequence) -> None:
    """Repetition counts the prompt in, as in Hugging Face's transformers; the other two do not, as in vLLM."""
    sampling = sequence.sampling
    if sampling.repetition_penalty != 1.0:
        seen = np.unique(sequence.tokens)
        values = row[seen]
        penalty = np.float32(sampling.repetition_penalty)
        row[seen] = np.where(values > 0, values / penalty, values * penalty)
    if sampling.frequency_penalty or sampling.presence_penalty:
        said, counts = np.unique(np.array(sequence.tokens[sequence.prompt_length :], np.intp), return_counts=True)
        row[said] -= (sampling.frequency_penalty * counts + sampling.presence_penalty).astype(np.float32)


def _draw_sorted(tokens: Ints, weights: Floats, sampling: Sampling, chance: Chance, bias: Bias | None) -> int:
    """Which of a few tokens is drawn: as by `Sampler._draw_many`, and as one would write it down."""
    order = np.argsort(-weights, kind="stable")
    sums = weights[order].cumsum(dtype=np.float64)
    if sampling.min_p:
        sums = sums[: max(int(np.count_nonzero(weights >= sampling.min_p)), 1)]
    if sampling.top_k:
        sums = sums[: sampling.top_k]
    if sampling.top_p < 1.0:
        sums = sums[: int(sums.searchsorted(sampling.top_p * sums[-1])) + 1]
    if bias is None:
        return int(tokens[order[_invert(sums, chance.next() * sums[-1])]])
    kept = order[: len(sums)]
    marked = weights[kept]
    bias.weigh(tokens[kept], marked)
    sums = marked.cumsum(dtype=np.float64)
    return int(tokens[kept[_invert(sums, chance.next() * sums[-1])]])


def _invert(sums: Doubles, target: float) -> int:
    """The entry of a cumulative sum in which ``target`` falls; never one without weight, however sums were rounded."""
    return int(min(sums.searchsorted(target, side="right"), sums.searchsorted(sums[-1])))
