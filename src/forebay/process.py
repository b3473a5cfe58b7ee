"""What a serving process sets up once for itself: its log (apart from the request log) and its garbage collector."""

import gc
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


def calm_collector() -> None:
    """Do not look for garbage among what lives as long as the process, and less often among the rest.

    A request leaves next to none that counting references does not free; looking for it took a tenth of the time. To be
    called when everything has been imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
