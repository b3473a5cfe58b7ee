"""Links in both databases: opened until they expire, listed for whoever made them, removed by nobody else."""

from forebay.core.shares import Share
from forebay.store.database import Database
from forebay.store.shares import ShareTable


def share(number: int, owner: str = "alice", expires: float = 100.0) -> Share:
    return Share(f"share_{number}", "team", owner, "report", float(number), expires, title="A week", page=b"<p>")


async def test_a_link_is_open_until_it_expires(database: Database) -> None:
    table = ShareTable(database)
    await table.add(b"one", share(1))
    assert await table.open(b"one", 99.0) == share(1)
    assert await table.open(b"one", 100.0) is None
    assert await table.open(b"two", 1.0) is None
    await table.add(b"late", share(200, expires=300.0))
    assert await table.open(b"one", 50.0) is None


async def test_links_are_listed_and_removed_by_whose_they_are(database: Database) -> None:
    table = ShareTable(database)
    for number, owner in enumerate(("alice", "bob", "alice"), 1):
        await table.add(bytes([number]), share(number, owner))
    mine = await table.list(("team", "alice"), 50.0, 9)
    assert [(each.id, each.page) for each in mine] == [("share_3", b""), ("share_1", b"")]
    assert [each.id for each in await table.list(None, 50.0, 2)] == ["share_3", "share_2"]
    assert await table.list(None, 100.0, 9) == []
    assert not await table.remove("share_2", ("team", "alice"))
    assert await table.remove("share_2", None)
    assert await table.remove("share_1", ("team", "alice"))
    assert not await table.remove("share_1", ("team", "alice"))
    assert await table.open(bytes([1]), 1.0) is None
