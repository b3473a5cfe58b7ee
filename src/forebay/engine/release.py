"""Which files of a repository a reference means: one GGUF file, or safetensors with what belongs to them.

Only weights without code are ever chosen: never pickles.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from forebay.engine.errors import FetchError
from forebay.engine.reference import GGUF, Reference, is_plain

_SHOWN: Final = 20
_WEIGHTS: Final = ".safetensors"
_CONFIG: Final = "config.json"
# What is needed beside safetensors, all of it in the top folder.
_BESIDE: Final = re.compile(
    r"(?:config|generation_config|modules|sentence_bert_config|tokenizer|tokenizer_config|special_tokens_map|"
    r"added_tokens|vocab|chat_template|[^/]+\.safetensors\.index)\.json|"
    r"(?:vocab|merges)\.txt|tokenizer\.model|chat_template\.jinja"
)
_SECOND_COPY: Final = "consolidated"  # Mistral's repositories have the same weights twice.
# Of several GGUF files: those that can be read, by what their names say.
_READABLE: Final = re.compile(r"[-_.](?:f32|f16|bf16|q[458]_0|q[45]_1|q[45]_k(?:_[sm])?|q6_k)\.gguf$", re.IGNORECASE)
_NO_MODEL: Final = re.compile(r"mmproj|-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


class File(msgspec.Struct, frozen=True):
    """A file of a repository: its ``size`` in bytes, and its SHA-256 or (small ones) Git's SHA-1 of it, in hex.

    What the hub does not state is ``None``.
    """

    path: str
    size: int | None
    sha256: str | None = None
    blob: str | None = None

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rpartition("/")[2]


class Release(msgspec.Struct, frozen=True):
    """What a reference stands for: a commit of its repository, and the files of it that are needed."""

    reference: Reference
    commit: str
    files: tuple[File, ...]

    @property
    def pinned(self) -> Reference:
        """The reference that will always mean this release."""
        return Reference(self.reference.repository, self.gguf.path if self.gguf else None, self.commit)

    @property
    def gguf(self) -> File | None:
        """The only file, if it is a GGUF file."""
        return self.files[0] if self.files[0].path.endswith(GGUF) else None

    @property
    def sha256(self) -> str:
        """That of the weights; empty where there are several files of them."""
        hashes = [file.sha256 or "" for file in self.files if file.path.endswith((GGUF, _WEIGHTS))]
        return hashes[0] if len(hashes) == 1 else ""

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(file.size or 0 for file in self.files)


def needed(reference: Reference, files: Sequence[File]) -> tuple[File, ...]:
    """The files that ``reference`` means, of those that its repository has.

    Raises:
        FetchError: there are none, or several between which the user has to choose; it lists them.
    """
    there = sorted((file for file in files if is_plain(file.path)), key=lambda file: file.path)
    ggufs = [file for file in there if file.path.endswith(GGUF)]
    if reference.file:
        named = [file for file in ggufs if file.path == reference.file]
        return tuple(named) or _choose(reference, ggufs, f"has no file '{reference.file}'")
    models = [file for file in ggufs if not _NO_MODEL.search(file.path)]
    chosen = models if len(models) == 1 else [file for file in models if _READABLE.search(file.path)]
    if len(chosen) == 1:
        return tuple(chosen)
    return _choose(reference, ggufs, "has several GGUF files") if ggufs else _safetensors(reference, there)


def _safetensors(reference: Reference, there: Sequence[File]) -> tuple[File, ...]:
    weights = [file for file in there if _is_weights(file.path)]
    beside = [file for file in there if _BESIDE.fullmatch(file.path)]
    if not weights or not any(file.path == _CONFIG for file in beside):
        raise FetchError(
            f"{reference.repository} has neither a GGUF file nor safetensors with their {_CONFIG}, so nothing of it "
            "can be served."
        )
    return (*beside, *weights)


def _is_weights(path: str) -> bool:
    return path.endswith(_WEIGHTS) and "/" not in path and not path.startswith(_SECOND_COPY)


def _choose(reference: Reference, ggufs: Sequence[File], why: str) -> tuple[File, ...]:
    """Have the user choose.

    Raises:
        FetchError: always; it lists what there is.
    """
    if not ggufs:
        raise FetchError(f"{reference.repository} {why}, nor any other GGUF file.")
    revision = f"@{reference.revision}" if reference.revision else ""
    lines = [f"\n  hf:{reference.repository}:{file.path}{revision}{_amount(file.size)}" for file in ggufs[:_SHOWN]]
    more = f"\n  and {len(ggufs) - _SHOWN} more" if len(ggufs) > _SHOWN else ""
    raise FetchError(f"{reference.repository} {why}; name the one to take:{''.join(lines)}{more}")


def _amount(size: int | None) -> str:
    return f"  ({size / 1e6:,.0f} MB)" if size else ""
