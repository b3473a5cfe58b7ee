"""The conversation of an Anthropic request as messages of a chat."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from forebay.api.anthropic.shapes import (
    Base64Source,
    Block,
    CacheControl,
    ContentSource,
    DocumentBlock,
    ImageBlock,
    Message,
    RedactedThinkingBlock,
    SearchResultBlock,
    SystemBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from forebay.api.chat.conversation import Conversation, Part, file_part, image_part, text_part
from forebay.core.errors import InvalidRequestError, UnsupportedParameterError


def conversation(system: str | Sequence[TextBlock] | None, turns: Sequence[Message]) -> Conversation:
    """All that is said.

    Raises:
        InvalidRequestError: a block stands where it cannot, or asks for what no other model has.
    """
    found = Conversation()
    if system:
        found.instruct(_parts(system, "system"))
    for number, turn in enumerate(turns):
        param = f"messages[{number}].content"
        if turn.role == "assistant":
            _said(found, turn.content, param)
        elif turn.role == "system":
            found.instruct(_parts(turn.content, param))
        else:
            _heard(found, turn.content, param)
    return found


def _heard(found: Conversation, content: str | Sequence[Block], param: str) -> None:
    """A user's turn: results of tools first, as they must be, then what it says and shows."""
    blocks = _blocks(content)
    for number, block in enumerate(blocks):
        if isinstance(block, ToolResultBlock):
            _answered(found, block, f"{param}[{number}]")
    shown: list[Part] = []
    for number, block in enumerate(blocks):
        if isinstance(block, SystemBlock):
            if shown:
                found.hear(shown)
                shown = []
            found.instruct(_parts(block.content, f"{param}[{number}].content"))
        elif not isinstance(block, ToolResultBlock):
            shown += _shown(block, f"{param}[{number}]")
    if shown or not blocks:
        found.hear(shown)


def _answered(found: Conversation, block: ToolResultBlock, param: str) -> None:
    extra = {} if block.cache_control is None else {"cache_control": block.cache_control}
    parts = _parts(block.content or "", f"{param}.content")
    found.result(block.tool_use_id, parts, is_error=bool(block.is_error), **extra)


def _said(found: Conversation, content: str | Sequence[Block], param: str) -> None:
    """The model's turn. Reasoning with a signature goes back as it was, that without one in clear text."""
    blocks = _blocks(content)
    for number, block in enumerate(blocks):
        match block:
            case TextBlock():
                found.say(_marked([text_part(block.text)], block.cache_control))
            case ThinkingBlock() if not block.signature:
                found.think(block.thinking)
            case ThinkingBlock() | RedactedThinkingBlock():
                found.sign([msgspec.to_builtins(block)])
            case ToolUseBlock():
                found.call(block.id, block.name, msgspec.json.encode(block.input).decode())
            case _:
                raise _misplaced(block, "an assistant's", f"{param}[{number}]")
    if not blocks:
        found.say([])


def _blocks(content: str | Sequence[Block]) -> Sequence[Block]:
    return [TextBlock(content)] if isinstance(content, str) else content


def _parts(content: str | Sequence[Block], param: str) -> list[Part]:
    return [part for number, block in enumerate(_blocks(content)) for part in _shown(block, f"{param}[{number}]")]


def _shown(block: Block, param: str) -> list[Part]:
    """A block as parts of a message."""
    match block:
        case TextBlock():
            return _marked([text_part(block.text)], block.cache_control)
        case ImageBlock():
            return _marked([_image(block)], block.cache_control)
        case DocumentBlock():
            _without_citations(block, param)
            return _marked(list(_document(block)), block.cache_control)
        case SearchResultBlock():
            _without_citations(block, param)
            texts = "\n".join(each.text for each in block.content)
            return _marked([text_part(f"{block.title}\n{block.source}\n{texts}")], block.cache_control)
        case _:
            raise _misplaced(block, "a user's", param)


def _image(block: ImageBlock) -> Part:
    source = block.source
    return image_part(source.url if isinstance(source, UrlSource) else _data_url(source))


def _document(block: DocumentBlock) -> Iterator[Part]:
    if heading := "\n".join(filter(None, (block.title, block.context))):
        yield text_part(heading)
    match block.source:
        case Base64Source() as source:
            yield file_part(_data_url(source), block.title)
        case UrlSource(url=url):
            yield file_part(url, block.title)
        case TextSource(data=data):
            yield text_part(data)
        case ContentSource(content=str() as text):
            yield text_part(text)
        case ContentSource(content=list() as blocks):
            for each in blocks:
                yield text_part(each.text) if isinstance(each, TextBlock) else _image(each)


def _data_url(source: Base64Source) -> str:
    return f"data:{source.media_type};base64,{source.data}"


def _marked(parts: list[Part], control: CacheControl | None) -> list[Part]:
    if control is not None and parts:
        parts[-1] = {**parts[-1], "cache_control": control}
    return parts


def _without_citations(block: DocumentBlock | SearchResultBlock, param: str) -> None:
    if block.citations is not None and block.citations.enabled:
        raise UnsupportedParameterError(
            "Citations are not supported: leave out 'citations', or set 'enabled' to false.",
            param=f"{param}.citations",
        )


def _misplaced(block: Any, whose: str, param: str) -> InvalidRequestError:  # noqa: ANN401  # any tagged block
    kind = type(block).__struct_config__.tag
    return InvalidRequestError(f"A block of type '{kind}' cannot stand in {whose} message.", param=f"{param}.type")
