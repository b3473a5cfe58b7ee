"""What holds for every guard that judges streams: what it says about the past stays true."""

from collections.abc import Iterable

from forebay.core.ports import Guard
from forebay.core.verdicts import Context, Side, Span

OUTPUT = Context(Side.OUTPUT)


async def spans_of(guard: Guard, text: str, context: Context = OUTPUT) -> tuple[Span, ...]:
    return (await guard.check(text, context)).spans


async def assert_final(guard: Guard, text: str, lengths: Iterable[int]) -> None:
    """Of each of the first ``lengths`` characters of ``text``: spans before the lookbehind are those of the whole."""
    assert guard.lookbehind is not None
    whole = await spans_of(guard, text)
    for length in lengths:
        settled = length - guard.lookbehind
        seen = [span for span in await spans_of(guard, text[:length]) if span.start < settled]
        assert seen == [span for span in whole if span.start < settled], (text[:length], settled)


async def found(guard: Guard, text: str) -> list[tuple[str, str]]:
    """What was found, as (kind, text)."""
    return [(span.kind, text[span.start : span.end]) for span in await spans_of(guard, text)]
