"""A process that dies in the middle of an answer leaves a conversation that opens."""

import asyncio
import subprocess
import sys

from forebay.core.conversations import Bounds, BranchQuery
from forebay.store.conversations.answers import ResponseTable
from forebay.store.conversations.table import ConversationTable
from forebay.store.database import Database
from tests.store.conversations.test_table import ALICE

BOUNDS = Bounds(50, 10_000, 100_000)
DYING = """
import asyncio, os, signal, sys
import msgspec
from forebay.core.conversations import Progress
from forebay.store.conversations.answers import ResponseTable
from forebay.store.conversations.table import ConversationTable
from forebay.store.database import Database, parse
from tests.store.conversations.test_table import ALICE, BOUNDS, made, message, opening


async def main() -> None:
    database = Database(parse(sys.argv[1]))
    responses = ResponseTable(database, BOUNDS)
    await made(ConversationTable(database, BOUNDS))
    await responses.begin(ALICE, opening("resp_1", message("u1")))
    part = message("a1", "half", status="in_progress", output=True)
    await responses.progress([Progress("resp_1", [msgspec.structs.replace(part, response="resp_1")])])
    os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
"""


async def test_what_a_killed_process_left_is_marked_at_once(url: str, database: Database) -> None:
    command = [sys.executable, "-c", DYING, url]
    dead = await asyncio.to_thread(subprocess.run, command, check=False, timeout=60, capture_output=True, text=True)
    assert dead.returncode == -9, dead.stderr
    assert await ResponseTable(database, BOUNDS).mend() == 1
    items = await ConversationTable(database, BOUNDS).branch(ALICE, "conv_1", BranchQuery())
    assert [(item.id, item.status) for item in items] == [("u1", "completed"), ("a1", "incomplete")]
