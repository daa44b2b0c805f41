"""A process that is just becoming another program has no environment for a moment, and is nobody's orphan for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from actorflow.agents import process_table

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows environments")

MARKER = "20261122-184800-k3v9qd/task/1"


@pytest.fixture
def process():
    """A process that carries the marker, and lives until the test is over."""
    command = [
        sys.executable,
        "-S",
        "-c",
        "import sys; sys.stdout.write('up\\n'); sys.stdout.flush(); sys.stdin.read()",
    ]
    environment = {process_table.MARKER_VARIABLE: MARKER, "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        yield running
        running.kill()


class Becoming:
    """Shows a process as ``/proc`` does within ``exec``, for so many looks at its environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pid: int, looks: int, *, state: bytes = b"R") -> None:
        self.looks = looks
        self.waits = 0
        self._pid = pid
        self._state = state
        self._real = process_table._read
        monkeypatch.setattr(process_table, "_read", self._read)
        monkeypatch.setattr(process_table.time, "sleep", self._sleep)

    def _sleep(self, _seconds: float) -> None:
        self.waits += 1

    def _read(self, path: str) -> bytes:
        found = self._real(path)
        if self.looks <= 0 or not path.startswith(f"/proc/{self._pid}/"):
            return found
        if path.endswith("/environ"):
            self.looks -= 1
            return b""
        head, _, rest = found.rpartition(b")")
        fields = rest.split()
        fields[0], fields[48] = self._state, b"0"
        return head + b") " + b" ".join(fields)


def test_it_is_waited_for(process, monkeypatch: pytest.MonkeyPatch) -> None:
    becoming = Becoming(monkeypatch, process.pid, looks=3)

    assert process_table.carries(process.pid, MARKER)
    assert becoming.waits in (2, 3)


def test_it_is_not_waited_for_without_end(process, monkeypatch: pytest.MonkeyPatch) -> None:
    Becoming(monkeypatch, process.pid, looks=10**9)
    now = iter(range(10**9))
    monkeypatch.setattr(process_table.time, "monotonic", lambda: next(now) * 0.01)

    assert not process_table.carries(process.pid, MARKER)


def test_one_that_sleeps_becomes_nothing(process, monkeypatch: pytest.MonkeyPatch) -> None:
    becoming = Becoming(monkeypatch, process.pid, looks=10**9, state=b"S")

    assert not process_table.carries(process.pid, MARKER)
    assert becoming.waits == 0


def test_one_that_has_ended_is_not_waited_for(process, monkeypatch: pytest.MonkeyPatch) -> None:
    process.kill()
    process.wait()
    becoming = Becoming(monkeypatch, process.pid, looks=0)

    assert process_table.markers_of(process.pid) == frozenset()
    assert becoming.waits == 0


def test_an_empty_environment_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "print('up', flush=True); input()"],
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        becoming = Becoming(monkeypatch, running.pid, looks=0)

        assert process_table.markers_of(running.pid) == frozenset()
        assert becoming.waits == 0
        running.kill()


@pytest.mark.slow
def test_one_that_never_does_anything_else_is_found_as_good_as_always() -> None:
    """The real thing: a shell that becomes a shell, again and again."""
    environment = {process_table.MARKER_VARIABLE: MARKER, "PATH": os.environ["PATH"]}
    script = 'exec /bin/sh -c "$0" "$0"'
    with subprocess.Popen(["/bin/sh", "-c", script, script], env=environment) as running:
        found = [process_table.carries(running.pid, MARKER) for _ in range(20_000)]
        running.kill()
    assert (
        found.count(False) <= 10
    )  # without waiting it is some hundreds; it may become another one between two looks
