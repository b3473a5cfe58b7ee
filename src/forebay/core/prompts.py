"""Prompts as objects with versions: what one holds, how a request names one, and who keeps them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec

from forebay.core.types import Principal

PRODUCTION: Final = "production"
"""The label that a request means that names neither version nor label."""

EVERYBODY: Final = ""
"""Whose prompts those are that every tenant may use: the ones of the configuration."""

MOST_CHARACTERS: Final = 256 * 1024
"""How long all messages of a prompt together may be."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Weight = Annotated[float, msgspec.Meta(gt=0, le=1e6)]
Variable = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of a prompt; in its text ``{{name}}`` stands for a variable's value."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt before it has a version.

    ``variables`` are JSON Schemas by name; one with a ``default`` may be left out. ``parameters`` are those of a chat
    request, used where the request has none of its own, as ``model`` is. ``budget`` is how many tokens it may have.
    """

    id: Name
    messages: Annotated[tuple[Message, ...], msgspec.Meta(min_length=1, max_length=100)]
    variables: Annotated[Mapping[Variable, Mapping[str, Any]], msgspec.Meta(max_length=100)] = {}
    model: Annotated[str, msgspec.Meta(max_length=512)] = ""
    parameters: Annotated[Mapping[str, Any], msgspec.Meta(max_length=50)] = {}
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    budget: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Prompt(msgspec.Struct, frozen=True):
    """One version of a prompt; it never changes. ``created`` is seconds since the epoch, 0.0 where nobody noted it."""

    draft: Draft
    version: int
    tenant: str = EVERYBODY
    created: float = 0.0
    author: str = ""

    @property
    def name(self) -> str:
        """How traces, ledger and logs call it."""
        return f"{self.draft.id}@{self.version}"


class Label(msgspec.Struct, frozen=True):
    """A name for a version, or for several, each with its share of the callers."""

    tenant: str
    id: str
    name: str
    shares: Mapping[int, float]


class Collection(msgspec.Struct, frozen=True):
    """Prompts and their labels."""

    prompts: Sequence[Prompt] = ()
    labels: Sequence[Label] = ()


class PromptBook(Protocol):
    """Where prompts are kept. Every method raises `UnavailableError` where it cannot be asked now."""

    async def version(self) -> int:
        """Another number after every change."""
        ...

    async def all(self) -> Collection:
        """Every prompt in every version, and every label."""
        ...

    async def add(self, draft: Draft, tenant: str, created: float, author: str, /) -> Prompt:
        """Keep ``draft`` as the next version; the latest one, if that says the same."""
        ...

    async def label(self, label: Label, /) -> None:
        """From now on the label of that name is this one; without shares it is gone."""
        ...


Expand = Callable[[bytes, Principal], tuple[bytes, str]]
"""Puts a prompt that a body names into it, for a caller: the body, and the `Prompt.name`; empty where none is named.

It raises an `InvalidRequestError` or a `NotFoundError` where there is no such prompt, or its variables do not fit."""


def as_it_is(body: bytes, principal: Principal) -> tuple[bytes, str]:  # noqa: ARG001  # Expand
    """An `Expand` where there are no prompts."""
    return body, ""
