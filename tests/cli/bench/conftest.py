"""What tests of ``forebay bench`` share: the command in this process, whose collector stays as it is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from click.testing import CliRunner, Result

from forebay.cli import main

Bench = Callable[..., Awaitable[Result]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("forebay.cli.bench.loop.calm_collector", lambda: None)

    async def run(*arguments: object) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, ["bench", *map(str, arguments)])

    return run
