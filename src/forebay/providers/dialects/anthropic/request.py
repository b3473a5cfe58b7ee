"""OpenAI's chat request as Anthropic's ``CreateMessageParams``."""

from typing import Any

from forebay.core.types import Request
from forebay.providers.dialects.anthropic.answering import Form, thinking, tools
from forebay.providers.dialects.anthropic.models import Abilities, abilities
from forebay.providers.dialects.anthropic.turns import Conversation
from forebay.providers.dialects.chat import Chat
from forebay.providers.dialects.parameters import Parameters

TRANSLATED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "stop",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
COUNTED = frozenset({"messages", "model", "output_config", "system", "thinking", "tool_choice", "tools"})
USER_CHARACTERS = 512


def message_params(request: Request, model: str, max_tokens: int | None, parameters: Parameters) -> dict[str, Any]:
    """The body of ``POST /v1/messages``; ``max_tokens`` is the operator's limit where the request has none.

    Raises:
        InvalidRequestError: it is no chat, or one that the vendor has no words for.
        UnsupportedParameterError: the vendor has no counterpart for a parameter.
    """
    chat = parameters.read(request)
    able = abilities(model)
    conversation = Conversation(chat.messages)
    limit = chat.limit or max_tokens or able.max_tokens
    form = Form(chat, able)
    body: dict[str, Any] = {"model": model, "max_tokens": limit, "messages": conversation.turns}
    if conversation.system:
        body["system"] = conversation.system
    if request.stream:
        body["stream"] = True
    body |= tools(chat, form, able)
    body |= thinking(chat, limit, able, body.get("tool_choice", {}))
    if form.schema is not None:
        body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": form.schema}
    body |= _sampling(chat, able, parameters, thinks=body.get("thinking", {}).get("type") in {"enabled", "adaptive"})
    body |= _stops(chat, parameters)
    body |= _metadata(chat)
    return body


def count_params(request: Request, model: str, parameters: Parameters) -> dict[str, Any]:
    """The body of ``POST /v1/messages/count_tokens``: of a message's what belongs to its prompt.

    Raises:
        InvalidRequestError: as for a message.
    """
    params = message_params(request, model, None, parameters)
    return {name: value for name, value in params.items() if name in COUNTED}


def _sampling(chat: Chat, able: Abilities, parameters: Parameters, *, thinks: bool) -> dict[str, Any]:
    """What differs from the defaults; a model that thinks has its own, and newer ones have nothing else."""
    if thinks:
        return {}
    wanted: dict[str, Any] = {}
    if chat.temperature is not None and chat.temperature != 1:
        wanted["temperature"] = min(chat.temperature, 1)
    if chat.top_p is not None and chat.top_p != 1:
        wanted["top_p"] = chat.top_p
    if chat.top_k is not None:
        wanted["top_k"] = chat.top_k
    if wanted and not able.sampling:
        for name in wanted:
            parameters.unsupported(name, "This model has no such control")
        return {}
    return wanted


def _stops(chat: Chat, parameters: Parameters) -> dict[str, Any]:
    if chat.stop is None:
        return {}
    stops = [stop for stop in chat.stops if stop and not stop.isspace()]
    if len(stops) < len(chat.stops):
        parameters.unsupported("stop", "This provider does not stop at white space")
    return {"stop_sequences": stops} if stops else {}


def _metadata(chat: Chat) -> dict[str, Any]:
    user = chat.safety_identifier or chat.user
    return {"metadata": {"user_id": user}} if user and len(user) <= USER_CHARACTERS else {}
