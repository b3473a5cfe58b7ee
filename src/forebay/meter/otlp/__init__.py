"""Traces and metrics for OpenTelemetry, made of records, beside the requests' path. Needs ``forebay[otel]``."""
