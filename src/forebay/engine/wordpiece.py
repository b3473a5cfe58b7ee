"""BERT's tokenizer (uncased): text → numbers of word pieces, equal to the one that the models were trained with.

It is written out here because the alternatives do not fit: the package ``tokenizers`` brings a client for a model hub
and its HTTP stack along (40 MB, ten packages), and OpenVINO's own WordPiece gives other pieces for some scripts (Greek,
Han, rare symbols). Next to running the model, splitting the words costs nothing: a text of 256 pieces takes
a fraction of a millisecond.

Source: "BERT: Pre-training of Deep Bidirectional Transformers", Google's ``tokenization.py`` and the normaliser,
pre-tokenizer and model "Bert", "Bert" and "WordPiece" of Hugging Face's tokenizers, checked against the last.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_SPECIALS: Final = re.compile("(" + "|".join(map(re.escape, _SPECIAL)) + ")")
# Unicode's White_Space without the control characters: those are dropped, not taken as spaces.
_WORDS: Final = re.compile("[^\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_LONGEST_PIECE: Final = 100  # A piece of more characters is unknown, whatever it says.
_SLICE: Final = 1024
_CACHED_WORDS: Final = 16_384
_LONGEST_CACHED: Final = 32
_CACHED_CHARS: Final = 65_536

# Ideographs stand alone: these blocks, not all that Unicode has. (The sixth begins at 2B820 in Google's code; this
# is Hugging Face's number, with which the models were trained.)
_IDEOGRAPHS: Final = (
    range(0x4E00, 0xA000),
    range(0x3400, 0x4DC0),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B740),
    range(0x2B740, 0x2B820),
    range(0x2B920, 0x2CEB0),
    range(0xF900, 0xFB00),
    range(0x2F800, 0x2FA20),
)
_ASCII_PUNCTUATION: Final = frozenset(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")


class WordPiece:
    """The tokenizer of one vocabulary; may be used from several threads."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """``vocabulary``: the pieces, each at the place that is its number.

        Raises:
            KeyError: a special token is not among them.
        """
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self._longest = max(map(len, vocabulary))
        self._special = {piece: self._numbers[piece] for piece in _SPECIAL}
        self._cached = functools.lru_cache(_CACHED_WORDS)(lambda word: tuple(self._word(word)))

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self._numbers)

    @property
    def cls(self) -> int:
        """The number that begins every text."""
        return self._special["[CLS]"]

    @property
    def sep(self) -> int:
        """The number that ends every text."""
        return self._special["[SEP]"]

    def encode(self, text: str) -> Iterator[int]:
        """The numbers of the pieces of ``text``, one by one, so that a reader may stop; without ``cls`` and ``sep``."""
        for part in _SPECIALS.split(text) if "[" in text else (text,):
            if part in self._special:
                yield self._special[part]
                continue
            for found in _WORDS.finditer(part):
                word = found[0]
                yield from self._cached(word) if len(word) <= _LONGEST_CACHED else self._word(word)

    def _word(self, word: str) -> Iterator[int]:
        for part in _parts(word):
            yield from self._pieces(part)

    def _pieces(self, part: str) -> list[int]:
        """The longest piece that ``part`` begins with, then the longest of the rest: all of it, or it is unknown."""
        unknown = [self._special["[UNK]"]]
        if len(part) > _LONGEST_PIECE:
            return unknown
        found: list[int] = []
        begin, prefix = 0, ""
        while begin < len(part):
            for end in range(min(len(part), begin + self._longest), begin, -1):
                number = self._numbers.get(prefix + part[begin:end])
                if number is not None:
                    break
            else:
                return unknown
            found.append(number)
            begin, prefix = end, "##"
        return found


def _parts(word: str) -> Iterator[str]:
    """``word`` without accents and capitals, cut at punctuation and ideographs.

    It is gone through slice by slice: a word may be a megabyte of Chinese, and the reader may stop after a few parts.
    """
    held = ""
    for begin in range(0, len(word), _SLICE):
        plain = "".join(map(_plain.__getitem__, word[begin : begin + _SLICE]))
        *parts, held = (held + plain).split(" ")
        held = held[: _LONGEST_PIECE + 1]  # It is too long already: what follows makes no difference.
        yield from filter(None, parts)
    if held:
        yield held


class _Plain(dict[str, str]):
    """By character: what is left of it, between spaces if it stands alone."""

    def __missing__(self, char: str) -> str:
        plain = _normalised(char)
        if len(self) < _CACHED_CHARS:
            self[char] = plain
        return plain


def _normalised(char: str) -> str:
    if char in "\0\ufffd" or unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"}:
        return ""
    base = [c.lower() for c in unicodedata.normalize("NFD", char) if unicodedata.category(c) != "Mn"]
    plain = "".join(f" {c} " if _is_punctuation(c) else c for part in base for c in part)
    return f" {plain} " if any(ord(char) in block for block in _IDEOGRAPHS) else plain


def _is_punctuation(char: str) -> bool:
    return char in _ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")


_plain = _Plain()
