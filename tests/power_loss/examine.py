"""Looks at what a loss of power has left, with the product's own readers, and says which promises are broken.

Takes a state folder, what the program had acknowledged by then, and what it went on to record. Every run that was acknowledged is there, with every event that was, exactly as it was
written and with nothing after it that was never written; every blob that was acknowledged or that an event names is whole; every agent that was called is on record; and the next driver
can go on. What was refused although the disk was honest is broken, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actorflow.engine.records import read_records
from actorflow.engine.snapshots import folded
from actorflow.errors import ActorflowError
from actorflow.ids import RunId
from actorflow.journal import JournalReader, NewRecord, Record, RunStore
from actorflow.journal.blobs import BlobStore
from actorflow.journal.database import Database
from actorflow.state import RunState, fold
from actorflow.state import events as ev


@dataclass
class Acknowledged:
    """What a program has said."""

    runs: list[RunId] = field(default_factory=list)
    head: int = 0
    blobs: list[str] = field(default_factory=list)
    called: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, marks: Iterable[str]) -> Acknowledged:
        said = cls()
        for facts in map(json.loads, marks):
            match facts:
                case {"run": run}:
                    said.runs.append(RunId(run))
                case {"head": head}:
                    said.head = head
                case {"blob": name}:
                    said.blobs.append(name)
                case {"called": [task, attempt]}:
                    said.called.append((task, attempt))
        return said


def broken_promises(
    state_dir: Path, said: Acknowledged, recorded: Sequence[Record], *, drive: bool
) -> list[str]:
    """Return what is not as promised.

    Args:
        recorded: everything that the program recorded in the end.
        drive: whether to open the run as its next driver does, too.
    """
    try:
        return list(_broken(RunStore(state_dir), said, recorded, drive))
    except ActorflowError as error:
        return [f"refused: {error.message}"]


def _broken(store: RunStore, said: Acknowledged, recorded: Sequence[Record], drive: bool) -> Iterable[str]:
    listed = store.list()
    for run in set(said.runs) - set(listed):
        yield f"lost: the run {run} was acknowledged"
    for run in listed:
        folder = store.open(run)
        with JournalReader.open(folder.path) as reader:
            found = reader.read()
            if _events(found) and folded(reader, folder.path).state != _state(found):
                yield "wrong: with its snapshot the run is in another state"
        if found != list(recorded[: len(found)]):
            yield "wrong: what is read was never written"
        if len(found) < said.head:
            yield f"lost: {said.head} events were acknowledged, and {len(found)} are there"
        yield from _broken_blobs(BlobStore(folder.blobs), said, found)
        on_record = {
            (event.task, event.attempt) for event in _events(found) if isinstance(event, ev.AttemptStarted)
        }
        for attempt in set(said.called) - on_record:
            yield f"lost: the agent of {attempt} was called, and its start is not on record"
        if drive:
            yield from _broken_drive(folder.journal, found)


def _broken_blobs(store: BlobStore, said: Acknowledged, found: Sequence[Record]) -> Iterable[str]:
    store.sweep()
    named = [
        event.blob.sha256 for event in _events(found) if isinstance(event, ev.AttemptSucceeded) and event.blob
    ]
    named += [
        r.body.decode() for r in found if r.kind in ("small", "middle", "large", "huge") and len(r.body) == 64
    ]
    for name in {*said.blobs, *named}:
        try:
            store.get(name)
        except ActorflowError as error:
            yield f"lost: a blob: {error.message}"


def _broken_drive(path: Path, found: Sequence[Record]) -> Iterable[str]:
    journal = Database(path)
    journal.append([[NewRecord(0, "kind", b"one more")]])
    again, _ = journal.read(journal.place(0), -1)
    journal.close()
    if again[:-1] != list(found) or again[-1].body != b"one more":
        yield "wrong: the next driver reads something else"


def _state(found: Sequence[Record]) -> RunState:
    return fold((recorded.at, recorded.event) for recorded in read_records(found))


def _events(found: Sequence[Record]) -> list[ev.Event]:
    ours = [record for record in found if record.kind not in ("small", "middle", "large", "huge")]
    return [recorded.event for recorded in read_records(ours)]
