"""What several dialects have to know of a conversation as a whole."""

from collections.abc import Sequence

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import AssistantMessage, Chat, Message


def names_of_calls(messages: Sequence[Message]) -> dict[str, str]:
    """The functions that were called, by the ids of the calls: some vendors match results by name."""
    return {
        call.id: call.function.name
        for message in messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls or ()
    }


def check_tool_choice(chat: Chat) -> None:
    """See that a tool which must be called can be.

    Raises:
        InvalidRequestError: there is none.
    """
    if chat.choice not in {None, "none", "auto"} and not chat.usable_tools:
        raise InvalidRequestError("'tool_choice' demands a tool, but 'tools' has none.", param="tool_choice")
