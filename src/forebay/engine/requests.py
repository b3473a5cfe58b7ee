"""The bodies of requests, as far as the engine honours them; what it cannot honour is refused by name.

Fields that nobody here knows are ignored, as OpenAI's clients expect of a compatible server.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from forebay.core.errors import EmptyArrayError, InvalidRequestError, UnsupportedParameterError
from forebay.engine import constraints, tools
from forebay.engine.catalog import Advice
from forebay.engine.grammar import Constraint
from forebay.engine.sequence import Sampling
from forebay.engine.tools import Tools

_MAX_CHOICES: Final = 128
_MAX_BIASES: Final = 1024
_MAX_BIAS: Final = 100
_MAX_TOP_LOGPROBS: Final = 20
_MAX_COMPLETION_LOGPROBS: Final = 5
_DEFAULT_COMPLETION_TOKENS: Final = 16
_TOKEN: Final = re.compile(r"[0-9]{1,9}")

NEUTRAL: Final = Advice()

# What the engine cannot do, with the values that ask for nothing.
_UNSUPPORTED: Final[Mapping[str, tuple[Any, ...]]] = {
    "suffix": (None, ""),
}
_OUTDATED: Final = {"functions": "tools", "function_call": "tool_choice"}
_NO_OUTDATED: Final[Mapping[str, tuple[Any, ...]]] = {"functions": (None, []), "function_call": (None,)}

Count = Annotated[int, Meta(ge=1)]
Amount = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Stop = Annotated[str, Meta(min_length=1, max_length=256)]
Tokens = list[int]


class _Body(msgspec.Struct, frozen=True):
    """What chats and completions have in common; ``null`` is the same as nothing everywhere."""

    n: Annotated[int, Meta(ge=1, le=_MAX_CHOICES)] | None = None
    best_of: int | None = None
    max_tokens: Amount | None = None
    min_tokens: Amount | None = None
    ignore_eos: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=-1)] | None = None
    min_p: Share | None = None
    seed: int | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    logit_bias: Annotated[dict[str, float], Meta(max_length=_MAX_BIASES)] | None = None
    stop: Annotated[list[Stop], Meta(max_length=4)] | Stop | None = None
    echo: bool | None = None
    watermark: bool | None = None
    suffix: Any = None
    tools: Any = None
    response_format: Any = None
    guided_json: Any = None
    guided_regex: Any = None
    guided_choice: Any = None
    guided_grammar: Any = None
    structured_outputs: Any = None

    @property
    def choices(self) -> int:
        """How many answers each prompt gets."""
        return self.n or 1

    def check(self, vocabulary: int) -> None:
        """Refuse what cannot be honoured by a model with so many tokens.

        Raises:
            InvalidRequestError: some field.
        """
        for name, neutral in _UNSUPPORTED.items():
            if getattr(self, name) not in neutral:
                raise UnsupportedParameterError(f"'{name}' is not supported by this model.", param=name)
        if self.best_of is not None and self.best_of != self.choices:
            raise UnsupportedParameterError(
                "'best_of' must be the same as 'n': answers are not ranked, all of them are returned.", param="best_of"
            )
        self._check_least()
        for token, bias in (self.logit_bias or {}).items():
            if not (_TOKEN.fullmatch(token) and int(token) < vocabulary):
                raise InvalidRequestError(
                    f"The keys of 'logit_bias' must be tokens, from 0 to {vocabulary - 1}; '{token[:20]}' is none.",
                    param="logit_bias",
                )
            if not -_MAX_BIAS <= bias <= _MAX_BIAS:
                raise InvalidRequestError(
                    f"The bias of token {token} in 'logit_bias' must be from -{_MAX_BIAS} to {_MAX_BIAS}.",
                    param="logit_bias",
                )

    def _check_least(self) -> None:
        most = self._most_tokens
        if most is not None and (self.min_tokens or 0) > most:
            raise InvalidRequestError(
                f"'min_tokens' must not be more than the {most} tokens that the answer may have.", param="min_tokens"
            )

    @property
    def _most_tokens(self) -> int | None:
        return self.max_tokens

    def constraint(self) -> Constraint | None:
        """What the answer must be; ``None`` where it is free.

        Raises:
            InvalidRequestError: it cannot be told from the request.
        """
        return constraints.constraint(msgspec.structs.asdict(self))

    def _sampling(self, max_tokens: int, logprobs: int | None, advice: Advice) -> Sampling:
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(
            max_tokens=max_tokens,
            min_tokens=self.min_tokens or 0,
            ignore_eos=bool(self.ignore_eos),
            temperature=advice.temperature if self.temperature is None else self.temperature,
            top_p=advice.top_p if self.top_p is None else self.top_p,
            top_k=max(self.top_k or 0, 0),
            min_p=self.min_p or 0.0,
            seed=self.seed,
            frequency_penalty=self.frequency_penalty or 0.0,
            presence_penalty=self.presence_penalty or 0.0,
            repetition_penalty=self.repetition_penalty or 1.0,
            logit_bias={int(token): bias for token, bias in (self.logit_bias or {}).items()},
            logprobs=logprobs,
            stop=stop,
        )


class ChatBody(_Body, frozen=True):
    """The body of ``/v1/chat/completions``."""

    messages: list[dict[str, Any]] = []
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=_MAX_TOP_LOGPROBS)] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    functions: Any = None
    function_call: Any = None

    def check(self, vocabulary: int) -> None:
        """Refuse what cannot be honoured, also what contradicts itself."""
        super().check(vocabulary)
        if self.echo:
            raise UnsupportedParameterError("'echo' is for completions: a chat has no text to repeat.", param="echo")
        for name, now in _OUTDATED.items():
            if getattr(self, name) not in _NO_OUTDATED[name]:
                raise UnsupportedParameterError(f"'{name}' is the old form: use '{now}'.", param=name)
        if self.top_logprobs is not None and not self.logprobs:
            raise InvalidRequestError("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")

    def chosen_tools(self) -> Tools | None:
        """The tools that may be called; ``None`` where none may.

        Raises:
            InvalidRequestError: it cannot be told from the request, or the answer must be something else as well.
        """
        chosen = tools.of(self.tools, self.tool_choice, parallel=self.parallel_tool_calls is not False)
        other = super().constraint()
        if chosen is not None and other is not None:
            raise InvalidRequestError(
                f"'{other.param}' does not go together with tools: leave it out, or set 'tool_choice' to 'none'.",
                param=other.param,
            )
        return chosen

    def constraint(self) -> Constraint | None:
        """What the answer must be; ``None`` where it is free."""
        chosen = self.chosen_tools()
        return super().constraint() if chosen is None else chosen.constraint()

    @property
    def _most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_logprobs(self) -> bool:
        """Whether each token is to be told with its probability."""
        return bool(self.logprobs)

    def sampling(self, room: int, advice: Advice = NEUTRAL) -> Sampling:
        """How to generate, in a context with room for that many tokens."""
        wanted = self.max_completion_tokens or self.max_tokens or advice.max_tokens or room
        return self._sampling(min(wanted, room), (self.top_logprobs or 0) if self.wants_logprobs else None, advice)


class CompletionBody(_Body, frozen=True):
    """The body of ``/v1/completions``."""

    prompt: str | list[str | int | Tokens] = ""
    logprobs: Annotated[int, Meta(ge=0, le=_MAX_COMPLETION_LOGPROBS)] | None = None

    def check(self, vocabulary: int) -> None:
        """Refuse what cannot be honoured, also what contradicts itself."""
        super().check(vocabulary)
        if self.tools:
            raise UnsupportedParameterError("'tools' are for chats.", param="tools")
        if self.max_tokens == 0 and not self.echo:
            raise InvalidRequestError("'max_tokens' must be at least 1, or 0 with 'echo'.", param="max_tokens")
        if self.echo and self.logprobs is not None:
            raise UnsupportedParameterError(
                "'echo' and 'logprobs' do not go together: of a prompt only the last token's are computed. "
                "Leave out one of them.",
                param="echo",
            )

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
        wanted = _DEFAULT_COMPLETION_TOKENS if self.max_tokens is None else self.max_tokens
        return self._sampling(min(wanted, room), self.logprobs, advice)


Body = ChatBody | CompletionBody
