"""Answers to review in both databases: each once, with all its reasons, found again by every filter, labelled."""

from collections.abc import Sequence

from forebay.core.reviews import Mark, Reason, Review, ReviewQuery, Verdict
from forebay.store.database import Database
from forebay.store.reviews import ReviewTable


def review(number: int, *reasons: Reason, tenant: str = "team", model: str = "m") -> Review:
    return Review(f"req_{number}", float(number), tenant, "alice", model, "", reasons)


def ids(found: Sequence[Review]) -> list[str]:
    return [each.id for each in found]


async def test_an_answer_is_there_once_with_all_its_reasons(database: Database) -> None:
    table = ReviewTable(database)
    assert await table.mark() == Mark()
    await table.add([review(1, "guard")], Mark(1.0))
    await table.add([review(1, "sample")], Mark(0.5, 3.0))
    await table.add([], Mark(2.0, 2.0))
    assert await table.find("req_1") == review(1, "guard", "sample")
    assert await table.find("req_2") is None
    assert await table.mark() == Mark(2.0, 3.0)


async def test_a_verdict_stays_when_the_answer_is_found_again(database: Database) -> None:
    table = ReviewTable(database)
    await table.add([review(1, "guard")], Mark())
    await table.label("req_1", Verdict("bob", 9.0, ("wrong", "ru\0de"), "no\0", "Paris"))
    await table.label("req_2", Verdict("bob", 9.0, ("nothing",)))
    await table.add([review(1, "thumbs_down")], Mark())
    found = await table.find("req_1")
    assert found is not None
    assert (found.labels, found.comment, found.correction) == (("wrong", "ru\ufffdde"), "no\ufffd", "Paris")
    assert (found.reviewer, found.labelled, found.reasons) == ("bob", 9.0, ("thumbs_down", "guard"))
    assert await table.find("req_2") is None


async def test_the_queue_is_read_by_filters_and_in_pages(database: Database) -> None:
    table = ReviewTable(database)
    rows = [
        review(1, "guard"),
        review(2, "sample", tenant="others"),
        review(3, "sample", model="n"),
        review(4, "guard"),
    ]
    await table.add(rows, Mark())
    await table.label("req_4", Verdict("bob", 9.0, ("fine",)))
    assert ids(await table.list(ReviewQuery(), 9)) == ["req_4", "req_3", "req_2", "req_1"]
    assert ids(await table.list(ReviewQuery(before=(3.0, "req_3")), 1)) == ["req_2"]
    assert ids(await table.list(ReviewQuery(tenant="team", labelled=False), 9)) == ["req_3", "req_1"]
    assert ids(await table.list(ReviewQuery(labelled=True), 9)) == ["req_4"]
    assert ids(await table.list(ReviewQuery(reason="sample", model="n"), 9)) == ["req_3"]
    assert ids(await table.list(ReviewQuery(tenant="none\0"), 9)) == []
