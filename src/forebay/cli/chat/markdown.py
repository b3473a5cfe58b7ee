"""An answer in Markdown, rendered while it arrives.

Markdown's top-level blocks (a paragraph, a list, a table) are closed for good once the next one has begun, so a closed
block is printed once and for all, and only the open one is rendered again and again.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import ClassVar, Final, Self

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.syntax import Syntax
from rich.text import Text

from forebay.cli.chat.display import Display, Plain
from forebay.cli.chat.painter import Painter
from forebay.cli.chat.text import clean

FRAME_SECONDS: Final = 1 / 15
CODE_THEME: Final = "ansi_dark"
RESTRAINT: Final = 5
"""A frame is drawn after that many times the time that the one before it took: most of a processor is for the model."""

_LOCAL_MODES: Final = 3
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class LeftHeading(Heading):
    """A heading at the left, whatever its level."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class Code(CodeBlock):
    """Code without a frame of spaces, which would be copied with it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:  # Rich's
        yield Syntax(str(self.text).rstrip(), self.lexer_name, theme=self.theme, word_wrap=True)


class Answered(Markdown):
    """Markdown as it looks best in a chat; HTML, which would not be shown, is shown as it was written."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": LeftHeading,
        "fence": Code,
        "code_block": Code,
    }

    def __init__(self, text: str) -> None:
        super().__init__(text, code_theme=CODE_THEME, hyperlinks=False)
        for token in self.parsed:
            if token.type == "html_block":
                token.type = "code_block"
            for child in token.children or ():
                if child.type == "html_inline":
                    child.type = "text"


class Blocks:
    """Cuts a growing text into the blocks that are closed and the rest."""

    def __init__(self) -> None:
        self.rest = ""

    def feed(self, text: str) -> str:
        """The blocks that the arrival of ``text`` has closed, as one text; empty if none."""
        self.rest += text
        if "\n" not in text:
            return ""
        lines = self.rest.split("\n")
        starts = [token.map[0] for token in Markdown("\n".join(lines[:-1])).parsed if token.map and not token.level]
        last = starts[-1] if len(set(starts)) > 1 else 0
        self.rest = "\n".join(lines[last:])
        return "\n".join(lines[:last])


class Terminal:
    """Renders answers on ``console``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._painter = Painter(console)
        self._context = contextlib.ExitStack()
        self._blocks = Blocks()
        self._closed: list[str] = []
        self._began = self._next_frame = 0.0
        self._waiting = True

    def __enter__(self) -> Self:
        self._blocks = Blocks()
        self._closed = []
        self._began = time.monotonic()
        self._next_frame = self._began + FRAME_SECONDS
        self._waiting = True
        self._context.enter_context(_no_echo())
        self._painter.start()
        self._context.callback(self._painter.stop)
        return self

    def __exit__(self, *_: object) -> None:
        with self._context:
            self._painter.draw([*self._closed, *self._lines(Answered(self._blocks.rest))], [])

    def show(self, text: str) -> None:
        """Add ``text``, which is drawn with the next frame."""
        if closed := self._blocks.feed(clean(text)):
            self._closed += [*self._lines(Answered(closed)), ""]
            self._waiting = False
        now = time.monotonic()
        if now >= self._next_frame:
            self._frame(now)
            took = time.monotonic() - now
            self._next_frame = now + max(FRAME_SECONDS, took * RESTRAINT)

    def tell(self, line: str) -> None:
        """Print ``line``, less visible than an answer."""
        self._console.print(Text(line, style="dim"))

    def _frame(self, now: float) -> None:
        changing = self._lines(Answered(self._blocks.rest))
        if not changing and self._waiting:
            seconds = now - self._began
            changing = self._lines(Text(f"{_SPINNER[int(seconds * 10) % len(_SPINNER)]} {seconds:.0f} s", style="dim"))
        self._painter.draw(self._closed, changing)
        self._closed = []

    def _lines(self, rendered: RenderableType) -> list[str]:
        with self._console.capture() as capture:
            self._console.print(rendered)
        # Rich fills lines up with spaces, which would be copied with the text.
        lines = [line.rstrip(" ") for line in capture.get().split("\n")]
        return _stripped(lines)


def _stripped(lines: list[str]) -> list[str]:
    """``lines`` without the empty ones at both ends."""
    full = [number for number, line in enumerate(lines) if line]
    return lines[full[0] : full[-1] + 1] if full else []


def terminal() -> Display:
    """The display for standard output, which is a terminal of whatever kind."""
    console = Console(highlight=False)
    return Plain(sys.stdout) if console.is_dumb_terminal or console.legacy_windows else Terminal(console)


@contextlib.contextmanager
def _no_echo() -> Iterator[None]:
    """Keep what is typed meanwhile, and the ``^C`` of Ctrl-C, off the screen; it is there at the next prompt."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415  # not on every system

    before = termios.tcgetattr(sys.stdin)
    silent = [*before]
    silent[_LOCAL_MODES] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
