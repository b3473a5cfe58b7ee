"""Whether the new file can be used: a provider that cannot is left out and told, and the whole is read once."""

import re
from collections.abc import Mapping
from typing import Any, Final

from forebay.migrate.reading import ForeignError
from forebay.plugins import PROVIDERS
from forebay.settings import Settings, SettingsError, load, section

_REFERENCE: Final = re.compile(r"\$\{\w+\}")
_ADDRESSES: Final = frozenset({"api_base", "base_url"})


def fault_of(options: Mapping[str, Any]) -> str:
    """Why a provider with these ``options`` cannot be; empty if it can, whatever its variables will hold."""
    kind = options["kind"]
    rest = {name: _filled(name, value) for name, value in options.items() if name != "kind"}
    try:
        section(kind, rest).read(PROVIDERS.plugin(kind).settings)
    except SettingsError as error:
        return "; ".join(problem.message for problem in error.problems)
    except ImportError:  # its extra is not installed here; that is told when it is served
        return ""
    return ""


def check(text: str, variables: tuple[str, ...]) -> Settings:
    """Read the new file as it will be read.

    Raises:
        ForeignError: it cannot be.
    """
    try:
        return load(text, source="the new file", environ=dict.fromkeys(variables, "1"))
    except SettingsError as error:
        raise ForeignError(f"cannot be carried over: {error.problems[0].located(error.source)}") from None


def _filled(name: str, value: object) -> object:
    """``value`` with something that fits in place of each reference."""
    if isinstance(value, Mapping):
        return {each: _filled(each, item) for each, item in value.items()}
    if isinstance(value, str):
        return _REFERENCE.sub("http://localhost" if name in _ADDRESSES else "x", value)
    return value
