"""What a configuration may say about a vLLM."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from forebay.core.types import Operation
from forebay.providers.child.restarts import RestartSettings
from forebay.providers.child.supervisor import Supervision
from forebay.providers.transport import BaseUrl
from forebay.settings import Duration, Secret

# Options of `vllm serve` that Forebay sets itself, with the key that says the same.
_OURS: Final = {
    "model": "model",
    "host": "host",
    "port": "port",
    "api-key": None,
    "uds": None,
    "enable-lora": "adapters",
}
_OPTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_EVERYTHING = frozenset(
    {
        Operation.CHAT,
        Operation.COMPLETION,
        Operation.EMBEDDING,
        Operation.RERANK,
        Operation.TRANSCRIPTION,
        Operation.TRANSLATION,
    }
)
_POOLING: Final = ("embed", "embedding", "pooling")

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class VLLMSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vLLM to start with ``model``, or one that runs already at ``url``.

    ``args`` are the options of ``vllm serve``: a list as it stands, or a mapping of which ``command`` says how it is
    written. ``command`` replaces ``vllm serve`` itself. ``port`` is by default a free one, chosen anew for every start.
    ``adapters`` is the folder that holds LoRA adapters, and switches them on.
    """

    model: str | None = None
    url: str | None = None
    api_key: Secret | None = None
    args: dict[str, Any] | list[str] = {}
    command: list[str] | None = None
    env: dict[str, str] = {}
    host: str = "127.0.0.1"
    port: Port | None = None
    adapters: str | None = None
    start_timeout: Duration = 900.0
    stop_timeout: Duration = 20.0
    health_timeout: Duration = 30.0
    restart: RestartSettings = RestartSettings()

    def __post_init__(self) -> None:
        if self.url is not None:
            self._check_attached(self.url)
        elif not self.model:
            raise ValueError("give the 'model' to start vLLM with, or the 'url' of one that runs")
        elif self.api_key is not None:
            raise ValueError("'api_key' belongs to 'url': a vLLM that Forebay starts gets a key of its own each time")
        if self.command is not None and not self.command:
            raise ValueError("'command' must name a program")
        for name in self._options():
            if name in _OURS:
                instead = f"; use the key '{_OURS[name]}'" if _OURS[name] else ""
                raise ValueError(f"'args' must not hold '{name}', which Forebay sets{instead}")
        if isinstance(self.args, dict) and (odd := [name for name in self.args if not _OPTION.fullmatch(name)]):
            raise ValueError(f"'args' holds '{odd[0]}', which is not the name of an option")

    def _check_attached(self, url: str) -> None:
        BaseUrl.of(url)
        started_only = ("args", "command", "env", "port", "adapters")
        given = [name for name in started_only if getattr(self, name)]
        if given:
            raise ValueError(f"'{given[0]}' is for a vLLM that Forebay starts, not for one at a 'url'")

    def _options(self) -> list[str]:
        """The names of what ``args`` sets, without hyphens in front and values behind."""
        names = self.args if isinstance(self.args, dict) else [arg for arg in self.args if arg.startswith("--")]
        return [name.lstrip("-").partition("=")[0].replace("_", "-") for name in names]

    def option(self, name: str) -> Any:  # noqa: ANN401  # whatever stands there
        """The value of an option in ``args``; ``None`` if it is not set there."""
        if isinstance(self.args, dict):
            return next((value for key, value in self.args.items() if key.replace("_", "-") == name), None)
        for index, arg in enumerate(self.args):
            key, equals, value = arg.removeprefix("--").partition("=")
            if arg.startswith("--") and key.replace("_", "-") == name:
                return value if equals else next(iter(self.args[index + 1 :]), None)
        return None

    @property
    def served_name(self) -> str | None:
        """How a vLLM that is started calls its model: never by a path, because it tells clients."""
        name = self.option("served-model-name")
        if name:
            return str(name[0] if isinstance(name, list) else name)
        if self.url is not None or self.model is None:
            return self.model
        return Path(self.model).name if self.model.startswith((".", "/", "~")) else self.model

    @property
    def operations(self) -> frozenset[Operation]:
        """What the model can be asked; of a vLLM that is not ours, everything."""
        if self.url is not None:
            return _EVERYTHING
        if self.option("runner") in _POOLING or self.option("task") in _POOLING or self.option("convert") in _POOLING:
            return frozenset({Operation.EMBEDDING, Operation.RERANK})
        return frozenset({Operation.CHAT, Operation.COMPLETION})

    @property
    def patience(self) -> Supervision:
        """How patient to be with it."""
        return Supervision(self.start_timeout, self.stop_timeout, self.health_timeout, self.restart)
