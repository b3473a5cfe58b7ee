"""What a credential may be good for: one word for each kind of work, and one for running the server."""

from typing import Final

from forebay.core.errors import PermissionDeniedError
from forebay.core.types import Operation, Principal

ADMIN: Final = "admin"

SCOPE_OF: Final = {
    Operation.CHAT: "chat",
    Operation.COMPLETION: "completions",
    Operation.EMBEDDING: "embeddings",
    Operation.COUNT: "chat",
    Operation.RERANK: "rerank",
    Operation.MODERATION: "moderations",
    Operation.SPEECH: "audio",
    Operation.TRANSCRIPTION: "audio",
    Operation.TRANSLATION: "audio",
    Operation.IMAGE: "images",
    Operation.IMAGE_EDIT: "images",
    Operation.IMAGE_VARIATION: "images",
    Operation.FILES: "files",
    Operation.BATCHES: "batches",
}
"""What each operation takes."""

SCOPES: Final = (*dict.fromkeys(SCOPE_OF.values()), ADMIN)


def require(principal: Principal, scope: str, rest: str = "") -> None:
    """Refuse a ``principal`` whose credential has scopes, and not this one; ``rest`` ends the header that says so.

    Raises:
        PermissionDeniedError: the header says which one it takes (RFC 6750, section 3.1).
    """
    if principal.scopes is not None and scope not in principal.scopes:
        raise PermissionDeniedError(
            f"This credential is not good for this: it takes the scope '{scope}'.",
            headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{scope}"{rest}'},
        )
