"""OpenAI's chat request, typed as far as any dialect translates it; unknown fields of messages are left out.

Extensions that other gateways and clients use are read too: ``cache_control`` on parts, messages and tools,
``thinking_blocks`` and ``extra_content`` in an assistant's message, ``is_error`` in a tool's.

Source: OpenAI's API reference, ``CreateChatCompletionRequest``.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from forebay.core.decode import MALFORMED

ToolName = Annotated[str, Meta(pattern=r"\A[a-zA-Z0-9_-]{1,128}\Z")]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
Schema = dict[str, Raw]
"""A JSON Schema, of which only the outermost keys are looked at."""


class CacheControl(Struct, frozen=True):
    """Up to here the prompt may be cached (Anthropic's extension)."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | UnsetType = UNSET


class TextPart(Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    text: str
    cache_control: CacheControl | None = None


class ImageUrl(Struct, frozen=True):
    """Where an image is."""

    url: str


class ImagePart(Struct, frozen=True, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageUrl
    cache_control: CacheControl | None = None


class AudioData(Struct, frozen=True):
    """A recording in base64."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Struct, frozen=True, tag_field="type", tag="input_audio"):
    """A recording."""

    input_audio: AudioData


class FileData(Struct, frozen=True):
    """A file: in a data URL, or by an id that only OpenAI knows."""

    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None


class FilePart(Struct, frozen=True, tag_field="type", tag="file"):
    """A document."""

    file: FileData
    cache_control: CacheControl | None = None


class RefusalPart(Struct, frozen=True, tag_field="type", tag="refusal"):
    """What the model said instead of an answer."""

    refusal: str


Part = TextPart | ImagePart | AudioPart | FilePart | RefusalPart
Content = str | list[Part] | None


class FunctionCall(Struct, frozen=True):
    """A function's name and its arguments, which should be JSON but were written by a model."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    arguments: str = ""


class ToolCall(Struct, frozen=True):
    """A call that the model made; ``extra_content`` carries what its vendor wants back (Gemini's signatures)."""

    id: str
    function: FunctionCall
    extra_content: Any = None


class Thinking(Struct, frozen=True, tag_field="type", tag="thinking"):
    """Reasoning that its vendor signed and wants back as it was."""

    thinking: str = ""
    signature: str = ""


class RedactedThinking(Struct, frozen=True, tag_field="type", tag="redacted_thinking"):
    """Reasoning that only its vendor can read."""

    data: str


ThinkingBlock = Thinking | RedactedThinking


class SystemMessage(Struct, frozen=True, tag_field="role", tag="system"):
    """Instructions."""

    content: Content
    cache_control: CacheControl | None = None


class DeveloperMessage(Struct, frozen=True, tag_field="role", tag="developer"):
    """Instructions, under OpenAI's newer name."""

    content: Content
    cache_control: CacheControl | None = None


class UserMessage(Struct, frozen=True, tag_field="role", tag="user"):
    """What the user said or showed."""

    content: Content
    cache_control: CacheControl | None = None


class AssistantMessage(Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the model said, called and thought."""

    content: Content = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    thinking_blocks: list[ThinkingBlock] | None = None
    extra_content: Any = None
    cache_control: CacheControl | None = None


class ToolMessage(Struct, frozen=True, tag_field="role", tag="tool"):
    """What a called function answered."""

    tool_call_id: str
    content: Content
    is_error: bool | None = None
    cache_control: CacheControl | None = None


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class Function(Struct, frozen=True):
    """A function that the model may call; ``parameters`` is a JSON Schema of an object."""

    name: ToolName
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class Tool(Struct, frozen=True, tag_field="type", tag="function"):
    """The only type of tool that other vendors know, too."""

    function: Function
    cache_control: CacheControl | None = None


class Named(Struct, frozen=True):
    """A function by its name."""

    name: str


class NamedChoice(Struct, frozen=True, tag_field="type", tag="function"):
    """Call this function."""

    function: Named


class AllowedTool(Struct, frozen=True):
    """One of the tools that may be called."""

    function: Named


class AllowedTools(Struct, frozen=True):
    """Which tools may be called, and whether one must."""

    mode: Literal["auto", "required"]
    tools: list[AllowedTool]


class AllowedChoice(Struct, frozen=True, tag_field="type", tag="allowed_tools"):
    """Call some of these only."""

    allowed_tools: AllowedTools


ToolChoice = Literal["none", "auto", "required"] | NamedChoice | AllowedChoice


class JsonSchema(Struct, frozen=True):
    """What an answer must look like."""

    name: str
    schema: Schema | None = None
    description: str | None = None
    strict: bool | None = None


class TextFormat(Struct, frozen=True, tag_field="type", tag="text"):
    """No form."""


class JsonFormat(Struct, frozen=True, tag_field="type", tag="json_object"):
    """Any JSON object."""


class SchemaFormat(Struct, frozen=True, tag_field="type", tag="json_schema"):
    """JSON of a schema."""

    json_schema: JsonSchema


class ThinkingChoice(Struct, frozen=True, omit_defaults=True):
    """Anthropic's own way to ask for reasoning, which its users know; ``reasoning_effort`` is OpenAI's."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Meta(ge=1024)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class Chat(Struct, frozen=True):
    """The body of a chat request."""

    messages: list[Message]
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: TextFormat | JsonFormat | SchemaFormat | None = None
    reasoning_effort: Effort | None = None
    thinking: ThinkingChoice | None = None
    user: str | None = None
    safety_identifier: str | None = None

    @property
    def limit(self) -> int | None:
        """How many tokens the answer may have."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> Sequence[str]:
        """Where the answer ends."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else self.stop

    @property
    def usable_tools(self) -> Sequence[Tool]:
        """The tools that may be called."""
        tools, choice = self.tools or (), self.tool_choice
        if isinstance(choice, AllowedChoice):
            names = {each.function.name for each in choice.allowed_tools.tools}
            return [tool for tool in tools if tool.function.name in names]
        return tools

    @property
    def choice(self) -> Literal["none", "auto", "required"] | Named | None:
        """Whether a tool is to be called, or which; ``None`` is the vendor's default."""
        match self.tool_choice:
            case AllowedChoice(allowed_tools=allowed):
                return allowed.mode
            case NamedChoice(function=named):
                return named
            case choice:
                return choice


def parts_of(content: Content) -> Sequence[Part]:
    """``content`` in parts, whichever way it was written."""
    if content is None:
        return ()
    return (TextPart(content),) if isinstance(content, str) else content


def text_of(content: Content) -> str:
    """All text in ``content``."""
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content or () if isinstance(part, TextPart))


def arguments_of(call: FunctionCall) -> Schema:
    """The arguments of a call as an object.

    A model may have written anything. What is no JSON object is given back under the name ``arguments``: the
    conversation can go on, and the model sees its mistake.
    """
    text = call.arguments.strip() or "{}"
    try:
        return msgspec.json.decode(text, type=Schema)
    except MALFORMED:
        return {"arguments": Raw(msgspec.json.encode(call.arguments))}
