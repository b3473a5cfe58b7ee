"""The last handler of the pipeline: from a model's name to the deployment that answers."""

import contextlib
from collections.abc import Mapping, Sequence

import msgspec

from forebay.core.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.ports import Provider
from forebay.core.types import Call, Deployment, Principal, Reply

WILDCARD = "/*"

# What another deployment may do better. Whatever else went wrong is the request's own fault.
WORTH_ANOTHER = (UpstreamError, UpstreamTimeoutError, UnavailableError)


class Target(msgspec.Struct, frozen=True):
    """A deployment and who runs it."""

    deployment: Deployment
    provider: Provider


class Route:
    """Finds the targets of a model and asks them in order until one answers.

    A provider answers only once its first event is there, so going on to the next target never repeats what a client
    has already seen. ``targets`` maps a model's name, or a prefix ending in ``/*`` whose rest names the provider's
    model, to its targets, of which there is at least one.
    """

    def __init__(self, targets: Mapping[str, Sequence[Target]]) -> None:
        self._targets = {name: tuple(each) for name, each in targets.items() if not name.endswith(WILDCARD)}
        self._wildcards = {name[:-1]: tuple(each) for name, each in targets.items() if name.endswith(WILDCARD)}

    async def __call__(self, call: Call) -> Reply:
        """Answer ``call``.

        Raises:
            ModelNotFoundError: there is no such model, or the principal may not use it.
            InvalidRequestError: no deployment of the model can do what is asked.
            ForebayError: what the last target raised.
        """
        *others, last = self._able(call)
        for target in others:
            with contextlib.suppress(*WORTH_ANOTHER):
                return await _ask(target, call)
        return await _ask(last, call)

    def models(self, principal: Principal) -> list[tuple[str, str]]:
        """Names of the models that ``principal`` may use, each with its first provider; wildcards are patterns."""
        wildcards = {prefix + "*": targets for prefix, targets in self._wildcards.items()}
        return [
            (name, targets[0].deployment.provider)
            for name, targets in (self._targets | wildcards).items()
            if principal.may_use(name)
        ]

    def find(self, model: str, principal: Principal) -> Sequence[Target]:
        """The targets of ``model``.

        Raises:
            ModelNotFoundError: there are none, or they are not for ``principal``.
        """
        if not principal.may_use(model):
            raise _unknown(model)
        return self._targets.get(model) or self._by_prefix(model)

    def _able(self, call: Call) -> Sequence[Target]:
        targets = self.find(call.request.model, call.principal)
        operation = call.request.operation
        able = [target for target in targets if operation in target.provider.operations]
        if not able:
            raise InvalidRequestError(
                f"The model '{call.request.model}' does not answer /v1/{operation.value}.", param="model"
            )
        return able

    def _by_prefix(self, model: str) -> Sequence[Target]:
        prefix, slash, rest = model.partition("/")
        targets = self._wildcards.get(prefix + slash)
        if not targets or not rest:
            raise _unknown(model)
        return [Target(_filled(target.deployment, model, rest), target.provider) for target in targets]


def _filled(deployment: Deployment, name: str, rest: str) -> Deployment:
    """The deployment behind a wildcard, with what the client named in place of its ``*``."""
    return msgspec.structs.replace(deployment, name=name, model=deployment.model.replace("*", rest))


async def _ask(target: Target, call: Call) -> Reply:
    call.trace.deployment = target.deployment.name
    return await target.provider.answer(call, target.deployment)


def _unknown(model: str) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"The model '{model}' does not exist or you do not have access to it; GET /v1/models lists those you may use.",
        param="model",
    )
