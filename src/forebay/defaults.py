"""What is served when nobody has configured anything: the embedded model, embeddings, vendors with a key at hand."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from forebay.api.requests import MODERATION_MODEL
from forebay.engine import catalog, reference
from forebay.engine.errors import UnknownModelError
from forebay.providers.catalog import from_environment
from forebay.settings import (
    DeploymentSettings,
    KeySettings,
    ModelSettings,
    Secret,
    Section,
    Settings,
    section,
)

ENGINE = "engine"
OPENAI = "openai"
API_KEY = "FOREBAY_API_KEY"


def defaults(environ: Mapping[str, str], chosen: Sequence[str] = ()) -> Settings:
    """Settings without a file: the ``chosen`` models in the engine, or its own, if it is installed; vendors by key.

    Raises:
        UnknownModelError: one begins as the name of a model on a hub does, and is none; or two have the same name.
    """
    providers: dict[str, Section] = {}
    models: dict[str, ModelSettings] = {}
    for vendor, found in from_environment(environ).items():
        providers[vendor] = section(found.kind, found.options)
        models[f"{vendor}/*"] = _served_by(vendor)
    if OPENAI in providers:
        models[MODERATION_MODEL] = _served_by(OPENAI)
    settings = Settings(providers=providers, models=models)
    if chosen or engine_installed():
        settings = _with(settings, "embeddings", section("embedding", {"model": catalog.EMBEDDING}), catalog.EMBEDDING)
        settings = with_engine(settings, chosen or (catalog.DEFAULT,))
    return with_key(settings, environ)


def with_engine(settings: Settings, chosen: Sequence[str]) -> Settings:
    """``settings`` with the ``chosen`` models in the embedded engine, listed first, each by the name of its file.

    Raises:
        UnknownModelError: one begins as the name of a model on a hub does, and is none; or two have the same name.
    """
    names = [model_name(model) for model in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UnknownModelError(f"Two models are called '{name}': give them names of their own in a configuration.")
    for number, (model, name) in reversed([*enumerate(zip(chosen, names, strict=True))]):
        provider = f"{ENGINE}-{name}" if number else ENGINE
        settings = _with(settings, provider, section("engine", {"model": model}), name)
    return settings


def with_key(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """``settings`` with the API key that stands in the environment, if one does."""
    key = environ.get(API_KEY)
    if not key:
        return settings
    keys = (*settings.auth.keys, KeySettings(key=Secret(key), name="default"))
    return msgspec.structs.replace(settings, auth=msgspec.structs.replace(settings.auth, keys=keys))


def model_name(model: str) -> str:
    """How clients call ``model``: a name as it is, a path or a file on a hub by its last part without ``.gguf``.

    Raises:
        UnknownModelError: it begins as the name of a model on a hub does, and is none.
    """
    if reference.is_reference(model):
        return reference.parse(model).short
    return Path(model).name.removesuffix(".gguf")


def engine_installed() -> bool:
    """Whether the extra ``forebay[engine]`` is."""
    return importlib.util.find_spec("openvino") is not None


def _with(settings: Settings, provider: str, how: Section, model: str) -> Settings:
    return msgspec.structs.replace(
        settings,
        providers={**settings.providers, provider: how},
        models={model: _served_by(provider), **settings.models},
    )


def _served_by(provider: str) -> ModelSettings:
    return ModelSettings(deployments=(DeploymentSettings(provider=provider),))
