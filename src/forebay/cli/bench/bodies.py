"""The bodies of requests: what is asked, and the same extra words with each."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay.cli.bench.target import Operation

Fields = Mapping[str, Any]
SHORT: Final = "max_tokens"
LONG: Final = "max_completion_tokens"


class Form(msgspec.Struct, frozen=True):
    """How requests are written.

    ``tokens`` is how long each answer shall be, ``None`` leaves that to the request; ``exactly``: no shorter either,
    which not every server can be told. ``usage``: a stream shall end with the server's own count.
    """

    model: str
    operation: Operation = "chat"
    streamed: bool = True
    tokens: int | None = None
    exactly: bool = False
    usage: bool = True
    limit: str = SHORT

    def body(self, fields: Fields) -> bytes:
        """A request for what ``fields`` ask; their ``model`` and ``stream`` give way."""
        said: dict[str, Any] = {**fields, "model": self.model}
        if self.operation != "embeddings":
            said |= self._generation()
        return msgspec.json.encode(said)

    def _generation(self) -> dict[str, Any]:
        said: dict[str, Any] = {"stream": self.streamed}
        if self.streamed and self.usage:
            said["stream_options"] = {"include_usage": True}
        if self.tokens is not None:
            said[self.limit] = self.tokens
            if self.exactly:
                said |= {"min_tokens": self.tokens, "ignore_eos": True}
        return said


def asked(operation: Operation, text: str) -> Fields:
    """``text`` in the field where ``operation`` has it."""
    match operation:
        case "chat":
            return {"messages": [{"role": "user", "content": text}]}
        case "completions":
            return {"prompt": text}
        case "embeddings":
            return {"input": text}
