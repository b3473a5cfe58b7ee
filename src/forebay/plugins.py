"""Finds parts by name: every built-in one is registered by the same entry points as a third party's.

A package adds a provider kind, a strategy or a guard with

    [project.entry-points."forebay.providers"]
    mykind = "my_package.module:plugin"

    [project.entry-points."forebay.strategies"]
    mykind = "my_package.module:plugin"

    [project.entry-points."forebay.guards"]
    mykind = "my_package.module:plugin"

    [project.entry-points."forebay.caches"]
    mykind = "my_package.module:plugin"

where ``plugin`` is a `ProviderPlugin`, a `StrategyPlugin`, a `GuardPlugin` or a `CachePlugin`; and a `SimilarPlugin` in
the group ``forebay.similar``, which finds stored questions that mean the same, with an `EmbedderPlugin` of
``forebay.embedders``. Nothing is imported until a configuration names the kind.
"""

import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from random import Random
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from forebay.core.ports import CacheStore, Embedder, Guard, Provider, Similar, Strategy
from forebay.core.store import Store
from forebay.core.types import Deployment, Operation
from forebay.settings.document import shown
from forebay.settings.problems import Problem, SettingsError, nearest
from forebay.settings.section import Section
from forebay.settings.store import StoreSettings

P = TypeVar("P")

CostOf = Callable[[Deployment], float | None]
"""What a token of a deployment costs, in any unit that is the same for all of them; ``None`` where it is unknown."""

Progress = Callable[[str, int, int], None]


class ProviderPlugin(msgspec.Struct, frozen=True):
    """A kind of provider: the settings it reads and how it is built from its name and those settings.

    ``prepare`` does, once and before the server listens, what takes long (fetching and converting a model); it blocks
    and tells its progress as (stage, done, total). ``per_host`` marks a kind of which one instance serves all worker
    processes of a host, because each would hold a model in memory. ``vendor`` says whose price list (by its name there)
    holds for one of these settings: nobody's, unless it is certain who sends the bill. Nobody sends one for an ``own``
    kind: its models run on the machines of whoever runs Forebay.
    """

    settings: type[msgspec.Struct]
    build: Callable[[str, Any], Provider]
    prepare: Callable[[Any, Progress], None] | None = None
    per_host: bool = False
    vendor: Callable[[Any], str] = lambda _settings: ""
    own: bool = False


class Tools(msgspec.Struct, frozen=True):
    """What a strategy may use: a source of chance, and prices."""

    random: Random
    cost_of: CostOf


class StrategyPlugin(msgspec.Struct, frozen=True):
    """A kind of strategy: the settings it reads and how it is built from them, once for each model that names it.

    One that builds ``None`` leaves the deployments in the order in which they are configured.
    """

    settings: type[msgspec.Struct]
    build: Callable[[Any, Tools], Strategy | None]


class CachePlugin(msgspec.Struct, frozen=True):
    """A kind of store for replies: the settings it reads and how it is built from them; it is started later.

    ``shared`` says that several processes see the same entries, so that one of them keeps its own copies for seconds
    only.
    """

    settings: type[msgspec.Struct]
    build: Callable[[Any], CacheStore]
    shared: bool = False


class SimilarPlugin(msgspec.Struct, frozen=True):
    """A kind of semantic index: the settings it reads, and how it is built from them and the store of the entries.

    It is started later, after the store.
    """

    settings: type[msgspec.Struct]
    build: Callable[[Any, CacheStore], Similar]


class EmbedderPlugin(msgspec.Struct, frozen=True):
    """A kind of embedder, and how it is built; it is started later."""

    build: Callable[[], Embedder]


Ask = Callable[[Operation, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Asks a model of this gateway, whole: what for, and the request's body; the answer is the reply's. It is metered, and
not guarded. Raises `ForebayError` where there is no answer."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[bytes]]
"""Sends a POST to a URL: headers and body; the answer is that of status 200. Raises `ForebayError` for any other."""


class GuardTools(msgspec.Struct, frozen=True):
    """What a guard may use: the models of this gateway, and other servers; it takes them from its settings only.

    Neither has a time-out of its own: the pipeline gives a guard so long, and then cancels it.
    """

    ask: Ask
    post: Post


class GuardPlugin(msgspec.Struct, frozen=True):
    """A kind of guard: the settings it reads, and how it is built from them, once for each guard of the configuration.

    The settings hold what is the guard's own; ``on``, ``on_fail`` and the like are the pipeline's.

    Raises:
        ValueError: from ``build``: the settings cannot be used; the message says why, without what they hold.
    """

    settings: type[msgspec.Struct]
    build: Callable[[Any, GuardTools], Guard]


class StorePlugin(msgspec.Struct, frozen=True):
    """A kind of store, and how it is built; it is started later.

    ``build`` raises `PreparationError` where the settings cannot be used.
    """

    build: Callable[[StoreSettings], Store]


class PreparationError(Exception):
    """What a provider needs cannot be had; the message says why, and what to do."""


class UnknownKindError(LookupError):
    """No plug-in of that kind is installed."""


class Kinds(msgspec.Struct, Generic[P], frozen=True):
    """The installed plug-ins of one type: ``group`` is their entry points', ``what`` the word for one of them."""

    group: str
    what: str

    def plugin(self, kind: str) -> P:
        """The plug-in of ``kind``.

        Raises:
            UnknownKindError: none is installed; the message names the nearest, or all that are.
            ImportError: it is installed, but something it needs is not.
        """
        known = self.installed()
        if kind not in known:
            near = nearest(kind, known)
            rest = f"did you mean '{near}'?" if near else f"installed are: {', '.join(sorted(known))}"
            raise UnknownKindError(f"unknown {self.what} kind '{shown(kind)}'; {rest}")
        plugin: P = known[kind].load()
        return plugin

    def installed(self) -> Mapping[str, EntryPoint]:
        """All of them by their kind; the first of two packages with the same one wins."""
        return _entries(self.group)


PROVIDERS: Final = Kinds[ProviderPlugin]("forebay.providers", "provider")
STRATEGIES: Final = Kinds[StrategyPlugin]("forebay.strategies", "strategy")
GUARDS: Final = Kinds[GuardPlugin]("forebay.guards", "guard")
CACHES: Final = Kinds[CachePlugin]("forebay.caches", "cache")
SIMILAR: Final = Kinds[SimilarPlugin]("forebay.similar", "semantic cache")
EMBEDDERS: Final = Kinds[EmbedderPlugin]("forebay.embedders", "embedder")
STORES: Final = Kinds[StorePlugin]("forebay.stores", "store")


class Configurable(Protocol):
    """A plug-in that a section of the configuration is for."""

    @property
    def settings(self) -> type[msgspec.Struct]:
        """What the section is read as."""
        ...


def misread(what: str, plugin: Callable[[str], Configurable], sections: Iterable[Section]) -> Iterator[Problem]:
    """What is wrong with ``sections``, each of which is about a ``what``, as the ``plugin`` of its kind sees it."""
    for section in sections:
        try:
            section.read(plugin(section.kind).settings)
        except SettingsError as error:
            yield from error.problems
        except UnknownKindError as error:
            yield from section.error(str(error)).problems
        except ImportError as error:
            yield from section.error(f"the {what} kind '{section.kind}' cannot be used here: {error}").problems


@functools.cache
def _entries(group: str) -> Mapping[str, EntryPoint]:
    """It reads the metadata of every installed package, once: they do not change while a process runs."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, entry)
    return found
