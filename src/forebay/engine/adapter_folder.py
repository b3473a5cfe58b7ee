"""The folder that adapters are loaded from: what it holds, and that nothing outside of it can be reached."""

import logging
import os
import re
from pathlib import Path
from typing import Final

from forebay.engine import peft

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
"""What an adapter may be called, which makes it a safe name for a folder too."""


_log = logging.getLogger(__name__)


class OutsideError(Exception):
    """There is nothing at a path, or what is there lies outside of the folder; who asks is not told which."""


class AdapterFolder:
    """A folder with one subfolder for each adapter, as PEFT writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser()
        self._skipped: dict[str, str] = {}

    def names(self) -> list[str]:
        """The adapters that it holds, sorted; nothing if it cannot be read. What it holds besides is logged once."""
        try:
            found = sorted(each.name for each in self._folder.iterdir())
        except OSError:
            return []
        reasons = {name: self._unusable(name) for name in found}
        self._tell({name: reason for name, reason in reasons.items() if reason is not None})
        return [name for name in found if reasons[name] is None]

    def keeps(self, name: str) -> bool:
        """Whether ``name`` is that of anything in the folder, usable or not, so that nothing else may be called so."""
        return os.path.lexists(self._folder / name)

    def is_same(self, one: str, other: str) -> bool:
        """Whether two paths, as those for `find`, lead to the same place; nowhere is none."""
        try:
            return (self._folder / one).resolve(strict=True) == (self._folder / other).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # as for `find`
            return False

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

    def _unusable(self, name: str) -> str | None:
        """Why there is no adapter ``name``, for whoever runs the server; ``None`` where there is one."""
        if not NAME.fullmatch(name):
            return "its name may have only letters, digits, '.', '_' and '-', at most 128, a letter or digit first"
        try:
            self.find(name)
        except OutsideError:
            return self._lacking(self._folder / name)
        return None

    def _lacking(self, entry: Path) -> str:
        try:
            if not entry.is_dir():
                return "it is no folder"
            missing = [name for name in (peft.CONFIG, peft.WEIGHTS) if not (entry / name).is_file()]
        except OSError:
            return "it cannot be read"
        return f"it has no {missing[0]} that can be read" if missing else "a link leads out of the adapters' folder"

    def _tell(self, skipped: dict[str, str]) -> None:
        told, self._skipped = self._skipped, skipped
        for name, reason in skipped.items():
            if told.get(name) != reason:
                _log.warning("%s is not listed among the adapters: %s.", ascii(name), reason)
