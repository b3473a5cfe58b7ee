"""What is kept of conversations: the nouns, and what can be asked of whoever keeps them.

A conversation is a tree of items; its ``leaf`` is where it goes on, and what leads there is what a model sees. A
response without a conversation has a tree of its own, which is not listed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from forebay.core.story import Heard
from forebay.core.types import Principal

Status = Literal["in_progress", "completed", "incomplete", "failed"]
Titled = Literal["", "words", "model", "user"]
"""Who has made a title; the next one may be replaced by those after it only."""

START: Final = ""
"""The parent of what has none."""

LATEST: Final = 1e11


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Whose something is; for anybody else it is not there."""

    tenant: str
    name: str

    @classmethod
    def of(cls, principal: Principal) -> "Owner":
        """Whoever asks."""
        return cls(principal.tenant, principal.name)


class Facts(msgspec.Struct, frozen=True, gc=False):
    """How an answer came to be; ``ttft`` and ``seconds`` since the call was accepted, ``cost`` in pico-dollars.

    ``None`` is what is not known. ``watermark`` names the key of the mark, ``guards`` are those that objected.
    """

    request: str
    model: str
    deployment: str = ""
    finish: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    ttft: float | None = None
    seconds: float | None = None
    tpot: float | None = None
    cost: int | None = None
    cache: str = ""
    attempts: int = 0
    watermark: str = ""
    guards: tuple[Heard, ...] = ()


class Item(msgspec.Struct, frozen=True):
    """A message, a call, its output, reasoning: ``fields`` are those that OpenAI's item has besides.

    ``text`` is what is found by searching. ``parent`` and ``siblings`` are the tree's; ``output`` says that a model
    made it, as part of ``response``.
    """

    id: str
    type: str
    role: str
    status: Status
    fields: Mapping[str, Any]
    created: float
    text: str = ""
    parent: str = START
    response: str = ""
    output: bool = False
    facts: Facts | None = None
    siblings: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(msgspec.json.encode(self.fields))


class Conversation(msgspec.Struct, frozen=True):
    """One conversation; ``items`` and ``size`` are those of all its branches."""

    id: str
    created: float
    updated: float
    title: str = ""
    titled: Titled = ""
    leaf: str = START
    items: int = 0
    size: int = 0
    metadata: Mapping[str, str] = {}
    listed: bool = True


class Change(msgspec.Struct, frozen=True):
    """What becomes of a conversation; ``None`` stays. ``current`` is an item that its branch is to go through."""

    title: str | None = None
    metadata: Mapping[str, str] | None = None
    current: str | None = None


class ListQuery(msgspec.Struct, frozen=True):
    """Which conversations: with ``text``, used from ``since`` to before ``until``, after the one called ``after``."""

    text: str = ""
    since: float = 0.0
    until: float = LATEST
    after: str = ""


class BranchQuery(msgspec.Struct, frozen=True):
    """Which items of the branch that ends at ``leaf`` (``None``: the current one): ``limit`` after ``after``."""

    leaf: str | None = None
    after: str = ""
    limit: int | None = None
    newest_first: bool = False


class Opening(msgspec.Struct, frozen=True):
    """A response is about to be generated: where it goes on, and what is said first.

    ``conversation`` or ``previous`` (a response) names the tree, neither begins one. ``parent`` is the item to go on
    after; ``None``: wherever the tree is.
    """

    response: str
    created: float
    model: str
    items: Sequence[Item]
    conversation: str = ""
    previous: str = ""
    parent: str | None = None
    title: str = ""


class Opened(msgspec.Struct, frozen=True):
    """What came before, oldest first, and the conversation as it is now; ``again``: it was answered before."""

    conversation: Conversation
    history: Sequence[Item]
    again: bool = False


class Progress(msgspec.Struct, frozen=True):
    """What there is of a response by now: those of its items that have changed."""

    response: str
    items: Sequence[Item]


class Ending(msgspec.Struct, frozen=True):
    """A response has ended; ``body`` is what OpenAI's object holds besides its output."""

    response: str
    status: Status
    items: Sequence[Item]
    body: Mapping[str, Any]


