"""Whoever leaves a socket or a file to the collector is the one that fails, not whoever runs when it comes by.

An object in a reference cycle is freed by a collection, at a moment that depends on everything that ran before. The
warning that it was never closed, an error here, would then fail a test that has nothing to do with it, once in a while.
So the garbage of each module is collected with its last test. What importing all modules has made is there to stay, and
is not looked at again: a collection takes milliseconds in place of a second.
"""

import gc
import sys
from collections.abc import Generator

import pytest


def pytest_collection_finish() -> None:
    """Set aside what has been imported."""
    gc.collect()
    gc.freeze()


def _left() -> list[str]:
    """What the collector found that should have been closed."""
    found: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda raised: found.append(f"{raised.object!r}: {raised.exc_value!r}")
    try:
        gc.collect()
    finally:
        sys.unraisablehook = before
    return found


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Fail the last test of a module that left something open."""
    yield
    if nextitem is None or nextitem.path != item.path:
        left = _left()
        assert not left, f"{item.path.name} left to the garbage collector what should be closed: {'; '.join(left)}"
