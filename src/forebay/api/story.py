"""A record as its story is told: stages with their times, route and why, cache, guards, tokens, cost."""

from typing import Any

import msgspec

from forebay.core.money import dollars
from forebay.core.story import Step, Story
from forebay.core.types import Record
from forebay.gateway.explain import told as told_attempt
from forebay.meter.plain import attempts

NOTHING = Story()


def line(record: Record) -> dict[str, object]:
    """``record`` as a line of the log: what a list needs."""
    told = record.story or NOTHING
    return {
        "id": record.id,
        "object": "request",
        "at": record.at,
        "tenant": record.tenant,
        "principal": record.principal,
        "operation": record.operation,
        "model": record.model or told.model,
        "deployment": record.deployment,
        "status": record.status,
        "outcome": record.outcome,
        "error": told.error or None,
        "stream": record.stream,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "latency": record.latency,
        "ttft": record.ttft,
        "cost": record.cost,
        "cache": record.cache or None,
    }


def story(record: Record) -> dict[str, Any]:
    """Everything that is known of ``record``; times are seconds, moments those since it was accepted."""
    told = record.story or NOTHING
    return {
        **line(record),
        "cost_dollars": None if record.cost is None else dollars(record.cost),
        "cached_tokens": record.cached_tokens,
        "cache_write_tokens": record.cache_write_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "times": {
            "latency": record.latency,
            "ttft": record.ttft,
            "tpot": record.tpot,
            "queue": record.queue,
            "provider": record.provider,
            "overhead": record.overhead,
        },
        "stages": [{"name": "receive", "began": 0.0, "seconds": told.entered}, *_stages(record, told)],
        "attempts": [told_attempt(each) for each in attempts(record)],
        "choices": told.choices,
        "cache": _cache(record, told),
        "guards": [msgspec.structs.asdict(each) for each in told.heard],
        "watermark": told.watermark or None,
        "trace_id": told.place.trace if told.place else None,
    }


def _stages(record: Record, told: Story) -> list[dict[str, object]]:
    refused = record.outcome == "error"
    return [_stage(step, refused=refused) for step in told.steps]


def _stage(step: Step, *, refused: bool) -> dict[str, object]:
    """``request_seconds`` and ``reply_seconds`` are what the stage itself took; ``seconds`` holds those behind it."""
    ended = step.ended or step.answered
    return {
        "name": step.name,
        "began": step.began,
        "seconds": max(0.0, ended - step.began),
        "request_seconds": max(0.0, (step.asked or ended) - step.began),
        "reply_seconds": max(0.0, ended - step.answered) if step.answered else 0.0,
        "answered_itself": not (step.asked or refused),
        "refused": refused and not step.asked,
    }


def _cache(record: Record, told: Story) -> dict[str, object] | None:
    if not record.cache:
        return None
    return {"result": record.cache, "key": told.cache_key or None, "why": told.cache_why or None}
