"""A conversation as Converse wants it."""

from forebay.providers.dialects.bedrock.blocks import Block, blocks, cached, result, said
from forebay.providers.dialects.chat import AssistantMessage, DeveloperMessage, SystemMessage, ToolMessage, UserMessage
from forebay.providers.dialects.turns import Turns


class Conversation(Turns):
    """In Converse's blocks."""

    def _asked(self, message: UserMessage) -> list[Block]:
        return cached(blocks(message.content), message.cache_control)

    def _said(self, message: AssistantMessage) -> list[Block]:
        return said(message)

    def _result(self, message: ToolMessage) -> list[Block]:
        return result(message)

    def _instructions(self, message: SystemMessage | DeveloperMessage) -> list[Block]:
        return cached(blocks(message.content), message.cache_control)
