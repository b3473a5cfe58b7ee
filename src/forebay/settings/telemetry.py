"""What a settings file may say about OpenTelemetry: where traces and metrics go, and how many of them."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from forebay.settings.values import Duration, Secret

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class OtlpSettings(msgspec.Struct, frozen=True):
    """A receiver of OTLP. What is left out is what the environment says (``OTEL_EXPORTER_OTLP_…``), or its default.

    ``sample`` is the share of traces that are exported, of those that begin here; at most ``traces_per_second`` of them
    in each process. Metrics are sent every ``interval``.
    """

    endpoint: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s]+)?$")] = ""
    headers: Mapping[str, Secret] = {}
    protocol: Literal["http/protobuf", "grpc"] | None = None
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = 10.0
    sample: Share | None = None
    traces_per_second: Annotated[int, msgspec.Meta(ge=1)] = 100
    interval: Annotated[Duration, msgspec.Meta(ge=1)] = 60.0
    traces: bool = True
    metrics: bool = True


class TelemetrySettings(msgspec.Struct, frozen=True):
    """OpenTelemetry; without ``otlp`` nothing is exported, unless the environment names an endpoint."""

    otlp: OtlpSettings | None = None
