"""LiteLLM's router as the options of Forebay's models: strategy, retries, cool-downs, time-outs, fallbacks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from forebay.migrate.deployments import Entry
from forebay.migrate.notes import Fields, Notes, quoted
from forebay.migrate.values import YEAR, Values, seconds

Options = dict[str, Any]

STRATEGIES: Final[Mapping[str, str]] = {
    "simple-shuffle": "weighted",
    "least-busy": "least-busy",
    "latency-based-routing": "lowest-latency",
    "cost-based-routing": "lowest-cost",
    "usage-based-routing": "least-busy",
    "usage-based-routing-v2": "least-busy",
}
FALLBACKS: Final[Mapping[str, str]] = {
    "fallbacks": "default",
    "context_window_fallbacks": "context_length",
    "content_policy_fallbacks": "content_policy",
}
MAX_RETRIES: Final = 10


class Routing:
    """What the two sections that say something about routing say; the router's own counts more."""

    def __init__(self, router: Fields, library: Fields, values: Values, notes: Notes) -> None:
        self._values = values
        self._notes = notes
        self.strategy = self._strategy(router)
        self.retries = self._count(router, library, "num_retries", MAX_RETRIES)
        self.timeout_path = router.at("timeout") if "timeout" in router else library.at("request_timeout")
        self.timeout = _first(seconds(router, "timeout"), seconds(library, "request_timeout"))
        self.stream_timeout = seconds(router, "stream_timeout")
        self.cool_down = self._cool_down(router, library)
        self.aliases = router.take("model_group_alias") or library.take("model_group_alias_map")
        self.aliases_path = router.at("model_group_alias")
        self._default = [*self._names(router, "default_fallbacks"), *self._names(library, "default_fallbacks")]
        self._fallbacks = {name: {**self._map(library, name), **self._map(router, name)} for name in FALLBACKS}

    def options(self, name: str, entries: Sequence[Entry], known: Iterable[str]) -> Options:
        """The options of the model ``name``, whose deployments are ``entries``; ``known`` are all models."""
        options: Options = {}
        if len(entries) > 1:
            orders = {entry.order for entry in entries}
            options["strategy"] = "ordered" if len(orders) == len(entries) else self.strategy
            if 1 < len(orders) < len(entries):
                self._notes.add(entries[0].path, f"some deployments of {quoted(name)} have the same 'order'")
        if self.retries is not None:
            options["retries"] = {"max": self.retries}
        if self.cool_down:
            options["cool_down"] = dict(self.cool_down)
        fallbacks = self._of(name, set(known))
        if fallbacks:
            options["fallbacks"] = fallbacks
        return options

    def timeouts(self, entry: Entry) -> Options:
        """The time-outs of one deployment."""
        found: Options = {}
        total = self._seconds(_first(entry.timeout, self.timeout), entry.path)
        stream = self._seconds(_first(entry.stream_timeout, self.stream_timeout), entry.path)
        if total is not None:
            found["total"] = total
            path = self.timeout_path if entry.timeout is None else f"{entry.path}.litellm_params.timeout"
            self._notes.add(path, "bounds a stream as a whole, too, in Forebay", "see 'timeouts.total'")
        if stream is not None:
            found |= {"first_token": stream, "between_tokens": stream}
        return found

    def tell_unknown(self, known: set[str]) -> None:
        """Note fallbacks of models that are not there."""
        for section, models in self._fallbacks.items():
            for name, (path, _) in models.items():
                if name not in known:
                    self._notes.add(path, f"{section} of {quoted(name)}, which is no model of this file")

    def _strategy(self, router: Fields) -> str:
        name = router.text("routing_strategy") or "simple-shuffle"
        at = router.at("routing_strategy")
        if name.startswith("usage-based"):
            self._notes.add(at, "goes by tokens a minute in LiteLLM", "'least-busy' is the nearest")
        elif name not in STRATEGIES:
            self._notes.add(at, f"{quoted(name)} is no strategy of Forebay's", "'weighted' stands in its place")
        return STRATEGIES.get(name, "weighted")

    def _count(self, router: Fields, library: Fields, name: str, most: int) -> int | None:
        path = router.at(name) if name in router else library.at(name)
        found = _first(router.number(name), library.number(name))
        if found is None:
            return None
        if not isinstance(found, (int, float)) or not 0 <= found < YEAR:
            self._notes.add(path, "is no number that Forebay can use")
            return None
        if found > most:
            self._notes.add(path, f"is more than {most}, the most that Forebay can do")
        return min(int(found), most)

    def _cool_down(self, router: Fields, library: Fields) -> Options:
        if router.flag("disable_cooldowns"):
            router.take("allowed_fails")
            router.take("cooldown_time")
            return {"failures": 0}
        found: Options = {}
        fails = self._count(router, library, "allowed_fails", 10**6)
        if fails is not None:
            found |= {"failures": fails + 1, "window": "1m"}  # so many are allowed in a minute
        time = _first(seconds(router, "cooldown_time"), seconds(library, "cooldown_time"))
        duration = self._seconds(time, router.at("cooldown_time"))
        return found if duration is None else {**found, "duration": duration}

    def _seconds(self, value: float | str | None, path: str) -> object:
        if isinstance(value, str):
            return self._values.plain(value, path)
        return None if value is None else f"{value:.3f}".rstrip("0").rstrip(".") + "s"

    def _names(self, fields: Fields, name: str) -> list[str]:
        found = fields.items(name)
        for path, value in found:
            if not isinstance(value, str):
                self._notes.add(path, "is no model's name, and Forebay's fallbacks are names")
        return [value for _, value in found if isinstance(value, str)]

    def _map(self, fields: Fields, section: str) -> dict[str, tuple[str, list[str]]]:
        """For each model its path, and the models that are asked instead."""
        found: dict[str, tuple[str, list[str]]] = {}
        for path, each in fields.items(section):
            entry = Fields(each, path, self._notes)
            for name in entry.names():
                found[name] = (entry.at(name), self._names(entry, name))
        return found

    def _of(self, name: str, known: set[str]) -> Options:
        found: Options = {}
        for section, ours in FALLBACKS.items():
            path, others = self._fallbacks[section].get(name, ("", []))
            if not path and section == "fallbacks":
                path, others = "default_fallbacks", [each for each in self._default if each != name]
            names = [other for other in dict.fromkeys(others) if other in known and other != name]
            for other in others:
                if other not in known:
                    self._notes.add(path, f"falls back to {quoted(other)}, which is no model of this file")
            if names:
                found[ours] = [each.replace("${", "$${") for each in names]
        return found


def _first(*values: float | str | None) -> float | str | None:
    return next((value for value in values if value is not None), None)
