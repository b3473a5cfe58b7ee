"""The bodies of Anthropic's requests, as far as any other model can honour them.

What runs at Anthropic (its server tools, their results, containers) has no counterpart and is refused by its name;
fields that are in no document are ignored.

Source: Anthropic's OpenAPI document, ``CreateMessageParams`` and ``CountMessageTokensParams``.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

Share = Annotated[float, Meta(ge=0, le=1)]
Fields = dict[str, Raw]


class CacheControl(Struct, frozen=True, omit_defaults=True):
    """Up to here the prompt may be cached."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | UnsetType = UNSET


class Citations(Struct, frozen=True):
    """Whether the answer is to quote."""

    enabled: bool = False


class TextBlock(Struct, frozen=True, tag_field="type", tag="text"):
    """Text."""

    text: str
    cache_control: CacheControl | None = None


class Base64Source(Struct, frozen=True, tag_field="type", tag="base64"):
    """An image or a PDF itself."""

    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"]
    data: str


class UrlSource(Struct, frozen=True, tag_field="type", tag="url"):
    """Where it is."""

    url: str


class TextSource(Struct, frozen=True, tag_field="type", tag="text"):
    """A document that is nothing but text."""

    data: str


class ImageBlock(Struct, frozen=True, tag_field="type", tag="image"):
    """An image."""

    source: Base64Source | UrlSource
    cache_control: CacheControl | None = None


class ContentSource(Struct, frozen=True, tag_field="type", tag="content"):
    """A document in blocks of its own."""

    content: str | list[TextBlock | ImageBlock]


class DocumentBlock(Struct, frozen=True, tag_field="type", tag="document"):
    """A document."""

    source: Base64Source | UrlSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class SearchResultBlock(Struct, frozen=True, tag_field="type", tag="search_result"):
    """What the client's own search found."""

    source: str
    title: str
    content: list[TextBlock]
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct, frozen=True, tag_field="type", tag="thinking"):
    """What the model thought, as it was told."""

    thinking: str
    signature: str


class RedactedThinkingBlock(Struct, frozen=True, tag_field="type", tag="redacted_thinking"):
    """What the model thought, for its vendor's eyes."""

    data: str


class ToolUseBlock(Struct, frozen=True, tag_field="type", tag="tool_use"):
    """The model calls a tool."""

    id: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(min_length=1)]
    input: Fields
    cache_control: CacheControl | None = None


class ToolResultBlock(Struct, frozen=True, tag_field="type", tag="tool_result"):
    """What a tool answered."""

    tool_use_id: Annotated[str, Meta(min_length=1)]
    content: str | list[TextBlock | ImageBlock | DocumentBlock | SearchResultBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class SystemBlock(Struct, frozen=True, tag_field="type", tag="mid_conv_system"):
    """Instructions in the middle of a conversation."""

    content: list[TextBlock]
    cache_control: CacheControl | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | SystemBlock
)


class Message(Struct, frozen=True):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(Struct, frozen=True):
    """A tool; one without a ``type``, or of type ``custom``, is the client's own."""

    name: Annotated[str, Meta(min_length=1)]
    type: str | None = None
    description: str | None = None
    input_schema: Fields | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class AutoChoice(Struct, frozen=True, tag_field="type", tag="auto"):
    """The model decides."""

    disable_parallel_tool_use: bool | None = None


class AnyChoice(Struct, frozen=True, tag_field="type", tag="any"):
    """Some tool must be called."""

    disable_parallel_tool_use: bool | None = None


class ToolChoice(Struct, frozen=True, tag_field="type", tag="tool"):
    """This tool must be called."""

    name: str
    disable_parallel_tool_use: bool | None = None


class NoChoice(Struct, frozen=True, tag_field="type", tag="none"):
    """No tool may be called."""


class Metadata(Struct, frozen=True):
    """``user_id`` tells apart who is behind the client."""

    user_id: str | None = None


class JsonFormat(Struct, frozen=True, tag_field="type", tag="json_schema"):
    """The answer is JSON of a schema."""

    schema: Fields


class OutputConfig(Struct, frozen=True):
    """How much effort to make, and in which form to answer."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None


Display = Literal["summarized", "omitted"] | None


class Enabled(Struct, frozen=True, tag_field="type", tag="enabled", omit_defaults=True):
    """Think, with so many tokens."""

    budget_tokens: Annotated[int, Meta(ge=1024)]
    display: Display = None


class Adaptive(Struct, frozen=True, tag_field="type", tag="adaptive", omit_defaults=True):
    """Think as much as it takes."""

    display: Display = None


class Disabled(Struct, frozen=True, tag_field="type", tag="disabled"):
    """Do not think."""


class CountParams(Struct, frozen=True):
    """``POST /v1/messages/count_tokens``; the last three are Anthropic's alone, and refused."""

    model: str
    messages: list[Message]
    system: str | list[TextBlock] | None = None
    tools: list[Tool] | None = None
    tool_choice: AutoChoice | AnyChoice | ToolChoice | NoChoice | None = None
    thinking: Enabled | Adaptive | Disabled | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None
    container: Any = None
    mcp_servers: Any = None
    inference_geo: Any = None


class MessageParams(CountParams, frozen=True, kw_only=True):
    """``POST /v1/messages``."""

    max_tokens: Annotated[int, Meta(ge=1)]
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    metadata: Metadata | None = None
    watermark: bool | None = None
