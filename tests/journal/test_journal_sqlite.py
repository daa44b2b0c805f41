"""The journal on disk: durability, group commit, failures, and what it leaves in the folder."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
import trio
import trio.testing

from actorflow.errors import InternalError, JournalDamaged, JournalError, JournalFull, StaleEpoch
from actorflow.journal import JournalReader, NewRecord, open_sqlite_journal
from actorflow.journal import database as database_module
from actorflow.journal.database import Database, create_database


@pytest.fixture
def path(tmp_path):
    create_database(tmp_path / "journal.db")
    return tmp_path / "journal.db"


def news(count=1, body=b"{}"):
    return [NewRecord(i, "kind", body) for i in range(count)]


def read(path):
    with JournalReader.open(path.parent) as reader:
        return reader.read()


APPENDER = """
import sys, trio
from pathlib import Path
from actorflow.journal import NewRecord, open_sqlite_journal

async def append(journal, task):
    number = 0
    while True:
        number += 1
        head = await journal.append([NewRecord(number, "kind", b"%d" % task), NewRecord(number, "kind", b"%d" % task)])
        sys.stdout.write(f"{head}\\n")
        sys.stdout.flush()

async def main():
    async with open_sqlite_journal(Path(sys.argv[1])) as journal, trio.open_nursery() as nursery:
        for task in range(4):
            nursery.start_soon(append, journal, task)

trio.run(main)
"""


@pytest.mark.slow
def test_all_acknowledged_appends_survive_kill_9(path):
    acknowledged = 0
    for round_number in range(3):
        with subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE) as child:
            for _ in range(150 + round_number):
                acknowledged = max(acknowledged, int(child.stdout.readline()))
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read().decode().split("\n")[:-1]
        acknowledged = max([acknowledged, *map(int, rest)])

        found = read(path)

        assert len(found) >= acknowledged
        assert len(found) % 2 == 0, "a batch is there whole"
        assert [record.epoch for record in found][-1] == round_number + 1


LIMITED = """
import resource, sys, trio
from pathlib import Path
from actorflow.errors import JournalError
from actorflow.journal import NewRecord, open_sqlite_journal

async def main():
    async with open_sqlite_journal(Path(sys.argv[1])) as journal:
        await journal.append([NewRecord(1, "kind", b"before")])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
        try:
            for size in (50_000, 50_000, 3_000_000):
                print(await journal.append([NewRecord(1, "kind", b"x" * size)]), flush=True)
        except JournalError as error:
            print(type(error).__name__, error.message)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        try:
            await journal.append([NewRecord(1, "kind", b"after")])
        except JournalError as error:
            print("again", error.message)

