"""The kind ``guardrails_ai``: any validator written for Guardrails AI, from the package that it is installed with.

    kind: guardrails_ai
    validator: guardrails-ai-regex-match
    args: {regex: "[A-Z].*", match_type: fullmatch}

It is asked by itself, without the `Guard` of Guardrails AI around it: the pipeline does what follows, and nothing of a
stream leaves before it has answered. What it says fails; what it would write instead is a replacement.
"""

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Annotated, Any

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import apart, blocked
from forebay.plugins import GuardPlugin, GuardTools

PACKAGE = "guardrails_ai"

Name = Annotated[str, msgspec.Meta(pattern=r"^guardrails[-_]ai[-_][A-Za-z0-9_-]{1,80}$")]


class GuardrailsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The installed package of the ``validator``, the ``args`` it is made with, and ``metadata`` for each text.

    ``name`` is its class, where a package has several.
    """

    validator: Name
    args: Mapping[str, Any] = {}
    metadata: Mapping[str, Any] = {}
    name: str | None = None


class Asked:
    """A validator, as a function of a text or, where that is how it was written, as a coroutine."""

    lookbehind: int | None = None

    def __init__(self, validator: Any, metadata: Mapping[str, Any], name: str) -> None:  # noqa: ANN401  # a Validator
        self._validator = validator
        self._metadata = metadata
        self._name = name

    def judge(self, text: str, _context: Context) -> Verdict:
        """What it says, at once."""
        return self._verdict(text, self._validator.validate(text, dict(self._metadata)))

    async def check(self, text: str, _context: Context, /) -> Verdict:
        """What it says, awaited."""
        return self._verdict(text, await self._validator.async_validate(text, dict(self._metadata)))

    def _verdict(self, text: str, result: Any) -> Verdict:  # noqa: ANN401  # whatever it is
        """The pipeline's word for it.

        Raises:
            TypeError: the validator answered with something else.
        """
        if isinstance(result, _base().PassResult):
            return PASSED
        if not isinstance(result, _base().FailResult):
            raise TypeError(f"{self._name} answered with {type(result).__name__}")
        reason = f"{self._name} refuses it"
        spans = _spans(text, result)
        return Verdict(Action.MASK, spans, 1.0, reason) if spans else blocked(reason)


def validator_class(package: str, name: str | None = None) -> Any:  # noqa: ANN401  # of a package without types
    """The validator in the installed ``package``: its only one, or the one called ``name``.

    Raises:
        ValueError: the package is not installed, or has no such validator, or several.
    """
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise ValueError(f"{package} is not installed: pip install {package}") from None
    kind = _base().Validator
    modules = {file.parts[1] for file in files if len(file.parts) == 3 and file.parts[0] == PACKAGE}  # noqa: PLR2004
    found = {
        each.__name__: each
        for module in sorted(modules)
        for each in vars(importlib.import_module(f"{PACKAGE}.{module}")).values()
        if inspect.isclass(each) and issubclass(each, kind) and each is not kind
    }
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        raise ValueError(f"name one of the validators of {package}: {', '.join(sorted(found)) or 'it has none'}")
    return found[name]


def _spans(text: str, result: Any) -> tuple[Span, ...]:  # noqa: ANN401  # a FailResult
    """What it would write instead, or else the places that it objects to; empty where it tells neither."""
    if isinstance(result.fix_value, str) and result.fix_value != text:
        return (_change(text, result.fix_value),)
    places = [(max(each.start, 0), min(each.end, len(text))) for each in result.error_spans or ()]
    return apart([Span(start, end, "guardrails") for start, end in places if start < end])


def _change(text: str, fixed: str) -> Span:
    """The shortest place whose replacement makes ``fixed`` of ``text``."""
    shorter = min(len(text), len(fixed))
    start = next((place for place in range(shorter) if text[place] != fixed[place]), shorter)
    rest = shorter - start
    behind = next((count for count in range(rest) if text[-1 - count] != fixed[-1 - count]), rest)
    return Span(start, len(text) - behind, "guardrails", fixed[start : len(fixed) - behind])


@cache
def _base() -> Any:  # noqa: ANN401  # a module
    """What all validators are made from; imported when the first one is wanted, which takes seconds.

    Raises:
        ValueError: Guardrails AI is not installed.
    """
    try:
        return importlib.import_module("guardrails.validator_base")
    except ImportError as error:
        raise ValueError(
            f"Guardrails AI cannot be imported: pip install 'guardrails-ai>=0.11' ({error.name})"
        ) from error


def _build(settings: GuardrailsSettings, _tools: GuardTools) -> Guard:
    made = validator_class(settings.validator, settings.name)
    try:
        asked = Asked(made(on_fail="noop", **settings.args), settings.metadata, settings.validator)
    except TypeError as error:
        raise ValueError(f"args do not fit {made.__name__}: {error}") from error
    return asked if made.async_validate is not _base().Validator.async_validate else Judged(asked.judge)


plugin = GuardPlugin(GuardrailsSettings, _build)
