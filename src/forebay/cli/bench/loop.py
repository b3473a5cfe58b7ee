"""Runs what measures so that it disturbs little: a quick event loop, few collections, enough open files."""

import asyncio
import contextlib
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from forebay.process import calm_collector

Result = TypeVar("Result")


def run(measuring: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``measuring``, with uvloop where there is one."""
    _many_files()
    calm_collector()
    factory = None
    if sys.platform != "win32":
        import uvloop  # noqa: PLC0415  # it is not everywhere

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(measuring)


def _many_files() -> None:
    """As many open files, and so connections, as this process may have without anybody's leave."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # it is not everywhere

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS has a limit that it does not tell
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
