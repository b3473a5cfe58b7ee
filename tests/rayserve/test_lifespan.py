"""Starting and stopping an application where no server does."""

import pytest

from forebay.api.http import Receive, Scope, Send
from forebay.plugins import PreparationError
from forebay.rayserve.lifespan import living


async def test_application_lives_within_the_context() -> None:
    said: list[str] = []

    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        for step in ("startup", "shutdown"):
            said.append((await receive())["type"])
            await send({"type": f"lifespan.{step}.complete"})

    async with living(application):
        assert said == ["lifespan.startup"]
    assert said == ["lifespan.startup", "lifespan.shutdown"]


async def test_application_that_does_not_start_says_why() -> None:
    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no memory"})

    with pytest.raises(PreparationError, match="no memory"):
        async with living(application):
            pytest.fail("it lives")
