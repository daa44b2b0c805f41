"""Run folders: complete or not there, found by id, prefix or ``last``."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time

import pytest
import trio

from actorflow.errors import JournalError, JournalFull, RunError
from actorflow.ids import RunId
from actorflow.journal import JournalReader, RunStore, open_sqlite_journal
from actorflow.journal import runs as runs_module

A, B, C = (RunId(f"2026010{day}-120000-aaaaa{day}") for day in (1, 2, 3))


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "project" / ".claude" / "workflow-state")


def test_a_new_run_is_complete(store):
    folder = store.create(A)

    assert folder.path == store.state_dir / "runs" / A
    assert sorted(os.listdir(folder.path)) == ["attempts", "blobs", "control", "journal.db", "lock"]
    with JournalReader.open(folder.path) as reader:
        assert reader.read() == []
    assert store.open(A) == folder


def test_folders_and_files_are_private(store):
    folder = store.create(A)

    folders = [
        store.state_dir,
        folder.path.parent,
        folder.path,
        folder.control,
        folder.blobs,
        folder.attempts,
    ]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in (folder.journal, folder.lock)} == {0o600}


@pytest.mark.trio
async def test_a_new_journal_can_be_driven(store):
    folder = store.create(A)

    async with open_sqlite_journal(folder.journal) as journal:
        assert (journal.epoch, journal.head) == (1, 0)


def test_the_state_folder_keeps_itself_out_of_git(store):
    store.create(A)
    assert (store.state_dir / ".gitignore").read_text().splitlines()[-1] == "*"

    (store.state_dir / ".gitignore").write_text("mine")
    store.create(B)
    assert (store.state_dir / ".gitignore").read_text() == "mine"


def test_there_is_one_run_of_an_id(store):
    store.create(A)
    with pytest.raises(RunError, match=f"there is a run {A} already"):
        store.create(A)
    assert store.list() == (A,)


@pytest.mark.parametrize("run_id", ["", "..", "../x", "20260101-120000-AAAAAA", f"{A}/x", f"{A}\n"])
def test_an_id_is_never_a_path(store, run_id):
    for call in (store.create, store.open):
        with pytest.raises(RunError, match="is not the id of a run"):
            call(RunId(run_id))


def test_runs_are_listed_newest_first(store):
    for run_id in (B, A, C):
        store.create(run_id)
    assert store.list() == (C, B, A)


def test_only_runs_are_listed(store, tmp_path):
    assert store.list() == ()
    store.create(A)
    runs = store.state_dir / "runs"
    (runs / ".new-20260101-120000-bbbbbb-1").mkdir()
    (runs / "notes.txt").touch()
    (runs / str(B)).touch()
    (runs / str(C)).symlink_to(runs / str(A))

    assert store.list() == (A,)


@pytest.mark.parametrize(
    ("text", "found"), [(A, A), ("20260102", B), ("2026010", None), ("last", C), (C[:-1], C)]
)
def test_a_run_is_named_by_id_prefix_or_last(store, text, found):
    for run_id in (A, B, C):
        store.create(run_id)
    if found:
        assert store.resolve(text) == found
        return
    with pytest.raises(RunError, match=f"'{text}' begins the ids of 3 runs") as caught:
        store.resolve(text)
    assert caught.value.hint == f"say which: {C}, {B}, {A}"


@pytest.mark.parametrize("text", ["x", "", "LAST", "*", f"{A}x"])
def test_a_name_of_nothing_lists_the_newest(store, text):
    for second in range(7):
        store.create(RunId(f"20260101-00000{second}-aaaaaa"))
    with pytest.raises(RunError, match="no run ") as caught:
        store.resolve(text)
    assert caught.value.hint.startswith("the newest are: 20260101-000006-aaaaaa, ")
    assert caught.value.hint.endswith(" and 2 more")


def test_without_runs_there_is_no_last(store):
    with pytest.raises(RunError, match="there are no runs in"):
        store.resolve("last")
    with pytest.raises(RunError, match=f"no run {A} in"):
        store.open(A)


def test_a_run_that_is_a_link_is_refused(store, tmp_path):
    store.create(A)
    (store.state_dir / "runs" / str(B)).symlink_to(store.state_dir / "runs" / str(A))

    with pytest.raises(JournalError, match="is a symbolic link"):
        store.open(B)


def test_a_runs_folder_that_is_a_link_is_refused(store, tmp_path):
    store.state_dir.mkdir(parents=True)
    (store.state_dir / "runs").symlink_to(tmp_path)

    for call in (lambda: store.create(A), store.list):
        with pytest.raises(JournalError, match="runs is a symbolic link"):
            call()


def test_the_state_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    RunStore(tmp_path / "link").create(A)

    assert RunStore(tmp_path / "real").list() == (A,)


@pytest.mark.parametrize("place", ["project", "project/.claude", "project/.claude/workflow-state"])
def test_a_file_where_a_folder_should_be_is_named(store, tmp_path, place):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).touch()

    with pytest.raises(JournalError, match=f"cannot make {store.state_dir}/runs/{A}") as caught:
        store.create(A)

    assert "a file is where a folder should be" in caught.value.hint
    assert caught.value.exit_code == 74


@pytest.mark.parametrize("call", ["rename", "fsync", "mkdir"])
@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, JournalFull), (errno.EROFS, JournalError)])
def test_a_failure_leaves_nothing_half_made(store, monkeypatch, call, code, kind):
    store.create(A)

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(kind, match=f"cannot make {store.state_dir}/runs/{B}: {os.strerror(code)}") as caught:
        store.create(B)
    monkeypatch.undo()

    assert type(caught.value) is kind
    assert caught.value.hint
    assert os.listdir(store.state_dir / "runs") == [A]


NO_ROOM = """
import os, resource, sys
from pathlib import Path
from actorflow.errors import JournalError
from actorflow.journal import RunStore
store = RunStore(Path(sys.argv[1]))
store.list()
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
try:
    store.create("20260101-000000-abcdef")
