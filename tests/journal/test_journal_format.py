"""The format of the file is a promise: the chain, the tables, the migrations."""

from __future__ import annotations

import sqlite3
import struct
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal import JournalReader, NewRecord, Record
from actorflow.journal import migrations as migrations_module
from actorflow.journal import storage as storage_module
from actorflow.journal.chain import START, Link, link, verify
from actorflow.journal.database import Database, create_database
from actorflow.journal.migrations import MIGRATIONS, Migration

times = st.integers(-(2**63), 2**63 - 1)
batches = st.lists(
    st.builds(NewRecord, times, st.text(st.characters(codec="utf-8"), max_size=20), st.binary(max_size=200)),
    min_size=1,
    max_size=8,
)


def test_the_checksum_is_what_the_documentation_says():
    new = NewRecord(1_780_000_000_000_000, "run_accepted", b'{"run":"x"}')

    ((*_, crc),), tail = link(Link(41, 0xDEADBEEF), [new], epoch=3)

    header = struct.pack(">IQqQI", 0xDEADBEEF, 42, 1_780_000_000_000_000, 3, 12)
    assert crc == zlib.crc32(header + b"run_accepted" + b'{"run":"x"}') == 0xD015CA6
    assert tail == Link(42, crc)


@given(batches, st.integers(1, 2**32))
def test_what_is_chained_is_verified(batch, epoch):
    rows, tail = link(START, batch, epoch)

    records, end = verify(rows, START, "file")

    assert end == tail
    assert records == [
        Record(i, new.recorded_at, epoch, new.kind, new.body) for i, new in enumerate(batch, start=1)
    ]


@given(batches, st.data())
def test_every_change_of_a_record_shows_at_that_record(batch, data):
    rows, _ = link(START, batch, 1)
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 5))
    row = list(rows[at])
    changed = data.draw(
        {
            3: st.text(st.characters(codec="utf-8"), max_size=20),
            4: st.binary(max_size=50),
            5: st.integers(0, 2**32 - 1),
        }.get(column, times)
    )
    if changed == row[column]:
        return
    row[column] = changed
    rows[at] = tuple(row)

    with pytest.raises(JournalDamaged) as caught:
        verify(rows, START, "file")
    assert caught.value.sequence == at + 1


@given(batches.filter(lambda batch: len(batch) > 2), st.data())
def test_a_record_that_is_missing_doubled_or_moved_shows(batch, data):
    rows, _ = link(START, batch, 1)
    at = data.draw(st.integers(0, len(rows) - 2))

    for wrong in (
        [*rows[:at], *rows[at + 1 :]],
        [*rows[: at + 1], *rows[at:]],
        [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]],
    ):
        with pytest.raises(JournalDamaged):
            verify(wrong, START, "file")


@pytest.fixture
def path(tmp_path):
    create_database(tmp_path / "journal.db")
    return tmp_path / "journal.db"


def sql(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    answers = [connection.execute(statement).fetchall() for statement in statements]
    connection.close()
    return answers


def open_both(path):
    for open_ in (lambda: Database(path).close(), lambda: JournalReader.open(path.parent).close()):
        open_()


def test_a_new_database_has_the_documented_tables(path):
    tables, application, applied, mode = sql(
        path,
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        "PRAGMA application_id",
        "SELECT number, name FROM migrations",
        "PRAGMA journal_mode",
    )
    assert tables == [("events",), ("journal",), ("migrations",)]
    assert application == [(0x61666C77,)]
    assert applied == [(1, "m001_initial")]
    assert mode == [("wal",)]


def test_the_first_format_is_frozen():
    """What was released is never changed: add m002 instead."""
    assert zlib.crc32(repr(MIGRATIONS[0]).encode()) == 4064152470


def test_migrations_are_numbered_from_1():
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    assert all(step.name.startswith(f"m{step.number:03}_") for step in MIGRATIONS)


def test_a_newer_format_is_refused_and_left_alone(path):
    sql(path, "INSERT INTO migrations VALUES (2, 'm002_future')")
    before = path.read_bytes()

    for open_ in (Database, lambda path: JournalReader.open(path.parent)):
        with pytest.raises(
            JournalError, match=r"was written by a newer actorflow \(format 2, known here: 1\)"
        ):
            open_(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["DROP TABLE migrations", "PRAGMA application_id = 7"])
def test_another_programs_database_is_refused_and_left_alone(path, statement):
    sql(path, statement)
    before = path.read_bytes()

    for open_ in (Database, lambda path: JournalReader.open(path.parent)):
        with pytest.raises(JournalError, match="is not a journal of actorflow"):
            open_(path)
    assert path.read_bytes() == before


def test_an_older_format_is_brought_up_to_date_by_its_next_driver(path, monkeypatch):
    database = Database(path)
    database.append([[NewRecord(1, "kind", b"old")]])
    database.close()
    step = Migration(2, "m002_notes", ("CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('new')"))
    monkeypatch.setattr(migrations_module, "MIGRATIONS", (*MIGRATIONS, step))

    for _ in range(2):
        Database(path).close()

    assert sql(path, "SELECT text FROM notes", "SELECT number FROM migrations") == [[("new",)], [(1,), (2,)]]
    with JournalReader.open(path.parent) as reader:
        assert [record.body for record in reader.read()] == [b"old"]


def test_a_step_that_fails_leaves_the_format_before_it(path, monkeypatch):
    step = Migration(2, "m002_wrong", ("CREATE TABLE notes (text TEXT)", "INSERT INTO nowhere VALUES (1)"))
    monkeypatch.setattr(migrations_module, "MIGRATIONS", (*MIGRATIONS, step))

    with pytest.raises(JournalError, match="no such table: nowhere"):
        Database(path)

    assert sql(path, "SELECT number FROM migrations") == [[(1,)]]
    assert sql(path, "SELECT count(*) FROM sqlite_master WHERE name = 'notes'") == [[(0,)]]


def test_looking_at_a_journal_needs_no_trio():
    script = "import sys; from actorflow.journal import JournalReader, RunStore, who_drives; print('trio' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False\n"


def test_all_names_of_the_package_are_there():
    import actorflow.journal

    for name in actorflow.journal.__all__:
        assert getattr(actorflow.journal, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = actorflow.journal.nothing


MOUNTS = """\
22 1 {device} / / rw,relatime shared:1 - {kind} server:/export rw
23 22 0:99 / /proc rw - proc proc rw
"""


@pytest.mark.parametrize("kind", ["nfs4", "ext4", "fuse.sshfs"])
def test_thefile_system_of_is_read_from_the_mount_table(tmp_path, kind):
    import os

    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(device=f"{os.major(device)}:{os.minor(device)}", kind=kind))

    assert storage_module.file_system_of(tmp_path, mounts) == kind


def test_a_system_that_does_not_say_is_not_refused(tmp_path):
    assert storage_module.file_system_of(tmp_path, tmp_path / "missing") == ""
    (tmp_path / "mounts").write_text("garbage\n\n1 2 3 - x\n- \n")
    assert storage_module.file_system_of(tmp_path, tmp_path / "mounts") == ""
