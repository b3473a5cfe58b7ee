"""OpenAI's chat request as Google's ``GenerateContentRequest``."""

from typing import Any

from forebay.providers.dialects.chat import Chat, JsonFormat, Named, SchemaFormat, Tool
from forebay.providers.dialects.gemini.thinking import thinking_config, wants_signatures
from forebay.providers.dialects.gemini.turns import Conversation
from forebay.providers.dialects.history import check_tool_choice
from forebay.providers.dialects.json_schema import inlined

TRANSLATED = frozenset(
    {
        "frequency_penalty",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    }
)
_SAME = {
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "temperature": "temperature",
    "top_k": "topK",
    "top_p": "topP",
}
_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
_INTEGERS = 2**31

Fields = dict[str, Any]


def content_request(chat: Chat, model: str, max_tokens: int | None, *, ids: bool) -> Fields:
    """The body of ``:generateContent``; ``ids`` says whether calls have them there.

    Raises:
        InvalidRequestError: the vendor has no words for it.
    """
    conversation = Conversation(chat.messages, ids=ids, signed=wants_signatures(model))
    body: Fields = {"contents": conversation.contents}
    if conversation.system:
        body["systemInstruction"] = {"parts": conversation.system}
    body |= _tools(chat)
    if config := _config(chat, model, max_tokens):
        body["generationConfig"] = config
    return body


def _config(chat: Chat, model: str, max_tokens: int | None) -> Fields:
    config: Fields = {theirs: value for ours, theirs in _SAME.items() if (value := getattr(chat, ours)) is not None}
    if limit := chat.limit or max_tokens:
        config["maxOutputTokens"] = min(limit, _INTEGERS - 1)
    if stops := [stop for stop in chat.stops if stop]:
        config["stopSequences"] = stops
    if chat.n is not None and chat.n > 1:
        config["candidateCount"] = chat.n
    if chat.seed is not None:
        config["seed"] = chat.seed % _INTEGERS
    if chat.logprobs:
        config["responseLogprobs"] = True
        config["logprobs"] = chat.top_logprobs or 0
    config |= _form(chat)
    return config | thinking_config(chat.reasoning_effort, model)


def _form(chat: Chat) -> Fields:
    wanted = chat.response_format
    if isinstance(wanted, SchemaFormat):
        schema = inlined(wanted.json_schema.schema or {}, "response_format.json_schema.schema")
        return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if schema else {})}
    return {"responseMimeType": "application/json"} if isinstance(wanted, JsonFormat) else {}


def _tools(chat: Chat) -> Fields:
    check_tool_choice(chat)
    tools = chat.usable_tools
    if not tools:
        return {}
    body: Fields = {"tools": [{"functionDeclarations": [_declaration(tool) for tool in tools]}]}
    choice = chat.choice
    if isinstance(choice, Named):
        body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [choice.name]}}
    elif choice is not None:
        body["toolConfig"] = {"functionCallingConfig": {"mode": _MODES[choice]}}
    return body


def _declaration(tool: Tool) -> Fields:
    function = tool.function
    declared: Fields = {"name": function.name, "description": function.description or function.name}
    if function.parameters:
        declared["parametersJsonSchema"] = inlined(function.parameters, "tools.function.parameters")
    return declared
