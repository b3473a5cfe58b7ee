"""What a folder of Hugging Face's says about the model in it, in the files that stand beside the weights."""

from pathlib import Path
from typing import Any, Final

import msgspec

from forebay.engine.errors import ConversionError
from forebay.engine.gguf import ENDS
from forebay.engine.metadata import Facts

CONFIG: Final = "config.json"
EMBEDDER: Final = "bert"
_LIMIT: Final = 64 * 1024 * 1024
_Special = str | dict[str, Any] | None


class _Config(msgspec.Struct, frozen=True):
    model_type: str
    max_position_embeddings: int = 0
    eos_token_id: int | list[int] | None = None


class _Generation(msgspec.Struct, frozen=True):
    eos_token_id: int | list[int] | None = None


class _Template(msgspec.Struct, frozen=True):
    name: str
    template: str


class _TokenizerConfig(msgspec.Struct, frozen=True):
    bos_token: _Special = None
    eos_token: _Special = None
    chat_template: str | list[_Template] | None = None


class _Added(msgspec.Struct, frozen=True):
    id: int
    content: str
    special: bool = False


class _Tokenizer(msgspec.Struct, frozen=True):
    added_tokens: list[_Added] = []


def is_model(folder: Path) -> bool:
    """Whether ``folder`` looks like a model of Hugging Face's: a configuration and safetensors."""
    return (folder / CONFIG).is_file() and any(folder.glob("*.safetensors"))


def files(folder: Path) -> list[Path]:
    """The files of the model in ``folder`` that a conversion may read."""
    kinds = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")
    return sorted(path for kind in kinds for path in folder.glob(kind) if path.is_file())


def is_embedder(folder: Path) -> bool:
    """Whether the model in ``folder`` makes vectors and not text.

    Raises:
        ConversionError: its configuration is missing or damaged.
    """
    config: _Config = _read(folder / CONFIG, _Config)
    return config.model_type == EMBEDDER


def read(folder: Path) -> Facts:
    """What ``folder`` says of its model.

    Raises:
        ConversionError: a file that is needed is missing, or one is damaged.
    """
    config = _read(folder / CONFIG, _Config)
    if config.max_position_embeddings <= 0:
        raise ConversionError(f"{folder / CONFIG} gives no context length, so a {config.model_type} cannot be served.")
    named = _read(folder / "tokenizer_config.json", _TokenizerConfig, _TokenizerConfig())
    generation = _read(folder / "generation_config.json", _Generation, _Generation())
    added = _read(folder / "tokenizer.json", _Tokenizer, _Tokenizer()).added_tokens
    eos = _text(named.eos_token)
    ends = [*_numbers(generation.eos_token_id), *_numbers(config.eos_token_id)]
    ends += [token.id for token in added if token.content == eos or (token.special and token.content in ENDS)]
    return Facts(
        architecture=config.model_type,
        context_length=config.max_position_embeddings,
        chat_template=_chat_template(folder, named),
        bos_token=_text(named.bos_token),
        eos_token=eos,
        eos_ids=tuple(dict.fromkeys(ends)),
    )


def _chat_template(folder: Path, named: _TokenizerConfig) -> str | None:
    """The template, from a file of its own or from the tokenizer's; of several the one called ``default``."""
    apart = folder / "chat_template.jinja"
    if apart.is_file():
        try:
            return apart.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ConversionError(f"{apart} cannot be read: {error}") from None
    if isinstance(named.chat_template, list):
        return next((each.template for each in named.chat_template if each.name == "default"), None)
    return named.chat_template


def _read(path: Path, kind: type[Any], default: object = None) -> Any:  # noqa: ANN401 - one of this file's types
    if default is not None and not path.is_file():
        return default
    try:
        if path.stat().st_size > _LIMIT:
            raise ConversionError(f"{path} is larger than {_LIMIT // 2**20} MiB.")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConversionError(f"{path} cannot be read: {error}") from None


def _text(token: _Special) -> str:
    content = token.get("content", "") if isinstance(token, dict) else token
    return str(content or "")


def _numbers(found: int | list[int] | None) -> list[int]:
    return [] if found is None else [*found] if isinstance(found, list) else [found]
