"""One driver per run, whoever asks and however they end."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from actorflow.errors import JournalError, RunLocked
from actorflow.journal import Driver, Lease, this_process, who_drives
from actorflow.journal import lease as lease_module

NOW = 1_786_000_000_000_000
DRIVER = Driver(4711, "HOST", NOW, "boot", "actorflow run x.yaml")


def acquire(folder, describe=DRIVER):
    return Lease.acquire(folder, "RUN", now=NOW, describe=describe)


HOLDER = """
import sys
from pathlib import Path
from actorflow.errors import RunLocked
from actorflow.journal import Lease, this_process
sys.stdin.readline()
try:
    lease = Lease.acquire(Path(sys.argv[1]), "RUN", now=1, describe=this_process(now=1, command="holder"))
    print("won", flush=True)
except RunLocked as error:
    print("lost", error.driver, flush=True)
sys.stdin.readline()
"""


def holder(folder):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_second_driver_is_told_who_drives(tmp_path):
    with acquire(tmp_path):
        with pytest.raises(RunLocked) as caught:
            acquire(tmp_path, this_process(now=NOW))
        assert caught.value.run_id == "RUN"
        assert caught.value.driver == "process 4711 on HOST since 2026-08-06 07:06:40 UTC"
        assert caught.value.exit_code == 75


def test_a_lease_that_is_given_back_can_be_taken(tmp_path):
    lease = acquire(tmp_path)
    lease.release()
    lease.release()

    with acquire(tmp_path) as second:
        assert second.driver.acquired_at == NOW
    assert who_drives(tmp_path) is None


def test_who_drives_says_all_about_the_driver(tmp_path):
    assert who_drives(tmp_path) is None
    with acquire(tmp_path) as lease:
        assert who_drives(tmp_path) == lease.driver
        assert who_drives(tmp_path).command == "actorflow run x.yaml"
    assert who_drives(tmp_path) is None


def test_this_process_describes_itself():
    me = this_process(now=NOW, command="x")

    assert (me.pid, me.host, me.started_at, me.command) == (os.getpid(), os.uname().nodename, NOW, "x")


@pytest.mark.slow
def test_of_two_processes_one_wins_and_its_death_frees_the_run(tmp_path):
    for _ in range(3):
        with holder(tmp_path) as one, holder(tmp_path) as other:
            for child in (one, other):
                child.stdin.write("\n")
            for child in (one, other):
                child.stdin.flush()
            answers = {child.pid: child.stdout.readline().split() for child in (one, other)}
            ((winner,), (loser,)) = (
                [pid for pid, answer in answers.items() if answer[0] == word] for word in ("won", "lost")
            )

            assert answers[loser][1:4:2] == ["process", "on"]
            assert answers[loser][2] == str(winner)
            assert who_drives(tmp_path).pid == winner
            one.kill()
            other.kill()
            one.wait()
            other.wait()
            assert who_drives(tmp_path) is None
            assert (tmp_path / "lock").read_text(), "its text was left behind, and is not believed"


def test_whoever_asks_does_not_disturb_whoever_takes(tmp_path):
    """Askers by the thousand, and every attempt to take the free lease succeeds."""
    acquire(tmp_path).release()
    enough = threading.Event()
    asked = []

    def ask():
        while not enough.is_set():
            who_drives(tmp_path)
            asked.append(1)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        acquire(tmp_path).release()
    enough.set()
    for thread in threads:
        thread.join()

    assert asked


def test_an_asker_that_is_there_is_waited_for(tmp_path, monkeypatch):
    acquire(tmp_path).release()
    asker = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(asker, fcntl.LOCK_SH)
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            os.close(asker)

    monkeypatch.setattr(lease_module.time, "sleep", sleep)
    with acquire(tmp_path):
        assert len(waits) == 3


FORKS_AND_DIES = """
import os, sys
from pathlib import Path
from actorflow.journal import Lease, this_process

held = Lease.acquire(Path(sys.argv[1]), "run-1", now=5, describe=this_process(now=5))
if os.fork() == 0:
    sys.stdin.read()  # a child that has not come to its exec yet, and has a copy of the lock
else:
    os._exit(0)
