"""A module that leaves a socket open in a reference cycle fails itself, not whichever comes later."""

from pathlib import Path

import pytest

GARBAGE = Path(__file__).with_name("garbage.py")

LEAKING = """
import socket

def test_leaving():
    cycle = [socket.socket()]
    cycle.append(cycle)
"""

TIDY = """
import socket

def test_closing():
    cycle = [socket.socket()]
    cycle.append(cycle)
    cycle[0].close()
"""


def test_the_module_that_leaves_something_open_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(garbage=GARBAGE.read_text(), test_a=TIDY, test_b=LEAKING, test_c=TIDY)
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("-p", "garbage", "-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*test_b.py left*socket.socket*unclosed*", "ERROR test_b.py::test_leaving*"])
