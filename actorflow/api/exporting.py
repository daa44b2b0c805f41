"""``export``: a run as lines of JSON, with its large outputs or without them; and such lines as a run again.

Reads a run's journal whole and verified, also while it is driven. What is exported is what is in the journal:
secrets are in neither. Must not look into attempts' folders, which hold what agents said and no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from actorflow import __version__
from actorflow.engine.records import read_records
from actorflow.errors import InputError, RunError
from actorflow.ids import RUN_ID, RunId
from actorflow.journal import BlobStore, JournalReader, Record, RunFolder, RunStore
from actorflow.journal.copying import fill_database
from actorflow.journal.jsonl import blob_line, event_lines, header_line, read_export
from actorflow.settings import Settings
from actorflow.state.events import AttemptSucceeded

__all__ = ["BlobChoice", "blob_names", "copy_blobs", "export_lines", "import_run"]

BlobChoice: TypeAlias = Literal["inline", "none"]
"""Whether large outputs are part of an export, or only their names."""


def export_lines(run: str, *, settings: Settings, blobs: BlobChoice = "inline") -> Iterator[bytes]:
    """Yield the lines of an export; what is wrong is raised before the first one.

    Args:
        run: an id, a unique prefix of one, or ``last``.

    Raises:
        RunError: there is no such run, or nothing is in it.
        JournalError: its journal or a large output cannot be read, or is damaged.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    with JournalReader.open(folder.path) as reader:
        records = reader.read()
    if not records:
        raise RunError(f"run {folder.run_id} was never begun", hint="there is nothing to export")
    names = blob_names(records) if blobs == "inline" else []
    store_of_blobs = BlobStore(folder.blobs)
    for name in names:
        store_of_blobs.get(name)  # read twice, so that a damaged one is told before half a file is written
    return _lines(folder, records, names)


def copy_blobs(run: str, target: Path, *, settings: Settings) -> int:
    """Copy the large outputs of a run into a folder, each under its SHA-256; returns how many there are.

    Raises:
        RunError: there is no such run.
        JournalError: one of them cannot be read, is damaged, or cannot be written.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    with JournalReader.open(folder.path) as reader:
        names = blob_names(reader.read())
    source, copies = BlobStore(folder.blobs), BlobStore(target)
    for name in names:
        copies.put(source.get(name))
    return len(names)


def _lines(folder: RunFolder, records: list[Record], names: list[str]) -> Iterator[bytes]:
    yield header_line(folder.run_id, actorflow_version=__version__, events=len(records), blobs=len(names))
    yield from event_lines(records)
    blobs = BlobStore(folder.blobs)
    for name in names:
        yield blob_line(name, blobs.get(name))


def blob_names(records: Iterable[Record]) -> list[str]:
    """Return the names of all blobs that events refer to, each once, in order."""
    wanted = [
        record for record in records if record.kind == "AttemptSucceeded" and b'"blob":{' in record.body
    ]
    events = (recorded.event for recorded in read_records(wanted))
    names = (e.blob.sha256 for e in events if isinstance(e, AttemptSucceeded) and e.blob is not None)
    return list(dict.fromkeys(names))


def import_run(lines: Iterable[bytes], *, state_dir: Path, name: str = "export") -> RunFolder:
    """Make a run of an export, in a state folder that has no run of its id.

    Raises:
        InputError: it is no export.
        RunError: there is such a run.
        JournalDamaged: something in it is not what was exported.
        JournalError: it cannot be written.
    """
    export = read_export(lines, name=name)
    if not RUN_ID.fullmatch(export.run_id):
        raise InputError(f"{name}: {export.run_id[:80]!r} is not the id of a run")

    def fill(folder: RunFolder) -> None:
        for data in export.blobs.values():
            BlobStore(folder.blobs).put(data)
        fill_database(folder.journal, export.records)

    return RunStore(state_dir).create(RunId(export.run_id), fill)
