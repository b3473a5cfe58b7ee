"""Pairs of words of which one turns an answer round, to be told apart whatever stands beside them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PAIRS: Final = """
best worst good bad better worse more less most least many few always never before after above below over under up
down in out on off inside outside for against with without from to left right high low highest lowest big small
biggest smallest large small long short longest shortest hot cold warm cool fast slow fastest slowest early late
earliest latest old new old young oldest youngest oldest newest easy hard easy difficult easiest hardest cheap
expensive cheapest expensive rich poor strong weak strongest weakest hard soft light dark light heavy bright dark
clean dirty wet dry full empty open closed open close opened closed public private internal external import export
input output increase decrease rise fall gain lose win lose buy sell borrow lend rent buy give take push pull start
stop begin end first last enable disable add remove add delete insert delete install uninstall upload download
encrypt decrypt encode decode compress decompress attach detach connect disconnect lock unlock login logout accept
reject accept refuse allow forbid allow deny allow block approve deny pass fail success failure love hate like
dislike male female man woman men women boy girl boys girls husband wife father mother mom dad son daughter brother
sister uncle aunt king queen nephew niece girlfriend boyfriend teacher student employer employee buyer seller lender
borrower tenant landlord doctor patient parent child host guest client server sender receiver author reader north
south east west northern southern eastern western top bottom front back maximum minimum max min positive negative
plus minus even odd true false legal illegal safe dangerous advantage disadvantage advantages disadvantages pros
cons benefit risk profit loss asset liability debit credit hire fire arrive depart arrival departure enter exit join
leave ascend descend ascending descending horizontal vertical acid base hero villain friend enemy war peace life
death alive dead day night morning evening am pm today tomorrow today yesterday summer winter spring autumn past
future present absent present past ancient modern natural artificial raw cooked wild tame guilty innocent major
minor senior junior include exclude expand shrink expand collapse grow shrink freeze melt freeze boil lend borrow
save spend save waste remember forget attack defend create destroy build destroy strengthen weaken widen narrow deep
shallow thick thin wide narrow tall short loud quiet sharp blunt sharp dull sweet sour sweet bitter tight loose
smooth rough near far closest farthest upper lower major minor single married single double single multiple simple
complex active passive optional mandatory optional required static dynamic local remote local global synchronous
asynchronous mutable immutable vegetarian meat liberal conservative optimist pessimist introvert extrovert urban
rural offline online manual automatic temporary permanent domestic foreign domestic international
"""


def _table() -> Mapping[str, frozenset[str]]:
    words = _PAIRS.split()
    table: dict[str, set[str]] = {}
    for one, other in zip(words[::2], words[1::2], strict=True):
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return MappingProxyType({word: frozenset(others) for word, others in table.items()})


ANTONYMS: Final = _table()

_PREFIXES: Final = ("un", "in", "im", "il", "ir", "dis", "non", "mis", "anti", "de", "under", "over", "hypo", "hyper")
_LEAST: Final = 3


def opposed(one: str, other: str) -> bool:
    """Whether the two are opposites: a pair of the table, ``legal`` and ``illegal``, or ``useful`` and ``useless``."""
    return other in ANTONYMS.get(one, ()) or _prefixed(one, other) or _prefixed(other, one) or _suffixed(one, other)


def _prefixed(one: str, other: str) -> bool:
    return len(one) >= _LEAST and any(other == prefix + one for prefix in _PREFIXES)


def _suffixed(one: str, other: str) -> bool:
    stems = {word.removesuffix("ful").removesuffix("less") for word in (one, other)}
    return len(stems) == 1 and {one[-4:] == "less", other[-4:] == "less"} == {True, False}
