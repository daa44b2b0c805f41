"""Reading beside the driver, after it, and where nothing may be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal import JournalReader, Lease, NewRecord, this_process
from actorflow.journal.database import Database, create_database


def news(count=1):
    return [NewRecord(i, "kind", b"{}") for i in range(count)]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    create_database(folder / "journal.db")
    return folder


@pytest.fixture
def database(folder):
    database = Database(folder / "journal.db")
    yield database
    if not database.is_closed:
        database.close()


def sequences(records):
    return [record.sequence for record in records]


def test_follows_a_driver(folder, database):
    with JournalReader.open(folder) as reader:
        assert (reader.head(), reader.read()) == (0, [])
        for end in range(1, 6):
            database.append([news()])
            assert reader.head() == end
            assert sequences(reader.read(end - 1)) == [end]
        assert sequences(reader.read()) == [1, 2, 3, 4, 5]
        assert sequences(reader.read(2)) == [3, 4, 5]


def test_gives_no_more_than_asked_for(folder, database):
    database.append([news(10)])

    with JournalReader.open(folder) as reader:
        assert sequences(reader.read(limit=3)) == [1, 2, 3]
        assert sequences(reader.read(3, limit=3)) == [4, 5, 6]
        assert sequences(reader.read(9, limit=3)) == [10]
        assert reader.read(10, limit=3) == reader.read(0, limit=0) == reader.read(99) == []


def test_follows_over_checkpoints_the_end_of_the_driver_and_the_next_one(folder, database):
    reader = JournalReader.open(folder)
    database.append([news(3)])
    database.checkpoint()
    assert sequences(reader.read()) == [1, 2, 3]
    database.append([news(2)])
    database.close()
    assert sequences(reader.read(3)) == [4, 5]

    second = Database(folder / "journal.db")
    second.append([news()])
    assert [record.epoch for record in reader.read(4)] == [1, 2]
    reader.close()
    second.close()
    with JournalReader.open(folder) as reader:
        assert reader.head() == 6


def test_sees_a_driver_that_begins_while_a_journal_at_rest_is_read(folder, database):
    database.append([news(2)])
    database.close()
    with JournalReader.open(folder) as reader:
        assert reader.head() == 2
        second = Database(folder / "journal.db")
        second.append([news(3)])
        assert sequences(reader.read(1)) == [2, 3, 4, 5]
        second.close()
        assert reader.head() == 5


def test_a_journal_at_rest_is_read_without_making_a_file(folder, database):
    database.append([news(2)])
    database.close()
    before = sorted(os.listdir(folder))

    with JournalReader.open(folder) as reader:
        assert sequences(reader.read()) == [1, 2]
        assert sorted(os.listdir(folder)) == before == ["head", "journal.db"]
    assert sorted(os.listdir(folder)) == before


def test_a_journal_without_its_driver_is_read_with_its_log(folder, database, tmp_path):
    database.append([news(5)])
    image = shutil.copytree(folder, tmp_path / "image", ignore=shutil.ignore_patterns("*-shm"))

    with JournalReader.open(image) as reader:
        assert sequences(reader.read()) == [1, 2, 3, 4, 5]


def test_a_file_that_changes_while_it_is_read_is_read_again(folder, database, monkeypatch):
    database.append([news(2)])
    database.close()
    real, changes = JournalReader._read, []

    def read(self, connection, after, limit):
        if not changes:
            changes.append(1)
            second = Database(folder / "journal.db")
            second.append([news()])
            second.close()
            raise JournalDamaged(str(self.path), 1, "pages of two moments")
        return real(self, connection, after, limit)

    monkeypatch.setattr(JournalReader, "_read", read)
    with JournalReader.open(folder) as reader:
        assert sequences(reader.read()) == [1, 2, 3]


def test_a_file_that_changes_all_the_time_is_given_up(folder, database, monkeypatch):
    database.close()

    def read(self, connection, after, limit):
        path = folder / "journal.db"
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        return []

    monkeypatch.setattr(JournalReader, "_read", read)
    with (
        JournalReader.open(folder) as reader,
        pytest.raises(JournalError, match="changes faster than it can be read"),
    ):
        reader.read()


# What root may do anyway is tried as nobody: the modules are loaded before, as nobody may not read them everywhere.
AS_SOMEBODY_ELSE = """
import os, sys
import sqlite3, tempfile, shutil, urllib.parse
from pathlib import Path
from actorflow.errors import JournalError
from actorflow.journal import JournalReader, RunStore, who_drives
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
folder = Path(sys.argv[1])
"""


def as_somebody_else(script, folder):
    done = subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY_ELSE + script, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


READ = """
before = sorted(os.listdir(folder))
with JournalReader.open(folder) as reader:
    print(reader.head(), len(reader.read()), reader.head())
