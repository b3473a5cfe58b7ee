"""No reader breaks, whatever an upstream sends; and what it tells is an answer, or is not complete."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import UpstreamError
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.dialects.anthropic.reply import AnthropicReader
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.cohere.reply import CohereReader
from forebay.providers.dialects.dialect import Reader, VendorError
from forebay.providers.dialects.framing import ServerSentEvents
from forebay.providers.dialects.gemini.reply import GeminiReader
from forebay.providers.dialects.whole import Gatherer
from tests.support.dialects import completion, gathered
from tests.support.recordings import ANTHROPIC, COHERE, GEMINI, Recording

READERS: list[tuple[Recording, Callable[[], Reader]]] = [
    (ANTHROPIC, AnthropicReader),
    (COHERE, CohereReader),
    (GEMINI, GeminiReader),
]
HARMLESS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, VendorError, UpstreamError)

values: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.text(max_size=4) | st.just([]) | st.just({})
)


def changed(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with something in it left out, or replaced by something else."""
    match draw(st.sampled_from(["keep", "keep", "keep", "replace", "drop"])):
        case "replace":
            return draw(values)
        case "drop" if isinstance(value, dict) and value:
            name = draw(st.sampled_from(sorted(value)))
            return {each: changed(draw, inner) for each, inner in value.items() if each != name}
    if isinstance(value, dict):
        return {name: changed(draw, inner) for name, inner in value.items()}
    return [changed(draw, inner) for inner in value] if isinstance(value, list) else value


@st.composite
def mutations(draw: st.DrawFn, recording: Recording) -> list[bytes]:
    """The recorded events in another order, some twice or not at all, some changed."""
    known = ServerSentEvents().feed(b"".join([*recording.events, recording.busy]))
    events = draw(st.lists(st.sampled_from(known), max_size=12))
    return [json.dumps(changed(draw, json.loads(event))).encode() for event in events]


@pytest.mark.parametrize(("recording", "reader"), READERS, ids=lambda each: getattr(each, "kind", ""))
def test_events_of_any_order_and_shape(recording: Recording, reader: Callable[[], Reader]) -> None:
    @settings(max_examples=60)
    @given(mutations(recording))
    def check(events: list[bytes]) -> None:
        made, chunks = reader(), Chunks("x", "m", FinishReasons({}), include_usage=True)
        for event in events:
            try:
                made.event(event, chunks)
            except HARMLESS:
                return
            if chunks.ended:
                break
        if chunks.complete:
            if not chunks.ended:
                chunks.end()
            taken = chunks.take()
            assert taken is not None
            gathered(taken.data)

    check()


@pytest.mark.parametrize(("recording", "reader"), READERS, ids=lambda each: getattr(each, "kind", ""))
def test_bodies_of_any_shape(recording: Recording, reader: Callable[[], Reader]) -> None:
    @settings(max_examples=60)
    @given(st.composite(changed)(json.loads(recording.whole)))
    def check(body: Any) -> None:
        answer = Gatherer("x", "m", FinishReasons({}))
        try:
            reader().whole(json.dumps(body).encode(), answer)
        except HARMLESS:
            return
        if answer.complete:
            completion(answer.body())

    check()
