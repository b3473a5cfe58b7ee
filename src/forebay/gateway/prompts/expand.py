"""Puts a prompt into a request that names one, before anything else sees it: guards and cache see the whole text.

The body's field ``prompt`` is that of OpenAI's responses: ``{"id": …, "version": …, "variables": {…}}``; chats take the
same. ``version`` may be a label. What the request says itself counts before what the prompt says.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import InvalidRequestError, UnsupportedParameterError
from forebay.core.prompts import Draft, Prompt
from forebay.core.types import Principal
from forebay.gateway.prompts.shelf import Shelf
from forebay.gateway.prompts.variables import render

FIELD: Final = b'"prompt"'
INSTRUCTING: Final = ("system", "developer")
SAME_IN_RESPONSES: Final = frozenset(
    {
        *("model", "temperature", "top_p", "user", "service_tier", "parallel_tool_calls"),
        *("seed", "stop", "frequency_penalty", "presence_penalty", "watermark"),
    }
)
Fields = dict[str, Any]


class Reference(msgspec.Struct, frozen=True):
    """The field ``prompt``."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    version: Annotated[str, msgspec.Meta(max_length=128)] | int | None = None
    variables: Mapping[str, Any] | None = None


class Asking(msgspec.Struct, frozen=True):
    """A body, as far as it matters which prompt it wants and for whom."""

    prompt: msgspec.Raw = msgspec.Raw(b"null")
    user: Any = None
    safety_identifier: Any = None


class Expansion:
    """Puts prompts of ``shelf`` (asked each time: it changes) into bodies; each method is an `Expand`."""

    def __init__(self, shelf: Callable[[], Shelf]) -> None:
        self._shelf = shelf

    def chat(self, body: bytes, principal: Principal) -> tuple[bytes, str]:
        """A chat: the prompt's messages come before its own."""
        asking = _asking(body)
        if asking is None:
            return body, ""
        prompt, messages = self._rendered(asking, principal)
        fields = _without(body)
        own = fields.get("messages")
        fields["messages"] = [*messages, *(own if isinstance(own, list) else [])]
        return msgspec.json.encode({**_defaults(prompt.draft), **fields}), prompt.name

    def response(self, body: bytes, principal: Principal) -> tuple[bytes, str]:
        """A response: the prompt's first instructions come before its own, its other messages before the input."""
        asking = _asking(body)
        if asking is None:
            return body, ""
        prompt, messages = self._rendered(asking, principal)
        fields = _without(body)
        instructions = _leading(messages)
        given = fields.setdefault("input", [])
        if isinstance(given, str):
            given = [{"role": "user", "content": given}]
        if isinstance(given, list):  # what else it may be is for the endpoint to refuse
            fields["input"] = [*messages[len(instructions) :], *given]
        if not fields["input"]:  # nothing but instructions: they are what is asked
            fields["input"], instructions = instructions, []
        texts = [each["content"] for each in instructions]
        if isinstance(own := fields.get("instructions"), str):
            texts.append(own)
        if texts:
            fields["instructions"] = "\n\n".join(texts)
        return msgspec.json.encode({**_of_response(_defaults(prompt.draft)), **fields}), prompt.name

    def _rendered(self, asking: Asking, principal: Principal) -> tuple[Prompt, list[dict[str, str]]]:
        try:
            wanted = msgspec.json.decode(asking.prompt, type=Reference)
        except msgspec.ValidationError as error:
            raise InvalidRequestError(f"Invalid 'prompt': {error}.", param="prompt") from None
        subject = asking.user or asking.safety_identifier
        if not isinstance(subject, str):
            subject = f"{principal.tenant}\0{principal.name}"
        version = "" if wanted.version is None else str(wanted.version)
        prompt = self._shelf().choose(principal.tenant, wanted.id, version, subject)
        return prompt, render(prompt.draft, wanted.variables or {})


def _asking(body: bytes) -> Asking | None:
    """What ``body`` asks, if it names a prompt; what is no such body is for others to tell."""
    if FIELD not in body:
        return None
    try:
        asking = msgspec.json.decode(body, type=Asking)
    except MALFORMED:
        return None
    return asking if bytes(asking.prompt).lstrip().startswith(b"{") else None


def _without(body: bytes) -> Fields:
    try:
        fields: Fields = msgspec.json.decode(body)
    except MALFORMED as error:
        raise InvalidRequestError(f"The body is not valid JSON: {error}.") from None
    del fields["prompt"]
    return {name: value for name, value in fields.items() if value is not None}


def _defaults(draft: Draft) -> Fields:
    return {**draft.parameters, **({"model": draft.model} if draft.model else {})}


def _leading(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    rest = next((number for number, each in enumerate(messages) if each["role"] not in INSTRUCTING), len(messages))
    return messages[:rest]


def _of_response(parameters: Fields) -> Fields:
    """A chat's ``parameters`` by the names that they have in a response."""
    found: Fields = {}
    for name, value in parameters.items():
        if name in SAME_IN_RESPONSES:
            found[name] = value
        elif name in {"max_tokens", "max_completion_tokens"}:
            found["max_output_tokens"] = value
        elif name == "reasoning_effort":
            found["reasoning"] = {"effort": value}
        elif name == "response_format" and isinstance(value, dict):
            found["text"] = {"format": {**value.get("json_schema", {}), "type": value.get("type")}}
        else:
            raise UnsupportedParameterError(
                f"The prompt sets '{name[:64]}', which a response does not have; ask for a chat completion.",
                param="prompt",
            )
    return found
