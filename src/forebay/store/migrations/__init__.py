"""How the schema came to be what it is, step by step, for databases that were made by an earlier version."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep, StampStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import forebay.store.conversations.tables  # so that METADATA has them
import forebay.store.tables_captures  # the same
import forebay.store.tables_series  # noqa: F401  # the same
from forebay.store.failures import NewerSchemaError
from forebay.store.tables import METADATA

LOCK = 0x666F72656261  # PostgreSQL's advisory locks have numbers for names


def upgrade(connection: Connection) -> None:
    """Bring the schema behind ``connection`` up to date; whoever else does so at the same time waits.

    It is part of the connection's transaction, so it happens as a whole or not at all.

    Raises:
        NewerSchemaError: it is ahead of what this version knows.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    script = ScriptDirectory(str(Path(__file__).parent))
    known = {each.revision for each in script.walk_revisions()}

    def steps(revision: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep | StampStep]:
        if not known.issuperset(revision):
            raise NewerSchemaError
        return list(script._upgrade_revs("head", revision))  # type: ignore[arg-type] # noqa: SLF001 # as Alembic's command

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA)
        environment.run_migrations()
