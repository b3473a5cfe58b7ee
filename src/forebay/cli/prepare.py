"""Gets models ready before the server listens, with a progress bar, because the first time takes a while."""

import sys

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from forebay.plugins import PROVIDERS
from forebay.settings import Settings


def prepare(settings: Settings) -> None:
    """Let every configured provider that has something to prepare do so, one after the other."""
    for name, section in settings.providers.items():
        plugin = PROVIDERS.plugin(section.kind)
        if plugin.prepare is not None:
            with Bars(name) as bars:
                plugin.prepare(section.read(plugin.settings), bars.tell)


class Amount(DownloadColumn):
    """How many bytes of how many; nothing for what is not counted in bytes."""

    def render(self, task: Task) -> Text:
        """The column for ``task``."""
        return super().render(task) if task.total and task.total > 1 else Text()


class Bars:
    """A bar for each stage of ``name``, on standard error; lines instead of bars where it is no terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        console = Console(file=sys.stderr)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            Amount(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` of ``stage`` is done."""
        if stage not in self._tasks:
            description = f"{self._name}: {stage}"
            self._tasks[stage] = self._progress.add_task(description, total=total or None)
            if self._progress.disable:
                sys.stderr.write(f"{description} ...\n")
        self._progress.update(self._tasks[stage], completed=done, total=total or None)
