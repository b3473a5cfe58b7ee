"""What one configuration brings into being: providers, and the models that they run.

A running server may get another configuration. What is the same in both is kept, an engine with its model first of all:
a provider whose section says the same, and what is known of its deployments.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any, Final, Protocol

import msgspec

from forebay.cache.layered import LayeredStore
from forebay.cache.memory import MemoryStore
from forebay.core.marking import Markable, Watermark
from forebay.core.ports import CacheStore, Provider, Similar, Strategy
from forebay.core.prompts import Collection
from forebay.core.types import Deployment, Live
from forebay.engine.residency import Lodger, Residency
from forebay.gateway.cache.identity import Identities, digest
from forebay.gateway.cache.keeper import Keeper
from forebay.gateway.guarding.rules import Policies
from forebay.gateway.health import HealthChecks
from forebay.gateway.prices import Prices, blended
from forebay.gateway.route import WILDCARD
from forebay.gateway.target import Model, Target
from forebay.guarding import Toolbox, policies
from forebay.guarding import problems as guard_problems
from forebay.plugins import CACHES, PROVIDERS, SIMILAR, STORES, STRATEGIES, Progress, Tools, misread
from forebay.prompting import configured
from forebay.settings import (
    CacheSettings,
    DeploymentSettings,
    HealthSettings,
    KeyRingSettings,
    ModelSettings,
    Problem,
    Section,
    SemanticSettings,
    Settings,
    SettingsError,
    WatermarkSettings,
)

Lives = Mapping[str, Live]
"""What is known of each deployment, by its name."""


STORE: Final = "sql"
"""The kind of the store."""


class Built(msgspec.Struct, frozen=True):
    """A provider, and what it was built from: none of these, if it was not built from settings.

    ``vendor`` is whose price list holds for it, if anybody's does; nobody bills the tokens of an ``own`` one.
    """

    provider: Provider
    kind: str = ""
    options: Any = None
    vendor: str = ""
    own: bool = False


class Part(Protocol):
    """Something that is started and closed."""

    async def start(self) -> None:
        """Make ready."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


class Generation(msgspec.Struct, frozen=True):
    """All that serves between two configurations; ``checks`` watches over it while it does.

    ``residency`` is the memory that its models share, and those of the generations before and after it. ``tools`` are
    what its guards may use. ``prompts`` are those of its folder, ``None`` where there are to be none.
    """

    settings: Settings
    built: Mapping[str, Built]
    lives: Lives
    models: Mapping[str, Model]
    checks: HealthChecks
    residency: Residency
    prices: Prices
    policies: Policies
    tools: Toolbox
    cache: Keeper | None = None
    prompts: Collection | None = None

    @property
    def marked(self) -> dict[str, WatermarkSettings]:
        """How the models of providers are marked, by the providers' names."""
        return {name: how for name, each in self.built.items() if (how := _marked(each.options)) is not None}

    @property
    def providers(self) -> dict[str, Provider]:
        """Its providers by name."""
        return {name: each.provider for name, each in self.built.items()}

    @property
    def parts(self) -> list[Part]:
        """All that is started before it serves, and closed after it."""
        return [*self.providers.values(), *([self.cache] if self.cache else [])]

    def identities(self) -> Identities:
        """Who answers for its models, for keys of the cache."""
        ring, marked = self.settings.watermark.keys, self.marked
        secrets = {name: ring.get(how.key) for name, how in marked.items()}
        return Identities(
            {name: digest(each.kind, each.options, secrets.get(name)) for name, each in self.built.items()}
        )


def generation(settings: Settings, before: Generation | None = None) -> Generation:
    """What ``settings`` bring into being, with as much of the generation ``before`` as stays the same.

    Raises:
        SettingsError: a section is not what its plug-in reads, or of a kind that is not installed.
    """
    check(settings)
    old = before.built if before else {}
    residency = before.residency if before else _residency(settings)
    built = {name: _built(name, section, old.get(name), residency) for name, section in settings.providers.items()}
    for each in built.values():
        if isinstance(each.provider, Markable):
            how = _marked(each.options)
            each.provider.mark_with(None if how is None else _mark(settings.watermark, how))
    kept = {name for name, each in built.items() if name in old and old[name].provider is each.provider}
    lives = _kept_lives(before, kept) if before else {}
    return _generation(settings, built, lives, residency, _cache(settings, before))


