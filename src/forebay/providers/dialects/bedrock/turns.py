"""A conversation as Converse wants it: instructions apart, then turns of the user and the model, never empty.

Consecutive messages of one side become one turn, and so do the results of several tools.
"""

from collections.abc import Sequence
from typing import Any

from forebay.providers.dialects.bedrock.blocks import Block, blocks, cached, result, said
from forebay.providers.dialects.chat import AssistantMessage, Message, ToolMessage, UserMessage

PLACEHOLDER = "."
"""What a user says who must say something: the first turn has to be the user's."""


class Conversation:
    """Messages, one after the other, as ``system`` and ``turns``."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.system: list[Block] = []
        self.turns: list[dict[str, Any]] = []
        for message in messages:
            self._add(message)
        if not self.turns and self.system:  # a model answers somebody
            self._turn("user", self.system)
            self.system = []
        elif not self.turns or self.turns[0]["role"] != "user":
            self.turns.insert(0, {"role": "user", "content": [{"text": PLACEHOLDER}]})

    def _add(self, message: Message) -> None:
        match message:
            case UserMessage():
                self._turn("user", cached(blocks(message.content), message.cache_control))
            case AssistantMessage():
                self._turn("assistant", said(message))
            case ToolMessage():
                self._turn("user", result(message))
            case _:
                self.system += cached(blocks(message.content), message.cache_control)

    def _turn(self, role: str, made: list[Block]) -> None:
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += made
        elif made:
            self.turns.append({"role": role, "content": made})
