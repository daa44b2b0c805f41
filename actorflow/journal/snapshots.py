"""The snapshot of a run: one file beside the journal, with what a reader would have folded up to some event.

Takes bytes and gives them back, as long as everything fits: the form, the checksum of the bytes, and the
journal itself, whose chain of checksums must have at that event what the snapshot says. Anything else is no
snapshot at all, and never an error: the journal alone is the truth, and whoever reads folds it instead. Made
by rename, so that it is never seen by halves; not synced, because losing one costs nothing. Must not know what
the bytes mean.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec

__all__ = [
    "SNAPSHOT_NAME",
    "Snapshot",
    "read_snapshot",
    "remove_unfinished",
    "unfinished_snapshots",
    "write_snapshot",
]

SNAPSHOT_NAME = "snapshot"

_UNFINISHED = ".snapshot-"
_MOST_HEADER_BYTES = 4096


class _Header(msgspec.Struct):
    form: str
    sequence: int
    crc: int
    size: int
    check: int


class Snapshot(msgspec.Struct, frozen=True):
    """What a journal says up to an event.

    Attributes:
        form: what the bytes were written as.
        sequence: the last event that is part of it.
        crc: the checksum of the chain at that event.
        data: the bytes.
    """

    form: str
    sequence: int
    crc: int
    data: bytes


def read_snapshot(run_dir: Path, form: str) -> Snapshot | None:
    """Return the snapshot in a run's folder; None when there is none, or it is another form's, or is damaged.

    The caller compares ``crc`` with the journal.
    """
    try:
        descriptor = os.open(run_dir / SNAPSHOT_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            header = msgspec.json.decode(file.readline(_MOST_HEADER_BYTES), type=_Header)
            if header.form != form:
                return None
            data = file.read()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if len(data) != header.size or _check(data, header) != header.check:
        return None
    return Snapshot(form, header.sequence, header.crc, data)


def write_snapshot(run_dir: Path, snapshot: Snapshot) -> None:
    """Put a snapshot into a run's folder, in the place of the one that is there.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    data = snapshot.data
    header = _Header(snapshot.form, snapshot.sequence, snapshot.crc, len(data), 0)
    header.check = _check(data, header)
    unfinished = run_dir / f"{_UNFINISHED}{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(msgspec.json.encode(header) + b"\n")
            file.write(data)
        unfinished.rename(run_dir / SNAPSHOT_NAME)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def unfinished_snapshots(run_dir: Path) -> list[Path]:
    """Return what a crash has left of snapshots; while the run is driven, one of them may be in the making."""
    return sorted(run_dir.glob(f"{_UNFINISHED}*"))


def remove_unfinished(run_dir: Path) -> None:
    """Remove what crashes have left of snapshots. Only the driver may call it, before it makes one."""
    for path in unfinished_snapshots(run_dir):
        with suppress(OSError):
            path.unlink()


def _check(data: bytes, header: _Header) -> int:
    """Return the CRC-32 of what the header says of the bytes, and of the bytes: what each event of the journal has, too."""
    about = f"{header.form}\n{header.sequence}\n{header.crc}\n".encode()
    return crc32(data, crc32(about))
