#!/usr/bin/env python3
"""Makes the web app's third-party modules anew from npm, and checks them: the browser gets them as they are committed.

    scripts/vendor.py          fetch the packages of the lock, check their hashes, write the modules and their hashes
    scripts/vendor.py --check  only say whether the committed modules are those of the lock; needs no network

There is no build step. Modules are taken from the packages' own minified files; what browsers cannot resolve without
an import map, the bare names in ``from "preact"``, becomes a relative path, and a script that sets a global gets an
export.
To take a newer version write it and its ``integrity`` (``npm view NAME@VERSION dist.integrity``) into the lock.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "src/forebay/web/vendor.lock.json"
FILES = ROOT / "src/forebay/web/files/vendor"
BARE = re.compile(r"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(preact/hooks|preact|@preact/signals-core)\2""")
MODULES = {"preact": "./preact.js", "preact/hooks": "./hooks.js", "@preact/signals-core": "./signals-core.js"}
COMMON_JS = "const module = { exports: {} }, exports = module.exports;"
SOURCE_MAP = re.compile(r"\s*//# sourceMappingURL=\S+\s*$")


def fetch(name: str, version: str, integrity: str, folder: Path) -> tarfile.TarFile:
    """The package as the registry has it, if it is the one that the lock means."""
    packed = subprocess.run(  # noqa: S603  # names and versions of our own lock
        ["npm", "pack", "--silent", f"{name}@{version}"],  # noqa: S607  # npm is found like any tool
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / packed.stdout.strip().splitlines()[-1]
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != integrity:
        sys.exit(f"{name}@{version} is not what the lock means: {found}")
    return tarfile.open(archive)


def member(package: tarfile.TarFile, path: str) -> str:
    """One text file of a package."""
    found = package.extractfile(f"package/{path}")
    if found is None:
        sys.exit(f"There is no {path}.")
    return found.read().decode()


def module(text: str, exports: str = "") -> str:
    """``text`` as an ES module that browsers load as it is."""
    text = SOURCE_MAP.sub("\n", BARE.sub(lambda match: f"{match[1]}{match[2]}{MODULES[match[3]]}{match[2]}", text))
    if exports == "umd":
        return (
            f"const module = {{ exports: {{}} }}, exports = module.exports;\n{text}\nexport default module.exports;\n"
        )
    return f"{text}\nexport default {exports};\n" if exports else text


def make(lock: dict[str, Any]) -> dict[str, str]:
    """Every vendored file by its path below ``vendor/``."""
    made: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, package in lock["packages"].items():
            with fetch(name, package["version"], package["integrity"], Path(scratch)) as archive:
                made |= {
                    to: module(member(archive, source), package.get("exports", ""))
                    if to.endswith(".js")
                    else member(archive, source)
                    for to, source in package["files"].items()
                }
    return made


def hashes() -> dict[str, str]:
    """The files that are there, by their path, with their SHA-256."""
    there = sorted(path for path in FILES.rglob("*") if path.is_file())
    return {path.relative_to(FILES).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in there}


def main() -> None:
    """See the module's text."""
    lock = json.loads(LOCK.read_text())
    if sys.argv[1:] == ["--check"]:
        if hashes() != lock["sha256"]:
            sys.exit("The vendored modules are not those of the lock: run scripts/vendor.py.")
        return
    for path, text in make(lock).items():
        (FILES / path).parent.mkdir(parents=True, exist_ok=True)
        (FILES / path).write_text(text)
    LOCK.write_text(json.dumps({**lock, "sha256": hashes()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
