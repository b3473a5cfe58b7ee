"""What is served when nobody has configured anything: the embedded model, embeddings, vendors with a key at hand."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import msgspec

from forebay.engine import catalog, reference
from forebay.providers.catalog import from_environment
from forebay.settings import (
    AuthSettings,
    DeploymentSettings,
    KeySettings,
    ModelSettings,
    Secret,
    Section,
    Settings,
    section,
)

API_KEY = "FOREBAY_API_KEY"


def defaults(environ: Mapping[str, str], model: str | None = None) -> Settings:
    """Settings without a file: ``model`` (a name or a path) in the engine, if it is installed, and vendors by key."""
    providers: dict[str, Section] = {}
    models: dict[str, ModelSettings] = {}
    for vendor, found in from_environment(environ).items():
        providers[vendor] = section(found.kind, found.options)
        models[f"{vendor}/*"] = _served_by(vendor)
    settings = Settings(providers=providers, models=models)
    if model is not None or engine_installed():
        settings = _with(settings, "embeddings", section("embedding", {"model": catalog.EMBEDDING}), catalog.EMBEDDING)
        settings = with_engine(settings, model or catalog.DEFAULT)
    return with_key(settings, environ)


def with_engine(settings: Settings, model: str) -> Settings:
    """``settings`` with ``model`` in the embedded engine, listed first under the name of its file or folder."""
    return _with(settings, "engine", section("engine", {"model": model}), model_name(model))


def with_key(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """``settings`` with the API key that stands in the environment, if one does."""
    key = environ.get(API_KEY)
    if not key:
        return settings
    keys = (*settings.auth.keys, KeySettings(key=Secret(key), name="default"))
    return msgspec.structs.replace(settings, auth=AuthSettings(keys=keys))


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
