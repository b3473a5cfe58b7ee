"""From settings to guards: finds their plug-ins, builds them, and gives them what they may use.

A ``kind`` is that of an entry point, or ``module:attribute``: a `GuardPlugin`, a class of guards (its options are its
arguments), or a function ``(text, context) -> Verdict``.
"""

import functools
import importlib
import inspect
import sysconfig
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from forebay import __version__
from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.ports import Guard, Handler
from forebay.core.types import Operation, Principal, TimeOuts
from forebay.gateway.guarding.beside import Beside
from forebay.gateway.guarding.rules import Policies, Rule, fingerprint
from forebay.gateway.inward import Inward
from forebay.guards import guard
from forebay.plugins import GUARDS, GuardPlugin, GuardTools, UnknownKindError, misread
from forebay.providers.transport import Addresses, TransportError
from forebay.settings import GuardSettings, Problem, Settings
from forebay.settings.document import plain

BODY_LIMIT: Final = 16 * 1024 * 1024
OK: Final = 200

GUARD = Principal("guard", "forebay")
"""Who asks a model on behalf of a guard."""


class Toolbox:
    """What guards may use, and the tasks ``beside``; ``bind`` says how models are asked, before a guard can want to."""

    def __init__(self) -> None:
        self._models = Inward(GUARD)
        self._addresses = Addresses(BODY_LIMIT, TimeOuts())
        self.beside = Beside()

    def bind(self, ask: Handler) -> None:
        """From now on models are asked by ``ask``."""
        self._models.bind(ask)

    async def ask(self, operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
        """`GuardTools.ask`."""
        return await self._models(operation, body)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """`GuardTools.post`: redirects are not followed, nor are answers beyond `BODY_LIMIT` read."""
        try:
            status, answer = await self._addresses.ask(b"POST", url, headers, body)
        except TransportError as error:
            raise UpstreamError(f"A guard's server does not answer: {error}.") from error
        if status != OK:
            raise UpstreamError(f"A guard's server answered with status {status}.")
        return answer

    async def close(self) -> None:
        """Let what nobody waits for end, and close the connections to other servers."""
        await self.beside.close()
        await self._addresses.aclose()


def policies(settings: Settings, tools: Toolbox) -> Policies:
    """The guards of ``settings`` and whom they are for.

    Raises:
        SettingsError: a guard cannot be built from its section.
    """
    given = GuardTools(tools.ask, tools.post)
    rules = [_rule(name, each, given) for name, each in settings.guards.items()]
    parts = {name: (each.rule, each.section.kind, _hidden(each)) for name, each in settings.guards.items()}
    return Policies(rules, settings.policies, fingerprint((parts, settings.policies, __version__)))


def problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the sections of guards."""
    yield from misread(GUARDS.what, plugin_of, (each.section for each in settings.guards.values()))


@functools.cache
def plugin_of(kind: str) -> GuardPlugin:
    """The plug-in of the guard ``kind``.

    Raises:
        UnknownKindError: there is none.
        ImportError: it is there, but something it needs is not.
    """
    module, colon, attribute = kind.partition(":")
    if not colon:
        return GUARDS.plugin(kind)
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # whatever a module does when it is imported
        raise ImportError(_failure(error)) from error
    if isinstance(found, GuardPlugin):
        return found
    if inspect.isclass(found):
        return _of_class(found)
    if callable(found):
        return guard()(found)
    raise UnknownKindError(f"the module '{module}' has no guard '{attribute}'")


def _failure(error: Exception) -> str:
    """What went wrong in somebody's module, and where: in the last file of it that is not installed."""
    installed_at = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "<frozen", __file__)
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(installed_at)]
    what = f"{type(error).__name__}: {error}" if not isinstance(error, ImportError) else str(error)
    return f"{what} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else what


def _of_class(made: type[Any]) -> GuardPlugin:
    """A plug-in whose options are the arguments of a class."""
    fields: list[tuple[str, Any, Any]] = []
    for each in inspect.signature(made, eval_str=True).parameters.values():
        if each.kind in {each.VAR_POSITIONAL, each.VAR_KEYWORD}:
            continue
        default = msgspec.NODEFAULT if each.default is each.empty else each.default
        fields.append((each.name, Any if each.annotation is each.empty else each.annotation, default))
    settings = msgspec.defstruct(made.__name__, [_field(field) for field in fields], frozen=True)

    def build(options: Any, _tools: GuardTools) -> Guard:  # noqa: ANN401  # of a shape made here
        built: Guard = made(**{name: getattr(options, name) for name, _, _ in fields})
        return built

    return GuardPlugin(settings, build)


def _field(field: tuple[str, Any, Any]) -> tuple[str, Any, Any]:
    """The field with its default made fresh for each, which msgspec asks of mutable ones."""
    name, shape, default = field
    if isinstance(default, (list, dict, set)):
        return name, shape, msgspec.field(default_factory=lambda: type(default)(default))
    return name, shape, msgspec.field(default=default)


def _rule(name: str, settings: GuardSettings, tools: GuardTools) -> Rule:
    section = settings.section
    try:
        plugin = plugin_of(section.kind)
    except ImportError as error:
        raise section.error(f"the guard kind '{section.kind}' cannot be used here: {error}") from error
    options = section.read(plugin.settings)
    try:
        built = plugin.build(options, tools)
    except (ValueError, ImportError, ForebayError) as error:
        raise section.error(f"the guard cannot be built: {error}") from error
    except Exception as error:  # somebody's code
        raise section.error(f"the guard cannot be built: {_failure(error)}") from error
    return Rule(name, built, settings.rule, section.kind, _version(section.kind))


def _version(kind: str) -> str:
    """The version of the package that a kind comes with; empty where it comes with none."""
    entry = GUARDS.installed().get(kind)
    return entry.dist.version if entry is not None and entry.dist is not None else ""


def _hidden(settings: GuardSettings) -> Any:  # noqa: ANN401  # plain values
    """A guard's own options as something that can be hashed; whatever they are."""
    return repr(plain(settings.section.entries))
