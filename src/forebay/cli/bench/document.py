"""The figures as JSON, for programs."""

from typing import Any

import msgspec

from forebay import __version__
from forebay.cli.bench.plan import Found, Plan


def document(plan: Plan, found: Found) -> bytes:
    """What was asked for and what was found; no header is in it, because one is a secret."""
    said: dict[str, Any] = {
        "forebay": __version__,
        "operation": plan.operation,
        "streamed": plan.streamed,
        "load": plan.load,
        "warm_up": plan.warm_up,
        "prompts": {**msgspec.structs.asdict(plan.prompts), "dataset": _named(plan)},
        "stopped": found.stopped,
        "servers": [
            {
                "name": side.name,
                "url": side.url,
                "model": side.form.model,
                "summary": side.summary,
                "turns": side.turns if len(side.turns) > 1 else [],
                "notes": side.notes,
            }
            for side in found.sides
        ],
        "ratios": found.ratios,
    }
    return msgspec.json.format(msgspec.json.encode(said)) + b"\n"


def _named(plan: Plan) -> str | None:
    return None if plan.prompts.dataset is None else plan.prompts.dataset.name
