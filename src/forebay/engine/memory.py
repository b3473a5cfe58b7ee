"""How much memory a model will take, told before it is loaded, and giving memory back to the system afterwards."""

import ctypes
import sys
from pathlib import Path
from typing import Final

from forebay.engine.convert import MODEL

WORKING: Final = 64 * 1024 * 1024
"""For what is computed in a step, and a tokenizer."""


def estimate(folder: Path, *, cache: int = 0) -> int:
    """The memory that the model in ``folder`` takes when it is busy, with ``cache`` bytes of KV cache; in bytes.

    Weights count twice: as they lie in the file, and as OpenVINO arranges them for the processor at hand. Measured with
    the default model: 444 MiB after many chats, where this tells 593.
    """
    return 2 * (folder / MODEL).with_suffix(".bin").stat().st_size + cache + WORKING


def give_back() -> None:
    """Let the system have what models that are gone have left behind; it takes a moment.

    What they freed is still the allocator's; of the common ones only glibc's wants to be asked for it.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
