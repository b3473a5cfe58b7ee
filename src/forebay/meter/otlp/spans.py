"""The spans of a request, made of its record when it has ended: one for all of it, for each stage and each attempt."""

from collections.abc import Iterator
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.trace.status import Status, StatusCode

from forebay import __version__
from forebay.core.story import Place, Step, Story
from forebay.core.tracecontext import new_span
from forebay.core.types import Record
from forebay.meter.otlp.attributes import Attributes, error, of_attempt, of_request, operation
from forebay.meter.plain import attempts

NANOSECONDS: Final = 1e9
SCOPE: Final = InstrumentationScope("forebay", __version__)
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
FINE: Final = Status(StatusCode.UNSET)
CLIENT_CLOSED: Final = 499


class Spans:
    """Makes the spans of ``resource``."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def of(self, record: Record) -> Iterator[ReadableSpan]:
        """The spans of ``record``, the outermost first; none if it has no place in a trace."""
        story = record.story
        if story is None or story.place is None:
            return
        yield from _Told(self._resource, record, story, story.place).spans()


class _Told:
    """One record on its way into spans."""

    def __init__(self, resource: Resource, record: Record, story: Story, place: Place) -> None:
        self._resource = resource
        self._record = record
        self._story = story
        self._trace = int(place.trace, 16)
        self._place = place
        self._state = TraceState.from_header([place.state]) if place.state else None
        self._accepted = record.at - record.latency

    def spans(self) -> Iterator[ReadableSpan]:
        """All of them."""
        record, story, place = self._record, self._story, self._place
        root = self._context(place.span)
        parent = self._context(place.parent, remote=True) if place.parent else None
        model = record.model or story.model
        name = f"{operation(record)} {model}" if model else operation(record)
        yield self._span(
            name, root, parent, 0.0, record.latency, SpanKind.SERVER, of_request(record, model), _status(record)
        )
        yield self._span("receive", self._context(), root, 0.0, story.entered)
        inner = root
        for step in story.steps:
            here = self._context()
            yield self._span(step.name, here, inner, step.began, _end(step), SpanKind.INTERNAL, _of_stage(step, record))
            if step.asked:
                inner = here
        yield from self._attempts(inner)

    def _attempts(self, parent: SpanContext) -> Iterator[ReadableSpan]:
        record = self._record
        for each in attempts(record):
            ended = each.ended or record.latency
            status = FINE if each.outcome in {"ok", "aborted", ""} else Status(StatusCode.ERROR, each.outcome)
            name = f"{operation(record)} {each.deployment.partition('/')[2]}"
            here = self._context(each.span)
            yield self._span(name, here, parent, each.began, ended, SpanKind.CLIENT, of_attempt(record, each), status)

    def _context(self, span: str = "", *, remote: bool = False) -> SpanContext:
        return SpanContext(self._trace, int(span or new_span(), 16), remote, SAMPLED, self._state)

    def _span(  # noqa: PLR0913, PLR0917  # what a span is made of
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        began: float,
        ended: float,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        status: Status = FINE,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            attributes or {},
            kind=kind,
            status=status,
            start_time=int((self._accepted + began) * NANOSECONDS),
            end_time=int((self._accepted + max(began, ended)) * NANOSECONDS),
            instrumentation_scope=SCOPE,
        )


def _end(step: Step) -> float:
    return step.ended or step.answered or step.asked or step.began


def _of_stage(step: Step, record: Record) -> Attributes:
    story = record.story
    if step.name == "cache":
        return {"forebay.cache": record.cache}
    if step.name == "guard" and story is not None and story.heard:
        objecting = [each.guard for each in story.heard if each.action != "pass"]
        return {
            "forebay.guard.verdicts": len(story.heard),
            "forebay.guard.objecting": ",".join(dict.fromkeys(objecting)),
        }
    return {}


def _status(record: Record) -> Status:
    """An error is what the server failed at; what a client did wrong is none of a server's (HTTP conventions)."""
    failed = record.outcome == "broken" or (record.outcome == "error" and record.status > CLIENT_CLOSED)
    return Status(StatusCode.ERROR, error(record)) if failed else FINE
