"""Says what is wrong with a database and what helps, in words of ours: a driver's may hold rows, or a password.

Sources: PostgreSQL's error codes (appendix A of its documentation), SQLite's result codes (sqlite.org/rescode.html).
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_POSTGRESQL: Final[Mapping[str, str]] = {
    "28": "it refuses the user or the password that 'store.url' names",
    "3D000": "the server has no database of that name: make it (CREATE DATABASE), or correct 'store.url'",
    "42501": "its user may not do this: let it own the database, or GRANT it CREATE and USAGE on the schema",
    "25006": "it takes no changes: 'store.url' names a standby, or a database that is read-only",
    "53100": "its disk is full",
    "53300": "it has no connection left: raise its max_connections, or start fewer processes",
    "57P": "it is starting, or shutting down",
    "08": "the connection to it broke",
}
"""By SQLSTATE, or how one begins."""

_SQLITE: Final[Mapping[str, str]] = {
    "SQLITE_CANTOPEN": "its file cannot be opened: the folder must be there, and this user must be able to write to it",
    "SQLITE_READONLY": "its file cannot be written to: give this user the right to",
    "SQLITE_PERM": "its file cannot be written to: give this user the right to",
    "SQLITE_NOTADB": "its file is no SQLite database: name another one in 'store.url'",
    "SQLITE_CORRUPT": "its file is damaged: put a copy from before in its place",
    "SQLITE_BUSY": "another process has it locked",
    "SQLITE_LOCKED": "another process has it locked",
    "SQLITE_FULL": "its disk is full",
    "SQLITE_IOERR": "its disk cannot be read, or not written to",
}
"""By the name of the result code, or how one begins: there are extended ones."""

_SYSTEM: Final[Mapping[type[BaseException], str]] = {
    ConnectionRefusedError: "nobody listens at the address in 'store.url'",
    socket.gaierror: "the host in 'store.url' is not known",
    ssl.SSLError: "no encrypted connection comes about: see its certificate, and 'ssl' in 'store.url'",
    PoolTimeoutError: "all connections to it are in use",
    TimeoutError: "it does not answer in time",
    ConnectionError: "the connection to it broke",
}
"""By class, the more special ones first."""

_LASTING: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


class NewerSchemaError(SQLAlchemyError):
    """The schema was made by a version that knows more than this one."""


def told(error: BaseException) -> str:
    """What is wrong, as one clause; of an error that is not known its class or its code."""
    code = ""
    for each in _causes(error):
        if isinstance(each, NewerSchemaError):
            return "a newer version of Forebay made its schema: start that version, or go back to a copy from before it"
        code = code or _code(each)
        found = _by_code(code) or next((text for kind, text in _SYSTEM.items() if isinstance(each, kind)), "")
        if found:
            return found
    return f"it cannot be used ({code or type(error).__name__})"


def is_lasting(error: BaseException) -> bool:
    """Whether it is of no use to wait."""
    return any(isinstance(each, NewerSchemaError) or _code(each).startswith(_LASTING) for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """``error``, and what it came of: SQLAlchemy's hold their driver's."""
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__


def _code(error: BaseException) -> str:
    """SQLSTATE or SQLite's name for it, as drivers keep them."""
    return str(getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or "")


def _by_code(code: str) -> str:
    known = _SQLITE if code.startswith("SQLITE") else _POSTGRESQL
    return next((text for start, text in known.items() if code.startswith(start)), "")
