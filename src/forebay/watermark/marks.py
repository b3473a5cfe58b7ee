"""Between the settings and the schemes: what a model marks with, and what a text is examined for."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.marking import Marker
from forebay.core.marks import SchemeName, Tokens
from forebay.settings import KeyRingSettings, WatermarkSettings
from forebay.watermark.detector import SIGNIFICANCE, Hypothesis, Report, detect
from forebay.watermark.keyring import SHORTEST, KeyRing, Parameters, UnsuitableKeyError, WatermarkKeyError
from forebay.watermark.kgw import PaddedLeftHash
from forebay.watermark.marking import marker
from forebay.watermark.scheme import Scheme

_MOST_LISTS = 20_000  # Of half a millisecond each.
_MODELS = 8  # The schemes of so many sizes of vocabulary are kept, with their lists.


class Mark:
    """What a model with ``settings`` marks with, as the engine's port wants it."""

    def __init__(self, ring: KeyRing, settings: WatermarkSettings) -> None:
        """Nothing is computed yet.

        Raises:
            WatermarkKeyError: the key is not on the ring, or does not suit the scheme.
        """
        self.key = settings.key
        self._settings = settings
        self._scheme: Callable[[int], Scheme] = lru_cache(_MODELS)(
            lambda vocabulary: ring.scheme(settings.key, parameters(settings, vocabulary))
        )
        ring.scheme(settings.key, parameters(settings, 2))

    def marker(self, vocabulary: int, /) -> Marker:
        """A marker for one answer of a model that knows so many tokens."""
        settings = self._settings
        return marker(self._scheme(vocabulary), delta=settings.delta, strength=settings.strength)


class Question(msgspec.Struct, frozen=True):
    """What a text is to be examined for: with all keys that suit, unless some are named, and by the model's own scheme.

    Each of several schemes goes with the keys that suit it; nothing that is named may be left out.
    ``significance`` is the share of texts without a mark that may be taken for marked ones.
    """

    keys: tuple[str, ...] | None = None
    schemes: tuple[SchemeName, ...] | None = None
    significance: float = SIGNIFICANCE


class Examiner:
    """Examines texts with the keys of a ring; ``models`` says how those of each provider are marked."""

    def __init__(self, ring: KeyRing, models: Mapping[str, WatermarkSettings]) -> None:
        self._ring = ring
        self._models = models

    def examine(self, tokens: Tokens, provider: str, question: Question) -> Report:
        """Test a text, in the tokens of a model of ``provider``; it takes milliseconds, or seconds for a long text.

        Raises:
            InvalidRequestError: there is no such key, or none that suits, or a text too long for what is asked.
        """
        hypotheses = self._hypotheses(tokens.vocabulary, provider, question)
        costly = sum(each.scheme.costly for each in hypotheses)
        if len(tokens.ids) * costly > _MOST_LISTS:
            raise InvalidRequestError(
                f"'text' has {len(tokens.ids)} tokens, each of which takes a list of its own for each key: examine it "
                f"in parts of {_MOST_LISTS // costly} tokens at most.",
                param="text",
            )
        return detect(tokens.ids, hypotheses, question.significance)

    def _hypotheses(self, vocabulary: int, provider: str, question: Question) -> Sequence[Hypothesis]:
        own = self._models.get(provider)
        known = parameters(own, vocabulary) if own else Parameters(vocabulary=vocabulary)
        found: list[Hypothesis] = []
        for name in question.schemes or (known.scheme,):
            same = name == known.scheme
            chosen = msgspec.structs.replace(known, scheme=name, width=known.width if same else None)
            found += self._with_keys(chosen, question)
        self._require_named(found, question)
        return found

    def _with_keys(self, chosen: Parameters, question: Question) -> list[Hypothesis]:
        """The scheme with each of the keys that suit it; one of another kind may suit another scheme."""
        found: list[Hypothesis] = []
        for key in self._ring.ids if question.keys is None else question.keys:
            try:
                found.append(Hypothesis(key, chosen.scheme, self._ring.scheme(key, chosen)))
            except UnsuitableKeyError:
                continue
            except WatermarkKeyError as error:
                raise InvalidRequestError(str(error), param="keys") from None
        if chosen.scheme == "kgw-lefthash" and found:
            padded = PaddedLeftHash(vocabulary=chosen.vocabulary, gamma=chosen.gamma)
            found.append(Hypothesis("", "kgw-lefthash (padded)", padded))
        return found

    @staticmethod
    def _require_named(found: Sequence[Hypothesis], question: Question) -> None:
        """See that nothing that was named is left out."""
        for key in question.keys or ():
            if not any(each.key == key for each in found):
                raise InvalidRequestError(
                    f"The watermark key '{key}' suits none of the schemes: those of ours take {SHORTEST} characters at "
                    "least, the others an integer. Name other 'schemes', or leave the key out.",
                    param="keys",
                )
        for name in question.schemes or ():
            if question.keys and not any(each.name == name for each in found):
                raise InvalidRequestError(
                    f"None of the keys suits '{name}': name one that does, or leave the scheme out.", param="schemes"
                )
        if not found:
            raise InvalidRequestError(
                "No key on the ring suits the scheme: configure 'watermark.keys', or name other 'schemes'.",
                param="keys",
            )


def ring_of(settings: KeyRingSettings) -> KeyRing:
    """The key ring of a configuration."""
    return KeyRing({key: secret.reveal() for key, secret in settings.keys.items()})


def parameters(settings: WatermarkSettings, vocabulary: int) -> Parameters:
    """What is public about the mark of a model that knows so many tokens, unless the settings say how many."""
    return Parameters(settings.scheme, settings.gamma, settings.width, settings.vocabulary or vocabulary)
