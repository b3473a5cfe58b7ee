"""A conversation as turns of the user and the model, never empty, with its instructions apart.

Consecutive messages of one side become one turn, and so do the results of several tools: the model must find all of
them together, right after its calls.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from forebay.providers.dialects.chat import (
    AssistantMessage,
    DeveloperMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

PLACEHOLDER: Final = "."
"""What a user says who must say something: the first turn has to be the user's."""

Block = dict[str, Any]
"""A piece of what somebody said, in the vendor's form."""


class Turns(ABC):
    """Messages, one after the other, as ``system`` and ``turns``; a subclass has the vendor's words for each."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.system: list[Block] = []
        self.turns: list[dict[str, Any]] = []
        for message in messages:
            self._add(message)
        if not self.turns and self.system:  # a model answers somebody
            self._turn("user", self.system)
            self.system = []
        elif not self.turns or self.turns[0]["role"] != "user":
            self.turns.insert(0, {"role": "user", "content": self._asked(UserMessage(PLACEHOLDER))})

    @abstractmethod
    def _asked(self, message: UserMessage) -> list[Block]: ...

    @abstractmethod
    def _said(self, message: AssistantMessage) -> list[Block]: ...

    @abstractmethod
    def _result(self, message: ToolMessage) -> list[Block]: ...

    @abstractmethod
    def _instructions(self, message: SystemMessage | DeveloperMessage) -> list[Block]: ...

    def _add(self, message: Message) -> None:
        match message:
            case UserMessage():
                self._turn("user", self._asked(message))
            case AssistantMessage():
                self._turn("assistant", self._said(message))
            case ToolMessage():
                self._turn("user", self._result(message))
            case _:
                self.system += self._instructions(message)

    def _turn(self, role: str, blocks: list[Block]) -> None:
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += blocks
        elif blocks:
            self.turns.append({"role": role, "content": blocks})