def around(settings: Settings, providers: Mapping[str, Provider]) -> Generation:
    """A generation of ``providers`` that are there already."""
    return _generation(
        settings, {name: Built(each) for name, each in providers.items()}, {}, _residency(settings), _cache(settings)
    )


async def start(new: Iterable[Part]) -> None:
    """Start the parts ``new``, all or none.

    Raises:
        Exception: whatever one of them raises that cannot start.
    """
    async with contextlib.AsyncExitStack() as stack:
        for part in new:
            stack.push_async_callback(part.close)
            await part.start()
        stack.pop_all()


def prepare(changed: Generation, before: Generation, progress: Progress) -> None:
    """Let the new providers of ``changed`` prepare; it blocks.

    Raises:
        PreparationError: what one of them needs cannot be had.
    """
    for name, each in changed.built.items():
        if name in before.built and before.built[name].provider is each.provider:
            continue
        plugin = PROVIDERS.plugin(each.kind)
        if plugin.prepare is not None:
            plugin.prepare(each.options, progress)


def check(settings: Settings) -> None:
    """Ask every plug-in about its sections.

    Raises:
        SettingsError: with everything that is wrong, each with its line.
    """
    strategies = [model.strategy for model in settings.models.values() if model.strategy is not None]
    stores = [settings.cache.store] if settings.cache else []
    indexes = [settings.cache.semantic.index] if settings.cache and settings.cache.semantic else []
    problems = (
        *misread(PROVIDERS.what, PROVIDERS.plugin, settings.providers.values()),
        *misread(STRATEGIES.what, STRATEGIES.plugin, strategies),
        *misread(CACHES.what, CACHES.plugin, stores),
        *misread(SIMILAR.what, SIMILAR.plugin, indexes),
        *guard_problems(settings),
        *_capture_problems(settings),
        *_review_problems(settings),
    )
    problems += tuple(_mark_problems(settings)) if not problems else ()
    check_store(settings)
    configured(settings.prompts)
    if problems:
        guards = [each.section for each in settings.guards.values()]
        sections = (*settings.providers.values(), *strategies, *stores, *indexes, *guards)
        sources = [section.source for section in sections]
        raise SettingsError(sources[0] if sources else "the configuration", problems)


def check_store(settings: Settings) -> None:
    """Ask whether the store's kind can be used, if there is to be one.

    Raises:
        SettingsError: it is not installed.
    """
    if settings.store is None:
        return
    try:
        STORES.plugin(STORE)
    except ImportError as error:
        message = f"needs what is not installed ({error.name}): pip install 'forebay[store]'"
        raise SettingsError("the configuration", [Problem(0, "store", message)]) from None


def _review_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the queue of answers to review."""
    if settings.reviews is not None and settings.store is None:
        yield Problem(0, "reviews", "the queue is kept in the store: configure 'store', or leave this out")


def _capture_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the capture of bodies."""
    if settings.capture.requests and settings.store is None:
        yield Problem(0, "capture.requests", "bodies are kept in the store: configure 'store', or leave this out")
    for name in settings.capture.mask:
        if name not in settings.guards:
            yield Problem(0, "capture.mask", f"there is no guard '{name}'")


def _mark_problems(settings: Settings) -> Iterator[Problem]:
    """The models that are to mark with a key that is not there, or not one for their scheme."""
    for section in settings.providers.values():
        how = _marked(section.read(PROVIDERS.plugin(section.kind).settings))
        if how is not None:
            try:
                _mark(settings.watermark, how)
            except ValueError as error:
                yield from section.error(str(error), "watermark").problems


def _marked(options: msgspec.Struct) -> WatermarkSettings | None:
    how = getattr(options, "watermark", None)
    return how if isinstance(how, WatermarkSettings) else None


def _mark(ring: KeyRingSettings, how: WatermarkSettings) -> Watermark:
    from forebay.watermark.marks import Mark, ring_of  # noqa: PLC0415  # NumPy comes with an extra

    return Mark(ring_of(ring), how)


