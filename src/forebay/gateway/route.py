"""The last handler of the pipeline: from a model's name to the deployment that answers."""

import time
from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from forebay.core.errors import (
    ContentFilterError,
    ContextLengthError,
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
)
from forebay.core.ports import Adapters
from forebay.core.types import ADAPTER_MARK, Call, Deployment, Principal, Reply
from forebay.gateway.cooldown import COUNTED
from forebay.gateway.explain import Explanations
from forebay.gateway.prices import Prices
from forebay.gateway.resilience import answer
from forebay.gateway.target import Model, Target
from forebay.settings import FallbackSettings

WILDCARD = "/*"

_NOBODY = FallbackSettings()


class Route:
    """Finds a model and asks its targets until one answers; where none does, the models that it falls back to.

    ``models`` are by name, or by a prefix ending in ``/*`` whose rest names the provider's model. ``model:adapter`` is
    asked of the targets of ``model`` whose providers take adapters, unless the whole of it is a model's name. How the
    latest calls were routed is in ``explanations``. ``prices`` are for what is behind a prefix: nobody knows its name
    before it is asked for.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        explanations: Explanations | None = None,
        random: Random | None = None,
        prices: Prices | None = None,
    ) -> None:
        self._models = {name: each for name, each in models.items() if not name.endswith(WILDCARD)}
        self._wildcards = {name[:-1]: each for name, each in models.items() if name.endswith(WILDCARD)}
        self._keep = (explanations or Explanations()).keep
        self._random = random or Random()  # noqa: S311  # it spreads load
        self._prices = prices or Prices()

    async def __call__(self, call: Call) -> Reply:
        """Answer ``call``.

        Raises:
            ModelNotFoundError: there is no such model, or the principal may not use it.
            InvalidRequestError: no deployment of the model can do what is asked.
            ForebayError: what the last target of the model raised.
        """
        self._keep(call)
        model = self.model(call.request.model, call.principal)
        deadline = time.perf_counter() + model.total
        try:
            return await answer(call, model, self._random, "first", deadline)
        except ForebayError as error:
            reply = await self._fallen_back(call, _others(model, error), deadline)
            if reply is None:
                error.headers["x-forebay-attempts"] = str(len(call.trace.attempts))
                raise
            return reply

    def models(self, principal: Principal) -> list[tuple[str, Sequence[Target]]]:
        """Names of the models that ``principal`` may use, each with its targets; wildcards are patterns."""
        wildcards = {prefix + "*": model for prefix, model in self._wildcards.items()}
        return [(name, model.targets) for name, model in (self._models | wildcards).items() if principal.may_use(name)]

    def find(self, model: str, principal: Principal) -> Sequence[Target]:
        """The targets of ``model``.

        Raises:
            ModelNotFoundError: there are none, or they are not for ``principal``.
        """
        return self.model(model, principal).targets

    def model(self, name: str, principal: Principal) -> Model:
        """The model called ``name``.

        Raises:
            ModelNotFoundError: there is none, or it is not for ``principal``.
            InvalidRequestError: it names two adapters of a model.
        """
        self._check_adapters(name, principal)
        if not principal.may_use(name):
            raise unknown(name)
        return self._models.get(name) or self._by_adapter(name) or self._by_prefix(name)

    def with_adapters(self) -> Mapping[str, Sequence[Target]]:
        """The models that take adapters, each with those of its targets that do."""
        found = {name: [each for each in model.targets if _takes(each)] for name, model in self._models.items()}
        return {name: targets for name, targets in found.items() if targets}

    async def _fallen_back(self, call: Call, names: Sequence[str], deadline: float) -> Reply | None:
        """The answer of the first of the models ``names`` that has one; those not for the principal are passed over."""
        for name in names:
            try:
                model = self.model(name, call.principal)
                return await answer(call, model, self._random, "fallback", deadline)
            except ForebayError:
                continue  # what the model that was asked for said is what is told
        return None

    def _check_adapters(self, name: str, principal: Principal) -> None:
        """Refuse ``model:adapter:other``, which is what a request with both kinds of names asks for."""
        base, _, other = name.rpartition(ADAPTER_MARK)
        if ADAPTER_MARK not in base or {name, base} & self._models.keys() or not principal.may_use(base):
            return
        if self._by_adapter(base):
            raise InvalidRequestError(
                f"The model '{base}' names an adapter already, and 'adapter_id' another one, '{other}': leave one out.",
                param="adapter_id",
            )

    def _by_adapter(self, name: str) -> Model | None:
        base, _, adapter = name.rpartition(ADAPTER_MARK)
        model = self._models.get(base) if adapter else None
        targets = tuple(_adapted(each, adapter) for each in model.targets if _takes(each)) if model else ()
        # What a model falls back to has not learned what the adapter has.
        return (
            msgspec.structs.replace(model, name=name, targets=targets, fallbacks=_NOBODY) if model and targets else None
        )

    def _by_prefix(self, name: str) -> Model:
        prefix, slash, rest = name.partition("/")
        model = self._wildcards.get(prefix + slash)
        if not model or not rest:
            raise unknown(name)
        targets = tuple(
            msgspec.structs.replace(each, deployment=self._filled(each.deployment, rest)) for each in model.targets
        )
        return msgspec.structs.replace(model, name=name, targets=targets)

    def _filled(self, deployment: Deployment, rest: str) -> Deployment:
        """The deployment behind a wildcard, with what the client named in place of its ``*``."""
        provider, model = deployment.provider, deployment.model.replace("*", rest)
        price = self._prices.of(provider, model)
        return msgspec.structs.replace(deployment, name=f"{provider}/{model}", model=model, price=price)


def _others(model: Model, error: ForebayError) -> Sequence[str]:
    """The models that ``model`` falls back to after ``error``."""
    fallbacks = model.fallbacks
    if isinstance(error, ContextLengthError):
        return fallbacks.context_length
    if isinstance(error, ContentFilterError):
        return fallbacks.content_policy
    return fallbacks.default if isinstance(error, COUNTED) else ()


def _takes(target: Target) -> bool:
    return isinstance(target.provider, Adapters)


def _adapted(target: Target, adapter: str) -> Target:
    deployment = target.deployment
    name = f"{deployment.name}{ADAPTER_MARK}{adapter}"
    return msgspec.structs.replace(target, deployment=msgspec.structs.replace(deployment, name=name, adapter=adapter))


def unknown(model: str) -> ModelNotFoundError:
    """What is said where there is no ``model``, or none for who asks."""
    return ModelNotFoundError(
        f"The model '{model}' does not exist or you do not have access to it; GET /v1/models lists those you may use.",
        param="model",
    )
