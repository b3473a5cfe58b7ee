"""Holds an answer to a grammar: which tokens may come next, and how it is whole before the tokens run out.

The work is llguidance's: it parses JSON Schemas, regular expressions and grammars, and says for every state of a text
which tokens may follow, in microseconds. What is added here is the way out. Near the end of its budget a sequence
always knows some tokens that complete the text, no more than it may still have; a token after which that would no
longer be so is not taken, the first one of the way is taken in its place. So the text is whole, by induction, whenever
there was a way at the beginning.
"""

import threading
from collections import OrderedDict
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper, regex_to_lark
from llguidance.gbnf_to_lark import any_to_lark
from llguidance.numpy import fill_next_token_bitmask, get_bitmask_shape

from forebay.core.errors import InvalidRequestError
from forebay.engine.closing import Closing
from forebay.engine.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

Floats = npt.NDArray[np.float32]

_MAX_SOURCE: Final = 64 * 1024
_KEPT: Final = 32
_REASON: Final = 200
_TEXTS: Final = 4096
# JSON comes without any space between its tokens: it is as short as can be, and no model loses its way in spaces.
_COMPACT: "Final[JsonCompileOptions]" = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
# Fuel is some ten thousand units a millisecond: no step may hold the others up for long.
_STEP_FUEL: Final = 100_000
_STEP_ITEMS: Final = 20_000
_LEXER_STATES: Final = 10_000
_GRAMMAR_SIZE: Final = 100_000
# From so many tokens before the end the way out is known; more where the shortest text or the source, which can ask for
# longer ones, is long: one token may make the way that much longer.
_HORIZON: Final = 64
_SOURCE_PER_TOKEN: Final = 2
_SHORTEST_TIMES: Final = 2
_LONGEST_WAY: Final = 4096
_REST: Final = 8  # So many tokens later a search is tried again that has found nothing.


class Constraint(NamedTuple):
    """What an answer must be, and the field of the request that says so."""

    kind: Literal["json_schema", "regex", "lark"]
    source: str
    param: str


class Matcher:
    """The state of one sequence's text in its grammar. Not for more than one thread at a time.

    ``ended`` says whether nothing may follow but an end, ``failure`` why the text could not be followed to there, and
    ``param`` which field of the request says what the grammar is.
    """

    def __init__(self, state: LLMatcher, lexicon: "_Lexicon", param: str, horizon: int) -> None:
        # What others read of it, in other threads as well: its state lets nobody in while it computes.
        self.ended = False
        self.failure: str | None = None
        self.param = param
        self._state = state
        self._lexicon = lexicon
        self._horizon = horizon
        self._way: list[int] | None = None
        self._again = horizon
        self._mask = np.zeros(get_bitmask_shape(1, lexicon.size), np.int32)

    def only(self) -> int | None:
        """The next token where no other is legal; computes what is legal for `restrict`."""
        fill_next_token_bitmask(self._state, self._mask)
        places = np.flatnonzero(self._mask)
        if len(places) != 1:
            return None
        bits = int(self._mask[0, places[0]]) & 0xFFFFFFFF
        return None if bits & (bits - 1) else int(places[0]) * 32 + bits.bit_length() - 1

    def restrict(self, row: Floats) -> None:
        """Leave in ``row`` only the logits of tokens that are legal, as `only` has found them."""
        self._lexicon.restrict(row, self._mask)

    def advance(self, token: int, left: int) -> int:
        """Take ``token``, or another one if with it the text could not end within ``left`` more; tells which."""
        if left >= self._horizon or token in self._lexicon.ends:
            self._way = None
            return self._take(token)
        if self._way is None or len(self._way) > left + 1:
            self._way = self._search(left + 1)
        known = self._way
        way = self._way_behind(token, left)
        if way is None and known is not None:
            token, way = (known[0], known[1:]) if known else (min(self._lexicon.ends), [])
        self._way = way
        return self._take(token)

    def _search(self, left: int) -> list[int] | None:
        if left > self._again:
            return None
        way = self._lexicon.closing.way(self._state, left)
        if way is None:
            self._again = left - _REST
        return way

    def _take(self, token: int) -> int:
        self._state.consume_token(token)
        self.ended = self._state.is_stopped()
        if self._state.is_error():
            self.failure = "The grammar is too complex to be followed. Please simplify it."
        return token

    def _way_behind(self, token: int, left: int) -> list[int] | None:
        """A way to the end of at most ``left`` tokens from behind ``token``."""
        known = self._way
        if known and token == known[0]:
            return known[1:]
        if not self._state.consume_token(token):
            return None
        try:
            return None if known is None else self._lexicon.closing.way(self._state, left, known)
        finally:
            self._state.rollback(1)


class Grammar:
    """A grammar that has been compiled, to be followed by any number of sequences."""

    def __init__(self, state: LLMatcher, lexicon: "_Lexicon", param: str, horizon: int) -> None:
        self._state = state
        self._lexicon = lexicon
        self._param = param
        self._horizon = horizon

    def matcher(self) -> Matcher:
        """The beginning of a text."""
        return Matcher(self._state.deep_copy(), self._lexicon, self._param, self._horizon)


