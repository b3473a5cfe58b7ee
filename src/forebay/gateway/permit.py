"""The stage that refuses what a credential is not good for, by its scopes."""

from forebay.core.errors import PermissionDeniedError
from forebay.core.ports import Handler
from forebay.core.scopes import SCOPE_OF
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
        scopes = call.principal.scopes
        if scopes is not None and (scope := SCOPE_OF[call.request.operation]) not in scopes:
            raise PermissionDeniedError(
                f"This credential is not good for this: it takes the scope '{scope}'.",
                headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{scope}"{self._rest}'},
            )
        return await ask(call)
