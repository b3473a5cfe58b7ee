"""The log of requests in both databases."""

from forebay.core.requestlog import RequestQuery
from forebay.core.story import Heard, Step, Story
from forebay.store.database import Database
from forebay.store.requests import RequestTable
from forebay.store.usage import UsageTable
from tests.support.records import record


async def test_a_request_is_found_with_its_story(database: Database) -> None:
    told = Story(steps=(Step("cache", 0.1, 0.2, 0.3, 0.4),), heard=(Heard("pii", "input", "mask", "fixed", 0.01),))
    await UsageTable(database).add([("a", record(1, story=told)), ("b", record(2))])
    table = RequestTable(database)
    (found,) = await table.find("req_00000001")
    assert found.story == told
    assert await table.find("req_9") == []
    assert await table.find("\0") == []


async def test_the_latest_newest_first_by_filters_and_pages(database: Database) -> None:
    rows = [record(number, at=float(number), status=404 if number % 2 else 200) for number in range(6)]
    await UsageTable(database).add([(each.id, each) for each in rows])
    table = RequestTable(database)

    async def moments(query: RequestQuery, limit: int = 9) -> list[float]:
        found = await table.latest(query, limit)
        assert all(query.holds(each) for each in found)
        return [each.at for each in found]

    assert await moments(RequestQuery(), 2) == [5.0, 4.0]
    assert await moments(RequestQuery(before=(4.0, rows[4].id)), 2) == [3.0, 2.0]
    assert await moments(RequestQuery(statuses=(400, 500))) == [5.0, 3.0, 1.0]
    assert await moments(RequestQuery(since=2.0, until=4.0)) == [3.0, 2.0]
    assert await moments(RequestQuery(tenant="other")) == []
    assert await moments(RequestQuery(tenant="team", model="m", principal="alice"), 1) == [5.0]
