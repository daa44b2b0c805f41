"""Blobs are durable, whole and named, or a named error."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys

import pytest

from actorflow.errors import BlobDamaged, BlobMissing, JournalError, JournalFull
from actorflow.journal import BlobStore, MemoryBlobs

DATA = b'{"report":"' + b"x" * 70_000 + b'"}'
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "blobs"


@pytest.fixture(params=["disk", "memory"])
def blobs(request, folder):
    return BlobStore(folder) if request.param == "disk" else MemoryBlobs()


def test_comes_back_by_its_sha256(blobs):
    assert not blobs.exists(NAME)
    assert blobs.put(DATA) == NAME
    assert blobs.exists(NAME)
    assert blobs.get(NAME) == DATA
    assert blobs.get(blobs.put(b"")) == b""


def test_the_same_twice_is_one(blobs):
    assert blobs.put(DATA) == blobs.put(DATA)
    assert blobs.get(NAME) == DATA


def test_a_file_is_stored_by_its_content(blobs, tmp_path):
    (tmp_path / "output").write_bytes(DATA * 50)

    name = blobs.put_file(tmp_path / "output")

    assert name == hashlib.sha256(DATA * 50).hexdigest()
    assert blobs.get(name) == DATA * 50
    assert blobs.put_file(tmp_path / "output") == name


def test_a_file_that_is_not_there_or_a_link_is_refused(blobs, tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")

    with pytest.raises(JournalError, match=r"cannot read .*missing: No such file"):
        blobs.put_file(tmp_path / "missing")
    with pytest.raises(JournalError, match=r"cannot read .*link"):
        blobs.put_file(tmp_path / "link")


@pytest.mark.parametrize("name", [NAME, "", "..", "../../etc/passwd", "x" * 64, NAME.upper()])
def test_a_missing_one_is_named(blobs, name):
    with pytest.raises(BlobMissing) as caught:
        blobs.get(name)
    assert name.lower()[:60] in caught.value.path.lower()
    assert caught.value.exit_code == 74


def test_a_damaged_one_is_named(folder):
    blobs = BlobStore(folder)
    blobs.put(DATA)
    (folder / NAME).write_bytes(DATA[:-1] + b"?")

    with pytest.raises(BlobDamaged, match="its SHA-256 is") as caught:
        blobs.get(NAME)
    assert caught.value.path == str(folder / NAME)


def test_a_damaged_one_in_memory_is_named():
    blobs = MemoryBlobs()
    blobs.content[blobs.put(DATA)] = b"other"

    with pytest.raises(BlobDamaged):
        blobs.get(NAME)


def test_one_that_was_cut_short_is_replaced(folder):
    blobs = BlobStore(folder)
    blobs.put(DATA)
    (folder / NAME).write_bytes(DATA[:100])

    blobs.put(DATA)

    assert blobs.get(NAME) == DATA


def test_one_that_is_there_is_not_written_again(folder):
    blobs = BlobStore(folder)
    blobs.put(DATA)
    before = (folder / NAME).stat()

    blobs.put(DATA)

    assert (folder / NAME).stat().st_ino == before.st_ino


def test_files_are_private_and_nothing_else_is_left(folder, tmp_path):
    blobs = BlobStore(folder)
    blobs.put(DATA)
    (tmp_path / "output").write_bytes(DATA)
    blobs.put_file(tmp_path / "output")

    assert os.listdir(folder) == [NAME]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_no_link_is_followed(folder, tmp_path):
    blobs = BlobStore(folder)
    folder.mkdir()
    (folder / NAME).symlink_to("/etc/passwd")
    for call in (lambda: blobs.put(DATA), lambda: blobs.get(NAME), lambda: blobs.exists(NAME)):
        with pytest.raises(JournalError, match="is a symbolic link"):
            call()

    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(JournalError, match="link is a symbolic link"):
        BlobStore(tmp_path / "link").put(DATA)


@pytest.mark.parametrize(
    ("code", "kind"), [(errno.ENOSPC, JournalFull), (errno.EDQUOT, JournalFull), (errno.EIO, JournalError)]
)
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_failure_leaves_nothing_behind(folder, monkeypatch, code, kind, call):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    blobs = BlobStore(folder)
    folder.mkdir()
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(kind, match=f"cannot store a blob in {folder}: {os.strerror(code)}") as caught:
        blobs.put(DATA)
    monkeypatch.undo()

    assert type(caught.value) is kind
    assert os.listdir(folder) == []
    assert blobs.get(blobs.put(DATA)) == DATA


def test_the_steps_come_in_the_order_that_makes_it_durable(folder, monkeypatch):
    steps = []
    folder.mkdir()
    real = {name: getattr(os, name) for name in ("write", "fsync", "rename")}
    for name, function in real.items():
        monkeypatch.setattr(
            os, name, lambda *args, name=name, function=function: steps.append(name) or function(*args)
        )

    BlobStore(folder).put(DATA)

    assert steps == ["write", "fsync", "rename", "fsync"]


def test_a_short_write_is_continued(folder, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:1000]))

    blobs = BlobStore(folder)

    assert blobs.get(blobs.put(DATA)) == DATA


def test_sweeping_removes_what_interrupted_puts_have_left(folder):
    blobs = BlobStore(folder)
    assert blobs.sweep() == 0
    blobs.put(DATA)
    (folder / ".tmp-123-1").write_bytes(b"half")

    assert blobs.sweep() == 1
    assert os.listdir(folder) == [NAME]


LARGE = """
import resource, sys
from pathlib import Path
from actorflow.journal import BlobStore
folder = Path(sys.argv[1])
with open(folder / "large", "wb") as file:
    file.truncate(100_000_000)
store = BlobStore(folder / "blobs")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store.put_file(folder / "large")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1024 if sys.platform != "darwin" else 1 << 20))
"""


@pytest.mark.slow
def test_a_file_of_100_mb_takes_no_memory_to_store(tmp_path, figure):
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path)], capture_output=True, text=True, check=True
    )

    figure(
        "an output of 100 MB becomes a blob",
        tried=1,
        of="file",
        found=f"{int(done.stdout)} MB more memory",
        promised="at most 32 MB",
    )
    assert int(done.stdout) < 32
