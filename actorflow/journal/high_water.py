"""How far a journal was durable at least: the file ``head`` beside it.

Takes the path of a journal and gives a sequence up to which its events had been durable. Its driver overwrites
it after each commit, before anybody is told, and without a sync: after ``kill -9`` it names the last commit
that was acknowledged, after a loss of power perhaps an earlier one. Invariant: it never says more than was
durable, so that a journal that ends before it has lost events, which SQLite's log alone cannot show: damage to
its last commits looks like a write that power has interrupted. One that is torn, damaged or missing says 0.
Must not be trusted for anything else.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal.storage import no_link, storage_errors

__all__ = ["HIGH_WATER_NAME", "HighWaterMark", "check_high_water", "read_high_water"]

HIGH_WATER_NAME = "head"
"""The file in a run's folder: a sequence of 19 digits, the CRC-32 of these in 8 hexadecimal ones, and a new line."""

_DIGITS = 19
_BYTES = _DIGITS + 10


class HighWaterMark:
    """The mark of the journal ``path``, open for writing, made if it is missing: whoever may read the one may read the other."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            JournalError: it cannot be opened, or is something else than a file.
        """
        mark = path.with_name(HIGH_WATER_NAME)
        with storage_errors("open", mark):
            _find(mark)
            self._descriptor: int | None = os.open(
                mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600
            )
            size = os.fstat(self._descriptor).st_size
            with suppress(OSError):
                if size > _BYTES:  # or it would never be a mark again
                    os.ftruncate(self._descriptor, 0)
                elif not size:
                    _make_like(self._descriptor, os.stat(path))

    def raise_to(self, sequence: int) -> None:
        """Say that the events up to ``sequence`` are durable. A disk that refuses leaves what was said before."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, _text_of(sequence), 0)

    def close(self) -> None:
        """Give the file back. Closing twice is fine."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def read_high_water(path: Path) -> int:
    """Return up to which event the journal ``path`` was durable at least, 0 if nothing says so.

    Read it *before* the journal: its driver may be at work.

    Raises:
        JournalError: it cannot be read, or is something else than a file.
    """
    mark = path.with_name(HIGH_WATER_NAME)
    with storage_errors("read", mark):
        if not _find(mark):
            return 0
        descriptor = os.open(mark, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, _BYTES + 1)  # so that a longer one is seen to be another
        finally:
            os.close(descriptor)
    digits = text[:_DIGITS]
    return int(digits) if digits.isdigit() and text == _text_of(int(digits)) else 0


def check_high_water(path: Path, mark: int, head: int) -> None:
    """Check that the journal ``path``, whose last event is ``head``, has not lost what was durable.

    Raises:
        JournalDamaged: it ends before ``mark``.
    """
    if head < mark:
        file = path.with_name(HIGH_WATER_NAME)
        more = (
            f"'actorflow doctor {path.parent.name} --salvage' saves what is there; if it is an older one on purpose, "
            f"or was copied while its run was driven, remove {file}, and it is taken as it is"
        )
        raise JournalDamaged(str(path), head + 1, f"events up to {mark} were there", more=more)


def _make_like(descriptor: int, journal: os.stat_result) -> None:
    """Give a file the mode and, for root, the owner of the journal, as SQLite does with its log."""
    os.fchmod(descriptor, journal.st_mode & 0o666)
    if os.geteuid() == 0:
        os.fchown(descriptor, journal.st_uid, journal.st_gid)


def _find(mark: Path) -> bool:
    """Return whether there is a mark; raise if something else is in its place."""
    found = no_link(mark)
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise JournalError(
            f"{mark} is not a file",
            hint="remove it: the next driver makes it again, and nothing else is lost",
        )
    return found is not None


def _text_of(sequence: int) -> bytes:
    digits = b"%019d" % sequence
    return b"%b %08x\n" % (digits, crc32(digits))
