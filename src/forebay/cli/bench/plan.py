"""What is to be measured, and what was."""

from pathlib import Path

import msgspec

from forebay.cli.bench.bodies import Form
from forebay.cli.bench.drive import Run
from forebay.cli.bench.schedule import Load
from forebay.cli.bench.slo import Slo
from forebay.cli.bench.statistics import Ratio
from forebay.cli.bench.summary import Summary
from forebay.cli.bench.target import Operation, Server


class Prompts(msgspec.Struct, frozen=True):
    """What is asked: the questions of ``dataset``, or synthetic ones of so many tokens."""

    dataset: Path | None = None
    input_tokens: int = 128
    output_tokens: int | None = None
    prefix_tokens: int = 0


class Asked(msgspec.Struct, frozen=True):
    """A server and the model that is asked there; without a name it is the first that the server lists."""

    server: Server
    model: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """One measurement; with two servers they take ``turns``, A B A B.

    With ``again`` the second is asked what the first was asked; otherwise for something else of the same length.
    """

    servers: tuple[Asked, ...]
    load: Load
    prompts: Prompts
    operation: Operation = "chat"
    streamed: bool = True
    warm_up: int = 0
    turns: int = 1
    again: bool = False
    slo: Slo | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the servers are called where there are two."""
        return ("first request", "second request") if self.again else ("A", "B")


class Side(msgspec.Struct, frozen=True):
    """What was measured of one server, in all turns; ``notes`` are what a reader of the figures must know."""

    name: str
    url: str
    form: Form
    summary: Summary
    turns: tuple[Summary, ...]
    runs: tuple[Run, ...]
    notes: tuple[str, ...]


class Found(msgspec.Struct, frozen=True):
    """Everything that was measured; ``ratios`` are B over A, for two servers and two turns or more."""

    sides: tuple[Side, ...]
    ratios: dict[str, Ratio | None]
    stopped: bool
