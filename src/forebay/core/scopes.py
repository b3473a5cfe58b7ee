"""What a credential may be good for: one word for each kind of work, and one for running the server."""

from typing import Final

from forebay.core.types import Operation

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
