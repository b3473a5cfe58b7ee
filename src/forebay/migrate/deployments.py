"""One entry of LiteLLM's ``model_list``: the provider that it asks, and the deployment that it is."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from forebay.migrate.notes import AGAIN, Fields, Notes
from forebay.migrate.secrecy import is_secret
from forebay.migrate.values import PREFIX, Values, seconds
from forebay.migrate.vendors import COMMON, DROPPING, HEADERS, NATIVE, Native, split
from forebay.providers.catalog import VENDORS
from forebay.providers.litellm.settings import OURS

Options = dict[str, Any]

_PRICES: Final = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
}
_LIMITS: Final = ("rpm", "tpm", "max_parallel_requests")
_MILLION: Final = 1_000_000
_OPENAI: Final = "openai"
_FIREWORKS: Final = "accounts/fireworks/models/"
_OWN: Final = "is a default for requests, which Forebay has not"
_OWN_REMEDY: Final = "let the clients send it"
_DEFAULTS: Final = frozenset(
    {
        "extra_body",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
    }
)
_ROUTER: Final = frozenset(
    {
        "additional_drop_params",
        "allowed_openai_params",
        "budget_duration",
        "cache_control_injection_points",
        "configurable_clientside_auth_params",
        "default_api_key_rpm_limit",
        "default_api_key_tpm_limit",
        "guardrails",
        "itpm",
        "litellm_credential_name",
        "litellm_trace_id",
        "max_budget",
        "max_retries",
        "merge_reasoning_content_in_choices",
        "mock_response",
        "model_info",
        "otpm",
        "tag_regex",
        "tags",
        "use_in_pass_through",
        "use_litellm_proxy",
    }
)


class Provider(msgspec.Struct, frozen=True):
    """A provider of the new file: its name there follows from ``prefix``."""

    prefix: str
    options: Options


class Entry(msgspec.Struct):
    """An entry: what callers name, who is asked, and how it stands among the others of that name.

    ``timeout`` and ``stream_timeout`` are seconds, or the reference to them. ``share`` are its weight, its requests
    and its tokens a minute: the first that counts is the deployment's share.
    """

    path: str
    name: str
    provider: Provider
    model: str
    share: tuple[float | None, ...]
    order: float
    timeout: float | str | None = None
    stream_timeout: float | str | None = None
    prices: Options = {}


class Entries:
    """Reads the entries."""

    def __init__(self, values: Values, notes: Notes, credentials: dict[str, Options], *, drop_params: bool) -> None:
        self._values = values
        self._notes = notes
        self._credentials = credentials
        self._drop = drop_params

    def read(self, value: object, path: str) -> Entry | None:
        """The entry in ``value``, ``None`` if it cannot be one; that is told."""
        fields = Fields(value, path, self._notes)
        name = fields.text("model_name")
        params = fields.below("litellm_params")
        model = params.text("model")
        if not (name and model):
            if value is None or isinstance(value, dict):
                self._notes.add(path, "has no 'model_name', or no 'litellm_params.model'", "name both")
            return None
        if model.startswith(PREFIX):
            self._notes.add(params.at("model"), "is told by a variable", "write the model's name itself")
            return None
        entry = self._entry(name, model, params, fields.below("model_info"))
        entry.path = path
        for each in _LIMITS:  # some write them beside the parameters
            self._limit(fields, each)
        fields.tell("is not known to Forebay")
        return entry

    def _entry(self, name: str, model: str, params: Fields, info: Fields) -> Entry:
        params = self._with_credentials(params)
        share = (params.amount("weight"), *(self._limit(params, each) for each in _LIMITS[:2]))
        self._limit(params, _LIMITS[2])
        order = params.amount("order")
        timeout, stream_timeout = seconds(params, "timeout"), seconds(params, "stream_timeout")
        prices = {**self._prices(info), **self._prices(params)}
        for each in ("id", "mode", "base_model"):
            info.take(each)
        info.tell("describes the model to LiteLLM; Forebay needs no description")
        prefix, rest = split(model, params.text("custom_llm_provider"))
        if prefix == "fireworks_ai" and "/" not in rest:
            rest = _FIREWORKS + rest
        provider, rest = self._provider(prefix, rest, params)
        return Entry("", name, provider, rest, share, order or 0.0, timeout, stream_timeout, prices)

    def _with_credentials(self, params: Fields) -> Fields:
        name = params.text("litellm_credential_name")
        found = self._credentials.get(name)
        if found is None:
            if name:
                params.notes.add(params.at("litellm_credential_name"), "names credentials that are not in this file")
            return params
        rest = {each: params.take(each) for each in params.names()}
        return Fields({**found, **rest}, params.path, params.notes)

    def _limit(self, fields: Fields, name: str) -> float | None:
        limit = fields.amount(name)
        if limit is not None:
            self._notes.add(
                fields.at(name),
                "is a limit for a deployment, which Forebay has not",
                "a deployment that says 429 rests",
            )
        return limit

    def _prices(self, fields: Fields) -> Options:
        known: Options = {}
        for theirs, ours in _PRICES.items():
            value = fields.take(theirs)
            price = _per_million(value)
            if price is not None:
                known[ours] = price
            elif value is not None:
                self._notes.add(fields.at(theirs), "is no price that can be used")
        if known and not {"input", "output"} <= known.keys():
            self._notes.add(fields.path, "has no price for both input and output", "write 'prices' into the new file")
            return {}
        return known

    def _provider(self, prefix: str, model: str, params: Fields) -> tuple[Provider, str]:
        native = NATIVE.get(prefix)
        if prefix == "bedrock":
            model = model.removeprefix("converse/")
        if native is not None and self._fits(native, model, params):
            if native.kind == "cohere" and model.startswith("rerank"):
                self._notes.add(params.at("model"), "ranks, and the kind 'cohere' does not answer /v1/rerank")
            return Provider(prefix, self._native(native, prefix, params)), model
        return Provider(prefix or "litellm", self._litellm(prefix, params)), model

    def _fits(self, native: Native, model: str, params: Fields) -> bool:
        """Whether the kind speaks the API that is asked, and has all that says where and as whom."""
        if model.startswith(native.routes or ("\0",)):
            return False
        if native.address and not ("api_base" in params or "base_url" in params):
            return False
        known = {*COMMON, *native.keys, *HEADERS, *_DEFAULTS, *_ROUTER, "drop_params"}
        if native.kind == "bedrock" and "aws_region_name" not in params:
            return False
        if native.kind == "vertex" and "vertex_project" not in params:
            return False
        return not any(name not in known and params.__contains__(name) and _says_who(name) for name in params.names())

    def _native(self, native: Native, prefix: str, params: Fields) -> Options:
        options: Options = {"kind": native.kind}
        if native.vendor and not (native.vendor == _OPENAI and ("api_base" in params or "base_url" in params)):
            options["vendor"] = native.vendor  # LiteLLM asks every OpenAI-shaped server as openai/
        for theirs, ours in {**COMMON, **native.keys}.items():
            value = params.take(theirs)
            if value is not None:
                options[ours] = self._option(theirs, self._addressed(native, ours, value, params), params, prefix)
        self._add_key(options, native.vendor or native.kind, params)
        headers = {HEADERS[each]: params.text(each) for each in HEADERS if each in params}
        if headers and native.kind == "openai":
            known = options.get("headers")
            more = {name: self._values.plain(value, params.at(name)) for name, value in headers.items()}
            options["headers"] = {**(known if isinstance(known, dict) else {}), **more}
        self._dropping(options, params)
        self._rest(params)
        return options

    def _addressed(self, native: Native, name: str, value: object, params: Fields) -> object:
        if name != "base_url" or not native.path or not isinstance(value, str):
            return value
        if not value.startswith(PREFIX):
            return native.address_of(value)
        self._notes.add(params.at("api_base"), f"is taken as it is, where LiteLLM appends '{native.path}'", "append it")
        return value

    def _add_key(self, options: Options, vendor: str, params: Fields) -> None:
        """Without a key LiteLLM takes that of the environment; at the vendor's own address only, here."""
        row = VENDORS.get(vendor)
        if row is not None and row.key_variable and not options.keys() & {"api_key", "base_url"}:
            options["api_key"] = self._values.secret(PREFIX + row.key_variable, params.at("api_key"), "")

    def _option(self, name: str, value: object, params: Fields, prefix: str) -> object:
        if name == "api_key" or is_secret(name):
            if not isinstance(value, str):
                self._notes.add(params.at(name), "is no string")
            return self._values.secret(value, params.at(name), f"{prefix}_{name}")
        if name != "extra_headers" and not isinstance(value, str):
            self._notes.add(params.at(name), "is no string")
        found = self._values.named(name, value, params.at(name), f"{prefix}_{name}")
        if isinstance(found, dict):
            return {each: str(item) for each, item in found.items()}
        return found if isinstance(found, str) else str(found)

    def _litellm(self, prefix: str, params: Fields) -> Options:
        options: Options = {"kind": "litellm", "provider": prefix or "openai"}
        if not prefix:
            self._notes.add(params.at("model"), "has no provider in its name", f"begin it with one {AGAIN}")
        for name in ("api_key", "api_base", "api_version"):
            value = params.take(name) or (params.take("base_url") if name == "api_base" else None)
            if value is not None:
                options[name] = self._option(name, value, params, prefix)
        headers = params.take("extra_headers")
        if isinstance(headers, dict):
            options["headers"] = self._option("extra_headers", headers, params, prefix)
        elif headers is not None:
            self._notes.add(params.at("extra_headers"), "is no mapping")
        self._dropping(options, params)
        for name in params.names():
            if name in _ROUTER or name in OURS:
                continue
            value = params.take(name)
            if isinstance(value, str) and value and is_secret(name):
                found = self._values.secret(value, params.at(name), f"{prefix}_{name}")
                options.setdefault("secrets", {})[name] = found
            elif value is not None:
                found_any = self._values.named(name, value, params.at(name), f"{prefix}_{name}")
                options.setdefault("params", {})[name] = found_any
        self._rest(params)
        return options

    def _dropping(self, options: Options, params: Fields) -> None:
        own = params.flag("drop_params")
        if (own is True or (own is None and self._drop)) and options["kind"] in DROPPING:
            options["drop_params"] = True

    def _rest(self, params: Fields) -> None:
        for name in params.names():
            if name in _DEFAULTS and params.take(name) is not None:
                self._notes.add(params.at(name), _OWN, _OWN_REMEDY)
        params.tell("has no counterpart in Forebay")


def _says_who(name: str) -> bool:
    """Whether a parameter that a kind lacks decides where a request goes, or as whom."""
    starts = ("aws_", "vertex_", "azure_", "api_", "tenant_", "client_", "region", "anthropic_", "watsonx_")
    return name.startswith(starts) or is_secret(name)


def _per_million(value: object) -> float | None:
    """Dollars for a million tokens, of dollars for one; ``3e-6`` is a string in YAML 1.1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and value.startswith(PREFIX):
        return None
    try:
        price = Decimal(str(value)) * _MILLION
    except InvalidOperation:
        return None
    return float(price) if price.is_finite() and 0 <= price < _MILLION else None
