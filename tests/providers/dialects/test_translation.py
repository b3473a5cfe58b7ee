"""A stream cut at every single byte, by a clean end and by a broken connection."""

import asyncio

import pytest

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.types import TimeOuts
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.dialect import Dialect
from forebay.providers.dialects.translation import Terms, Translation
from forebay.providers.transport import CutError, Response
from tests.support.dialects import call, gathered, made, normal
from tests.support.recordings import MINTED, RECORDINGS, Recording

DONE = b"data: [DONE]\n\n"


class Source:
    """A connection that has nothing more to give."""

    def close(self) -> None:
        """Nothing to close."""

    def drained(self) -> None:
        """Nothing was held back."""

    def abandon(self) -> None:
        """Nothing to throw away."""


def arrived(*parts: bytes, cut: bool) -> Response:
    """A response whose body has arrived as far as it ever will."""
    loop = asyncio.get_running_loop()
    response = Response(Source(), loop, TimeOuts(), loop.time() + 60, head_only=False)
    response.headers, response.parts = {}, list(parts)
    if cut:
        response.fail(CutError("cut"))
    else:
        response.finish(response.parts)
    return response


def refused(error: Exception) -> ForebayError:
    return UpstreamError(str(error))


async def translated(dialect: Dialect, recording: Recording, data: bytes, *, cut: bool) -> tuple[bytes, bool]:
    """What a client gets, and whether it broke."""
    asked = call(stream=True, include_usage=True)
    exchange = dialect.chat(asked, recording.model)
    chunks = Chunks(MINTED, recording.model, dialect.reasons, include_usage=True)
    terms = Terms("up", asked.trace, refused)
    translation = Translation(arrived(data, cut=cut), dialect.framing(), exchange.reader, chunks, terms)
    received = b""
    try:
        async for event in translation.events():
            received += event.data
    except UpstreamError:
        return received, True
    return received, False


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda each: each.name)
@pytest.mark.parametrize("cut", [True, False])
async def test_cut_at_every_byte(recording: Recording, cut: bool) -> None:  # noqa: FBT001
    provider = made(recording.kind, "http://127.0.0.1:1", **recording.options)
    data = b"".join(recording.events)
    last = len(data) - sum(map(len, recording.events[-2:]))
    for end in range(len(data) + 1):
        received, broke = await translated(provider._dialect, recording, data[:end], cut=cut)
        assert broke == (not received.endswith(DONE))
        assert broke == (b'"finish_reason":"' not in received)
        assert broke or end > last
        if not broke:
            assert normal(gathered(received))["choices"] == normal(recording.expected)["choices"]
        await asyncio.sleep(0)
    await provider.close()
