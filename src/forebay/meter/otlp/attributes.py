"""What spans and metrics say of a request, in the words of OpenTelemetry's conventions for generative AI.

Source: OpenTelemetry semantic conventions 1.38, "Generative AI"; names of ours begin with ``forebay.``.
"""

from typing import Final

from forebay.core.money import dollars
from forebay.core.types import Attempt, Operation, Record

Value = str | bool | int | float
Attributes = dict[str, Value]

OPERATIONS: Final = {
    Operation.CHAT.value: "chat",
    Operation.COMPLETION.value: "text_completion",
    Operation.EMBEDDING.value: "embeddings",
}
"""Of others the convention knows no names; they have ours."""

ITSELF: Final = ("", "cache")
"""The deployments of requests that no provider answered."""


def operation(record: Record) -> str:
    """``gen_ai.operation.name``."""
    return OPERATIONS.get(record.operation, record.operation)


def provider(deployment: str) -> str:
    """``gen_ai.provider.name``: the provider as the configuration calls it; ours, where none was asked."""
    return "forebay" if deployment in ITSELF else deployment.partition("/")[0]


def error(record: Record) -> str:
    """``error.type``: a code, empty where there was no error."""
    if record.outcome == "ok":
        return ""
    return (record.story.error if record.story else "") or record.outcome


def of_request(record: Record, model: str) -> Attributes:
    """Those of a whole request."""
    found: Attributes = {
        "gen_ai.operation.name": operation(record),
        "gen_ai.provider.name": provider(record.deployment),
        "gen_ai.request.model": model,
        "gen_ai.response.model": record.deployment.partition("/")[2] or model,
        "gen_ai.response.id": record.id,
        "gen_ai.request.stream": record.stream,
        "gen_ai.usage.input_tokens": record.prompt_tokens,
        "gen_ai.usage.output_tokens": record.completion_tokens,
        "http.response.status_code": record.status,
        "forebay.request.id": record.id,
        "forebay.tenant": record.tenant,
        "forebay.principal": record.principal,
        "forebay.outcome": record.outcome,
        "forebay.overhead_seconds": record.overhead,
    }
    if record.cached_tokens:
        found["gen_ai.usage.cache_read.input_tokens"] = record.cached_tokens
    if record.ttft is not None and record.stream:
        found["gen_ai.response.time_to_first_chunk"] = record.ttft
    if record.cache:
        found["forebay.cache"] = record.cache
    if record.cost is not None:
        found["forebay.cost_dollars"] = dollars(record.cost)
    if failed := error(record):
        found["error.type"] = failed
    return found


def of_attempt(record: Record, attempt: Attempt) -> Attributes:
    """Those of one request to a provider; the tokens are the whole request's, so that nobody adds them up twice."""
    found: Attributes = {
        "gen_ai.operation.name": operation(record),
        "gen_ai.provider.name": provider(attempt.deployment),
        "gen_ai.request.model": attempt.deployment.partition("/")[2],
        "forebay.deployment": attempt.deployment,
        "forebay.attempt.reason": attempt.reason,
    }
    if attempt.outcome not in {"ok", ""}:
        found["error.type"] = attempt.outcome
    return found