class Compiler:
    """Makes grammars for one vocabulary, and keeps the last ones. Not for more than one thread at a time.

    ``tokenizer`` is for its use alone, ``ends`` are the tokens that end an answer.
    """

    def __init__(self, tokenizer: Tokenizer, ends: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._ends = ends
        self._kept: OrderedDict[Constraint, Grammar] = OrderedDict()

    def warm_up(self) -> None:
        """Prepare the vocabulary, the first time: it takes a tenth of a second, which no request's own limit covers."""
        _ = self._lexicon

    def compile(self, constraint: Constraint) -> Grammar:
        """The grammar of ``constraint``.

        Raises:
            InvalidRequestError: it is none, is too large or too complex, or asks for what cannot be checked.
        """
        grammar = self._kept.pop(constraint, None) or self._compiled(constraint)
        self._kept[constraint] = grammar
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return grammar

    @cached_property
    def _lexicon(self) -> "_Lexicon":
        return _Lexicon(self._tokenizer, self._ends)

    def _compiled(self, constraint: Constraint) -> Grammar:
        if len(constraint.source) > _MAX_SOURCE:
            raise InvalidRequestError(
                f"'{constraint.param}' is too long: at most {_MAX_SOURCE:,} characters.", param=constraint.param
            )
        if not self._ends:
            raise InvalidRequestError("This model has no token that ends an answer.", param=constraint.param)
        try:
            state = LLMatcher(self._lexicon.tokenizer, _grammar(constraint), log_level=0, limits=_limits())
        except (ValueError, RecursionError) as error:
            raise _refused(constraint, str(error)) from None
        shortest: list[int] = []
        if not state.is_error():
            # Shows whether the grammar can be followed at all, and computes the dearest masks, once for everybody.
            state.compute_bitmask()
            shortest = self._lexicon.closing.way(state, _LONGEST_WAY) or []
        if state.is_error():
            raise _refused(constraint, state.get_error())
        horizon = _HORIZON + len(constraint.source) // _SOURCE_PER_TOKEN + len(shortest) * _SHORTEST_TIMES
        return Grammar(state, self._lexicon, constraint.param, horizon)


class _Lexicon:
    """What all grammars of a vocabulary share."""

    def __init__(self, tokenizer: Tokenizer, ends: frozenset[int]) -> None:
        self.size = len(tokenizer.names)
        self.ends = ends
        self.closing = Closing(tokenizer.names, tokenizer.special, min(ends))
        vocabulary = _Vocabulary(tokenizer, ends)
        self.tokenizer = LLTokenizer(TokenizerWrapper(vocabulary), n_vocab=self.size, eos_token=sorted(ends))
        vocabulary.greedy = self.tokenizer
        bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
        # What a byte of a mask adds to eight logits: nothing, or all that makes a token impossible.
        self._penalties = np.where(bits, np.float32(0), np.float32(-np.inf))

    def restrict(self, row: Floats, mask: npt.NDArray[np.int32]) -> None:
        """Take what is not set in ``mask`` out of ``row``."""
        count = min(self.size, len(row))
        penalties = self._penalties.take(mask.view(np.uint8).reshape(-1), axis=0, mode="clip").reshape(-1)
        row[:count] += penalties[:count]
        row[count:] = -np.inf


class _Vocabulary:
    """What llguidance wants to know of a tokenizer; it asks for the tokens of what a grammar leaves no choice about."""

    def __init__(self, tokenizer: Tokenizer, ends: frozenset[int]) -> None:
        self.tokens = tokenizer.names
        self.special_token_ids = sorted(tokenizer.special)
        self.eos_token_id = min(ends)
        self.bos_token_id = None
        self.greedy: LLTokenizer | None = None
        self._tokenizer = tokenizer
        # Grammars are compiled in one thread and followed in another.
        self._lock = threading.Lock()
        self._tokens = lru_cache(_TEXTS)(self._encoded)

    def __call__(self, text: bytes) -> list[int]:
        """The tokens of ``text``, as the model knows it."""
        return list(self._tokens(text))

    def _encoded(self, text: bytes) -> tuple[int, ...]:
        with self._lock:
            tokens = self._tokenizer.encode(text.decode())
        if self.greedy is not None and not self._tokenizer.special.isdisjoint(tokens):
            tokens = self.greedy.greedy_tokenize(text.decode())
        return tuple(tokens)


def _grammar(constraint: Constraint) -> str:
    if constraint.kind == "json_schema":
        return LLMatcher.grammar_from_json_schema(constraint.source, overrides=_COMPACT)
    if constraint.kind == "regex":
        # Digits, words and spaces are those of ASCII.
        return LLMatcher.grammar_from_lark(f"start: /{regex_to_lark(constraint.source, 'dws')}/")
    try:
        return LLMatcher.grammar_from_lark(any_to_lark(constraint.source))
    except Exception as error:  # noqa: BLE001 - the library raises nothing more special
        raise ValueError(str(error)) from None


def _limits() -> LLParserLimits:
    return LLParserLimits(
        step_lexer_fuel=_STEP_FUEL,
        step_max_items=_STEP_ITEMS,
        max_lexer_states=_LEXER_STATES,
        max_grammar_size=_GRAMMAR_SIZE,
        verbose_errors=False,
    )


def _refused(constraint: Constraint, reason: str) -> InvalidRequestError:
    lines = [line.strip() for line in reason.splitlines() if line.strip() and not line.startswith("<")]
    told = "; ".join(lines)[:_REASON] or "it is too complex"
    return InvalidRequestError(f"'{constraint.param}' cannot be followed: {told}.", param=constraint.param)
