"""The life of an engine in a process of its own, with real processes that live, die and hang as they are told."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from forebay.providers.child.output import Output
from forebay.providers.child.process import Child, Command, described
from forebay.providers.child.restarts import RestartSettings
from forebay.providers.child.supervisor import StartError, Supervision, Supervisor
from tests.support.standin import kill, lives
from tests.support.until import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups and signals")

# Writes its own number and that of a child of its own, says something, then does what the rest of the program says.
PROGRAM = """
import json, os, pathlib, signal, subprocess, sys, time
here = pathlib.Path(sys.argv[1])
other = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=OWN_SESSION)
starts = len(list(here.glob("start-*")))
(here / "draft").write_text(json.dumps([os.getpid(), other.pid]))
os.rename(here / "draft", here / f"start-{starts}")
print("hello", flush=True)
"""
READY = "(here / 'healthy').touch(); time.sleep(600)"


class Scripted:
    """An engine that is healthy while there is a file of that name."""

    def __init__(self, folder: Path, then: str, *, own_session: bool = False) -> None:
        self.folder = folder
        self.program = PROGRAM.replace("OWN_SESSION", str(own_session)) + then
        self.port: int | None = None

    async def command(self) -> Command:
        (self.folder / "healthy").unlink(missing_ok=True)
        return Command((sys.executable, "-S", "-c", self.program, str(self.folder)), dict(os.environ))

    def lost_its_port(self) -> bool:
        return self.port is not None

    async def healthy(self) -> bool:
        return (self.folder / "healthy").exists()

    def processes(self) -> list[list[int]]:
        """The numbers of each start's processes."""
        return [json.loads(file.read_text()) for file in sorted(self.folder.glob("start-*"))]

    def left_over(self) -> list[int]:
        return [pid for each in self.processes() for pid in each if lives(pid)]


def patience(
    *, start: float = 30, stop: float = 5, health: float = 30, most: int = 3, pause: float = 0.01
) -> Supervision:
    return Supervision(start, stop, health, RestartSettings(max=most, pause=pause, longest_pause=5))


@contextlib.asynccontextmanager
async def supervised(engine: Scripted, how: Supervision | None = None) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor("e", engine, how or patience())
    try:
        await supervisor.start()
        yield supervisor
    finally:
        await supervisor.close()
        assert not engine.left_over()


async def test_it_is_started_and_ended_with_all_that_it_started(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, READY)
    async with supervised(engine) as supervisor:
        assert supervisor.failure() is None
        assert len(engine.left_over()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")
async def test_what_left_its_group_is_ended_too(tmp_path: Path) -> None:
    async with supervised(Scripted(tmp_path, READY, own_session=True)):
        pass


async def test_who_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY)
    async with supervised(engine, patience(stop=0.2)):
        began = time.monotonic()
    assert time.monotonic() - began < 5


async def test_who_dies_comes_back(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, READY)
    async with supervised(engine) as supervisor:
        kill(engine.processes()[0][0])
        await until(lambda: supervisor.failure() is not None)
        assert "signal SIGKILL" in str(supervisor.failure())
        await until(lambda: supervisor.failure() is None)
        assert supervisor.restarts == 1
        assert [lives(pid) for pid in engine.processes()[0]] == [False, False]


async def test_who_hangs_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.providers.child.supervisor.HEALTH_EVERY", 0.05)
    engine = Scripted(tmp_path, READY)
    async with supervised(engine, patience(health=0.2)) as supervisor:
        (tmp_path / "healthy").unlink()
        await until(lambda: supervisor.failure() is not None)
        assert "did not answer" in str(supervisor.failure())
        await until(lambda: supervisor.failure() is None)


async def test_who_keeps_dying_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = Scripted(tmp_path, f"starts and sys.exit('RuntimeError: no more'); {READY}")
    async with supervised(engine, patience(most=2)) as supervisor:
        kill(engine.processes()[0][0])
        await until(lambda: "given up" in str(supervisor.failure()))
        assert supervisor.restarts == 2
        assert len(engine.processes()) == 3
        assert supervisor.retry_after() == 5
    assert "RuntimeError: no more" in caplog.text


async def test_a_first_start_that_fails_tells_why(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, "print('INFO [x.py:1] ValueError: too small'); sys.exit(2)")
    with pytest.raises(StartError, match="status 2 before it was ready: ValueError: too small"):
        async with supervised(engine):
            pass


