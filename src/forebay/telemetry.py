"""From settings and the environment to what exports traces and metrics, if anything is to.

Source: OpenTelemetry's environment variables: whatever settings leave out is what these say.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from forebay.core.types import Record
from forebay.plugins import PreparationError
from forebay.settings import OtlpSettings, TelemetrySettings

if TYPE_CHECKING:
    from forebay.meter.otlp.exporter import Exporter

ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
RATIO: Final = ("traceidratio", "parentbased_traceidratio")
NEVER: Final = ("always_off", "parentbased_always_off")
SERVICE: Final = "forebay"


class Telemetry(Protocol):
    """A sink of the journal with a life of its own."""

    def __call__(self, records: Sequence[Record], /) -> None:
        """Take ``records``."""
        ...

    async def start(self) -> None:
        """Begin to export."""
        ...

    async def close(self) -> None:
        """Export what is left."""
        ...


def wanted(settings: TelemetrySettings, environ: Mapping[str, str] = os.environ) -> OtlpSettings | None:
    """How to export; ``None``: not at all."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if settings.otlp is not None:
        return settings.otlp
    return OtlpSettings() if any(environ.get(name) for name in ENDPOINTS) else None


def share(settings: OtlpSettings, environ: Mapping[str, str] = os.environ) -> float:
    """Which share of the traces that begin here is sampled."""
    if settings.sample is not None:
        return settings.sample
    sampler = environ.get("OTEL_TRACES_SAMPLER", "")
    if sampler in NEVER:
        return 0.0
    try:
        return float(environ.get("OTEL_TRACES_SAMPLER_ARG", "1")) if sampler in RATIO else 1.0
    except ValueError:
        raise PreparationError("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1") from None


def build(settings: OtlpSettings, environ: Mapping[str, str] = os.environ) -> Telemetry:
    """What exports.

    Raises:
        PreparationError: what it needs is not installed.
    """
    try:
        return _exporter(settings, environ)
    except ImportError as error:
        raise PreparationError(
            f"telemetry.otlp needs what is not installed ({error.name}): pip install 'forebay[otel]'"
        ) from None


def _exporter(settings: OtlpSettings, environ: Mapping[str, str]) -> "Exporter":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # an extra

    from forebay import __version__  # noqa: PLC0415  # beside the others
    from forebay.meter.otlp.exporter import Exporter  # noqa: PLC0415  # an extra
    from forebay.meter.otlp.measures import Measures  # noqa: PLC0415  # an extra
    from forebay.meter.otlp.spans import Spans  # noqa: PLC0415  # an extra

    named = {"service.name": SERVICE} if not environ.get("OTEL_SERVICE_NAME") else {}
    resource = Resource.create({**named, "service.version": __version__, "service.instance.id": f"{os.getpid()}"})
    spans, metrics = _transports(settings, environ)
    return Exporter(
        (Spans(resource), spans) if settings.traces else None,
        (Measures(resource), metrics) if settings.metrics else None,
        rate=settings.traces_per_second,
        interval=settings.interval,
        patience=settings.timeout,
    )


def _transports(settings: OtlpSettings, environ: Mapping[str, str]) -> tuple[Any, Any]:
    """The exporters of spans and of metrics, for the protocol at hand."""
    protocol = settings.protocol or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    headers = {name.lower(): value.reveal() for name, value in settings.headers.items()} or None
    base, timeout = settings.endpoint.rstrip("/"), settings.timeout
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Metrics  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Spans  # noqa: PLC0415

        at = base or None
        return Spans(at, headers=headers, timeout=timeout), Metrics(at, headers=headers, timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415  # an extra
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # an extra

    traces, metrics = (f"{base}/v1/{what}" if base else None for what in ("traces", "metrics"))
    return (
        OTLPSpanExporter(traces, headers=headers, timeout=timeout),
        OTLPMetricExporter(metrics, headers=headers, timeout=timeout),
    )
