"""Figures in Prometheus' terms, as providers with metrics of their own tell them."""

import msgspec


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One figure as Prometheus' text format has it; ``labels`` as they stand between the braces."""

    name: str
    labels: str
    value: str


class Family(msgspec.Struct, frozen=True):
    """The figures of one name, with what Prometheus is told about them; ``kind`` is its type."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]
