"""Shows how far a load is, where somebody watches: one bar on standard error."""

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from forebay.cli.bench.drive import Drive
from forebay.cli.bench.reading import clock

REFRESHES_PER_SECOND = 5


@contextlib.contextmanager
def shown(drive: Drive, name: str) -> Iterator[None]:
    """Show ``drive`` while the context lasts, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Done(drive), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=REFRESHES_PER_SECOND) as progress:
        progress.add_task(name, total=1.0)
        yield


class _Done(ProgressColumn):
    """Looks at the load when it is drawn, in a thread of its own, so that no request waits for the bar."""

    max_refresh = None

    def __init__(self, drive: Drive) -> None:
        super().__init__()
        self._drive = drive

    def render(self, task: Task) -> Text:
        """How many requests have ended; the bar goes by them, or by the time."""
        task.completed = self._share()
        wanted = self._drive.load.requests
        return Text(f"{self._drive.done}" + (f"/{wanted}" if wanted else "") + " requests")

    def _share(self) -> float:
        load = self._drive.load
        by_count = self._drive.done / load.requests if load.requests else 0.0
        by_time = (clock() - self._drive.began) / load.seconds if load.seconds and self._drive.began else 0.0
        return min(1.0, max(by_count, by_time))
