"""What a serving process sets up once for itself: its log (apart from the request log) and its garbage collector."""

import gc
import logging
import os
import sys
from pathlib import Path

from forebay.redaction import RedactingFormatter
from forebay.settings import LogSettings

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure_logging(settings: LogSettings) -> None:
    """Set up logging for this process, without secrets; chatter of libraries is shown only when debugging."""
    level = settings.level.upper()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("uvicorn", "alembic"):
        logging.getLogger(chatty).setLevel(level if level == "DEBUG" else "WARNING")


def calm_collector() -> None:
    """Do not look for garbage among what lives as long as the process, and less often among the rest.

    A request leaves next to none that counting references does not free; looking for it took a tenth of the time. To be
    called when everything has been imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class Terminal:
    """The terminal that the process was started in, if it was: when that is closed, it sends ``SIGHUP`` as well."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    def closed(self) -> bool:
        """Whether there was one and it is gone, so that nobody is left who could stop the process by Ctrl-C."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open(Path("/dev/tty"), os.O_RDONLY | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True
