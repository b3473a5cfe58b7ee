"""How long the first and the second answer to a question take, from the request's first byte to the reply's last."""

import http.client
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from forebay.core.quantiles import quantile

TIMEOUT: Final = 600.0
_TOKENS: Final = 32
_THINGS: Final = ("river", "lock", "canal", "weir", "turbine", "dam", "spillway", "penstock", "reservoir", "sluice")
_ASPECTS: Final = ("built", "used", "named", "maintained", "measured", "designed", "repaired", "inspected")


class Spread(msgspec.Struct, frozen=True):
    """Latencies, in milliseconds."""

    p50: float
    p99: float


class Measured(msgspec.Struct, frozen=True):
    """What was measured of one kind of cache; ``hits`` are the second requests that it answered."""

    store: str
    requests: int
    hits: int
    first: Spread
    second: Spread

    def line(self) -> str:
        """For people to read."""
        gain = self.first.p50 / self.second.p50 if self.second.p50 else 0.0
        return (
            f"{self.store:10} first p50 {self.first.p50:9.2f} ms  p99 {self.first.p99:9.2f} ms   "
            f"second p50 {self.second.p50:9.2f} ms  p99 {self.second.p99:9.2f} ms   "
            f"hits {self.hits}/{self.requests}   x {gain:.1f}"
        )


class _Asker:
    """One connection that stays open, as a client's would."""

    def __init__(self, address: str, model: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT)
        self._model = model

    def ask(self, text: str) -> tuple[float, bool]:
        """Milliseconds, and whether it came out of the cache.

        Raises:
            OSError: it was not answered.
        """
        body = msgspec.json.encode(
            {
                "model": self._model,
                "messages": [{"role": "user", "content": text}],
                "max_completion_tokens": _TOKENS,
                "temperature": 0,
            }
        )
        started = time.perf_counter()
        self._connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        response = self._connection.getresponse()
        answer = response.read()
        seconds = time.perf_counter() - started
        if response.status != http.client.OK:
            raise OSError(f"the server answered {response.status}: {answer[:500].decode(errors='replace')}")
        return seconds * 1000, response.getheader("x-cache", "").endswith("HIT")

    def close(self) -> None:
        self._connection.close()


def measure(address: str, store: str, model: str, requests: int, *, reworded: bool) -> Measured:
    """Ask so many questions one after another, each twice; all of them first, then all of them again.

    Raises:
        OSError: one was not answered.
    """
    asker = _Asker(address, model)
    try:
        asker.ask("Hello.")  # connections, tables and the model's memory are there from now on
        texts = [question(number) for number in range(requests)]
        first = [asker.ask(text)[0] for text in texts]
        again = [asker.ask(f"Please tell me: {text}" if reworded else text) for text in texts]
    finally:
        asker.close()
    second = [milliseconds for milliseconds, _ in again]
    return Measured(store, requests, sum(hit for _, hit in again), _spread(first), _spread(second))


def question(number: int) -> str:
    """One that no other number has."""
    thing, aspect = _THINGS[number % len(_THINGS)], _ASPECTS[number // len(_THINGS) % len(_ASPECTS)]
    edition = number // (len(_THINGS) * len(_ASPECTS))
    return f"How is a {thing} {aspect}?" + (f" Number {edition}." if edition else "")


def _spread(values: Sequence[float]) -> Spread:
    ordered = sorted(values)
    return Spread(quantile(ordered, 0.5), quantile(ordered, 0.99))
