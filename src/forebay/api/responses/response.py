"""An answer as OpenAI's ``Response``."""

import time
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from forebay.api.chat.answer import Answer
from forebay.api.responses.facts import facts, shown
from forebay.api.responses.output import Fields, Status, item, item_id
from forebay.api.responses.shapes import ResponseParams, Text, TextFormat, Tool, ToolChoice
from forebay.core.conversations import Facts
from forebay.core.errors import ForebayError
from forebay.core.types import Call, Usage

PLAIN = Text(TextFormat())

# Why an answer is not complete, by the chat's finish reason.
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
FAILURES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}


class InputDetails(Struct, frozen=True):
    """Of which the provider's cache had some."""

    cached_tokens: int


class OutputDetails(Struct, frozen=True):
    """Of which some are no part of the text."""

    reasoning_tokens: int


class ResponseUsage(Struct, frozen=True):
    """``usage``."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int

    @classmethod
    def of(cls, usage: Usage) -> "ResponseUsage":
        """In OpenAI's words."""
        return cls(
            usage.prompt_tokens,
            InputDetails(usage.cached_tokens),
            usage.completion_tokens,
            OutputDetails(usage.reasoning_tokens),
            usage.total_tokens,
        )


class Response(Struct, frozen=True):
    """The answer and how it was asked for; ``forebay`` is ours, how it came to be."""

    id: str
    created_at: int
    model: str
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    output: Sequence[Fields]
    parallel_tool_calls: bool
    tool_choice: Any
    tools: Sequence[Fields]
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    temperature: float | None
    top_p: float | None
    text: Text
    reasoning: Fields
    metadata: dict[str, str]
    user: str | UnsetType
    safety_identifier: str | UnsetType
    prompt_cache_key: str | UnsetType
    usage: ResponseUsage | UnsetType = UNSET
    completed_at: int | None = None
    error: Fields | None = None
    incomplete_details: Fields | None = None
    object: Literal["response"] = "response"
    background: Literal[False] = False
    store: bool = False
    previous_response_id: str | None = None
    conversation: Fields | None = None
    forebay: Fields | UnsetType = UNSET
    top_logprobs: Literal[0] = 0
    truncation: Literal["disabled"] = "disabled"


class Place(Struct, frozen=True):
    """Whether a response is kept, and in which conversation."""

    stored: bool = False
    conversation: str = ""


NOWHERE = Place()


def response_id(request_id: str) -> str:
    """The id of the response to a request."""
    return f"resp_{request_id.removeprefix('req_')}"


class Replies:
    """Writes the responses to one call: one, or those in the events of a stream."""

    def __init__(self, params: ResponseParams, call: Call, place: Place = NOWHERE) -> None:
        self.answer_id = call.id.removeprefix("req_")
        self._params = params
        self._call = call
        self._begun = msgspec.structs.replace(
            _begun(params, response_id(call.id)),
            store=place.stored,
            previous_response_id=params.previous_response_id,
            conversation={"id": place.conversation} if place.conversation else None,
        )

    def begun(self) -> Response:
        """While the answer comes."""
        return self._begun

    def ended(self, answer: Answer) -> Response:
        """When it is whole, or as whole as it gets."""
        reason = INCOMPLETE.get(answer.finish or "")
        trace = self._call.trace
        return msgspec.structs.replace(
            self._begun,
            status="incomplete" if reason else "completed",
            output=[self.item(answer, index, self.status(answer, index)) for index in range(len(answer.parts))],
            usage=ResponseUsage.of(answer.usage or trace.usage or Usage()),
            forebay=shown(facts(self._call, answer.finish), self._begun.id),
            completed_at=None if reason else int(time.time()),
            incomplete_details={"reason": reason} if reason else None,
        )

    def failed(self, output: Sequence[Fields], error: ForebayError) -> Response:
        """When it broke, after the items of ``output``."""
        told = {"code": FAILURES.get(error.status, "server_error"), "message": error.message}
        return msgspec.structs.replace(self._begun, status="failed", output=output, error=told)

    def facts(self, answer: Answer | None) -> Facts:
        """How the answer came to be."""
        return facts(self._call, answer.finish if answer else None)

    def kept(self, answer: Answer) -> Sequence[Fields]:
        """The items as they are kept: with whatever goes back to the model, and as far as they have come."""
        last = len(answer.parts) - 1
        return [
            item(
                part,
                self.item_id(answer, index),
                "in_progress" if answer.finish is None and index == last else self.status(answer, index),
                encrypted=True,
                whole=True,
            )
            for index, part in enumerate(answer.parts)
        ]

    def item(self, answer: Answer, index: int, status: Status) -> Fields:
        """The part number ``index`` of the answer."""
        part = answer.parts[index]
        return item(part, self.item_id(answer, index), status, encrypted=self._params.wants_encrypted)

    def item_id(self, answer: Answer, index: int) -> str:
        """Its id."""
        return item_id(answer.parts[index], self.answer_id, index)

    @staticmethod
    def status(answer: Answer, index: int) -> Status:
        """Whether it is complete: only the last one can be cut off."""
        return "incomplete" if answer.finish in INCOMPLETE and index + 1 == len(answer.parts) else "completed"


def _begun(params: ResponseParams, response_id: str) -> Response:
    effort, summary = (params.reasoning.effort, params.reasoning.summary) if params.reasoning else (None, None)
    return Response(
        id=response_id,
        created_at=int(time.time()),
        model=params.model,
        status="in_progress",
        output=(),
        parallel_tool_calls=params.parallel_tool_calls is not False,
        tool_choice=_choice(params.tool_choice),
        tools=[_tool(tool) for tool in params.tools or ()],
        instructions=params.instructions,
        max_output_tokens=params.max_output_tokens,
        max_tool_calls=params.max_tool_calls,
        temperature=params.temperature,
        top_p=params.top_p,
        text=PLAIN if params.text is None else Text(params.text.format or TextFormat(), params.text.verbosity),
        reasoning={"effort": effort, "summary": summary},
        metadata=params.metadata or {},
        user=params.user or UNSET,
        safety_identifier=params.safety_identifier or UNSET,
        prompt_cache_key=params.prompt_cache_key or UNSET,
    )


def _tool(tool: Tool) -> Fields:
    return {name: getattr(tool, name) for name in ("type", "name", "description", "parameters", "strict")}


def _choice(choice: str | ToolChoice | None) -> object:
    if not isinstance(choice, ToolChoice):
        return choice or "auto"
    if choice.type == "function":
        return {"type": "function", "name": choice.name}
    tools = [{"type": tool.type, "name": tool.name} for tool in choice.tools or ()]
    return {"type": choice.type, "mode": choice.mode or "auto", "tools": tools}
