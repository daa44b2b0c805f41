"""A journal that is not whole is refused by file and number, and never read as something else."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal import JournalReader, NewRecord, Record
from actorflow.journal.database import Database, create_database
from actorflow.journal.wal import lost_frame

FRAME = 24 + 4096
SECTOR = 512


@dataclass(frozen=True)
class Image:
    """What a driver that was killed left: a copy of the folder, and what was durable."""

    folder: Path
    records: list[Record]

    @property
    def log(self):
        return self.folder / "journal.db-wal"


def news(count, size=100):
    chance = random.Random(count * size)
    return [NewRecord(i, "kind", chance.randbytes(size)) for i in range(count)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A journal whose driver was killed, with records in the database and in the log."""
    folder = tmp_path_factory.mktemp("run")
    create_database(folder / "journal.db")
    database = Database(folder / "journal.db")
    for i in range(30):
        database.append([news(1 + i % 3, 3000 if i % 7 == 0 else 90)])
        if i == 12:
            database.checkpoint()
    image = tmp_path_factory.mktemp("image") / "killed"  # a module's fixture may be made more than once
    shutil.copytree(folder, image, ignore=shutil.ignore_patterns("*-shm"))
    records, _ = database.read(database.place(0), -1)
    database.close()
    return Image(image, records)


@pytest.fixture(scope="module")
def at_rest(killed, tmp_path_factory):
    """The same journal, closed properly."""
    folder = tmp_path_factory.mktemp("rest")
    shutil.copytree(killed.folder, folder, dirs_exist_ok=True)
    Database(folder / "journal.db").close()
    assert sorted(os.listdir(folder)) == ["head", "journal.db"]
    return Image(folder, killed.records)


@pytest.fixture
def copy(tmp_path):
    def copy(image):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        return Image(shutil.copytree(image.folder, tmp_path / "copy"), image.records)

    return copy


def read(folder):
    with JournalReader.open(folder) as reader:
        return reader.read()


def drive(folder):
    """Read as the next driver does."""
    database = Database(folder / "journal.db")
    try:
        return database.read(database.place(0), -1)[0]
    finally:
        database.close()


def flip(path, offset, bit):
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))


def change(folder, sql):
    connection = sqlite3.connect(folder / "journal.db", isolation_level=None)
    connection.execute(sql)
    connection.close()


both_ways = pytest.mark.parametrize("open_and_read", [read, drive])


@both_ways
def test_a_whole_image_is_read_whole(killed, at_rest, copy, open_and_read):
    assert open_and_read(copy(killed).folder) == killed.records
    assert open_and_read(copy(at_rest).folder) == at_rest.records


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize("seed", range(3))
def test_no_flipped_bit_is_read_as_something_else(killed, at_rest, copy, open_and_read, seed):
    chance = random.Random(seed)
    used = 32 + FRAME * 40
    for _ in range(40):
        image, name, size = chance.choice(
            [
                (at_rest, "journal.db", (at_rest.folder / "journal.db").stat().st_size),
                (killed, "journal.db-wal", used),
                (killed, "journal.db-wal", 32),
            ]
        )
        image = copy(image)
        where = (chance.randrange(size), chance.randrange(8))
        flip(image.folder / name, *where)
        try:
            found = open_and_read(image.folder)
        except JournalError:
            continue
        assert found == image.records, f"{name}: bit {where} was read as something else"


@both_ways
@pytest.mark.parametrize(
    ("sql", "sequence"),
    [
        ("UPDATE events SET body = X'00' WHERE sequence = 7", 7),
        ("UPDATE events SET crc = crc + 1 WHERE sequence = 8", 8),
        ("UPDATE events SET kind = 'other' WHERE sequence = 9", 9),
        ("UPDATE events SET recorded_at = 5 WHERE sequence = 10", 10),
        ("UPDATE events SET epoch = 2 WHERE sequence = 11", 11),
        ("UPDATE events SET body = 'text' WHERE sequence = 12", 12),
        ("UPDATE events SET kind = X'FF' WHERE sequence = 13", 13),
        ("UPDATE events SET kind = CAST(X'FF' AS TEXT) WHERE sequence = 14", None),
        ("DELETE FROM events WHERE sequence = 15", 15),
        ("DELETE FROM events WHERE sequence = 1", 1),
        ("DELETE FROM events WHERE sequence > 50", 51),
        ("DELETE FROM events", 1),
        ("UPDATE journal SET epoch = 0", 60),
        ("UPDATE journal SET epoch = 'x'", 1),
        ("DELETE FROM journal", 1),
        ("UPDATE events SET crc = crc + 1 WHERE sequence = 60", 60),
    ],
)
def test_damage_is_named_by_file_and_event(at_rest, copy, open_and_read, sql, sequence):
    image = copy(at_rest)
    change(image.folder, sql)
    before = (image.folder / "journal.db").read_bytes()

    with pytest.raises(JournalDamaged) as caught:
        open_and_read(image.folder)

    assert caught.value.path == str(image.folder / "journal.db")
    assert sequence is None or caught.value.sequence == sequence
    if "journal" in sql or sequence == 60:  # found when it is opened
        assert (image.folder / "journal.db").read_bytes() == before, "nothing is overwritten"


