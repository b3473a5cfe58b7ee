"""The web app's third-party modules are those of their lock, with their licences, and need nobody else."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from scripts import vendor

LOCK = msgspec.json.decode(Path(vendor.LOCK).read_bytes())
ALLOWED = {"MIT", "Apache-2.0", "BSD-3-Clause", "Apache-2.0 OR MPL-2.0"}


def test_the_modules_are_those_of_the_lock() -> None:
    assert vendor.hashes() == LOCK["sha256"]


def test_every_module_comes_from_a_package_and_has_its_licence() -> None:
    told = [path for package in LOCK["packages"].values() for path in package["files"]]
    assert sorted(told) == sorted(LOCK["sha256"])
    for name, package in LOCK["packages"].items():
        assert package["license"] in ALLOWED
        assert package["integrity"].startswith("sha512-")
        assert any(path.startswith("licences/") for path in package["files"]), name


@pytest.mark.parametrize("path", [path for path in LOCK["sha256"] if path.endswith(".js")])
def test_a_module_needs_no_import_map_and_no_source_map(path: str) -> None:
    text = files("forebay.web").joinpath("files", "vendor", path).read_text()
    assert not re.search(r"""(?:^|[;}])\s*(?:import|export)\b[^;"'()]*from\s*["'](?![./])""", text)
    assert "sourceMappingURL" not in text
    assert re.search(r"\bexport\b", text)


def test_a_script_that_sets_a_global_becomes_a_module() -> None:
    assert vendor.module("var it=1;\n//# sourceMappingURL=it.js.map", "it") == "var it=1;\n\nexport default it;\n"
    assert vendor.module('import{h}from"preact";') == 'import{h}from"./preact.js";'


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed: apt-get install npm")
def test_the_registry_has_what_the_lock_means() -> None:
    made = vendor.make(LOCK)
    for path, text in made.items():
        assert files("forebay.web").joinpath("files", "vendor", path).read_text() == text, path
