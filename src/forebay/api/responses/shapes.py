"""The bodies of OpenAI's newer requests, as far as a chat can honour them.

Items and their parts are read flat, because a message may leave out its type; which fields one of them needs is looked
at where it is translated.

Source: OpenAI's OpenAPI document, ``CreateResponse``.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

Fields = dict[str, Raw]


class Part(Struct, frozen=True):
    """A part of a message, of a function's output or of reasoning."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Item(Struct, frozen=True):
    """An item of the input: a message, a call, its output, reasoning."""

    type: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Part] | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[Part] | None = None
    encrypted_content: str | None = None


class Tool(Struct, frozen=True):
    """A tool; one of type ``function`` is the client's own."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: Fields | None = None
    strict: bool | None = None


class NamedTool(Struct, frozen=True):
    """A tool by its name."""

    type: str
    name: str | None = None


class ToolChoice(Struct, frozen=True):
    """One tool, or some that may (or must) be called."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[NamedTool] | None = None


class TextFormat(Struct, frozen=True, tag_field="type", tag="text"):
    """No form."""


class JsonFormat(Struct, frozen=True, tag_field="type", tag="json_object"):
    """Any JSON object."""


class SchemaFormat(Struct, frozen=True, tag_field="type", tag="json_schema", omit_defaults=True):
    """JSON of a schema."""

    name: str
    schema: Fields
    description: str | None = None
    strict: bool | None = None


class Text(Struct, frozen=True, omit_defaults=True):
    """How the text is to be."""

    format: TextFormat | JsonFormat | SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Struct, frozen=True):
    """How much to think, and whether to tell."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class ConversationParam(Struct, frozen=True):
    """A conversation to go on with; ``parent``, ours, is the item after which, ``None`` at its start."""

    id: Annotated[str, Meta(min_length=1)]
    parent: str | UnsetType | None = UNSET


class ResponseParams(Struct, frozen=True):
    """``POST /v1/responses``; some are there to be refused."""

    model: str
    input: str | list[Item]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_tool_calls: int | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    watermark: bool | None = None
    store: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: str | ConversationParam | None = None
    prompt: Any = None
    context_management: Any = None

    @property
    def wants_encrypted(self) -> bool:
        """Whether reasoning is to be given so that it can be sent back."""
        return ENCRYPTED in (self.include or ())


ENCRYPTED = "reasoning.encrypted_content"
