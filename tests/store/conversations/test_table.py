"""Conversations and responses in both databases."""

import asyncio
import time

import msgspec
import pytest

from forebay.core.conversations import (
    START,
    Bounds,
    BranchQuery,
    Change,
    Conversation,
    Ending,
    Facts,
    Item,
    ListQuery,
    Opening,
    Owner,
    Progress,
    Status,
)
from forebay.core.errors import InvalidRequestError, NotFoundError, PayloadTooLargeError
from forebay.store.conversations.answers import ResponseTable
from forebay.store.conversations.table import ConversationTable
from forebay.store.database import Database

ALICE, BOB = Owner("t", "alice"), Owner("t", "bob")
BOUNDS = Bounds(50, 10_000, 100_000)


@pytest.fixture
def conversations(database: Database) -> ConversationTable:
    return ConversationTable(database, BOUNDS)


@pytest.fixture
def responses(database: Database) -> ResponseTable:
    return ResponseTable(database, BOUNDS, alive=5.0)


def message(name: str, text: str = "text", *, status: Status = "completed", output: bool = False) -> Item:
    fields = {"content": [{"type": "output_text" if output else "input_text", "text": text}]}
    role = "assistant" if output else "user"
    return Item(name, "message", role, status, fields, time.time(), text, output=output)


async def made(table: ConversationTable, name: str = "conv_1", owner: Owner = ALICE) -> Conversation:
    now = time.time()
    return await table.create(owner, Conversation(name, now, now), [])


async def names(table: ConversationTable, leaf: str | None = None, conversation: str = "conv_1") -> list[str]:
    return [item.id for item in await table.branch(ALICE, conversation, BranchQuery(leaf))]


def opening(name: str, *items: Item, parent: str | None = None, previous: str = "") -> Opening:
    return Opening(name, time.time(), "m", items, "" if previous else "conv_1", previous, parent, title="Words")


def ending(name: str, *items: Item, status: Status = "completed") -> Ending:
    owned = [msgspec.structs.replace(item, response=name, output=True) for item in items]
    return Ending(name, status, owned, {"model": "m"})


async def test_an_answer_is_kept_with_its_facts(conversations: ConversationTable, responses: ResponseTable) -> None:
    await made(conversations)
    opened = await responses.begin(ALICE, opening("resp_1", message("u1", "Hällo \0")))
    assert (opened.history, opened.conversation.title) == ([], "Words")
    facts = Facts("req_1", "m", "p/m", "stop", 3, 4, ttft=0.5, cost=2**60, cache="hit")
    said = msgspec.structs.replace(message("a1", "hello", output=True), facts=facts)
    await responses.end(ending("resp_1", said))
    items = await conversations.branch(ALICE, "conv_1", BranchQuery())
    assert [item.id for item in items] == ["u1", "a1"]
    assert items[0].fields["content"][0]["text"] == "Hällo \0"
    assert items[1].facts == msgspec.structs.replace(facts, cost=2**53)
    found, output = await responses.find(ALICE, "resp_1")
    assert (found.status, found.body, [item.id for item in output]) == ("completed", {"model": "m"}, ["a1"])
    kept = await conversations.find(ALICE, "conv_1")
    assert (kept.leaf, kept.items, kept.titled) == ("a1", 2, "words")


async def test_edits_and_second_answers_are_siblings(
    conversations: ConversationTable, responses: ResponseTable
) -> None:
    await made(conversations)
    await conversations.add(ALICE, "conv_1", [message("u1"), message("a1", output=True)], None)
    assert (await responses.begin(ALICE, opening("resp_2", parent="u1"))).again
    await responses.end(ending("resp_2", message("a2", output=True)))
    assert not (await responses.begin(ALICE, opening("resp_4", parent="a2"))).again
    await responses.withdraw("resp_4")
    assert await names(conversations) == ["u1", "a2"]
    (_, second) = await conversations.branch(ALICE, "conv_1", BranchQuery())
    assert second.siblings == ("a1", "a2")
    assert not (await responses.begin(ALICE, opening("resp_3", message("u2"), parent=START))).again
    await responses.end(ending("resp_3", message("a3", output=True)))
    assert await names(conversations) == ["u2", "a3"]
    assert (await conversations.item(ALICE, "conv_1", "u1")).siblings == ("u1", "u2")
    await conversations.change(ALICE, "conv_1", Change(current="u1"))
    assert await names(conversations) == ["u1", "a2"]
    assert await names(conversations, "a1") == ["u1", "a1"]
    with pytest.raises(InvalidRequestError, match="leaf"):
        await names(conversations, "other")