trio.run(main)
"""


@pytest.mark.slow
def test_a_failed_write_poisons_the_journal_and_keeps_what_was_acknowledged(path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    *heads, failure, again = done
    assert failure.startswith(f"JournalError cannot write {path}: disk I/O error")
    assert again.startswith("again the journal has failed before: cannot write")
    found = read(path)
    assert [record.sequence for record in found] == list(range(1, int(heads[-1]) + 1))
    assert (path.parent / "journal.db-wal").exists(), "closing a journal in doubt must not checkpoint it"


def failing(monkeypatch, error_name, statement="COMMIT"):
    """Let the statement fail from now on as SQLite fails; return a switch to end it."""
    real, broken = database_module.connect, [False]

    class Connection(sqlite3.Connection):
        def execute(self, sql, *parameters):
            if broken[0] and sql.startswith(statement):
                error = sqlite3.OperationalError(error_name)
                error.sqlite_errorcode = getattr(sqlite3, error_name)
                error.sqlite_errorname = error_name
                raise error
            return super().execute(sql, *parameters)

    def connect(path, options):
        return sqlite3.connect(
            f"{path.as_uri()}?{options}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )

    assert real is not connect
    monkeypatch.setattr(database_module, "connect", connect)
    return broken


@pytest.mark.trio
async def test_a_failed_fsync_poisons_for_good(path, monkeypatch):
    broken = failing(monkeypatch, "SQLITE_IOERR_FSYNC")

    async with open_sqlite_journal(path) as journal:
        await journal.append(news())
        broken[0] = True
        with pytest.raises(JournalError, match="SQLITE_IOERR_FSYNC"):
            await journal.append(news())
        broken[0] = False
        with pytest.raises(JournalError, match="has failed before"):
            await journal.append(news())
        with pytest.raises(JournalError, match="has failed before"):
            await journal.read()
        assert journal.head == 1

    assert (path.parent / "journal.db-wal").stat().st_size > 0
    assert [record.sequence for record in read(path)] == [1]


@pytest.mark.trio
async def test_all_of_a_group_learn_that_their_commit_failed(path, monkeypatch):
    broken = failing(monkeypatch, "SQLITE_IOERR_FSYNC")
    failures = []

    async def append(journal):
        try:
            await journal.append(news())
        except JournalError as error:
            failures.append(error)

    async with open_sqlite_journal(path) as journal:
        broken[0] = True
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(append, journal)

    assert len(failures) == 10
    assert len(set(map(id, failures))) == 10, "an exception belongs to one task"


@pytest.mark.trio
async def test_no_room_refuses_the_batch_and_nothing_else(path, monkeypatch):
    pragmas = (*database_module.PRAGMAS, ("max_page_count", "40", 40))
    monkeypatch.setattr(database_module, "PRAGMAS", pragmas)

    async with open_sqlite_journal(path) as journal:
        await journal.append(news())
        with pytest.raises(JournalFull, match="no room") as caught:
            await journal.append(news(3, b"x" * 100_000))
        assert caught.value.exit_code == 74
        assert await journal.append(news(2)) == 3, "what fits is still taken"
        with pytest.raises(JournalFull):
            await journal.append(news(3, b"x" * 100_000))
        assert [record.body for record in await journal.read()] == [b"{}"] * 3

    assert len(read(path)) == 3


@pytest.mark.trio
@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_a_journal_that_is_taken_away_is_not_written_on_in_secret(how, path, tmp_path):
    async with open_sqlite_journal(path) as journal:
        await journal.append(news())
        if how == "removed":
            path.unlink()
        else:
            (tmp_path / "other").write_bytes(path.read_bytes())
            (tmp_path / "other").replace(path)
        for _ in range(2):
            with pytest.raises(JournalError, match="removed or replaced"):
                await journal.append(news())


@pytest.mark.trio
async def test_no_room_for_the_log_to_be_extended_is_no_reason_not_to_open(path, monkeypatch):
    monkeypatch.setattr(database_module, "_LOG_BYTES", 10_000_000)
    monkeypatch.setattr(database_module, "PRAGMAS", (*database_module.PRAGMAS, ("max_page_count", "40", 40)))

    async with open_sqlite_journal(path) as journal:
        assert await journal.append(news()) == 1


@pytest.mark.trio
async def test_a_mistake_in_the_thread_is_told_and_poisons(path, monkeypatch):
    async with open_sqlite_journal(path) as journal:
        monkeypatch.setattr(Database, "append", lambda self, batches, **_: 1 / 0)
        with pytest.raises(InternalError, match="ZeroDivisionError"):
            await journal.append(news())
        monkeypatch.undo()
        with pytest.raises(JournalError, match="has failed before"):
            await journal.append(news())


@pytest.mark.trio
async def test_appends_that_wait_share_one_commit(path, monkeypatch):
    groups, gate = [], threading.Event()
    real = Database.append

    def append(self, batches, **options):
        gate.wait(timeout=30)
        groups.append(len(batches))
        return real(self, batches, **options)

    monkeypatch.setattr(Database, "append", append)
    async with open_sqlite_journal(path) as journal, trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(journal.append, news(2))
        await trio.testing.wait_all_tasks_blocked()
        gate.set()

    assert sum(groups) == 50
    assert len(groups) <= 2, "the first one that came, and all others together"
    assert len(read(path)) == 100


@pytest.mark.trio
async def test_an_append_that_waits_for_the_disk_does_not_end_by_being_cancelled(path, monkeypatch):
    gate, real, returned = threading.Event(), Database.append, []
    monkeypatch.setattr(
        Database,
        "append",
        lambda self, batches, **options: gate.wait(timeout=30) and real(self, batches, **options),
    )

    async def append(journal):
        returned.append(await journal.append(news()))

    async with open_sqlite_journal(path) as journal:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(append, journal)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await trio.testing.wait_all_tasks_blocked()
            assert not returned
            gate.set()
        assert returned == [1]


@pytest.mark.trio
async def test_reading_in_pieces_lets_appends_through(path, monkeypatch):
    monkeypatch.setattr("actorflow.journal.sqlite._CHUNK", 7)

    async with open_sqlite_journal(path) as journal:
        await journal.append(news(50))
        found = []

        async def read_all():
            found.extend(await journal.read())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all)
            nursery.start_soon(journal.append, news(3))

    assert [record.sequence for record in found] in (list(range(1, 51)), list(range(1, 54)))


@pytest.mark.slow
@pytest.mark.trio
async def test_the_log_is_used_again_and_keeps_its_size(path):
    async with open_sqlite_journal(path) as journal:
        log = path.parent / "journal.db-wal"
        size = log.stat().st_size
        assert size > 900_000, "the log has its size before the first append"
        for _ in range(500):
            await journal.append(news(body=b"x" * 300))
        assert log.stat().st_size == size

    assert sorted(os.listdir(path.parent)) == ["head", "journal.db"], "all events are in one file"
    assert len(read(path)) == 500


@pytest.mark.trio
async def test_a_reader_that_stays_does_not_keep_the_driver_from_closing(path):
    async with open_sqlite_journal(path) as journal:
        await journal.append(news(2))
        reader = JournalReader.open(path.parent)
        assert reader.head() == 2
        await journal.append(news())

    assert len(reader.read(2)) == 1
    reader.close()
    assert len(read(path)) == 3


@pytest.mark.trio
async def test_files_are_private(path):
    async with open_sqlite_journal(path) as journal:
        await journal.append(news())
        assert {name: (path.parent / name).stat().st_mode & 0o777 for name in os.listdir(path.parent)} == {
            "head": 0o600,
            "journal.db": 0o600,
            "journal.db-wal": 0o600,
            "journal.db-shm": 0o600,
        }


@pytest.mark.trio
async def test_the_thread_ends_with_the_journal(path):
    async with open_sqlite_journal(path):
        (thread,) = [
            thread for thread in threading.enumerate() if thread.name == f"journal of {path.parent.name}"
        ]
        assert thread.daemon, "a stuck disk must not keep the process"

    await trio.to_thread.run_sync(thread.join, 10)
    assert not thread.is_alive()


@pytest.mark.trio
async def test_a_driver_replaced_by_another_process_is_refused(path):
    script = "import sys; from pathlib import Path; from actorflow.journal.database import Database; Database(Path(sys.argv[1]))"
    async with open_sqlite_journal(path) as journal:
        await journal.append(news())
        await trio.run_process([sys.executable, "-c", script, str(path)])
        with pytest.raises(StaleEpoch, match="driver 2, this one was 1") as caught:
            await journal.append(news())
        assert caught.value.exit_code == 75

    assert len(read(path)) == 1


@pytest.mark.trio
async def test_there_must_be_a_journal(tmp_path):
    with pytest.raises(JournalError, match="there is no journal at"):
        async with open_sqlite_journal(tmp_path / "journal.db"):
            pass
    assert os.listdir(tmp_path) == []


@pytest.mark.trio
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
async def test_no_link_is_followed(path, suffix):
    real = path.parent / "elsewhere"
    real.write_bytes(path.read_bytes())
    link = path.parent / f"journal.db{suffix}"
    link.unlink(missing_ok=True)
    link.symlink_to(real)

    with pytest.raises(JournalError, match=f"journal.db{suffix} is a symbolic link"):
        async with open_sqlite_journal(path):
            pass


@pytest.mark.trio
async def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    before = path.read_bytes()

    with pytest.raises(JournalDamaged, match="not a database"):
        async with open_sqlite_journal(path):
            pass
    assert path.read_bytes() == before


@pytest.mark.trio
async def test_a_setting_that_sqlite_does_not_take_is_an_error(path, monkeypatch):
    monkeypatch.setattr(database_module, "PRAGMAS", (("synchronous", "FULL", 3),))

    with pytest.raises(JournalError, match="did not take synchronous = FULL"):
        async with open_sqlite_journal(path):
            pass


def test_a_checkpoint_that_fails_stops_the_journal(path, monkeypatch):
    broken = failing(monkeypatch, "SQLITE_IOERR_FSYNC", "PRAGMA wal_checkpoint")
    database = Database(path)
    database.append([news()])
    broken[0] = True

    database.checkpoint()

    assert "cannot checkpoint" in database.failure.message
    with pytest.raises(JournalError, match="has failed before"):
        database.append([news()])
    database.close()


def test_a_checkpoint_without_room_is_put_off(path, monkeypatch):
    broken = failing(monkeypatch, "SQLITE_FULL", "PRAGMA wal_checkpoint")
    database = Database(path)
    database.append([news()])
    broken[0] = True

    database.checkpoint()

    assert database.failure is None
    assert database.append([news()]) == [2]
    broken[0] = False
    database.close()
    assert len(read(path)) == 2


@pytest.mark.trio
async def test_all_of_a_group_are_refused_when_there_is_no_room_for_all(path, monkeypatch):
    monkeypatch.setattr(database_module, "PRAGMAS", (*database_module.PRAGMAS, ("max_page_count", "40", 40)))
    gate, real, outcomes = threading.Event(), Database.append, []
    monkeypatch.setattr(
        Database,
        "append",
        lambda self, batches, **options: gate.wait(timeout=30) and real(self, batches, **options),
    )

    async def append(journal):
        try:
            outcomes.append(await journal.append(news(1, b"x" * 20_000)))
        except JournalFull as error:
            outcomes.append(error)

    async with open_sqlite_journal(path) as journal:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(append, journal)
            await trio.testing.wait_all_tasks_blocked()
            gate.set()
        written = len(await journal.read())
        assert await journal.append(news()) == written + 1

    full = [outcome for outcome in outcomes if isinstance(outcome, JournalFull)]
    assert len(full) == 20 - written >= 19
    assert len(set(map(id, full))) == len(full), "an exception belongs to one task"


@pytest.mark.trio
@pytest.mark.parametrize(("where", "sequence"), [("sequence > 3", 4), ("sequence = 2", 2)])
async def test_events_that_vanish_under_the_driver_are_noticed(path, where, sequence):
    async with open_sqlite_journal(path) as journal:
        await journal.append(news(5))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute(f"DELETE FROM events WHERE {where}")
        other.close()

        for after in (0, 1, sequence):
            with pytest.raises(JournalDamaged) as caught:
                await journal.read(after)
            assert caught.value.sequence in (sequence, sequence + 1)


def test_a_replaced_driver_closes_without_touching_anything(path):
    old = Database(path)
    old.append([news(2)])
    new = Database(path)
    new.append([news(2)])

    old.close()

    assert new.append([news()]) == [5]
    new.close()
    assert [record.epoch for record in read(path)] == [1, 1, 2, 2, 2]


def test_a_log_that_has_its_size_is_not_extended_again(path):
    first = Database(path)
    first.append([news()])
    log = path.parent / "journal.db-wal"
    size = log.stat().st_size

    second = Database(path)
    second.append([news()])

    assert log.stat().st_size == size
    second.close()
    first.close()


def test_no_room_for_a_new_journal_is_told(tmp_path, monkeypatch):
    failing(monkeypatch, "SQLITE_FULL", "PRAGMA journal_mode")[0] = True

    with pytest.raises(JournalFull, match="no room"):
        create_database(tmp_path / "journal.db")


def test_a_full_disk_that_may_have_committed_poisons(path, monkeypatch):
    broken = failing(monkeypatch, "SQLITE_FULL")
    database = Database(path)
    broken[0] = True
    monkeypatch.setattr(Database, "_rolled_back", lambda self: False)

    with pytest.raises(JournalError, match="SQLITE_FULL") as caught:
        database.append([news()])

    assert not isinstance(caught.value, JournalFull)
    with pytest.raises(JournalError, match="has failed before"):
        database.append([news()])
    database.close()
