"""What is known of a converted model beside its graph: read from its source once, kept in ``forebay.json`` with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from forebay.engine.errors import LibraryError

FILE: Final = "forebay.json"
FORMAT: Final = 3
"""Raised when what is written changes, or OpenVINO's range in ``pyproject.toml`` moves: everything is made anew."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says of itself.

    ``eos_ids`` are all tokens that end an answer; ``bos_token`` and ``eos_token`` are what chat templates call so.
    """

    architecture: str
    context_length: int
    chat_template: str | None = None
    bos_token: str = ""
    eos_token: str = ""
    eos_ids: tuple[int, ...] = ()


class Metadata(Facts, frozen=True, kw_only=True):
    """The facts, and where the folder comes from.

    ``sha256`` is that of the file (or wheel) it was made from; ``made`` is in seconds since the epoch; ``versions`` are
    those of OpenVINO's packages that made it; ``asked`` are the names of a hub by which it is found again.
    """

    name: str
    source: str = ""
    sha256: str = ""
    made: float = 0.0
    format: int = FORMAT
    versions: Mapping[str, str] = {}
    asked: tuple[str, ...] = ()


def write(folder: Path, metadata: Metadata) -> None:
    """Put ``metadata`` into ``folder``.

    Raises:
        OSError: it cannot be written.
    """
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(metadata), indent=2))


def read(folder: Path) -> Metadata:
    """What is known of the model in ``folder``, which the library has made.

    Raises:
        LibraryError: its file is missing or damaged.
    """
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Metadata)
    except (OSError, msgspec.DecodeError) as error:
        raise LibraryError(
            f"{folder / FILE} cannot be read ({error}). A folder of your own needs the config.json of its model, or a "
            f'{FILE} such as {{"name": "mine", "architecture": "llama", "context_length": 4096, "eos_ids": [2]}}.'
        ) from None
