"""The stage that refuses what a credential is not good for, by its scopes."""

from forebay.core.ports import Handler
from forebay.core.scopes import SCOPE_OF, require
from forebay.core.types import Call, Reply


class Permit:
    """Asks on if the principal has the scope that the operation takes; ``metadata`` is where clients learn of it."""

    def __init__(self, metadata: str = "") -> None:
        self._rest = f', resource_metadata="{metadata}"' if metadata else ""

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call``.

        Raises:
            PermissionDeniedError: the scope is missing; the header says which one it takes (RFC 6750, section 3.1).
        """
        if call.principal.scopes is not None:
            require(call.principal, SCOPE_OF[call.request.operation], self._rest)
        return await ask(call)