except JournalError as error:
    print(error.exit_code)
print(os.listdir(store.state_dir / "runs"))
"""


@pytest.mark.slow
def test_a_disk_that_takes_half_a_journal_leaves_nothing_half_made(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["74", "[]"]


def test_what_a_crash_left_is_swept_when_it_is_old(store):
    store.create(A)
    runs = store.state_dir / "runs"
    for name, age in (("old", 7200), ("new", 60)):
        (runs / f".new-{name}").mkdir()
        os.utime(runs / f".new-{name}", (time.time() - age,) * 2)

    store.create(B)

    assert sorted(os.listdir(runs)) == [".new-new", A, B]


def test_the_folder_of_an_attempt_is_made_when_it_is_asked_for(store):
    folder = store.create(A)

    path = folder.attempt_dir("build", 2)

    assert path == folder.path / "attempts" / "build" / "2"
    assert path.stat().st_mode & 0o777 == path.parent.stat().st_mode & 0o777 == 0o700
    assert folder.attempt_dir("build", 2) == path


@pytest.mark.parametrize(
    ("task", "number"), [("..", 1), ("a/b", 1), ("", 1), ("build", 0), ("build", -1), ("a\n", 1)]
)
def test_an_attempt_is_never_another_path(store, task, number):
    with pytest.raises(RunError, match="there is no attempt"):
        store.create(A).attempt_dir(task, number)


def test_the_folder_of_an_attempt_that_is_a_link_is_refused(store, tmp_path):
    folder = store.create(A)
    (folder.attempts / "build").symlink_to(tmp_path)

    with pytest.raises(JournalError, match="build is a symbolic link"):
        folder.attempt_dir("build", 1)


def test_a_network_folder_is_refused_by_name(store, monkeypatch):
    monkeypatch.setattr("actorflow.journal.storage.file_system_of", lambda path: "cifs")

    with pytest.raises(JournalError, match=r"is on a network file system \(cifs\)"):
        store.create(A)
    assert store.list() == ()


def test_many_runs_are_made_at_once(store):
    ids = [RunId(f"20260101-0000{second:02}-aaaaaa") for second in range(20)]

    async def main():
        async with trio.open_nursery() as nursery:
            for run_id in ids:
                nursery.start_soon(trio.to_thread.run_sync, store.create, run_id)

    trio.run(main)
    assert store.list() == tuple(reversed(ids))
    assert runs_module.RunFolder(ids[0], store.state_dir / "runs" / ids[0]) == store.open(ids[0])