async def test_what_is_deleted_leaves_no_hole(conversations: ConversationTable) -> None:
    await made(conversations)
    await conversations.add(ALICE, "conv_1", [message(name) for name in "abcd"], None)
    found = await conversations.remove(ALICE, "conv_1", "b")
    assert (found.items, await names(conversations)) == (3, ["a", "c", "d"])
    await conversations.remove(ALICE, "conv_1", "d")
    assert await names(conversations) == ["a", "c"]
    await conversations.delete(ALICE, "conv_1")
    assert not await conversations.items(ALICE, ["a", "c"])
    with pytest.raises(NotFoundError):
        await conversations.find(ALICE, "conv_1")


async def test_two_at_once_are_siblings(conversations: ConversationTable, responses: ResponseTable) -> None:
    await made(conversations)
    await conversations.add(ALICE, "conv_1", [message("u0"), message("a0", output=True)], None)
    await asyncio.gather(*(responses.begin(ALICE, opening(f"resp_{n}", message(f"u{n}"))) for n in range(1, 6)))
    await asyncio.gather(*(responses.end(ending(f"resp_{n}", message(f"a{n}", output=True))) for n in range(1, 6)))
    assert len(await conversations.tree(ALICE, "conv_1")) == 12
    assert set((await conversations.item(ALICE, "conv_1", "u1")).siblings) == {f"u{n}" for n in range(1, 6)}
    assert len(await names(conversations)) == 4


async def test_what_a_dead_process_left_is_incomplete(
    conversations: ConversationTable, responses: ResponseTable, database: Database
) -> None:
    await made(conversations)
    await responses.begin(ALICE, opening("resp_1", message("u1")))
    part = msgspec.structs.replace(message("a1", "hal", status="in_progress", output=True), response="resp_1")
    await responses.progress([Progress("resp_1", [part]), Progress("gone", [])])
    grown = msgspec.structs.replace(part, text="half", fields=message("", "half", output=True).fields)
    await responses.progress([Progress("resp_1", [grown])])
    assert not await responses.mend()
    assert await ResponseTable(database, BOUNDS, alive=-1.0).mend() == 1
    (_, left) = await conversations.branch(ALICE, "conv_1", BranchQuery())
    assert (left.status, left.fields["content"][0]["text"]) == ("incomplete", "half")
    assert (await responses.find(ALICE, "resp_1"))[0].status == "incomplete"
    opened = await responses.begin(ALICE, opening("resp_2", message("u2")))
    assert [item.id for item in opened.history] == ["u1", "a1"]


async def test_what_never_was_leaves_nothing(conversations: ConversationTable, responses: ResponseTable) -> None:
    await made(conversations)
    await conversations.add(ALICE, "conv_1", [message("u1"), message("a1", output=True)], None)
    await responses.begin(ALICE, opening("resp_1", message("u2")))
    await responses.withdraw("resp_1")
    await responses.begin(ALICE, opening("resp_2", parent="u1"))
    await responses.withdraw("resp_2")
    await responses.withdraw("resp_3")
    assert await names(conversations) == ["u1", "a1"]
    assert (await conversations.find(ALICE, "conv_1")).items == 2


async def test_responses_follow_each_other_without_a_conversation(
    conversations: ConversationTable, responses: ResponseTable
) -> None:
    first = msgspec.structs.replace(opening("resp_1", message("u1")), conversation="")
    await responses.begin(ALICE, first)
    await responses.end(ending("resp_1", message("a1", output=True)))
    opened = await responses.begin(ALICE, opening("resp_2", message("u2"), previous="resp_1"))
    assert [item.id for item in opened.history] == ["u1", "a1"]
    await responses.end(ending("resp_2", message("a2", output=True)))
    assert [item.id for item in await responses.inputs(ALICE, "resp_2", BranchQuery())] == ["u1", "a1", "u2"]
    assert [item.id for item in await responses.history(ALICE, "resp_1")] == ["u1", "a1"]
    assert not await conversations.list(ALICE, ListQuery(), 10)
    await responses.delete(ALICE, "resp_1")
    assert [item.id for item in await responses.history(ALICE, "resp_2")] == ["u2", "a2"]
    await responses.delete(ALICE, "resp_2")
    assert not await conversations.items(ALICE, ["u1", "a1", "u2", "a2"])


