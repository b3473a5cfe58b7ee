"""Where the server's own log goes: warnings and errors to standard error, apart from the request log."""

import logging
import sys

from forebay.settings import LogSettings


def configure_logging(settings: LogSettings) -> None:
    """Set up logging for this process; uvicorn's chatter about its own life is shown only when debugging."""
    level = settings.level.upper()
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.getLogger("uvicorn").setLevel(level if level == "DEBUG" else "WARNING")
