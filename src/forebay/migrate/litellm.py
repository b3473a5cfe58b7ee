"""A configuration of LiteLLM's proxy as one of Forebay's.

Source: LiteLLM's documentation, "Config.yaml" and "All settings", and its `LiteLLM_Params` and `Router`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from forebay.migrate.caching import SEMANTIC, Caching
from forebay.migrate.checking import check, fault_of
from forebay.migrate.deployments import Entries, Entry, Provider
from forebay.migrate.guardrails import Guardrails
from forebay.migrate.notes import AGAIN, Fields, Note, Notes, quoted
from forebay.migrate.reading import read
from forebay.migrate.routing import Options, Routing
from forebay.migrate.values import Values
from forebay.migrate.writing import written
from forebay.settings.document import below
from forebay.settings.schema import WILDCARD

MASTER: Final = "master"
_END: Final = "end it in '/*', or list the models,"
_MASTER_KEY: Final = "LITELLM_MASTER_KEY"
_ELSEWHERE: Final = "is no setting of Forebay's"

KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    **{
        f"litellm_settings.{name}": ("names LiteLLM's integrations", "Forebay has /metrics and a log: docs/api.md")
        for name in ("callbacks", "success_callback", "failure_callback", "service_callbacks", "audit_log_callbacks")
    },
    **{
        f"general_settings.{name}": ("has keys and budgets in a database", "write 'auth.keys' into the new file")
        for name in ("database_url", "database_connection_pool_limit", "store_model_in_db", "database_type")
    },
    **{
        f"router_settings.redis_{name}": (
            "lets LiteLLM's processes share what they know of deployments; each of Forebay's has its own",
            "",
        )
        for name in ("host", "port", "password", "url")
    },
    "router_settings.routing_strategy_args": ("has other options in Forebay", "see docs/routing.md"),
    "router_settings.retry_policy": ("retries by kind of error", "see 'retries.errors' in docs/configuration.md"),
    "router_settings.allowed_fails_policy": ("counts by kind of error; Forebay counts all", ""),
    "router_settings.enable_pre_call_checks": (
        "checks lengths before",
        "Forebay falls back when a prompt was too long",
    ),
    "router_settings.retry_after": ("is a least pause", "Forebay waits as long as an upstream asks for"),
    "include": ("names other files", "import each, or put them together before"),
}


class Imported(msgspec.Struct, frozen=True):
    """The new file, what is not in it, and the variables that must be set.

    ``left_out`` are the paths of the entries of ``model_list`` that are not in the new file at all.
    ``secrets`` are the variables whose values stood in the old file, each with the path where: whoever has that file
    can look them up.
    """

    text: str
    notes: tuple[Note, ...]
    variables: tuple[str, ...]
    secrets: Mapping[str, str]
    left_out: tuple[str, ...] = ()


def imported(text: str, name: str = "config.yaml") -> Imported:
    """Forebay's configuration for LiteLLM's ``text``, which stood in the file ``name``.

    Raises:
        ForeignError: it cannot be read.
    """
    notes = Notes()
    tree = read(text)
    values = Values(notes)
    values.reserve(tree)
    conversion = _Conversion(Fields(tree, "", notes), values, notes)
    settings = conversion.settings()
    variables = _referred(settings, values.variables)
    secrets = {each: path for each, path in values.secrets.items() if each in variables}
    new = written(settings, name, tuple(notes), secrets)
    check(new, variables)
    return Imported(new, tuple(notes), variables, secrets, tuple(conversion.left_out))


def _referred(settings: Options, variables: Iterable[str]) -> tuple[str, ...]:
    """Those of ``variables`` that the new file reads: what was left out needs none."""
    everything = str(settings)
    return tuple(name for name in variables if f"${{{name}}}" in everything)


class _Conversion:
    """One file on its way."""

    def __init__(self, root: Fields, values: Values, notes: Notes) -> None:
        self.left_out: list[str] = []
        self._root = root
        self._values = values
        self._notes = notes
        self._library = root.below("litellm_settings")
        self._router = root.below("router_settings")
        self._names: dict[str, Options] = {}
        self._caching = Caching(self._library, values, notes)
        self._guardrails = Guardrails(root, self._library, notes)

    def settings(self) -> Options:
        """The whole new file."""
        routing = Routing(self._router, self._library, self._values, self._notes)
        groups = self._groups()
        models = {name: self._model(name, entries, routing, groups) for name, entries in groups.items()}
        self._add_aliases(models, routing)
        routing.tell_unknown(set(groups))
        cache = self._caching.section()
        if SEMANTIC in cache:
            models = {name: {**each, "cache": SEMANTIC} for name, each in models.items()}
        prices = {
            f"{self._provider(entry.provider)}/{entry.model}": entry.prices
            for entries in groups.values()
            for entry in entries
            if entry.prices
        }
        found = {
            "auth": self._auth(),
            "providers": self._names,
            "models": models,
            "prices": prices,
            "cache": cache,
            "guards": self._guardrails.section(),
            "log": self._log(),
        }
        self._tell_rest()
        return {name: section for name, section in found.items() if section}

    def _groups(self) -> dict[str, list[Entry]]:
        """The entries by the name of their model."""
        drop = self._library.flag("drop_params") is True
        entries = Entries(self._values, self._notes, self._credentials(), drop_params=drop)
        groups: dict[str, list[Entry]] = {}
        for path, value in self._root.items("model_list"):
            entry = entries.read(value, path)
            if entry is not None and self._can_be_named(entry) and self._can_be_asked(entry):
                groups.setdefault(entry.name, []).append(entry)
            else:
                self.left_out.append(path)
        return {name: sorted(found, key=lambda entry: entry.order) for name, found in groups.items()}

    def _can_be_named(self, entry: Entry) -> bool:
        name = entry.name
        if "*" in name.removesuffix(WILDCARD) or not name.strip():
            remedy = "list its models" if name == "*" else _END
            if name == "*" and entry.model.endswith("*") and entry.provider.options["kind"] != "litellm":
                remedy = f"name it '{entry.provider.prefix}{WILDCARD}'"
            self._notes.add(
                below(entry.path, "model_name"), f"{quoted(name)} cannot be a model's name", f"{remedy} {AGAIN}"
            )
            return False
        if ("*" in entry.model) > name.endswith(WILDCARD) or entry.model.count("*") > 1:
            self._notes.add(entry.path, f"{quoted(name)} has no '*' for that of its model", f"{_END} {AGAIN}")
            return False
        if name.endswith(WILDCARD) and "*" not in entry.model:
            self._notes.add(entry.path, f"{quoted(name)} stands for many models, its own for one", f"list them {AGAIN}")
            return False
        return True

    def _can_be_asked(self, entry: Entry) -> bool:
        fault = fault_of(entry.provider.options)
        if fault:
            self._notes.add(below(entry.path, "litellm_params"), f"cannot be a provider: {fault}")
        return not fault

    def _credentials(self) -> dict[str, Options]:
        found: dict[str, Options] = {}
        for path, each in self._root.items("credential_list"):
            fields = Fields(each, path, self._notes)
            name, held = fields.text("credential_name"), fields.take("credential_values")
            fields.take("credential_info")
            if name and isinstance(held, dict):
                found[name] = held
            else:
                self._notes.add(path, "has no 'credential_name', or no 'credential_values'", "name both")
            fields.tell(_ELSEWHERE)
        return found

    def _model(self, name: str, entries: list[Entry], routing: Routing, known: Mapping[str, object]) -> Options:
        shares = _shares(entries)
        deployments = []
        for entry, share in zip(entries, shares, strict=True):
            one: Options = {"provider": self._provider(entry.provider), "model": entry.model.replace("${", "$${")}
            if timeouts := routing.timeouts(entry):
                one["timeouts"] = timeouts
            if share is not None:
                one["weight"] = share
            deployments.append(one)
        return {"deployments": deployments, **routing.options(name, entries, known)}

    def _provider(self, provider: Provider) -> str:
        """The name of a provider; two with the same options are one."""
        for name, options in self._names.items():
            if options == provider.options:
                return name
        number, name = 1, provider.prefix
        while name in self._names:
            number += 1
            name = f"{provider.prefix}-{number}"
        self._names[name] = provider.options
        return name

    def _add_aliases(self, models: dict[str, Options], routing: Routing) -> None:
        aliases = Fields(routing.aliases, routing.aliases_path, self._notes)
        for alias in aliases.names():
            target = aliases.take(alias)
            hidden = isinstance(target, dict) and target.get("hidden") is True
            name = target.get("model") if isinstance(target, dict) else target
            if not isinstance(name, str) or name not in models:
                self._notes.add(aliases.at(alias), "stands for no model of this file")
            elif alias not in models and not ("*" in alias or name.endswith(WILDCARD)):
                models[alias] = _without(models[name], alias)
            else:
                self._notes.add(aliases.at(alias), f"{quoted(alias)} cannot stand for {quoted(name)}")
            if hidden:
                self._notes.add(aliases.at(alias), "is hidden; Forebay lists all its models")

    def _auth(self) -> Options:
        general = self._general = self._root.below("general_settings")
        if "master_key" not in general.names():
            return {}
        key, path = general.take("master_key"), general.at("master_key")
        if isinstance(key, str) and key.strip():
            reference = self._values.secret(key, path, _MASTER_KEY)
        else:  # whoever wrote it wanted no open server
            reference = self._values.absent(path, _MASTER_KEY)
            self._notes.add(path, "is no text that could be a key", f"think of one, and set {reference[2:-1]} to it")
        return {"keys": [{"key": reference, "name": MASTER, "admin": True}]}

    def _log(self) -> Options:
        found = {}
        if self._library.flag("json_logs"):
            found["format"] = "json"
        if self._library.flag("set_verbose"):
            found["level"] = "debug"
        return found

    def _tell_rest(self) -> None:
        environment = self._root.below("environment_variables")
        for name in environment.names():
            environment.take(name)
            self._notes.add(environment.at(name), "is a variable of the environment", "set it where Forebay is started")
        for section, fields in (
            ("litellm_settings", self._library),
            ("router_settings", self._router),
            ("general_settings", self._general),
        ):
            for name in fields.names():
                why, remedy = _known(f"{section}.{name}", fields.take(name))
                if why:
                    self._notes.add(fields.at(name), why, remedy)
        for name in self._root.names():
            why, remedy = _known(name, self._root.take(name))
            if why:
                self._notes.add(self._root.at(name), why, remedy)


def _known(path: str, value: Any) -> tuple[str, str]:  # noqa: ANN401  # whatever stood there
    """Why what stands at ``path`` is not in the new file; nothing, if it says nothing."""
    if value is None or value is False or value in ([], {}):
        return "", ""
    return KNOWN.get(path) or (_ELSEWHERE, "")


def _shares(entries: list[Entry]) -> list[float | None]:
    """The deployments' weights: by whatever the first of them has, as LiteLLM does it."""
    for each in range(len(entries[0].share)):
        if len(entries) > 1 and entries[0].share[each] is not None:
            return [entry.share[each] or 0.0 for entry in entries]
    return [None] * len(entries)


def _without(model: Options, alias: str) -> Options:
    """``model`` under another name, to which it does not fall back."""
    fallbacks = {
        name: [each for each in others if each != alias] for name, others in model.get("fallbacks", {}).items()
    }
    kept = {name: others for name, others in fallbacks.items() if others}
    rest = {name: value for name, value in model.items() if name != "fallbacks"}
    return {**rest, "fallbacks": kept} if kept else rest
