"""SQL: what may be run, and what would do more."""

import msgspec
import pytest

from forebay.core.verdicts import Action
from forebay.guards.validators.sql_statement import SqlSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS

READING = [
    "SELECT * FROM orders WHERE id = 3",
    "```sql\nSELECT 1\n```",
    "WITH a AS (SELECT id FROM orders) SELECT * FROM a UNION SELECT id FROM orders",
    "select o.id from orders o join public.customers c on c.id = o.customer;",
]
MORE = [
    "DROP TABLE orders",
    "DELETE FROM orders",
    "SELECT 1; DROP TABLE orders",
    "WITH a AS (DELETE FROM orders RETURNING id) SELECT * FROM a",
    "SELECT * INTO copy FROM orders",
    "UPDATE orders SET a = 1",
    "CREATE TABLE x AS SELECT 1",
    "GRANT ALL ON orders TO bob",
    "COPY orders TO '/tmp/x'",
]


@pytest.mark.parametrize("text", READING)
async def test_passes_what_reads(text: str) -> None:
    guard = plugin.build(SqlSettings("postgres", ("orders", "public.customers")), TOOLS)
    assert (await guard.check(text, OUTPUT)).action is Action.PASS


@pytest.mark.parametrize("text", [*MORE, "", "hello there", "SELECT FROM WHERE", "\ud800", "(" * 5000, "x" * 200_000])
async def test_blocks_everything_else(text: str) -> None:
    guard = plugin.build(SqlSettings("postgres"), TOOLS)
    assert (await guard.check(text, OUTPUT)).action is Action.BLOCK


async def test_blocks_other_tables() -> None:
    guard = plugin.build(SqlSettings(tables=("orders",)), TOOLS)
    for text in ("SELECT * FROM users", "SELECT * FROM orders, users", "SELECT (SELECT max(id) FROM users)"):
        assert (await guard.check(text, OUTPUT)).reason == "it names tables that it may not"


async def test_may_be_told_to_let_write() -> None:
    guard = plugin.build(SqlSettings(writes=True, max_statements=2), TOOLS)
    assert (await guard.check("INSERT INTO a VALUES (1); DELETE FROM a", OUTPUT)).action is Action.PASS


def test_refuses_unknown_dialects() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown dialect"):
        msgspec.convert({"dialect": "sequel"}, SqlSettings)
