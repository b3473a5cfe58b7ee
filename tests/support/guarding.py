"""What guards are built with in tests: no model and no server, unless a test brings one."""

from collections.abc import Mapping
from typing import Any

from forebay.core.types import Operation
from forebay.plugins import GuardTools


async def _ask(operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
    raise AssertionError(f"nobody expected {operation} with {sorted(body)}")


async def _post(url: str, _headers: Mapping[str, str], _body: bytes) -> bytes:
    raise AssertionError(f"nobody expected a POST to {url}")


TOOLS = GuardTools(_ask, _post)
