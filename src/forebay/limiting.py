"""From settings to what counts against limits: the counters, which live as long as the process, and the stage."""

import logging
from collections.abc import Mapping, Sequence

from forebay.api.http import Endpoint
from forebay.api.limits import PATH, LimitsEndpoint
from forebay.core.ledger import UsageBook
from forebay.core.limits import Counters, Holder
from forebay.core.ports import Authenticator, Stage
from forebay.core.types import Principal
from forebay.gateway.admit import Admit, Tally
from forebay.gateway.limiting.dearest import Dearest
from forebay.gateway.limiting.holders import Holders
from forebay.gateway.limiting.past import Past
from forebay.gateway.route import Route
from forebay.limits.memory import MemoryCounters
from forebay.plugins import PreparationError
from forebay.settings import AuthSettings, LimitsSettings, Settings

logger = logging.getLogger("forebay.limits")


class Limiting:
    """Counts go on from one configuration to the next; whose limits there are is of each.

    Raises:
        PreparationError: the settings need something that is not installed.
    """

    def __init__(self, settings: Settings, book: UsageBook | None) -> None:
        self._counters, self._kind = _counters(settings.limits)
        if book is None and settings.limits.url is None and _budgeted(settings):
            logger.warning("budgets begin anew at every start: neither 'limits.url' nor 'store' keeps them")
        self._past = Past(book)
        self._tally = Tally()

    async def start(self) -> None:
        """Make ready to count."""
        await self._counters.start()

    async def close(self) -> None:
        """Bring home what is left to settle."""
        await self._past.close()
        await self._counters.close()

    def stages(self, settings: Settings, route: Route) -> Sequence[Stage]:
        """The stage, where anybody may have limits."""
        if not _limited(settings):
            return ()
        return (Admit(self._counters, self._holders(settings), Dearest(route), self._tally),)

    def endpoints(self, settings: Settings, authenticator: Authenticator) -> dict[str, dict[str, Endpoint]]:
        """What tells everybody their limits."""
        holders = self._holders(settings)

        async def of(principal: Principal) -> Sequence[Holder]:
            return [*await holders.of_principal(principal), *await holders.models_of(principal)]

        return {PATH: {"GET": LimitsEndpoint(self._counters, of, authenticator)}}

    def gauges(self) -> Mapping[str, Mapping[str, float]]:
        """Figures about the counting, for `/metrics`."""
        return {self._kind: {**self._counters.gauges(), **self._tally.counts}}

    def _holders(self, settings: Settings) -> Holders:
        return Holders(settings.limits, self._past)


def _limited(settings: Settings) -> bool:
    auth, limits = settings.auth, settings.limits
    return bool(auth.issued_keys or limits.keys or limits.tenants or limits.models) or _some_of_their_own(auth)


def _budgeted(settings: Settings) -> bool:
    limits = settings.limits
    found = (limits.keys, *limits.tenants.values(), *(key.limits for key in settings.auth.keys))
    return any(each and (each.budget_day is not None or each.budget_month is not None) for each in found)


def _some_of_their_own(auth: AuthSettings) -> bool:
    return any(key.limits for key in auth.keys) or any(issuer.claims.limits for issuer in auth.issuers)


def _counters(settings: LimitsSettings) -> tuple[Counters, str]:
    if settings.url is None:
        return MemoryCounters(), "memory"
    try:
        from forebay.limits.fallback import Fallback  # noqa: PLC0415  # an extra
        from forebay.limits.redis import RedisCounters  # noqa: PLC0415

        counters = RedisCounters(settings)
    except ImportError as error:
        raise PreparationError(f"limits.url cannot be used: {error}") from None
    except ValueError:  # it may say the URL, and a password in that
        raise PreparationError("limits.url cannot be used: it is no URL of a Redis") from None
    return Fallback(counters, closed=settings.when_away == "closed"), "redis"
