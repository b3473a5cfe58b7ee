"""What every endpoint of conversations does first and last: know who asks, and answer."""

from typing import Final

from forebay.api.http import Scope, header
from forebay.core.conversations import Owner
from forebay.core.errors import NotFoundError, PermissionDeniedError
from forebay.core.ports import Authenticator
from forebay.core.scopes import SCOPE_OF
from forebay.core.types import Operation, Principal

SCOPE: Final = SCOPE_OF[Operation.CHAT]


class Asker:
    """Who asks, if their credential is good for chats."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def principal(self, scope: Scope) -> Principal:
        """The principal.

        Raises:
            AuthenticationError: there is none.
            PermissionDeniedError: theirs is a credential for something else.
        """
        found = await self._authenticator.authenticate(header(scope, b"authorization"))
        if found.scopes is not None and SCOPE not in found.scopes:
            raise PermissionDeniedError(
                f"This credential is not good for this: it takes the scope '{SCOPE}'.",
                headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{SCOPE}"'},
            )
        return found

    async def owner(self, scope: Scope) -> Owner:
        """The same as the owner of conversations."""
        return Owner.of(await self.principal(scope))


def path_of(scope: Scope, prefix: str) -> list[str]:
    """The parts of the path below ``prefix``."""
    path: str = scope["path"]
    return path.removeprefix(prefix).split("/")


def no_such_path(scope: Scope) -> NotFoundError:
    """Nobody answers there."""
    return NotFoundError(f"There is no {scope['path'][:200]}; see docs/conversations.md.")