class StoredResponse(msgspec.Struct, frozen=True):
    """A response that is kept. ``base`` is the item that it went on after, ``leaf`` its last one.

    ``touched`` is when the ``process`` that generates it last said that it lives.
    """

    id: str
    conversation: str
    created: float
    model: str
    status: Status
    base: str
    leaf: str
    touched: float
    process: str
    body: Mapping[str, Any]


class Bounds(msgspec.Struct, frozen=True):
    """How much one conversation may hold: items, bytes in one of them, bytes in all."""

    items: int
    item: int
    size: int


class Conversations(Protocol):
    """Keeps conversations.

    Whoever does not own one is told `NotFoundError`; where nothing can be kept now, `UnavailableError`; what is more
    than the bounds allow, `PayloadTooLargeError`; what names an item that is not there, `InvalidRequestError`.
    """

    async def create(self, owner: Owner, conversation: Conversation, items: Sequence[Item]) -> Conversation:
        """A new one that holds ``items``, each with its parent."""
        ...

    async def find(self, owner: Owner, identity: str) -> Conversation:
        """One of them."""
        ...

    async def list(self, owner: Owner, query: ListQuery, limit: int) -> Sequence[Conversation]:
        """The first ``limit`` that ``query`` means, the latest used first."""
        ...

    async def change(self, owner: Owner, identity: str, change: Change) -> Conversation:
        """Change one."""
        ...

    async def retitle(self, identity: str, title: str) -> None:
        """Give one the title of a model's, unless its owner has given it another."""
        ...

    async def delete(self, owner: Owner, identity: str) -> None:
        """Delete one with all that is in it."""
        ...

    async def add(self, owner: Owner, identity: str, items: Sequence[Item], parent: str | None) -> Sequence[Item]:
        """Let ``items`` follow, one the other, after ``parent`` (``None``: where it is now)."""
        ...

    async def branch(self, owner: Owner, identity: str, query: BranchQuery) -> Sequence[Item]:
        """The items of one branch, with their siblings."""
        ...

    async def tree(self, owner: Owner, identity: str) -> Sequence[Item]:
        """All items of all branches, parents before children."""
        ...

    async def item(self, owner: Owner, identity: str, item: str) -> Item:
        """One item."""
        ...

    async def items(self, owner: Owner, names: Sequence[str]) -> Mapping[str, Item]:
        """Items of whatever conversations, as far as they are there."""
        ...

    async def remove(self, owner: Owner, identity: str, item: str) -> Conversation:
        """Delete one item; what followed it follows its parent."""
        ...


class Responses(Protocol):
    """Keeps responses while they are generated, and afterwards; fails as `Conversations` do."""

    async def begin(self, owner: Owner, opening: Opening) -> Opened:
        """Keep what is said, and tell what was said before."""
        ...

    async def history(self, owner: Owner, response: str) -> Sequence[Item]:
        """What was said up to the end of a response."""
        ...

    async def progress(self, all_of_them: Sequence[Progress]) -> None:
        """Keep what there is of responses, and that they are alive."""
        ...

    async def end(self, ending: Ending) -> None:
        """Keep the whole."""
        ...

    async def withdraw(self, response: str) -> None:
        """Forget a response that never was, and what was said for it."""
        ...

    async def find(self, owner: Owner, response: str) -> tuple[StoredResponse, Sequence[Item]]:
        """A response and its output."""
        ...

    async def inputs(self, owner: Owner, response: str, query: BranchQuery) -> Sequence[Item]:
        """What it was generated from; ``query.leaf`` is nothing here."""
        ...

    async def delete(self, owner: Owner, response: str) -> None:
        """Delete one, and its items unless they are in a conversation that is listed."""
        ...

    async def mend(self) -> int:
        """Mark what dead processes left as incomplete; how many responses that were."""
        ...

    async def forget(self, before: float) -> int:
        """Delete some conversations that were last used before a moment; how many."""
        ...
