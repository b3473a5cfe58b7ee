"""Google's ``GenerateContentResponse`` as OpenAI's answer; a stream is a sequence of them, without a last one."""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Raw

from forebay.core.errors import UpstreamError
from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.completion import ChosenLogprob, Logprobs, TokenLogprob
from forebay.providers.dialects.dialect import VendorError
from forebay.providers.dialects.gemini.turns import extra_of

BLOCKED = "SAFETY"
ENDED = "STOP"
REASONS: Mapping[str, str] = {
    ENDED: "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        (
            BLOCKED,
            "BLOCKLIST",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "IMAGE_SAFETY",
            "MODEL_ARMOR",
            "PROHIBITED_CONTENT",
            "RECITATION",
            "SPII",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "ESCALATION",
            "FINISH_REASON_UNSPECIFIED",
            "IMAGE_OTHER",
            "LANGUAGE",
            "MISSING_THOUGHT_SIGNATURE",
            "NO_IMAGE",
            "OTHER",
            "TOO_MANY_TOOL_CALLS",
        ),
        "stop",
    ),
}
FAILED = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})
"""The model wrote something that Gemini cannot read: there is no answer, and another try may have one."""


class Called(msgspec.Struct):
    """A function call, whole."""

    name: str = ""
    id: str = ""
    args: dict[str, Raw] = {}


class Part(msgspec.Struct, rename="camel"):
    """A part of the content, of whatever kind."""

    text: str | None = None
    thought: bool = False
    thought_signature: str = ""
    function_call: Called | None = None


class Content(msgspec.Struct):
    """What was said; it may have no parts."""

    parts: list[Part] = []


class Token(msgspec.Struct, rename="camel"):
    """A token and its log-probability."""

    token: str = ""
    log_probability: float = 0.0

    def likely(self) -> TokenLogprob:
        """In OpenAI's form."""
        return TokenLogprob(self.token, self.log_probability, list(self.token.encode()))


class Top(msgspec.Struct):
    """The likeliest tokens of one place."""

    candidates: list[Token] = []


class Chances(msgspec.Struct, rename="camel"):
    """``logprobsResult``."""

    chosen_candidates: list[Token] = []
    top_candidates: list[Top] = []


class Candidate(msgspec.Struct, rename="camel"):
    """One of the answers, or what is new of it."""

    index: int = 0
    content: Content | None = None
    finish_reason: str | None = None
    logprobs_result: Chances | None = None


class Feedback(msgspec.Struct, rename="camel"):
    """What was wrong with the prompt."""

    block_reason: str | None = None


class Counted(msgspec.Struct, rename="camel"):
    """``usageMetadata``: totals, in every event."""

    prompt_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    cached_content_token_count: int = 0

    def usage(self) -> Usage:
        """In Forebay's terms; thoughts are counted apart there, and paid for."""
        return Usage(
            prompt_tokens=self.prompt_token_count + self.tool_use_prompt_token_count,
            completion_tokens=self.candidates_token_count + self.thoughts_token_count,
            cached_tokens=self.cached_content_token_count,
            reasoning_tokens=self.thoughts_token_count,
        )


class Failed(msgspec.Struct):
    """``error``."""

    code: int = 500


class Response(msgspec.Struct, rename="camel"):
    """A reply, or an event of one."""

    candidates: list[Candidate] = []
    prompt_feedback: Feedback | None = None
    usage_metadata: Counted | None = None
    model_version: str = ""
    response_id: str = ""
    error: Failed | None = None


_responses = msgspec.json.Decoder(Response)


class GeminiReader:
    """Reads the candidates of one reply. A signature beside text is told last, with the text's message."""

    def __init__(self) -> None:
        self._signatures: dict[int, str] = {}

    def whole(self, body: bytes, answer: Answer) -> None:
        """A reply in one piece."""
        self.event(body, answer)

    def event(self, payload: bytes, answer: Answer) -> None:
        """One event; what it holds is new, but for the usage."""
        response = _responses.decode(payload)
        if response.error is not None:
            raise VendorError(response.error.code, payload)
        answer.id = response.response_id or answer.id
        answer.model = response.model_version or answer.model
        if response.usage_metadata is not None:
            answer.count(response.usage_metadata.usage())
        for candidate in response.candidates:
            self._candidate(candidate, answer)
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason and not response.candidates:
            answer.finish(BLOCKED)

    def _candidate(self, candidate: Candidate, answer: Answer) -> None:
        choice = candidate.index
        if candidate.logprobs_result is not None:
            answer.logprobs(_logprobs(candidate.logprobs_result), choice)
        for part in candidate.content.parts if candidate.content else ():
            self._part(part, answer, choice)
        if candidate.finish_reason:
            if signature := self._signatures.pop(choice, None):
                answer.extra_content(extra_of(signature), choice)
            if candidate.finish_reason in FAILED:
                raise UpstreamError(f"Gemini ended its answer with an error: {candidate.finish_reason}.")
            answer.finish(candidate.finish_reason, choice)

    def _part(self, part: Part, answer: Answer, choice: int) -> None:
        called, signature = part.function_call, part.thought_signature
        if called is not None:
            number = answer.call(called.name, called.id, choice, extra_of(signature) if signature else UNSET)
            answer.arguments(number, msgspec.json.encode(called.args).decode(), choice)
            return
        if signature:
            self._signatures[choice] = signature
        if part.text and part.thought:
            answer.reasoning(part.text, choice)
        elif part.text:
            answer.text(part.text, choice)


def _logprobs(chances: Chances) -> Logprobs:
    tops = [*chances.top_candidates, *[Top()] * len(chances.chosen_candidates)]
    return Logprobs(
        [
            ChosenLogprob(
                chosen.token,
                chosen.log_probability,
                list(chosen.token.encode()),
                [each.likely() for each in top.candidates],
            )
            for chosen, top in zip(chances.chosen_candidates, tops, strict=False)
        ]
    )