@both_ways
def test_a_lost_commit_in_the_log_is_refused(killed, copy, open_and_read):
    image = copy(killed)
    flip(image.log, 32 + 3 * FRAME + 500, 0)
    before = image.log.read_bytes()

    with pytest.raises(
        JournalDamaged, match="frame 4 of the log is broken, and durable events are behind it"
    ) as caught:
        open_and_read(image.folder)

    assert caught.value.path == str(image.log)
    assert image.log.read_bytes() == before


@both_ways
def test_a_broken_header_of_the_log_is_refused(killed, copy, open_and_read):
    image = copy(killed)
    flip(image.log, 17, 3)

    with pytest.raises(JournalDamaged, match="header of the log is broken"):
        open_and_read(image.folder)


@both_ways
@pytest.mark.parametrize("byte", range(32))
def test_no_flipped_bit_in_the_header_of_the_log_hides_it(killed, copy, open_and_read, byte):
    for bit in range(8):
        image = copy(killed)
        flip(image.log, byte, bit)
        try:
            found = open_and_read(image.folder)
        except JournalDamaged as error:
            found = error.message
        assert found == killed.records or "header of the log is broken" in found, f"bit {bit}"


@both_ways
@pytest.mark.parametrize("garbage", [b"", b"x" * 20, b"\0" * 40, b"\xff" * 5000])
def test_a_log_without_commits_is_no_damage(at_rest, copy, open_and_read, garbage):
    image = copy(at_rest)
    image.log.write_bytes(garbage)

    assert open_and_read(image.folder) == image.records


@pytest.mark.slow
@pytest.mark.parametrize(
    "batch", [news(1), news(9, 900), news(1, 30_000)], ids=["small", "several pages", "large"]
)
@pytest.mark.parametrize("generations", [1, 2])
def test_whatever_a_power_cut_leaves_of_the_last_commit_is_no_damage(tmp_path, batch, generations):
    """Any sector of the last commit may be there or not, in any order."""
    path = tmp_path / "journal.db"
    create_database(path)
    database = Database(path)
    for generation in range(generations):
        for _ in range(6):
            database.append([news(2, 700)])
        if generation + 1 < generations:
            database.checkpoint()
    records, _ = database.read(database.place(0), -1)
    image = shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name}-image"))
    before = (image / "journal.db-wal").read_bytes()
    database.append([batch])
    after = (tmp_path / "journal.db-wal").read_bytes()
    all_records, _ = database.read(database.place(0), -1)
    database.close()
    before = before.ljust(len(after), b"\0")
    changed = [
        at for at in range(0, len(after), SECTOR) if before[at : at + SECTOR] != after[at : at + SECTOR]
    ]
    chance = random.Random(len(changed))

    for survivors in [
        [],
        changed[:1],
        changed[1:],
        changed[:-1],
        *(sample(chance, changed) for _ in range(25)),
    ]:
        log = bytearray(before)
        for at in survivors:
            log[at : at + SECTOR] = after[at : at + SECTOR]
        assert lost_frame(bytes(log)) is None
        (image / "journal.db-wal").write_bytes(log)
        (image / "journal.db-shm").unlink(missing_ok=True)
        assert read(image) in (records, all_records)


def sample(chance, items):
    return chance.sample(items, chance.randrange(len(items)))


@both_ways
@pytest.mark.parametrize("frames_from_the_end", [1, 2, 3])
def test_a_sector_lost_over_the_border_of_two_commits_is_refused(
    tmp_path, open_and_read, frames_from_the_end
):
    """Neither what ends the one nor what begins the other is left, and it takes more than their checksums to tell them from a torn end."""
    create_database(tmp_path / "journal.db")
    database = Database(tmp_path / "journal.db")
    for _ in range(8):
        database.append([news(1)])  # one frame each
    image = shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name}-image"))
    database.close()
    log = bytearray((image / "journal.db-wal").read_bytes())
    used = 32
    while log[used + 8 : used + 16] == log[16:24]:
        used += FRAME
    border = used - frames_from_the_end * FRAME
    start = border - border % SECTOR
    assert start < border < start + SECTOR
    log[start : start + SECTOR] = bytes(SECTOR)
    (image / "journal.db-wal").write_bytes(log)

    with pytest.raises(JournalDamaged, match="of the log is broken, and durable events are behind it"):
        open_and_read(image)
