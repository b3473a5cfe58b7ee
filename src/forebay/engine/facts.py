"""What is known of a model beside its graph, for folders of the library and for those of Hugging Face's exporter."""

from pathlib import Path
from typing import Final

import msgspec

from forebay.engine import metadata
from forebay.engine.errors import LibraryError
from forebay.engine.metadata import Facts
from forebay.engine.tokenizer import Tokenizer

_CONFIG: Final = "config.json"


class _Config(msgspec.Struct, frozen=True):
    """Of Hugging Face's ``config.json``."""

    model_type: str
    max_position_embeddings: int
    eos_token_id: int | list[int] | None = None


def of(folder: Path, tokenizer: Tokenizer) -> Facts:
    """The facts of the model in ``folder``.

    Raises:
        LibraryError: they are not there, or damaged.
    """
    if (folder / metadata.FILE).exists() or not (folder / _CONFIG).exists():
        return metadata.read(folder)
    try:
        config = msgspec.json.decode((folder / _CONFIG).read_bytes(), type=_Config)
    except (OSError, msgspec.DecodeError) as error:
        raise LibraryError(f"{folder / _CONFIG} cannot be read ({error}).") from None
    return Facts(
        architecture=config.model_type,
        context_length=config.max_position_embeddings,
        chat_template=tokenizer.chat_template,
        bos_token=_name(tokenizer, tokenizer.bos),
        eos_token=_name(tokenizer, tokenizer.eos),
        eos_ids=_ends(config, tokenizer),
    )


def _name(tokenizer: Tokenizer, token: int | None) -> str:
    return "" if token is None else tokenizer.names[token].decode()


def _ends(config: _Config, tokenizer: Tokenizer) -> tuple[int, ...]:
    named = config.eos_token_id
    ends = named if isinstance(named, list) else [named]
    return tuple({token for token in (*ends, tokenizer.eos) if token is not None})
