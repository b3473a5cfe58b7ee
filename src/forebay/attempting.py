"""From settings to what counts wrong attempts at secrets: where limits are counted, or else in this process."""

from typing import TYPE_CHECKING

from forebay.auth.attempts import MemoryAttempts
from forebay.core.attempts import Attempts
from forebay.plugins import PreparationError
from forebay.settings import LimitsSettings

if TYPE_CHECKING:  # an extra
    from forebay.limits.attempts import AttemptCounter


class Attempting:
    """What lives as long as the process.

    Raises:
        PreparationError: the settings need something that is not installed, or name no Redis.
    """

    def __init__(self, settings: LimitsSettings) -> None:
        self._counter = _counter(settings)

    def of(self, what: str) -> Attempts:
        """The attempts at ``what``."""
        own = MemoryAttempts()
        return own if self._counter is None else self._counter.of(what, own)

    async def start(self) -> None:
        """Make ready to count."""
        if self._counter is not None:
            await self._counter.start()

    async def close(self) -> None:
        """Count no more."""
        if self._counter is not None:
            await self._counter.close()


def _counter(settings: LimitsSettings) -> "AttemptCounter | None":
    if settings.url is None:
        return None
    try:
        from forebay.limits.attempts import AttemptCounter  # noqa: PLC0415  # an extra

        return AttemptCounter(settings)
    except ImportError as error:
        raise PreparationError(f"limits.url cannot be used: {error}") from None
    except ValueError:  # it may say the URL, and a password in that
        raise PreparationError("limits.url cannot be used: it is no URL of a Redis") from None
