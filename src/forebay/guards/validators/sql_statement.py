"""The kind ``sql``: a text that is SQL, and does only what it may: by default read."""

import re
from typing import Annotated, Any

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Context, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import blocked
from forebay.plugins import GuardPlugin, GuardTools

MAX_TEXT = 100_000
FENCED = re.compile(r"\A\s*```(?:sql)?[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)
WRITING = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Into)
READING = (exp.Query, exp.Describe, exp.Show)


class SqlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``dialect``, the ``tables`` that may be named, and whether statements may write, and how many there may be.

    A dialect goes by sqlglot's name, empty for none in particular; without ``tables`` all may be named.
    """

    dialect: str = ""
    tables: tuple[str, ...] = ()
    writes: bool = False
    max_statements: Annotated[int, msgspec.Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        """Refuse dialects that there are not."""
        if self.dialect and self.dialect not in sqlglot.Dialects.__members__.values():
            raise ValueError(f"unknown dialect; there are: {', '.join(filter(None, sorted(sqlglot.Dialects)))}")


class Sql:
    """Judges a text as SQL, without the Markdown fence that models like to put around it."""

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings
        self._tables = frozenset(name.casefold() for name in settings.tables)

    def __call__(self, text: str, _context: Context) -> Verdict:
        """Whether ``text`` is SQL that may be run."""
        if len(text) > MAX_TEXT:
            return blocked(f"it is longer than {MAX_TEXT} characters")
        fenced = FENCED.match(text)
        try:
            statements = sqlglot.parse(fenced[1] if fenced else text, dialect=self._settings.dialect or None)
        except (SqlglotError, RecursionError):
            return blocked("it is no SQL")
        return self._judged([each for each in statements if each is not None])

    def _judged(self, statements: list[Any]) -> Verdict:
        if not statements:
            return blocked("it is no SQL")
        if len(statements) > self._settings.max_statements:
            return blocked(f"it has more than {self._settings.max_statements} statements")
        for statement in statements:
            if not self._settings.writes and (not isinstance(statement, READING) or statement.find(*WRITING)):
                return blocked("it does more than read")
            if self._tables and not self._named(statement) <= self._tables:
                return blocked("it names tables that it may not")
        return PASSED

    def _named(self, statement: Any) -> set[str]:  # noqa: ANN401  # sqlglot's tree
        """The tables in ``statement``, each with all parts of its name, but for those that it defines itself."""
        own = {each.alias.casefold() for each in statement.find_all(exp.CTE)}
        found = set()
        for table in statement.find_all(exp.Table):
            name = ".".join(filter(None, (table.catalog, table.db, table.name))).casefold()
            if name not in own:
                found.add(name)
        return found


def _build(settings: SqlSettings, _tools: GuardTools) -> Guard:
    return Judged(Sql(settings))


plugin = GuardPlugin(SqlSettings, _build)