def _residency(settings: Settings) -> Residency:
    return Residency(settings.engine.memory, settings.engine.patience)


def _built(name: str, section: Section, old: Built | None, residency: Residency) -> Built:
    plugin = PROVIDERS.plugin(section.kind)
    options = section.read(plugin.settings)
    if old is not None and (old.kind, old.options) == (section.kind, options):
        return old
    provider = plugin.build(name, options)
    if isinstance(provider, Lodger):
        provider.live_in(residency)
    return Built(provider, section.kind, options, plugin.vendor(options), plugin.own)


def _kept_lives(before: Generation, kept: set[str]) -> dict[str, Live]:
    targets = [target for model in before.models.values() for target in model.targets]
    return {each.deployment.name: each.live for each in targets if each.deployment.provider in kept}


def _cache(settings: Settings, before: Generation | None = None) -> Keeper | None:
    """What keeps the replies: that of the generation ``before``, if its store and index are the same."""
    wanted = settings.cache
    if wanted is None:
        return None
    was = before.settings.cache if before is not None else None
    if before is not None and was is not None and _sections(wanted) == _sections(was):
        return before.cache
    plugin = CACHES.plugin(wanted.store.kind)
    store = plugin.build(wanted.store.read(plugin.settings))
    similar = _similar(wanted.semantic, store)
    if plugin.shared and wanted.front.max_bytes and wanted.front.ttl:
        store = LayeredStore(MemoryStore(wanted.front.max_bytes), store, wanted.front.ttl)
    return Keeper(wanted.store.kind, store, similar)


def _similar(semantic: SemanticSettings | None, store: CacheStore) -> Similar | None:
    if semantic is None:
        return None
    plugin = SIMILAR.plugin(semantic.index.kind)
    return plugin.build(semantic.index.read(plugin.settings), store)


def _sections(cache: CacheSettings) -> tuple[object, ...]:
    """What store and index are built from."""
    index = cache.semantic.index if cache.semantic else None
    return cache.store.kind, cache.store.plain(), cache.front, index and (index.kind, index.plain())


def _generation(
    settings: Settings, built: Mapping[str, Built], known: Lives, residency: Residency, cache: Keeper | None
) -> Generation:
    lives: dict[str, Live] = {}
    models = {}
    own = frozenset(name for name, each in built.items() if each.own)
    prices = Prices(settings.prices, {name: each.vendor for name, each in built.items()}, own)
    for name, entry in settings.models.items():
        deployments = [_deployment(name, each, prices) for each in entry.deployments]
        for each in deployments:
            lives.setdefault(each.name, known.get(each.name) or Live())
        targets = [Target(each, built[each.provider].provider, lives[each.name]) for each in deployments]
        models[name] = _model(name, entry, tuple(targets))
    checks, tools = HealthChecks(_watched(settings, models)), Toolbox()
    guards = policies(settings, tools)
    prompts = configured(settings.prompts)
    return Generation(settings, built, lives, models, checks, residency, prices, guards, tools, cache, prompts)


def _model(name: str, settings: ModelSettings, targets: tuple[Target, ...]) -> Model:
    return Model(
        name,
        targets,
        _strategy(settings.strategy),
        settings.retries,
        settings.cool_down,
        settings.fallbacks,
        settings.hedge,
        settings.cache,
    )


def _strategy(section: Section | None) -> Strategy | None:
    if section is None:
        return None
    plugin = STRATEGIES.plugin(section.kind)
    return plugin.build(section.read(plugin.settings), Tools(Random(), blended))  # noqa: S311  # it spreads load


def _deployment(name: str, settings: DeploymentSettings, prices: Prices) -> Deployment:
    provider, model = settings.provider, settings.model or ("*" if name.endswith(WILDCARD) else name)
    price = prices.of(provider, model)
    return Deployment(f"{provider}/{model}", provider, model, settings.timeouts, settings.weight, price=price)


def _watched(settings: Settings, models: Mapping[str, Model]) -> Iterator[tuple[Target, HealthSettings]]:
    for name, entry in settings.models.items():
        if entry.health is not None:
            yield from ((target, entry.health) for target in models[name].targets)
