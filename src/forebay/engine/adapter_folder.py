"""The folder that adapters are loaded from: what it holds, and that nothing outside of it can be reached."""

import re
from pathlib import Path
from typing import Final

from forebay.engine import peft

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
"""What an adapter may be called, which makes it a safe name for a folder too."""


class OutsideError(Exception):
    """There is nothing at a path, or what is there lies outside of the folder; who asks is not told which."""


class AdapterFolder:
    """A folder with one subfolder for each adapter, as PEFT writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser()

    def names(self) -> list[str]:
        """The adapters that it holds, sorted; nothing if it cannot be read."""
        try:
            return sorted(each.name for each in self._folder.iterdir() if self._holds(each.name))
        except OSError:
            return []

    def find(self, path: str) -> tuple[Path, int]:
        """The real place of the adapter at ``path``, relative to the folder or absolute in it, and its size in bytes.

        Raises:
            OutsideError: there is none in the folder.
        """
        try:
            root = self._folder.resolve(strict=True)
            found = (root / path).resolve(strict=True)
            # A folder may be inside and its files, or what they link to, may not.
            files = [(found / name).resolve(strict=True) for name in (peft.CONFIG, peft.WEIGHTS)]
            inside = all(each.is_relative_to(root) and each != root for each in (found, *files))
            if not inside or not all(each.is_file() for each in files):
                raise OutsideError
            return found, files[1].stat().st_size
        except (OSError, ValueError, RuntimeError):  # no such file; a NUL in the path; a loop of links
            raise OutsideError from None

    def _holds(self, name: str) -> bool:
        return bool(NAME.fullmatch(name)) and (self._folder / name / peft.CONFIG).is_file()