async def test_nobody_else_has_it(conversations: ConversationTable, responses: ResponseTable) -> None:
    await made(conversations)
    await conversations.add(ALICE, "conv_1", [message("u1")], None)
    await responses.begin(ALICE, opening("resp_1", message("u2")))
    for asked in (
        conversations.find(BOB, "conv_1"),
        conversations.delete(BOB, "conv_1"),
        conversations.branch(BOB, "conv_1", BranchQuery()),
        conversations.tree(BOB, "conv_1"),
        conversations.item(BOB, "conv_1", "u1"),
        conversations.remove(BOB, "conv_1", "u1"),
        conversations.change(BOB, "conv_1", Change("mine")),
        conversations.add(BOB, "conv_1", [message("x")], None),
        responses.begin(BOB, opening("resp_2", message("x"))),
        responses.begin(BOB, opening("resp_2", message("x"), previous="resp_1")),
        responses.find(BOB, "resp_1"),
        responses.delete(BOB, "resp_1"),
        responses.history(BOB, "resp_1"),
        responses.inputs(BOB, "resp_1", BranchQuery()),
    ):
        with pytest.raises(NotFoundError):
            await asked
    assert not await conversations.items(BOB, ["u1"])
    assert not await conversations.list(BOB, ListQuery(), 10)


async def test_the_list_is_paged_and_searched(conversations: ConversationTable) -> None:
    for number in range(5):
        at = 1000.0 + number
        await conversations.create(ALICE, Conversation(f"conv_{number}", at, at, f"Title {number}"), [])
    await conversations.add(ALICE, "conv_1", [message("x", "Über 100% of _it_")], None)

    async def found(query: ListQuery, limit: int = 10) -> list[str]:
        return [each.id for each in await conversations.list(ALICE, query, limit)]

    assert await found(ListQuery()) == ["conv_1", "conv_4", "conv_3", "conv_2", "conv_0"]
    assert await found(ListQuery(after="conv_4"), 2) == ["conv_3", "conv_2"]
    assert await found(ListQuery(since=1002, until=1004)) == ["conv_3", "conv_2"]
    assert await found(ListQuery("tITLE 3")) == ["conv_3"]
    assert await found(ListQuery("über 100%")) == ["conv_1"]
    assert await found(ListQuery("100_ of")) == []
    await conversations.add(ALICE, "conv_2", [message("y", "To İstanbul by train")], None)
    assert await found(ListQuery("istanbul")) == await found(ListQuery("İSTANBUL")) == ["conv_2"]
    with pytest.raises(InvalidRequestError, match="after"):
        await found(ListQuery(after="other"))


async def test_a_branch_comes_in_pages(conversations: ConversationTable) -> None:
    await made(conversations)
    await conversations.add(ALICE, "conv_1", [message(name) for name in "abcdef"], None)

    async def page(query: BranchQuery) -> str:
        return "".join(item.id for item in await conversations.branch(ALICE, "conv_1", query))

    assert await page(BranchQuery(limit=2)) == "ab"
    assert await page(BranchQuery(after="b", limit=2)) == "cd"
    assert await page(BranchQuery(after="c", limit=2, newest_first=True)) == "ba"
    with pytest.raises(InvalidRequestError, match="after"):
        await page(BranchQuery(after="x"))


async def test_there_is_an_end_to_what_one_holds(conversations: ConversationTable) -> None:
    await made(conversations)
    with pytest.raises(PayloadTooLargeError, match="max_item"):
        await conversations.add(ALICE, "conv_1", [message("a", "x" * 10_001)], None)
    with pytest.raises(PayloadTooLargeError, match="max_items"):
        await conversations.add(ALICE, "conv_1", [message(f"m{n}") for n in range(51)], None)


async def test_titles_of_models_stand_behind_users(conversations: ConversationTable) -> None:
    await made(conversations)
    await conversations.retitle("conv_1", "A model's")
    assert (await conversations.find(ALICE, "conv_1")).title == "A model's"
    await conversations.change(ALICE, "conv_1", Change("Mine", {"k": "v"}))
    await conversations.retitle("conv_1", "A model's")
    found = await conversations.find(ALICE, "conv_1")
    assert (found.title, found.metadata) == ("Mine", {"k": "v"})


async def test_old_ones_are_forgotten(conversations: ConversationTable, responses: ResponseTable) -> None:
    await conversations.create(ALICE, Conversation("conv_1", 1.0, 1.0), [message("a")])
    await made(conversations, "conv_2")
    assert await responses.forget(1000.0) == 1
    assert [each.id for each in await conversations.list(ALICE, ListQuery(), 10)] == ["conv_2"]
    assert not await conversations.items(ALICE, ["a"])
