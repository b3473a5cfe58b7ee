"""Finds personal data by its form, and believes a number only if its checksum or its range is right.

Names and places have no form; the kind ``presidio`` finds those.
"""

from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Span
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.patterns import Patterns
from forebay.guards.validators.pii import addresses, contact, numbers
from forebay.guards.validators.pii.form import Form
from forebay.plugins import GuardPlugin, GuardTools


class Kind(Enum):
    """What can be looked for; the order decides between two that begin at the same place."""

    IBAN = "iban"
    CARD = "card"
    EMAIL = "email"
    URL = "url"
    IP = "ip"
    SSN = "ssn"
    PHONE = "phone"


FORMS: dict[Kind, tuple[Form, ...]] = {
    Kind.IBAN: (numbers.IBAN,),
    Kind.CARD: (numbers.CARD,),
    Kind.EMAIL: (contact.EMAIL,),
    Kind.URL: (contact.URL,),
    Kind.IP: (addresses.IPV4, addresses.IPV6),
    Kind.SSN: (numbers.SSN, numbers.NAMED_SSN),
    Kind.PHONE: (contact.NANP, contact.INTERNATIONAL, contact.NATIONAL, contact.NAMED_PHONE),
}

AT_ONCE = 2_000  # characters, of which usual ones take 0.01 ms; handing them to a thread takes 0.05 ms

DEFAULT = (Kind.EMAIL, Kind.PHONE, Kind.CARD, Kind.IBAN, Kind.SSN, Kind.IP)


class PiiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which kinds are looked for; URLs only if named, for most of them tell nothing about a person."""

    kinds: tuple[Kind, ...] = DEFAULT

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        if not self.kinds:
            raise ValueError("kinds needs at least one of " + ", ".join(kind.value for kind in Kind))


class Finder:
    """The places of ``kinds`` in a text."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._forms = [(kind, form) for kind in Kind if kind in kinds for form in FORMS[kind]]
        self._patterns = Patterns([form.pattern for _, form in self._forms])

    @property
    def lookbehind(self) -> int:
        """The longest that any of them can be, and one character more, which may show that it is none."""
        return max(form.length for _, form in self._forms) + 1

    def __call__(self, text: str) -> Sequence[Span]:
        """All of them, kind by kind."""
        return list(self._all(text))

    def _all(self, text: str) -> Iterator[Span]:
        for number, match in self._patterns.find(text):
            kind, form = self._forms[number]
            for start, end in form.within(text, match.start, match.end):
                yield Span(start, end, kind.value)


def _build(settings: PiiSettings, _tools: GuardTools) -> Guard:
    finder = Finder(settings.kinds)
    return Judged(masking(finder, "it holds personal data"), finder.lookbehind, AT_ONCE)


plugin = GuardPlugin(PiiSettings, _build)
