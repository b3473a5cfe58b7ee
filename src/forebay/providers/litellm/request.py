"""A client's request as parameters of LiteLLM's functions: an allow-list, all the way down.

Those functions take whatever they are called with: ``api_base``, ``api_key``, ``fallbacks``, ``mock_response``, tools
that are servers to be asked, parts that are files to be fetched. What is not named here does not reach them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, ModelNotFoundError, UnsupportedParameterError
from forebay.core.types import Operation, Request
from forebay.providers.dialects.parameters import Parameters

SAMPLING = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "n",
        "presence_penalty",
        "seed",
        "stop",
        "temperature",
        "top_p",
    }
)
CHAT = SAMPLING | {
    "max_completion_tokens",
    "messages",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "tool_choice",
    "tools",
    "top_logprobs",
}
COMPLETION = SAMPLING | {"best_of", "echo", "prompt", "suffix"}
EMBEDDING = frozenset({"dimensions", "encoding_format", "input"})

_BESIDE = frozenset({"adapter_id", "metadata", "model", "stream", "stream_options", "user"})
_MESSAGE = frozenset(
    {"cache_control", "content", "name", "reasoning_content", "refusal", "role", "thinking_blocks", "tool_call_id"}
) | {"tool_calls"}
_BELOW: Mapping[str, frozenset[str]] = {
    "cache_control": frozenset({"ttl", "type"}),
    "file": frozenset({"file_data", "filename"}),
    "image_url": frozenset({"detail", "url"}),
    "input_audio": frozenset({"data", "format"}),
}
_PART = frozenset({"refusal", "text", "type"}) | _BELOW.keys()
_TOOL = frozenset({"cache_control", "function", "type"})
_CALL = frozenset({"function", "id", "index", "type"})
_FORMAT = frozenset({"json_schema", "type"})
_DATA = "data:"
_NO_STREAM = (
    "Completions are not streamed here: LiteLLM ends such a stream as if it were whole when its provider breaks off. "
    "Leave out 'stream', or ask for a chat."
)

Fields = dict[str, Any]


class _Prompt(msgspec.Struct):
    """What a completion cannot be without."""

    prompt: str | list[str | int | list[int]]


class _Input(msgspec.Struct):
    """What an embedding cannot be without."""

    input: str | list[str | int | list[int]]


class Rules(msgspec.Struct, frozen=True):
    """What of a request may pass."""

    drop_params: bool = False
    links: bool = False

    def read(self, request: Request) -> Fields:
        """The parameters in ``request``, without its model and without what only Forebay decides.

        Raises:
            InvalidRequestError: it is not a request of its kind, or one that may not pass.
            UnsupportedParameterError: it has a parameter that LiteLLM is not given, and those are not dropped.
        """
        if request.operation is Operation.CHAT:
            Parameters(CHAT, drop=self.drop_params).read(request)
            fields = {name: value for name, value in request.fields().items() if name in CHAT}
            fields["messages"] = [self._message(message, n) for n, message in enumerate(fields["messages"])]
            return _bounded(fields)
        if request.operation is Operation.COMPLETION:
            if request.stream:
                raise UnsupportedParameterError(_NO_STREAM, param="stream")
            decode(request.body, _Prompt)
            return self._known(request, COMPLETION)
        decode(request.body, _Input)
        return self._known(request, EMBEDDING)

    def _known(self, request: Request, names: frozenset[str]) -> Fields:
        fields = request.fields()
        for name, value in fields.items():
            if name not in names | _BESIDE and value is not None and not self.drop_params:
                raise UnsupportedParameterError(
                    f"Unsupported parameter: '{name}'. Leave it out, or set 'drop_params: true' for the provider.",
                    param=name,
                )
        return {name: value for name, value in fields.items() if name in names and value is not None}

    def _message(self, message: Fields, number: int) -> Fields:
        found = _only(_MESSAGE, message)
        if isinstance(found.get("content"), list):
            found["content"] = [
                self._part(part, f"messages[{number}].content[{n}]") for n, part in enumerate(found["content"])
            ]
        if found.get("tool_calls"):
            found["tool_calls"] = [_only(_CALL, call) for call in found["tool_calls"]]
        return found

    def _part(self, part: Fields, place: str) -> Fields:
        found = _only(_PART, part)
        for name, names in _BELOW.items():
            if isinstance(found.get(name), dict):
                found[name] = _only(names, found[name])
        image, file = found.get("image_url"), found.get("file")
        if image is not None and not self.links and not image["url"].startswith(_DATA):
            raise InvalidRequestError(
                "Images must be data URLs here; or set 'links: true' for the provider.", param=f"{place}.image_url.url"
            )
        if file is not None and not str(file.get("file_data") or "").startswith(_DATA):
            raise InvalidRequestError("Files must be data URLs, in 'file_data'.", param=f"{place}.file")
        return found


def full_name(provider: str, model: str) -> str:
    """``model`` of ``provider`` as LiteLLM names it.

    Raises:
        ModelNotFoundError: it is no name but an address or a path, which LiteLLM would ask, or read, for some.
    """
    if "://" in model or ".." in model or not model.isprintable():
        raise ModelNotFoundError("A model's name is no address and no path.", param="model")
    return f"{provider}/{model}"


def _bounded(fields: Fields) -> Fields:
    if fields.get("tools"):
        fields["tools"] = [_only(_TOOL, tool) for tool in fields["tools"]]
    if fields.get("response_format"):
        fields["response_format"] = _only(_FORMAT, fields["response_format"])
    return {name: value for name, value in fields.items() if value is not None}


def _only(names: frozenset[str], fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name in names}
