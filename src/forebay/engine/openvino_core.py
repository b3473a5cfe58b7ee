"""OpenVINO's core: one for the process, which is never freed.

Its CPU plug-in gives the thread that loads it an alternate stack for signals, and frees that when the last core and
compiled model that use it are gone, in whatever thread this happens (OpenVINO 2026.4, ``SigAltStackSetup``). If it is
another one, the first thread is left with a stack that does not exist, and its next signal, be it a reload or an end,
is a segmentation fault: Python's handlers run on that stack. A core that stays keeps the plug-in.
"""

import threading

import openvino as ov
import openvino_tokenizers  # noqa: F401 - teaches the core the tokenizers' operations when it is made

_making = threading.Lock()
_made: list[ov.Core] = []


def core() -> ov.Core:
    """The core of this process; any thread may ask for it and use it."""
    with _making:
        if not _made:
            _made.append(ov.Core())
        return _made[0]
