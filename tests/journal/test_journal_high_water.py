"""What a driver that was killed had acknowledged is read, or its loss is told, whatever becomes of the end of its log."""

from __future__ import annotations

import errno
import os
import random
import shutil
import socket

import pytest

from actorflow.errors import JournalDamaged, JournalError, JournalFull, StaleEpoch
from actorflow.journal import JournalReader, NewRecord
from actorflow.journal.database import Database, create_database
from actorflow.journal.high_water import HighWaterMark, read_high_water
from actorflow.journal.salvage import good_part

HEADER, FRAME, SECTOR = 32, 24 + 4096, 512
COMMITS = 8


def news(count=1, size=100):
    return [NewRecord(number, "kind", b"x" * size) for number in range(count)]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "run").mkdir()
    create_database(tmp_path / "run" / "journal.db")
    return tmp_path / "run" / "journal.db"


@pytest.fixture
def database(path):
    database = Database(path)
    yield database
    database.close()


@pytest.fixture
def killed(path, database, tmp_path):
    """The folder of a driver that was killed after its last commit; each one is one frame of the log."""
    for number in range(COMMITS):
        database.append([news(size=100 + number)])
    return shutil.copytree(path.parent, tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm"))


def read(folder):
    with JournalReader.open(folder) as reader:
        return [record.sequence for record in reader.read()]


def drive(folder):
    database = Database(folder / "journal.db")
    try:
        return [record.sequence for record in database.read(database.place(0), -1)[0]]
    finally:
        database.close()


both_ways = pytest.mark.parametrize("open_and_read", [read, drive])


def end_of_log(log):
    """Return where the frames of the log end."""
    data = log.read_bytes()
    end = HEADER
    while data[end + 8 : end + 16] == data[16:24]:
        end += FRAME
    return end


@both_ways
def test_what_was_acknowledged_is_there(killed, open_and_read):
    assert read_high_water(killed / "journal.db") == COMMITS
    assert open_and_read(killed) == [*range(1, COMMITS + 1)]


@both_ways
@pytest.mark.parametrize("source", [0, 1, 7, 9, 30])
@pytest.mark.parametrize("border", [0, 1, 2])
def test_a_sector_misplaced_over_the_border_of_two_commits_is_refused(killed, open_and_read, border, source):
    log = killed / "journal.db-wal"
    data = bytearray(log.read_bytes())
    start = (end_of_log(log) - border * FRAME) // SECTOR * SECTOR
    data[start : start + SECTOR] = data[source * SECTOR : (source + 1) * SECTOR]
    log.write_bytes(data)

    with pytest.raises(JournalDamaged):
        open_and_read(killed)


@both_ways
def test_no_damage_to_the_last_commit_drops_it_in_silence(killed, open_and_read):
    log = killed / "journal.db-wal"
    whole = log.read_bytes()
    last = end_of_log(log) - FRAME
    chance = random.Random(5)
    for _ in range(40):
        data = bytearray(whole)
        data[chance.randrange(last, last + FRAME)] ^= 1 << chance.randrange(8)
        log.write_bytes(data)
        (killed / "journal.db-shm").unlink(missing_ok=True)
        with pytest.raises(JournalDamaged, match="is damaged at event 8: events up to 8 were there"):
            open_and_read(killed)
        assert log.read_bytes() == data, "nothing is changed"


@both_ways
@pytest.mark.parametrize("commits", range(COMMITS))
def test_a_log_that_was_cut_between_two_commits_is_refused(killed, open_and_read, commits):
    log = killed / "journal.db-wal"
    log.write_bytes(log.read_bytes()[: end_of_log(log) - (COMMITS - commits) * FRAME])

    with pytest.raises(
        JournalDamaged, match=f"is damaged at event {commits + 1}: events up to 8 were there"
    ) as caught:
        open_and_read(killed)
    assert caught.value.path == str(killed / "journal.db")


@both_ways
def test_a_journal_that_was_copied_without_its_log_is_refused(killed, open_and_read):
    (killed / "journal.db-wal").unlink()

    with pytest.raises(JournalDamaged, match="events up to 8 were there"):
        open_and_read(killed)


def test_a_journal_is_refused_again_when_it_is_asked_again(killed):
    with JournalReader.open(killed) as reader:
        reader.close()
        (killed / "journal.db-wal").unlink()
        for _ in range(2):
            with pytest.raises(JournalDamaged):
                reader.read()


def test_salvage_tells_how_many_events_are_lost(killed):
    (killed / "journal.db-wal").unlink()

    part = good_part(killed / "journal.db")

    assert (part.records, part.expected) == ([], COMMITS)
    assert part.damage == "events up to 8 were there, and the last one is 0"


@both_ways
def test_a_mark_that_is_damaged_says_nothing(killed, open_and_read):
    mark = killed / "head"
    whole = mark.read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            mark.write_bytes(data)
            assert read_high_water(killed / "journal.db") == 0
    for size in range(len(whole)):
        mark.write_bytes(whole[:size])
        assert read_high_water(killed / "journal.db") == 0
    assert open_and_read(killed) == [*range(1, COMMITS + 1)]


@both_ways
def test_a_journal_of_an_earlier_version_has_no_mark(killed, open_and_read):
    (killed / "head").unlink()

    assert open_and_read(killed) == [*range(1, COMMITS + 1)]


def test_the_next_driver_goes_on_with_the_mark(killed):
    (killed / "head").unlink()
    database = Database(killed / "journal.db")
    database.append([news(3)])

    assert read_high_water(killed / "journal.db") == COMMITS + 3

    database.close()
    assert read(killed) == [*range(1, COMMITS + 4)]


@both_ways
def test_a_mark_that_is_a_link_is_refused(killed, open_and_read, tmp_path):
    (killed / "head").rename(tmp_path / "elsewhere")
    (killed / "head").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(JournalError, match="head is a symbolic link"):
        open_and_read(killed)


def put_socket(mark):
    here = os.getcwd()
    os.chdir(mark.parent)  # the address of a socket has room for 100 characters
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(mark.name)
    finally:
        os.chdir(here)


@both_ways
@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo, put_socket])
def test_what_is_no_file_in_its_place_is_named_and_keeps_nobody_waiting(killed, open_and_read, put):
    (killed / "head").unlink()
    put(killed / "head")

    with pytest.raises(JournalError, match="head is not a file") as caught:
        open_and_read(killed)
    assert caught.value.hint.startswith("remove it")


