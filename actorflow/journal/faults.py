"""What can go wrong with a journal, in the project's own errors.

Takes what SQLite raised and says what it means: no room (nothing was written), damage (the file is not
whole), or a failure after which nothing may be assumed. Invariant: only ``SQLITE_FULL`` counts as "no room":
it comes while frames are written, before a commit can be complete. Must not decide what happens next.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TypeAlias

from actorflow.errors import InternalError, JournalDamaged, JournalError, JournalFull, StaleEpoch

__all__ = [
    "SQLITE_FAILURES",
    "again",
    "closed_error",
    "for_another",
    "full_error",
    "is_damage",
    "is_full",
    "is_unreachable",
    "sqlite_error",
    "stale_error",
]

SqliteFailure: TypeAlias = sqlite3.Error | UnicodeDecodeError

SQLITE_FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What a call of ``sqlite3`` raises; the second one when SQLite's own message quotes bytes of a damaged file."""

_RESUME = "the next 'actorflow resume' goes on from what is durable"
_PRIMARY = 0xFF  # the low byte of SQLite's extended result codes

_HINTS = {
    sqlite3.SQLITE_BUSY: "another program holds the database: close it, then try again",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
    sqlite3.SQLITE_CANTOPEN: "look at the rights of the folder and whether it is still there",
    sqlite3.SQLITE_IOERR: f"look at the disk; {_RESUME}",
}


def is_full(error: SqliteFailure) -> bool:
    """Whether SQLite had no room, and so wrote nothing."""
    return _code(error) == sqlite3.SQLITE_FULL


def is_damage(error: SqliteFailure) -> bool:
    """Whether SQLite says that the file is not whole.

    Text that is not UTF-8 counts: Python's module reports it without a code of SQLite's.
    """
    code = _code(error)
    if code is None:
        return isinstance(error, UnicodeDecodeError) or "decode" in str(error)
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)


def is_unreachable(error: SqliteFailure) -> bool:
    """Whether SQLite may not open, or may not make, one of the files it needs."""
    return _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def full_error(path: Path) -> JournalFull:
    """Say that there is no room."""
    return JournalFull(f"{path}: no room on the disk for the next events", hint="free some room on that disk")


def sqlite_error(error: SqliteFailure, doing: str, path: Path, sequence: int) -> JournalError:
    """Return ``error`` as ours.

    Args:
        error: what was raised.
        doing: what was tried, for the message: ``cannot <doing> <path>``.
        path: the database.
        sequence: the first event that cannot be trusted if this is damage.
    """
    if is_damage(error):
        return JournalDamaged(str(path), sequence, str(error))
    code = _code(error)
    name = getattr(error, "sqlite_errorname", "")
    reason = f"{error} ({name})" if name else str(error)
    return JournalError(f"cannot {doing} {path}: {reason}", hint=_HINTS.get(code or 0, ""))


def stale_error(mine: int, current: int) -> StaleEpoch:
    """Say that another driver has taken over."""
    return StaleEpoch(
        f"another process has taken this run over (it is driver {current}, this one was {mine})",
        hint="nothing was written; let the other one go on",
    )


def closed_error() -> JournalError:
    """Say that the journal is closed."""
    return JournalError("the journal is closed")


def again(failure: JournalError | InternalError) -> JournalError:
    """Return what every call after ``failure`` raises: a new exception, of the kind that decides the exit code."""
    if isinstance(failure, StaleEpoch):
        return StaleEpoch(failure.message, hint=failure.hint)
    return JournalError(f"the journal has failed before: {failure.message}", hint=_RESUME)


def for_another(failure: JournalError | InternalError) -> JournalError:
    """Return what the others of a group get whose commit ended with ``failure``; an exception is raised only once."""
    if isinstance(failure, JournalFull):
        return JournalFull(failure.message, hint=failure.hint)
    return again(failure)


def _code(error: SqliteFailure) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY
