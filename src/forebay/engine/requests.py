"""The bodies of requests, as far as the engine honours them; what it cannot honour is refused by name.

Fields that nobody here knows are ignored, as OpenAI's clients expect of a compatible server.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from forebay.core.errors import EmptyArrayError, InvalidRequestError, UnsupportedParameterError
from forebay.engine.catalog import Advice
from forebay.engine.sequence import Sampling

_MAX_TOP_LOGPROBS: Final = 20
_MAX_COMPLETION_LOGPROBS: Final = 5
_DEFAULT_COMPLETION_TOKENS: Final = 16
_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")

NEUTRAL: Final = Advice()

# What the engine cannot do yet, with the values that ask for nothing.
_UNSUPPORTED: Final[Mapping[str, tuple[Any, ...]]] = {
    "n": (None, 1),
    "best_of": (None, 1),
    "echo": (None, False),
    "suffix": (None, ""),
    "logit_bias": (None, {}),
    "min_p": (None, 0),
    "tools": (None, []),
    "functions": (None, []),
    "response_format": (None, {"type": "text"}),
}

Count = Annotated[int, Meta(ge=1)]
Amount = Annotated[int, Meta(ge=0)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Stop = Annotated[str, Meta(min_length=1, max_length=256)]
Tokens = list[int]


class _Body(msgspec.Struct, frozen=True):
    """What chats and completions have in common; ``null`` is the same as nothing everywhere."""

    max_tokens: Count | None = None
    min_tokens: Amount | None = None
    ignore_eos: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=-1)] | None = None
    seed: int | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    stop: Annotated[list[Stop], Meta(max_length=4)] | Stop | None = None
    n: Any = None
    best_of: Any = None
    echo: Any = None
    suffix: Any = None
    logit_bias: Any = None
    min_p: Any = None
    tools: Any = None
    functions: Any = None
    response_format: Any = None

    def check(self) -> None:
        """Refuse what cannot be honoured.

        Raises:
            InvalidRequestError: some field.
        """
        for name, neutral in _UNSUPPORTED.items():
            if getattr(self, name) not in neutral:
                raise UnsupportedParameterError(f"'{name}' is not supported by this model.", param=name)

    def _sampling(self, max_tokens: int, logprobs: int | None, advice: Advice) -> Sampling:
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(
            max_tokens=max_tokens,
            min_tokens=self.min_tokens or 0,
            ignore_eos=bool(self.ignore_eos),
            temperature=advice.temperature if self.temperature is None else self.temperature,
            top_p=advice.top_p if self.top_p is None else self.top_p,
            top_k=max(self.top_k or 0, 0),
            seed=self.seed,
            frequency_penalty=self.frequency_penalty or 0.0,
            presence_penalty=self.presence_penalty or 0.0,
            repetition_penalty=self.repetition_penalty or 1.0,
            logprobs=logprobs,
            stop=stop,
        )


class ChatBody(_Body, frozen=True):
    """The body of ``/v1/chat/completions``."""

    messages: list[dict[str, Any]] = []
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=_MAX_TOP_LOGPROBS)] | None = None

    def check(self) -> None:
        """Refuse what cannot be honoured, also what contradicts itself."""
        super().check()
        if not self.messages:
            raise EmptyArrayError("'messages' must hold at least one message.", param="messages")
        if self.top_logprobs is not None and not self.logprobs:
            raise InvalidRequestError("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")

    @property
    def wants_logprobs(self) -> bool:
        """Whether each token is to be told with its probability."""
        return bool(self.logprobs)

    def plain_messages(self) -> list[dict[str, Any]]:
        """The messages with text for content, as templates expect them.

        Raises:
            InvalidRequestError: one has no known role, or holds something that is no text.
        """
        return [_plain_message(message, f"messages[{number}]") for number, message in enumerate(self.messages)]

    def sampling(self, room: int, advice: Advice = NEUTRAL) -> Sampling:
        """How to generate, in a context with room for that many tokens."""
        wanted = self.max_completion_tokens or self.max_tokens or advice.max_tokens or room
        return self._sampling(min(wanted, room), (self.top_logprobs or 0) if self.wants_logprobs else None, advice)


class CompletionBody(_Body, frozen=True):
    """The body of ``/v1/completions``."""

    prompt: str | list[str | int | Tokens] = ""
    logprobs: Annotated[int, Meta(ge=0, le=_MAX_COMPLETION_LOGPROBS)] | None = None

    @property
    def wants_logprobs(self) -> bool:
        """Whether each token is to be told with its probability."""
        return self.logprobs is not None

    def prompts(self) -> list[str | Tokens]:
        """The prompts: one or several, as text or as tokens.

        Raises:
            InvalidRequestError: there is none, or they are of different kinds.
        """
        prompt = self.prompt
        if isinstance(prompt, str):
            return [prompt]
        if not prompt:
            raise EmptyArrayError("'prompt' must not be an empty array.", param="prompt")
        if all(isinstance(each, int) for each in prompt):
            return [[each for each in prompt if isinstance(each, int)]]
        if len({type(each) for each in prompt}) > 1:
            raise InvalidRequestError("'prompt' must not mix text, tokens and lists of tokens.", param="prompt")
        return [each for each in prompt if not isinstance(each, int)]

    def sampling(self, room: int, advice: Advice = NEUTRAL) -> Sampling:
        """How to generate, in a context with room for that many tokens."""
        return self._sampling(min(self.max_tokens or _DEFAULT_COMPLETION_TOKENS, room), self.logprobs, advice)


Body = ChatBody | CompletionBody


def _plain_message(message: Mapping[str, Any], param: str) -> dict[str, Any]:
    role = message.get("role")
    if role not in _ROLES:
        raise InvalidRequestError(f"'role' must be one of {', '.join(sorted(_ROLES))}.", param=f"{param}.role")
    # "developer" is OpenAI's new word for "system"; templates know the old one.
    plain = {**message, "role": "system" if role == "developer" else role}
    plain["content"] = _plain_content(message.get("content"), f"{param}.content")
    return plain


def _plain_content(content: object, param: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequestError("'content' must be a string or an array of parts.", param=param)
    return "".join(_plain_part(part, f"{param}[{number}]") for number, part in enumerate(content))


def _plain_part(part: object, param: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind != "text":
        raise InvalidRequestError(f"This model reads only text, not a part of type '{kind}'.", param=param)
    if not isinstance(part.get("text"), str):
        raise InvalidRequestError("A part of type 'text' needs a string 'text'.", param=f"{param}.text")
    text: str = part["text"]
    return text
