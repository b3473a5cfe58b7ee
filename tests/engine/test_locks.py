"""The lock between processes: one holder, and none that is dead."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from forebay.engine import locks

HOLD = """
import sys, time
from pathlib import Path
from forebay.engine import locks
with locks.held(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    inside, most, waited = 0, 0, 0

    def wait() -> None:
        nonlocal waited
        waited += 1

    def work() -> None:
        nonlocal inside, most
        with locks.held(tmp_path / "lock", wait):
            inside += 1
            most = max(most, inside)
            time.sleep(0.05)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert waited


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError), locks.held(lock, _give_up):
            pass
        holder.kill()
    with locks.held(lock, _give_up):
        pass


def _give_up() -> None:
    raise TimeoutError
