"""Records of calls that never were."""

import time
from typing import Any

import msgspec

from forebay.core.types import Record

PLAIN = Record(
    id="req_0",
    at=0.0,
    principal="alice",
    tenant="team",
    operation="chat/completions",
    model="m",
    deployment="p/m",
    status=200,
    outcome="ok",
    stream=False,
    prompt_tokens=7,
    completion_tokens=5,
    latency=0.5,
    ttft=0.1,
    tpot=None,
    queue=0.0,
    provider=0.4,
    overhead=0.001,
    cost=120,
)


def record(number: int, **fields: Any) -> Record:
    """The record of request ``number``, just ended."""
    return msgspec.structs.replace(PLAIN, id=f"req_{number:08d}", **{"at": time.time(), **fields})
