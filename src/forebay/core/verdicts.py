"""The nouns of guarding: the text that is judged, and what a guard may say about it."""

import enum

import msgspec


class Side(enum.Enum):
    """Where a text stands in a call; the value is its word in ``on:`` of a guard's settings."""

    INPUT = "input"
    OUTPUT = "output"
    TOOL_ARGUMENTS = "tool_args"
    TOOL_RESULTS = "tool_results"


class Action(enum.Enum):
    """What a guard decided."""

    PASS = "pass"  # noqa: S105  # no password
    MASK = "mask"
    BLOCK = "block"
    FLAG = "flag"


class Span(msgspec.Struct, frozen=True, gc=False):
    """What was found at ``start`` up to ``end`` (characters of the text): its ``kind``, and what to put in its place.

    ``replacement`` is ``None`` where the guard leaves that to the pipeline.
    """

    start: int
    end: int
    kind: str
    replacement: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """A guard's decision about a text.

    ``spans`` are in order and do not overlap. ``score`` is between 0 (harmless) and 1, for guards that have one.
    ``reason`` is one sentence for the audit record and the error: it never repeats the text.
    """

    action: Action
    spans: tuple[Span, ...] = ()
    score: float | None = None
    reason: str = ""


PASSED = Verdict(Action.PASS)


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a guard may know besides the text: where it stands, whose it is, and which model is asked.

    ``documents`` are the texts that an answer must rest on, for guards that check it; ``question`` is the last thing
    the user wrote; ``instructions`` are the system's and developer's messages; ``schema`` is the JSON Schema that the
    request demands of an answer, empty where it demands none.
    """

    side: Side
    tenant: str = ""
    model: str = ""
    request_id: str = ""
    question: str = ""
    documents: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    schema: str = ""


class Found(msgspec.Struct, frozen=True, gc=False):
    """A span as the audit keeps it: its text only as a keyed hash, which tells equal ones apart from others."""

    start: int
    end: int
    kind: str
    hash: str


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What is left of a guard's work on one text: a line of the audit, an observation of the metrics.

    ``policy`` identifies the configuration of all guards, ``version`` the package that this one came with; ``outcome``
    is what followed from its ``action``. ``seconds`` are those of all judging of the text, ``error`` says why there was
    no verdict.
    """

    at: float
    request_id: str
    principal: str
    tenant: str
    model: str
    policy: str
    guard: str
    kind: str
    version: str
    side: str
    action: str
    outcome: str
    seconds: float
    score: float | None = None
    spans: tuple[Found, ...] = ()
    error: str = ""