async def test_who_has_ended_is_not_ready_whoever_answers_in_its_place(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, "sys.exit(1)")
    supervisor = Supervisor("e", engine, patience())

    async def healthy() -> bool:
        return supervisor._child is not None and supervisor._child.status is not None

    engine.healthy = healthy  # type: ignore[method-assign]
    with pytest.raises(StartError, match="status 1 before it was ready"):
        await supervisor.start()
    await supervisor.close()


async def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"not ready within 4 s .*: hello"):
        async with supervised(Scripted(tmp_path, "time.sleep(600)"), patience(start=4)):
            pass


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, "")

    async def command() -> Command:
        return Command(("/no/such/program",), {})

    engine.command = command  # type: ignore[method-assign]
    with pytest.raises(StartError, match="No such file"):
        async with supervised(engine):
            pass


async def test_a_lost_port_is_tried_again(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, f"starts or sys.exit(1); {READY}")
    engine.port = 1
    async with supervised(engine) as supervisor:
        assert supervisor.failure() is None
        assert len(engine.processes()) == 2


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, "time.sleep(600)")
    supervisor = Supervisor("e", engine, patience())
    starting = asyncio.create_task(supervisor.start())
    await until(engine.processes)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not engine.left_over()
    await supervisor.close()


async def test_a_start_that_is_cancelled_before_it_is_known_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Scripted(tmp_path, "time.sleep(600)")
    starting = asyncio.create_task(Supervisor("e", engine, patience()).start())
    plain = asyncio.create_subprocess_exec

    async def cancelled(*arguments: str, **more: Any) -> asyncio.subprocess.Process:
        process = await plain(*arguments, **more)
        await until(engine.processes)
        starting.cancel()
        await asyncio.sleep(0)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", cancelled)
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert engine.processes()
    assert not engine.left_over()


async def test_it_can_be_closed_in_the_middle_of_a_restart(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, f"starts and time.sleep(600); {READY}")
    async with supervised(engine):
        kill(engine.processes()[0][0])
        await until(lambda: len(engine.processes()) == 2)


async def test_it_tells_when_asking_again_is_worth_it(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, READY)
    async with supervised(engine, patience(pause=4)) as supervisor:
        kill(engine.processes()[0][0])
        await until(lambda: supervisor.failure() is not None and supervisor.retry_after() >= 2)
        assert supervisor.retry_after() <= 5


async def test_progress_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("forebay.providers.child.supervisor.PROGRESS_EVERY", 0.2)
    engine = Scripted(tmp_path, f"time.sleep(1.5); {READY}")
    async with supervised(engine):
        pass
    assert "e: starting for 1 s: hello" in caplog.text
    assert "e: ready after" in caplog.text


PARENT = """
import asyncio, os, sys
from forebay.providers.child.output import Output
from forebay.providers.child.process import Child, Command
async def main():
    child = await Child.start(Command(sys.argv[1:], os.environ), Output(lambda level, line: print(line, flush=True)), 5)
    await child.wait(600)
asyncio.run(main())
"""


async def test_the_engine_dies_with_its_parent(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, READY)
    command = await engine.command()
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, *command.arguments, stdout=DEVNULL)
    try:
        await until(engine.processes)
        assert len(engine.left_over()) == 2
    finally:
        parent.kill()
        await parent.wait()
    await until(lambda: not engine.left_over())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
async def test_the_engine_dies_with_its_guardian(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, READY)
    child = await Child.start(await engine.command(), Output(lambda *_: None), 5)
    await until(engine.processes)
    (pid, grandchild), guardian = engine.processes()[0], child.pid
    kill(guardian)
    try:
        await until(lambda: not lives(pid))
        assert described(await child.stop()) == "signal SIGKILL"
    finally:
        kill(grandchild)


async def test_signals_to_the_guardian_are_none_of_its_business(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, READY)
    child = await Child.start(await engine.command(), Output(lambda *_: None), 5)
    await until(engine.processes)
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGTERM)
    assert await child.wait(0.2) is None
    assert described(await child.stop()) == "signal SIGTERM"
    assert not engine.left_over()


async def test_a_child_inherits_nothing_but_its_output(tmp_path: Path) -> None:
    listing = "(here / 'open').write_text(' '.join(os.listdir('/dev/fd'))); " + READY
    with socket.socket() as held:
        held.set_inheritable(True)  # socket's signature
        engine = Scripted(tmp_path, listing)
        async with supervised(engine):
            found = {int(number) for number in (tmp_path / "open").read_text().split()}
            assert held.fileno() not in found