assert sorted(os.listdir(folder)) == before, os.listdir(folder)
"""


@pytest.fixture
def open_folder():
    """A run folder that everybody may look into and nobody else may write, outside pytest's own private folder."""
    folder = Path(tempfile.mkdtemp(prefix="actorflow-test-"))
    folder.chmod(0o755)
    create_database(folder / "journal.db")
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def make_read_only(folder):
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)


def test_a_read_only_journal_at_rest_is_read(open_folder):
    database = Database(open_folder / "journal.db")
    database.append([news(4)])
    database.close()
    make_read_only(open_folder)

    assert as_somebody_else(READ, open_folder) == ["4", "4", "4"]


@pytest.mark.parametrize("index", ["with its index", "without its index"])
def test_a_read_only_journal_is_read_with_its_log(open_folder, index):
    killed = "import os, sys; from pathlib import Path; from actorflow.journal.database import Database as D;"
    killed += "from actorflow.journal import NewRecord as N;"
    killed += "D(Path(sys.argv[1])).append([[N(1, 'kind', b'')] * 4]); os._exit(0)"
    subprocess.run([sys.executable, "-c", killed, str(open_folder / "journal.db")], check=True)
    if index == "without its index":
        (open_folder / "journal.db-shm").unlink()
    make_read_only(open_folder)

    assert as_somebody_else(READ, open_folder) == ["4", "4", "4"]


def test_a_journal_that_may_not_be_read_is_an_error(open_folder):
    (open_folder / "journal.db").chmod(0o000)
    script = """
try:
    JournalReader.open(folder)
except JournalError as error:
    print("refused" if "unable to open database file" in error.message else error.message)
"""
    assert as_somebody_else(script, open_folder) == ["refused"]


def test_a_folder_that_may_not_be_written_holds_no_new_run(open_folder):
    open_folder.chmod(0o555)
    script = """
try:
    RunStore(folder / "state").create("20260101-000000-abcdef")
except JournalError as error:
    print(error.exit_code, "Permission denied" in error.message, "choose another state folder" in error.hint)
print(os.listdir(folder))
"""
    assert as_somebody_else(script, open_folder) == ["74", "True", "True", "['journal.db']"]


def test_there_must_be_a_journal(tmp_path):
    with pytest.raises(JournalError, match="there is no journal at"):
        JournalReader.open(tmp_path)
    with pytest.raises(JournalError, match="there is no journal at"):
        JournalReader.open(tmp_path / "missing")


def test_a_driver_that_holds_the_lease_is_trusted_with_its_log(folder, database, monkeypatch):
    looked = []
    monkeypatch.setattr("actorflow.journal.reader.check_wal", looked.append)
    database.append([news()])

    with Lease.acquire(folder, "run", now=1, describe=this_process(now=1)):
        JournalReader.open(folder).close()
        assert not looked, "a log that is being written looks torn"
    JournalReader.open(folder).close()
    assert looked == [folder / "journal.db"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "ask",
    [
        JournalReader.head,
        JournalReader.read,
        lambda reader: reader.read(2),
        lambda reader: reader.read(2, limit=1),
        lambda reader: reader.checksum(3),
        lambda reader: reader.last_of("kind"),
        lambda reader: reader.read_about(["task"], upto=3),
        lambda reader: reader.headlines(upto=3),
    ],
)
def test_drivers_that_take_over_between_any_two_statements_are_no_damage(folder, database, ask):
    database.append([news(3)])
    drivers = [database]

    def take_over(statement):
        if "SELECT" in statement:
            drivers.append(Database(folder / "journal.db"))
            drivers[-1].append([news()])

    with JournalReader.open(folder) as reader:
        reader._connection.set_trace_callback(take_over)
        ask(reader)
        reader._connection.set_trace_callback(None)
        assert len(drivers) > 1
        assert sequences(reader.read()) == [*range(1, 3 + len(drivers))]
    for driver in drivers:
        driver.close()


def test_reads_whole_batches_while_a_driver_writes(folder, database):
    writing = threading.Event()

    def write():
        for _ in range(300):
            database.append([news(3)])
            writing.set()
            if database.wants_checkpoint:
                database.checkpoint()

    thread = threading.Thread(target=write)
    thread.start()
    writing.wait(10)
    seen = []
    with JournalReader.open(folder) as reader:
        while thread.is_alive():
            seen += reader.read(len(seen))
            assert len(seen) % 3 == 0
        seen += reader.read(len(seen))
    thread.join()

    assert sequences(seen) == list(range(1, 901))
