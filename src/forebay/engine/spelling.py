"""Spells a text in as few tokens as a vocabulary can, so that it still fits where tokens are scarce."""

from collections.abc import Sequence


class Spelling:
    """A vocabulary: ``names`` are each token's bytes, ``special`` ones are no text."""

    def __init__(self, names: Sequence[bytes], special: frozenset[int]) -> None:
        self._names = names
        self._tokens = {name: token for token, name in enumerate(names) if name and token not in special}
        self._longest = max(map(len, self._tokens), default=0)

    def fewest(self, tokens: Sequence[int]) -> list[int]:
        """The text of ``tokens`` in as few tokens as there can be, in time proportional to its length."""
        text = b"".join(self._names[token] for token in tokens)
        # How many tokens the text takes up to each place, and how long the last of them is.
        count, last = [0], [0]
        for end in range(1, len(text) + 1):
            lengths = range(1, min(end, self._longest) + 1)
            known = (length for length in lengths if text[end - length : end] in self._tokens)
            # Behind a byte that is no token by itself, and ends none, the text cannot be cut.
            best = min(((count[end - length], length) for length in known), default=(len(text), 0))
            count.append(best[0] + 1)
            last.append(best[1])
        spelt: list[int] = []
        place = len(text)
        while place:
            if not last[place]:
                return list(tokens)
            spelt.append(self._tokens[text[place - last[place] : place]])
            place -= last[place]
        return spelt[::-1]
