"""How a model on a Hugging Face hub is named: ``hf:OWNER/REPO[:FILE][@REVISION]``.

A name becomes part of addresses and, in the end, of paths; so what is no plain name is refused here, before anything
is asked or written.
"""

import re
from pathlib import PurePosixPath
from typing import Final

import msgspec

from forebay.engine.errors import UnknownModelError

PREFIX: Final = "hf:"
GGUF: Final = ".gguf"
_FORM: Final = re.compile(r"hf:(?P<repository>[^:@]*)(?::(?P<file>[^@]*))?(?:@(?P<revision>.*))?", re.DOTALL)
_WORD: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?"
_REPOSITORY: Final = re.compile(rf"{_WORD}/{_WORD}")
_REVISION: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,200}")
_PART: Final = re.compile(r"(?!\.\.?$)[^@\\/:\x00-\x1f\x7f*?\"<>|]{1,200}")


class Reference(msgspec.Struct, frozen=True):
    """A model on a hub: one ``.gguf`` file of a repository, or (without ``file``) whatever it has that can be served.

    ``revision`` is a branch, a tag or a commit; without it the hub's main branch is meant.
    """

    repository: str
    file: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        file = f":{self.file}" if self.file else ""
        return f"{PREFIX}{self.repository}{file}" + (f"@{self.revision}" if self.revision else "")

    @property
    def short(self) -> str:
        """How clients call it: the file without its ending, or else the repository without its owner."""
        return PurePosixPath(self.file or self.repository).name.removesuffix(GGUF)


def is_reference(model: str) -> bool:
    """Whether ``model`` is meant to be a reference, well written or not."""
    return model.startswith(PREFIX)


def parse(model: str) -> Reference:
    """The reference that ``model`` is.

    Raises:
        UnknownModelError: it is not written as one, or could stand for a path out of its place.
    """
    found = _FORM.fullmatch(model)
    if not found or not _REPOSITORY.fullmatch(found["repository"]) or _doubled(found["repository"]):
        raise UnknownModelError(f"'{_shown(model)}' is no model of a hub: write hf:OWNER/REPO[:FILE.gguf][@REVISION].")
    file, revision = found["file"], found["revision"]
    if file is not None and not _is_file(file):
        raise UnknownModelError(
            f"'{_shown(file)}' is no file that can be served: after hf:OWNER/REPO: comes the path of a .gguf file."
        )
    if revision is not None and (not _REVISION.fullmatch(revision) or _doubled(revision)):
        raise UnknownModelError(f"'{_shown(revision)}' is no revision: after @ comes a branch, a tag or a commit.")
    return Reference(found["repository"], file, revision)


def is_plain(path: str) -> bool:
    """Whether ``path``, as a hub gives it, is relative and stays below where it starts, on any system."""
    return all(_PART.fullmatch(part) for part in path.split("/"))


def _is_file(file: str) -> bool:
    return file.endswith(GGUF) and is_plain(file)


def _doubled(name: str) -> bool:
    """Two of these in a row: hubs forbid them, and ``..`` is the way out of a folder."""
    return ".." in name or "--" in name


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:120])
