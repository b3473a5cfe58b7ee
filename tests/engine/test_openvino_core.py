"""The one core of OpenVINO in a process."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

GONE_ELSEWHERE = """
import os, signal, sys, threading
from pathlib import Path
from forebay.engine.tokenizer import Tokenizer

kept = [Tokenizer(Path(sys.argv[1]))]  # the plug-in gives this thread a stack for signals
thread = threading.Thread(target=kept.clear)
thread.start()
thread.join()
signal.signal(signal.SIGTERM, lambda *_: print("alive"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_ends_no_process_whose_model_went_in_another_thread(smollm2: Path) -> None:
    command = [sys.executable, "-c", GONE_ELSEWHERE, str(smollm2)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout.strip()) == (0, "alive"), run.stderr
