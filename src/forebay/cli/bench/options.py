"""The options of ``forebay bench`` as values, checked as far as one can without a server."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
import msgspec

from forebay.cli.bench.plan import Asked, Plan, Prompts
from forebay.cli.bench.schedule import Arrivals, Load
from forebay.cli.bench.slo import Slo
from forebay.cli.bench.target import MOST_CONNECTIONS, Operation, Server

REQUESTS: Final = 100
CONCURRENCY: Final = 8
OUTPUT_TOKENS: Final = 64
MOST_WARM_UP: Final = 64
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


class Options(msgspec.Struct, frozen=True):
    """What was given; `Plan` says what it means."""

    url: str
    model: str | None
    compare: str | None
    compare_model: str | None
    second_request: bool
    turns: int
    endpoint: Operation
    stream: bool
    concurrency: int | None
    rate: float | None
    arrivals: Arrivals
    requests: int | None
    duration: float | None
    warm_up: int | None
    dataset: Path | None
    input_tokens: int
    output_tokens: int | None
    prefix_tokens: int
    seed: int
    slo: str | None
    key: str | None
    headers: tuple[str, ...]
    timeout: float

    def plan(self) -> Plan:
        """What is to be measured.

        Raises:
            click.UsageError: an option makes no sense.
        """
        if self.compare and self.second_request:
            raise click.UsageError("--compare and --second-request are two measurements: choose one.")
        load = self._load()
        first = Asked(self._server(self.url), self.model)
        other = Asked(self._server(self.compare), self.compare_model or self.model) if self.compare else None
        servers = (first, first) if self.second_request else (first,) if other is None else (first, other)
        return Plan(
            servers,
            load,
            self._prompts(),
            self.endpoint,
            self.stream,
            min(load.concurrency, MOST_WARM_UP) if self.warm_up is None else self.warm_up,
            self.turns if len(servers) > 1 else 1,
            self.second_request,
            self._slo(),
        )

    def _load(self) -> Load:
        unbounded = self.requests is None and self.duration is None
        concurrency = self.concurrency or (MOST_CONNECTIONS if self.rate else CONCURRENCY)
        requests = REQUESTS if unbounded else self.requests
        return Load(concurrency, self.rate, self.arrivals, requests, self.duration, str(self.seed))

    def _prompts(self) -> Prompts:
        output = self.output_tokens
        if output is None and self.dataset is None and self.endpoint != "embeddings":
            output = OUTPUT_TOKENS
        return Prompts(self.dataset, self.input_tokens, output, self.prefix_tokens)

    def _slo(self) -> Slo | None:
        try:
            slo = Slo.parse(self.slo) if self.slo else None
        except ValueError as error:
            raise click.UsageError(f"--slo: {error}") from None
        if slo is not None and not {"ttft", "tpot"}.isdisjoint(slo.limits) and not self._streams():
            raise click.UsageError("--slo: answers that are not streamed have a latency only.")
        return slo

    def _streams(self) -> bool:
        return self.stream and self.endpoint != "embeddings"

    def _server(self, url: str) -> Server:
        key = {"authorization": f"Bearer {self.key}"} if self.key else {}
        return Server(url, {**key, **dict(map(_header, self.headers))}, self.timeout)


def _header(text: str, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """``NAME: VALUE``; ``${VAR}`` in the value is taken from the environment."""
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise click.UsageError(f"--header '{name}' is not of the form 'NAME: VALUE'.")
    missing = [variable for variable in _VARIABLE.findall(value) if variable not in environ]
    if missing:
        raise click.UsageError(f"--header {name}: the environment has no {missing[0]}.")
    return name.strip(), _VARIABLE.sub(lambda found: environ[found[1]], value).strip()
