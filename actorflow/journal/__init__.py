"""The durable event log of a run: bytes in, bytes out.

Takes batches of records (``NewRecord``: a moment, a kind, a body) and gives them back in order, each with its
sequence number, once they are on disk (``Record``). Beside the log lie the blobs (outputs too large for an
event) and the lease (who drives the run). Invariant: what ``append`` has returned for is there after a crash,
whole and in order, or reading it raises. Knows nothing of what an event means. Names are loaded on first use:
looking at a journal (``JournalReader``, ``RunStore``) needs no trio, driving one (``open_sqlite_journal``,
``MemoryJournal``) does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorflow.journal.ballast import Ballast as Ballast
    from actorflow.journal.blobs import Blobs as Blobs
    from actorflow.journal.blobs import BlobStore as BlobStore
    from actorflow.journal.blobs import MemoryBlobs as MemoryBlobs
    from actorflow.journal.lease import Driver as Driver
    from actorflow.journal.lease import Lease as Lease
    from actorflow.journal.lease import this_process as this_process
    from actorflow.journal.lease import who_drives as who_drives
    from actorflow.journal.memory import MemoryDisk as MemoryDisk
    from actorflow.journal.memory import MemoryJournal as MemoryJournal
    from actorflow.journal.port import Journal as Journal
    from actorflow.journal.port import NewRecord as NewRecord
    from actorflow.journal.port import Record as Record
    from actorflow.journal.reader import JournalReader as JournalReader
    from actorflow.journal.runs import RunFolder as RunFolder
    from actorflow.journal.runs import RunStore as RunStore
    from actorflow.journal.sqlite import SqliteJournal as SqliteJournal
    from actorflow.journal.sqlite import open_sqlite_journal as open_sqlite_journal

_MODULES = {
    "Ballast": "ballast",
    "BlobStore": "blobs",
    "Blobs": "blobs",
    "Driver": "lease",
    "Journal": "port",
    "JournalReader": "reader",
    "Lease": "lease",
    "MemoryBlobs": "blobs",
    "MemoryDisk": "memory",
    "MemoryJournal": "memory",
    "NewRecord": "port",
    "Record": "port",
    "RunFolder": "runs",
    "RunStore": "runs",
    "SqliteJournal": "sqlite",
    "open_sqlite_journal": "sqlite",
    "this_process": "lease",
    "who_drives": "lease",
}

__all__ = [
    "Ballast",
    "BlobStore",
    "Blobs",
    "Driver",
    "Journal",
    "JournalReader",
    "Lease",
    "MemoryBlobs",
    "MemoryDisk",
    "MemoryJournal",
    "NewRecord",
    "Record",
    "RunFolder",
    "RunStore",
    "SqliteJournal",
    "open_sqlite_journal",
    "this_process",
    "who_drives",
]


def __getattr__(name: str) -> object:
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value: object = getattr(module, name)
    globals()[name] = value
    return value
