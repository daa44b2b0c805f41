"""What was acknowledged is never dropped in silence because a frame of SQLite's log is broken, which SQLite itself takes for the end of it.

A broken frame in the middle is no torn tail, even when nothing beside the log says how far it went; and if the mark beside it does, neither is one at its end. Either check is planted
away here, and found.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from actorflow.errors import JournalDamaged
from actorflow.journal import NewRecord, Record, database
from actorflow.journal.database import Database, create_database

HEADER, FRAME = 32, 24 + 4096
BATCHES = 40
MOST_SEEDS = 2000


@dataclass(frozen=True)
class Killed:
    """The folder of a driver that was killed, and what it had acknowledged."""

    folder: Path
    acknowledged: list[Record]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("run")
    create_database(folder / "journal.db")
    journal = Database(folder / "journal.db")
    for number in range(BATCHES):
        journal.append([[NewRecord(number, "kind", b"x" * 300)]])
    records, _ = journal.read(journal.place(0), BATCHES)
    image = tmp_path_factory.mktemp("image") / "killed"  # a module's fixture may be made more than once
    shutil.copytree(folder, image, ignore=shutil.ignore_patterns("*-shm"))
    journal.close()
    return Killed(image, records)


@dataclass(frozen=True)
class Where:
    """Which frames of the log are broken, and whether power was lost before the mark beside it had reached the disk."""

    choose: Callable[[random.Random, int], int]
    has_mark: bool


IN_THE_MIDDLE = Where(lambda rng, frames: rng.randrange(frames // 2), has_mark=False)
ANYWHERE = Where(lambda rng, frames: rng.randrange(frames), has_mark=True)


def _is_lost_in_silence(killed: Killed, folder: Path, where: Where, seed: int) -> bool:
    """Flip a bit in a frame of the log, and open the journal as the next driver."""
    rng = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(killed.folder, folder)
    if not where.has_mark:
        (folder / "head").unlink()
    log = folder / "journal.db-wal"
    data = bytearray(log.read_bytes())
    frame = where.choose(rng, _frames(data))
    data[HEADER + frame * FRAME + rng.randrange(FRAME)] ^= 1 << rng.randrange(8)
    log.write_bytes(data)
    try:
        journal = Database(folder / "journal.db")
    except JournalDamaged:
        return False
    found, _ = journal.read(journal.place(0), BATCHES)
    journal.close()
    return found != killed.acknowledged


def _frames(data: bytearray) -> int:
    """How many frames belong to the log as it is now: their salts are the header's."""
    count = 0
    while data[HEADER + count * FRAME + 8 : HEADER + count * FRAME + 16] == data[16:24]:
        count += 1
    return count


@pytest.mark.parametrize("where", [IN_THE_MIDDLE, ANYWHERE], ids=["in the middle", "anywhere"])
def test_a_broken_frame_is_never_taken_for_the_end(killed: Killed, tmp_path: Path, where: Where) -> None:
    lost = [seed for seed in range(40) if _is_lost_in_silence(killed, tmp_path / "copy", where, seed)]

    assert lost == []


def accepts_a_torn_middle(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(database, "check_wal", lambda path: None)


def does_not_look_at_the_mark(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(database, "read_high_water", lambda path: 0)


@pytest.mark.parametrize(
    ("mistake", "where"), [(accepts_a_torn_middle, IN_THE_MIDDLE), (does_not_look_at_the_mark, ANYWHERE)]
)
def test_a_planted_mistake_of_the_reader_is_found(
    killed: Killed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figure,
    record_property,
    mistake: Callable[[pytest.MonkeyPatch], None],
    where: Where,
) -> None:
    mistake(monkeypatch)

    found = next(
        seed for seed in range(MOST_SEEDS) if _is_lost_in_silence(killed, tmp_path / "copy", where, seed)
    )

    record_property("note", f"planted: {mistake.__name__}: found at seed {found}: events lost in silence")
    figure("planted mistakes", tried=1, of="mistakes", found=1, what="found", promised="all", seed=found)
