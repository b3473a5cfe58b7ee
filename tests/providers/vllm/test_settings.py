"""What a configuration may say about a vLLM, and the command line that comes of it."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forebay.core.types import Operation
from forebay.providers.child.restarts import RestartSettings
from forebay.providers.vllm.command import command, program, written
from forebay.providers.vllm.settings import VLLMSettings
from forebay.settings import Secret, SettingsError, section


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "give the 'model'"),
        ({"url": "localhost:8000"}, "must start with http"),
        ({"url": "http://h:1", "args": {"a": 1}}, "'args' is for a vLLM that Forebay starts"),
        ({"url": "http://h:1", "port": 1}, "'port' is for"),
        ({"model": "m", "api_key": "sk-0123"}, "'api_key' belongs to 'url'"),
        ({"model": "m", "command": []}, "must name a program"),
        ({"model": "m", "args": {"port": 1}}, "must not hold 'port', which Forebay sets; use the key 'port'"),
        ({"model": "m", "args": ["--api_key=x"]}, "must not hold 'api-key', which Forebay sets"),
        ({"model": "m", "args": {"enable_lora": True}}, "use the key 'adapters'"),
        ({"model": "m", "args": {"--eager": True}}, "not the name of an option"),
        ({"model": "m", "port": 0}, "at least 1"),
        ({"model": "m", "modle": "m"}, "unknown key 'modle'"),
        ({"model": "m", "restart": {"maximum": 1}}, "unknown key 'maximum'"),
    ],
)
def test_mistakes_are_told(keys: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        section("vllm", keys).read(VLLMSettings)


def test_a_section_is_read() -> None:
    keys = {"model": "m", "args": {"max-model-len": 8}, "start_timeout": "10m", "restart": {"max": 2, "within": "1h"}}
    found = section("vllm", keys).read(VLLMSettings)
    assert found.args == {"max-model-len": 8}
    assert found.patience.start_timeout == 600
    assert (found.restart.max, found.restart.within) == (2, 3600)
    assert section("vllm", {"model": "m", "args": ["--a", "b"]}).read(VLLMSettings).args == ["--a", "b"]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ({"enforce-eager": True, "enable-lora-bias": False, "seed": None}, "--enforce-eager --no-enable-lora-bias"),
        ({"max-model-len": 2048, "dtype": "auto", "swap": 0.5}, "--max-model-len=2048 --dtype=auto --swap=0.5"),
        ({"middleware": ["a", "b"]}, "--middleware a b"),
        ({"hf-overrides": {"rope": {"factor": 2}}}, '--hf-overrides={"rope":{"factor":2}}'),
        (["--x", "1"], "--x 1"),
    ],
)
def test_options_are_written_as_vllm_reads_them(args: Any, line: str) -> None:
    assert " ".join(written(args)) == line


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"model": "Qwen/Qwen3-8B"}, "Qwen/Qwen3-8B"),
        ({"model": "/data/models/tiny"}, "tiny"),
        ({"model": "./tiny/"}, "tiny"),
        ({"model": "m", "args": {"served_model_name": ["a", "b"]}}, "a"),
        ({"model": "m", "args": ["--served-model-name", "x"]}, "x"),
        ({"model": "m", "args": ["--served-model-name=y"]}, "y"),
        ({"url": "http://h:1"}, None),
        ({"url": "http://h:1", "model": "m"}, "m"),
    ],
)
def test_clients_see_a_name_and_no_path(keys: dict[str, Any], name: str | None) -> None:
    assert VLLMSettings(**keys).served_name == name


@pytest.mark.parametrize("option", [{"runner": "pooling"}, {"task": "embed"}, {"convert": "embed"}])
def test_a_model_for_embeddings_is_asked_for_nothing_else(option: dict[str, str]) -> None:
    assert VLLMSettings(model="m", args=option).operations == {Operation.EMBEDDING, Operation.RERANK}
    assert VLLMSettings(model="m").operations == {Operation.CHAT, Operation.COMPLETION}


def test_the_whole_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "from outside")
    keys = {"model": "~/m", "command": [sys.executable, "serve"], "args": {"a": 1}, "env": {"B": "2"}, "adapters": "."}
    settings = section("vllm", keys).read(VLLMSettings)
    found = command(settings, 9, "secret")
    ours = ["--host", "127.0.0.1", "--port", "9", "--served-model-name", "m", "--enable-lora", "--a=1"]
    assert list(found.arguments) == [sys.executable, "serve", str(Path.home() / "m"), *ours]
    assert found.environment["VLLM_API_KEY"] == "secret"
    assert found.environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert (found.environment["B"], found.environment["HF_TOKEN"]) == ("2", "from outside")


def test_the_program_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "vllm").write_text("#!/bin/sh\n")
    (tmp_path / "vllm").chmod(0o755)
    assert program(VLLMSettings(model="m")) == (str(tmp_path / "vllm"), "serve")


def test_a_key_is_no_secret_of_a_message() -> None:
    assert "sk-1" not in repr(VLLMSettings(url="http://h:1", api_key=Secret("sk-1")))


def test_the_documentation_has_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "vllm.md").read_text(encoding="utf-8")
    missing = [field.name for field in msgspec.structs.fields(VLLMSettings) if f"`{field.name}`" not in page]
    assert not missing
    assert all(f"{field.name}:" in page for field in msgspec.structs.fields(RestartSettings))
