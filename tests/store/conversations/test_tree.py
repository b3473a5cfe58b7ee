"""Whatever is done to a conversation, its items are one tree, and it goes on at one of them."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.conversations import START, BranchQuery, Change
from forebay.store.conversations.table import ConversationTable
from forebay.store.database import Database, parse
from tests.store.conversations.test_table import ALICE, BOUNDS, made, message

steps = st.lists(
    st.tuples(st.sampled_from(["say", "edit", "remove", "switch"]), st.integers(0, 7)), min_size=1, max_size=8
)


@settings(max_examples=15)
@given(steps)
def test_it_stays_a_tree(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_played(Path(folder), steps))


async def _played(folder: Path, steps: list[tuple[str, int]]) -> None:
    """The parents that a dict says, by the same steps."""
    database = Database(parse(f"sqlite:///{folder / 'x.db'}"))
    table = ConversationTable(database, BOUNDS)
    parents: dict[str, str] = {}
    await made(table)
    for number, (step, choice) in enumerate(steps):
        names = [*parents]
        chosen = names[choice % len(names)] if names else ""
        leaf = (await table.find(ALICE, "conv_1")).leaf
        if step == "say" or not chosen:
            await table.add(ALICE, "conv_1", [message(f"m{number}")], None)
            parents[f"m{number}"] = leaf
        elif step == "edit":
            await table.add(ALICE, "conv_1", [message(f"m{number}")], parents[chosen] or START)
            parents[f"m{number}"] = parents[chosen]
        elif step == "remove":
            await table.remove(ALICE, "conv_1", chosen)
            gone = parents.pop(chosen)
            parents = {name: gone if parent == chosen else parent for name, parent in parents.items()}
        else:
            await table.change(ALICE, "conv_1", Change(current=chosen))
    found = await table.find(ALICE, "conv_1")
    tree = {item.id: item.parent for item in await table.tree(ALICE, "conv_1")}
    way = [item.id for item in await table.branch(ALICE, "conv_1", BranchQuery())]
    await database.close()
    assert tree == parents
    assert (found.items, found.leaf in {START, *tree}) == (len(tree), True)
    assert way == _way(parents, found.leaf)


def _way(parents: dict[str, str], leaf: str) -> list[str]:
    return [*_way(parents, parents[leaf]), leaf] if leaf else []
