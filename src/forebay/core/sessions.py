"""Sessions of people who have logged in with a browser, and who keeps them."""

from typing import Final, Literal, Protocol

import msgspec

from forebay.core.types import Principal

Role = Literal["admin", "member", "viewer"]
"""Who may do everything; everything but run the server; read, and neither ask a model nor change anything."""


class Session(msgspec.Struct, frozen=True):
    """Somebody's session; ``origin`` is the way in which they logged in, as it was configured then.

    ``label`` is what to call them on a page. Moments are seconds since the epoch; ``seen`` is its last use, more or
    less. ``id_token`` is what the provider said of them, to be shown to it at the logout.
    """

    origin: str
    name: str
    tenant: str
    label: str
    role: Role
    created: float
    seen: float
    ends: float
    models: tuple[str, ...] | None = None
    id_token: str = ""

    def principal(self) -> Principal:
        """Who acts in it; that a viewer only reads is seen to where sessions are found (`auth.login.acting`)."""
        models = None if self.models is None else frozenset(self.models)
        return Principal(self.name, self.tenant, models, self.role == "admin")


MOST_OF_ONE: Final = 20
"""Sessions of one person; a further one ends the one that was longest not used."""


class SessionBook(Protocol):
    """Where sessions are kept, by the digests of their ids.

    Every method raises `UnavailableError` where it cannot be asked now.
    """

    async def add(self, digest: str, session: Session, /) -> None:
        """Keep a new one; those that have ended are forgotten, and of one person all but `MOST_OF_ONE`."""
        ...

    async def find(self, digest: str, /) -> Session | None:
        """The session of that digest, ended or not."""
        ...

    async def touch(self, digest: str, seen: float, /) -> None:
        """It was used at that moment."""
        ...

    async def remove(self, digest: str, /) -> None:
        """Forget it; one that is not there is fine."""
        ...