"""


@pytest.mark.slow
def test_what_a_dead_driver_was_just_forking_is_waited_for(tmp_path, monkeypatch):
    with subprocess.Popen(
        [sys.executable, "-c", FORKS_AND_DIES, str(tmp_path)], stdin=subprocess.PIPE
    ) as driver:
        assert driver.stdin is not None
        driver.wait()
        assert who_drives(tmp_path) is not None
        monkeypatch.setattr(lease_module.time, "sleep", lambda seconds: driver.stdin.close())

        with Lease.acquire(tmp_path, "run-1", now=6, describe=this_process(now=6)) as lease:
            assert who_drives(tmp_path) == lease.driver


def test_an_asker_that_stays_is_not_waited_for_endlessly(tmp_path, monkeypatch):
    acquire(tmp_path).release()
    asker = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(asker, fcntl.LOCK_SH)
    clock = iter(range(100))
    monkeypatch.setattr(lease_module.time, "sleep", lambda _: None)
    monkeypatch.setattr(lease_module.time, "monotonic", lambda: next(clock))

    with pytest.raises(JournalError, match="looked at all the time"):
        acquire(tmp_path)
    os.close(asker)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "x"}', "\udcff"])
def test_a_driver_that_does_not_say_who_it_is_is_one(tmp_path, monkeypatch, text):
    monkeypatch.setattr(lease_module.time, "sleep", lambda _: None)
    with acquire(tmp_path):
        (tmp_path / "lock").write_bytes(text.encode(errors="surrogateescape"))
        assert who_drives(tmp_path).pid == 0
        with pytest.raises(RunLocked, match="run RUN is driven by another process"):
            acquire(tmp_path)


def test_a_driver_that_is_just_about_to_say_so_is_waited_for(tmp_path, monkeypatch):
    lease = acquire(tmp_path)
    text = (tmp_path / "lock").read_text()
    (tmp_path / "lock").write_text("")
    monkeypatch.setattr(lease_module.time, "sleep", lambda _: (tmp_path / "lock").write_text(text))

    assert who_drives(tmp_path) == lease.driver
    lease.release()


def test_the_lock_file_stays_is_private_and_says_only_the_last_driver(tmp_path):
    with acquire(tmp_path, Driver(1, "H", 1, "b", "x" * 500)):
        pass
    before = (tmp_path / "lock").stat()
    with acquire(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == 4711

    after = (tmp_path / "lock").stat()
    assert (after.st_ino, after.st_mode & 0o777) == (before.st_ino, 0o600)


def test_a_child_does_not_inherit_the_lease(tmp_path):
    lease = acquire(tmp_path)
    script = "print('running', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        close_fds=False,
    ) as child:
        assert child.stdout.readline() == "running\n"
        os.close(lease._descriptor)  # as the end of this process would
        lease._descriptor = None
        assert who_drives(tmp_path) is None
        child.kill()


def test_a_lease_that_is_given_back_is_free_even_if_a_child_has_a_copy(tmp_path):
    lease = acquire(tmp_path)
    copy = os.dup(lease._descriptor)

    lease.release()

    assert who_drives(tmp_path) is None
    os.close(copy)


def test_no_link_is_followed(tmp_path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    for call in (acquire, who_drives):
        with pytest.raises(JournalError, match="lock is a symbolic link"):
            call(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(JournalError, match=r"cannot lock .*No such file"):
        acquire(tmp_path / "missing")
    assert who_drives(tmp_path / "missing") is None


def test_a_run_that_was_removed_meanwhile_is_not_driven(tmp_path, monkeypatch):
    real = lease_module._lock
    monkeypatch.setattr(
        lease_module, "_lock", lambda descriptor: (tmp_path / "lock").unlink() or real(descriptor)
    )

    with pytest.raises(JournalError, match="has just been removed"):
        acquire(tmp_path)


def test_a_network_folder_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("actorflow.journal.storage.file_system_of", lambda path: "nfs4")

    with pytest.raises(JournalError, match=r"is on a network file system \(nfs4\)"):
        acquire(tmp_path)


def test_a_driver_that_beats_is_heard_of_and_one_that_does_not_is_silent_after_15_seconds(tmp_path):
    with acquire(tmp_path) as lease:
        lease.beat(monotonic=lambda: 1000.0)

        at = {
            n: who_drives(tmp_path, clock=lambda: 5000.0, monotonic=lambda n=n: n) for n in (1015.0, 1015.5)
        }
        lease.beat(monotonic=lambda: 1014.0)
        again = who_drives(tmp_path, clock=lambda: 5000.0, monotonic=lambda: 1015.5)

    assert at[1015.0].silent_since is None
    assert at[1015.5].silent_since == 5000.0 - 15.5
    assert again.silent_since is None
    assert at[1015.5] == lease.driver, "it is the same driver, silent or not"
    assert str(at[1015.5]).endswith("since 2026-08-06 07:06:40 UTC, silent since 1970-01-01 01:23:04 UTC")


def test_taking_the_lease_is_the_first_beat(tmp_path):
    with acquire(tmp_path):
        assert who_drives(tmp_path).silent_since is None
        later = time.monotonic() + 16
        assert who_drives(tmp_path, monotonic=lambda: later).silent_since is not None


def test_setting_the_clock_makes_nobody_silent(tmp_path):
    with acquire(tmp_path):
        for clock in (0.0, 4e9):
            assert who_drives(tmp_path, clock=lambda clock=clock: clock).silent_since is None


def test_a_driver_of_an_earlier_version_that_does_not_beat_is_not_called_silent(tmp_path):
    with acquire(tmp_path) as lease:
        text = json.loads((tmp_path / "lock").read_text())
        del text["beat"]
        (tmp_path / "lock").write_text(json.dumps(text))

        assert who_drives(tmp_path, monotonic=lambda: 1e9).silent_since is None
        assert who_drives(tmp_path) == lease.driver


def test_beats_change_no_other_byte_and_a_lease_that_was_given_back_does_not_beat(tmp_path):
    with acquire(tmp_path, Driver(1, "H", 1, "b", "a \u00fc " * 50)) as lease:
        before = (tmp_path / "lock").read_bytes()
        lease.beat(monotonic=lambda: 99_999_999.0)
        after = (tmp_path / "lock").read_bytes()
    lease.beat()

    assert len(after) == len(before)
    assert before.partition(b'"beat"')[0] == after.partition(b'"beat"')[0]
    assert json.loads(after)["beat"] == "0099999999.000000"
    assert (tmp_path / "lock").read_bytes() == b""