def test_a_mark_that_may_not_be_read_is_an_error_with_its_name(killed, monkeypatch):
    whole = os.open

    def refuse(path, *arguments):
        if os.fspath(path).endswith("head"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return whole(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(JournalError, match=r"cannot read .*head: Permission denied"):
        read(killed)


@both_ways
def test_who_put_an_older_journal_there_is_told_how_to_have_it_taken(killed, open_and_read):
    (killed / "journal.db-wal").unlink()

    with pytest.raises(JournalDamaged) as caught:
        open_and_read(killed)
    assert f"remove {killed / 'head'}" in caught.value.hint
    assert "'actorflow doctor killed --salvage'" in caught.value.hint

    (killed / "head").unlink()
    assert open_and_read(killed) == []


@pytest.mark.parametrize("more", [b"\n", b"\0" * 100_000])
def test_the_next_driver_mends_a_mark_that_has_grown(killed, more):
    with (killed / "head").open("ab") as mark:
        mark.write(more)
    assert read_high_water(killed / "journal.db") == 0

    database = Database(killed / "journal.db")
    database.append([news()])
    database.close()

    assert read_high_water(killed / "journal.db") == COMMITS + 1


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_who_may_read_the_journal_may_read_the_mark_too(killed, monkeypatch, mode):
    (killed / "head").unlink()
    (killed / "journal.db").chmod(mode)
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # root resumes somebody's run
    monkeypatch.setattr(os, "fchown", lambda _, *owner: given.append(owner))

    Database(killed / "journal.db").close()

    journal = (killed / "journal.db").stat()
    assert (killed / "head").stat().st_mode == journal.st_mode
    assert given == [(journal.st_uid, journal.st_gid)]


def test_a_replaced_driver_that_was_stopped_before_it_marked_only_says_less(path):
    older = Database(path)
    older.append([news()])
    newer = Database(path)
    newer.append([news(3)])

    older._mark.raise_to(1)  # wakes up with what was true when it was stopped

    assert read_high_water(path) == 1
    assert read(path.parent) == [1, 2, 3, 4]
    with pytest.raises(StaleEpoch):
        older.append([news()])
    newer.append([news()])
    assert read_high_water(path) == 5, "the next commit says all again"
    older.close()
    newer.close()


def test_what_was_not_written_is_not_marked(path, database):
    database.append([news()])
    newer = Database(path)
    with pytest.raises(StaleEpoch):
        database.append([news()])
    newer.close()

    assert read_high_water(path) == 1


def test_what_found_no_room_is_not_marked(path, database):
    database.append([news()])
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalFull):
        database.append([news(size=100_000)])

    assert read_high_water(path) == 1


def test_closing_twice_closes_no_file_of_somebody_else(path):
    mark = HighWaterMark(path)
    mark.close()
    other = os.open(path, os.O_RDONLY)  # gets the number of the file that was closed
    try:
        mark.close()
        mark.raise_to(5)
        assert os.fstat(other).st_size > 0
    finally:
        os.close(other)
    assert read_high_water(path) == 0


def test_a_disk_that_refuses_the_mark_refuses_nothing_else(path, database, monkeypatch):
    database.append([news()])

    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pwrite", refuse)

    assert database.append([news()]) == [2]
    assert read_high_water(path) == 1
