"""Service-level objectives: how long a request may take and still be a good one."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from forebay.cli.bench.samples import Sample

NAMES: Final = ("ttft", "tpot", "latency")
_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_LIMIT: Final = re.compile(r"\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)\s*(us|ms|s)\s*")


class Slo(msgspec.Struct, frozen=True):
    """The longest times, in seconds, by name."""

    limits: Mapping[str, float]

    @classmethod
    def parse(cls, text: str) -> "Slo":
        """What ``ttft=500ms,tpot=50ms,latency=3s`` says.

        Raises:
            ValueError: it says something else.
        """
        limits: dict[str, float] = {}
        for part in text.split(","):
            found = _LIMIT.fullmatch(part)
            if found is None or found[1] not in NAMES:
                raise ValueError(f"'{part}' is none of {', '.join(f'{name}=500ms' for name in NAMES)}")
            if found[1] in limits:
                raise ValueError(f"'{found[1]}' is there twice")
            limits[found[1]] = float(found[2]) * _UNITS[found[3]]
        return cls(limits)

    def kept(self, sample: Sample) -> bool:
        """Whether ``sample`` is good; a time that it does not have, such as the TPOT of one token, is."""
        if sample.failure is not None:
            return False
        times = {"ttft": sample.ttft, "tpot": sample.tpot, "latency": sample.latency}
        return all((times[name] or 0.0) <= limit for name, limit in self.limits.items())

    def __str__(self) -> str:
        return ", ".join(f"{name} ≤ {limit * 1e3:g} ms" for name, limit in self.limits.items())
