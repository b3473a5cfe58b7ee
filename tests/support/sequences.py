"""Sequences and tokens for tests that need no engine."""

from forebay.engine.sequence import Finish, Logprobs, Origin, Output, Sampling, Sequence

SHARING = Origin(namespace=b"")


class Nobody:
    """Waits for no sequence: whatever is told is a mistake."""

    def receive(self, output: Output, /) -> None:
        raise AssertionError(output)

    def fail(self, error: Exception, /) -> None:
        raise AssertionError(error)


def sequence(
    prompt: list[int],
    sampling: Sampling | None = None,
    *,
    ends: frozenset[int] = frozenset(),
    said: tuple[int, ...] = (),
    origin: Origin = SHARING,
) -> Sequence:
    """A sequence that nobody waits for."""
    made = Sequence(prompt, sampling or Sampling(), Nobody(), stop_ids=ends, origin=origin)
    made.tokens += said
    return made


def output(token: int, finish: Finish | None = None, logprobs: Logprobs | None = None) -> Output:
    """What a step brings for a sequence of its own; one that stops does so at its end token."""
    ends = frozenset({token}) if finish == "stop" else frozenset[int]()
    return Output(sequence([1], ends=ends), token, logprobs, finish)
