"""Prompts in a database: versions that only grow, labels that move, and usage by prompt."""

import asyncio

from forebay.core.ledger import UsageQuery
from forebay.core.prompts import Collection, Draft, Label, Message, Prompt
from forebay.store.database import Database
from forebay.store.prompts import PromptTable
from forebay.store.usage import UsageTable
from tests.support.records import record


def draft(text: str, identity: str = "support") -> Draft:
    return Draft(identity, (Message("system", text),), {"a": {"type": "string"}}, "m", {"temperature": 0.5}, "why", 9)


async def test_versions_and_labels_come_back_as_they_were(database: Database) -> None:
    table = PromptTable(database)
    before = await table.version()
    first = await table.add(draft("one"), "team", 1.5, "alice")
    second = await table.add(draft("two"), "team", 2.5, "bob")
    other = await table.add(draft("one"), "others", 3.5, "eve")
    assert [each.version for each in (first, second, other)] == [1, 2, 1]
    await table.label(Label("team", "support", "production", {1: 90.0, 2: 10.0}))
    await table.label(Label("team", "support", "next", {1: 1.0}))
    await table.label(Label("team", "support", "next", {2: 1.0}))
    await table.label(Label("team", "support", "production", {}))
    found = await table.all()
    assert sorted(found.prompts, key=lambda each: each.created) == [
        Prompt(draft("one"), 1, "team", 1.5, "alice"),
        Prompt(draft("two"), 2, "team", 2.5, "bob"),
        Prompt(draft("one"), 1, "others", 3.5, "eve"),
    ]
    assert found.labels == [Label("team", "support", "next", {2: 1.0})]
    assert await table.version() > before


async def test_the_same_again_is_no_new_version(database: Database) -> None:
    table = PromptTable(database)
    first = await table.add(draft("one"), "team", 1.0, "alice")
    assert await table.add(draft("one"), "team", 2.0, "bob") == first
    assert (await table.add(draft("two"), "team", 3.0, "bob")).version == 2
    assert (await table.add(draft("one"), "team", 4.0, "bob")).version == 3


async def test_versions_that_are_added_at_once_have_different_numbers(database: Database) -> None:
    table = PromptTable(database)
    added = await asyncio.gather(*(table.add(draft(f"text {n}"), "team", float(n), "alice") for n in range(8)))
    assert sorted(each.version for each in added) == list(range(1, 9))
    assert isinstance(await table.all(), Collection)


async def test_usage_is_summed_up_by_prompt(database: Database) -> None:
    table = UsageTable(database)
    rows = [record(1, prompt="support@1"), record(2, prompt="support@2", cost=5), record(3, prompt="support@1")]
    await table.add([(each.id, each) for each in [*rows, record(4)]])
    sums = await table.sums(UsageQuery(), "prompt")
    assert {each.group: each.requests for each in sums} == {"support@1": 2, "support@2": 1, "": 1}
    assert (await table.rows(UsageQuery(), 1))[0].prompt == "support@1"
