"""Folders of runs, and ways in which a disk damages the files in them.

``at_rest`` is a run that has ended; ``killed`` is one whose driver was killed late, with most of its events in SQLite's log; ``long`` is a journal that was killed after its log had been
moved into the database and used again. ``damage`` changes one file and says how; ``Folder.mend`` undoes it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from actorflow.ids import RunId
from actorflow.journal import NewRecord, RunStore
from actorflow.journal.blobs import BlobStore
from actorflow.journal.database import Database

SECTOR = 512
HEADER, FRAME = 32, 24 + 4096


@dataclass
class Folder:
    """A state folder with one run.

    Attributes:
        contents: every file that holds something of the run's state -> what is in it.
    """

    state_dir: Path
    run_id: RunId
    contents: dict[Path, bytes]

    @classmethod
    def of(cls, state_dir: Path) -> Folder:
        store = RunStore(state_dir)
        run = store.open(store.list()[0])
        for index in run.path.glob("*-shm"):
            index.unlink()
        files = [path for path in run.path.rglob("*") if path.is_file() and run.attempts not in path.parents]
        return cls(state_dir, run.run_id, {path: path.read_bytes() for path in sorted(files)})

    @property
    def path(self) -> Path:
        return RunStore(self.state_dir).open(self.run_id).path

    def mend(self, path: Path) -> None:
        path.write_bytes(self.contents[path])
        for index in path.parent.glob("*-shm"):
            index.unlink()

    def used(self, path: Path) -> int:
        """Return how many bytes of a file mean anything: a log has its size from the beginning."""
        data = self.contents[path]
        if not path.name.endswith("-wal"):
            return len(data)
        end = HEADER
        while end < len(data) and data[end + 8 : end + 16] == data[16:24]:
            end += FRAME
        return end


@dataclass(frozen=True)
class Damage:
    """What was done to a file."""

    path: Path
    how: str


def damage(folder: Folder, rng: random.Random) -> Damage:
    """Damage a file of the folder: flip one bit or some, lose a sector, find another one in its place, or lose its end."""
    path = rng.choice([path for path in folder.contents if folder.used(path)])
    data, used = bytearray(folder.contents[path]), folder.used(path)
    if path.name.endswith("-wal") and rng.random() < 0.2:
        used = HEADER
    at = rng.randrange(used)
    start = at - at % SECTOR
    kind = rng.choice(("bit", "bit", "bit", "bit", "bits", "sector lost", "sector misplaced", "cut"))
    match kind:
        case "bit":
            data[at] ^= 1 << rng.randrange(8)
        case "bits":
            for _ in range(rng.randint(2, 9)):
                data[rng.randrange(start, min(start + SECTOR, used))] ^= 1 << rng.randrange(8)
        case "sector lost":
            data[start : start + SECTOR] = bytes(len(data[start : start + SECTOR]))
        case "sector misplaced":
            other = rng.randrange(used) // SECTOR * SECTOR
            size = min(SECTOR, len(data) - start, len(data) - other)
            data[start : start + size] = data[other : other + size]
        case "cut":
            del data[at:]
    path.write_bytes(data)
    return Damage(path, f"{kind} at byte {at} of {path.name}")


def make_long(root: Path) -> None:
    """Make a journal whose driver was killed: in the state folder ``root``, in its log the third generation of frames."""
    chance = random.Random(11)
    run = RunStore(root).create(RunId("20260101-000000-aaaaaa"))
    journal, blobs = Database(run.journal), BlobStore(run.blobs)
    for number in range(90):
        body = chance.randbytes(chance.choice((90, 90, 900, 9000)))
        if number % 30 == 7:
            body = blobs.put(chance.randbytes(70_000)).encode()
        journal.append([[NewRecord(number, "kind", body)] * chance.randint(1, 3)])
        if number in (30, 50):
            journal.checkpoint()
    DRIVERS.append(journal)


DRIVERS: list[Database] = []
"""They are dead: nothing may close them, which would move their logs."""
