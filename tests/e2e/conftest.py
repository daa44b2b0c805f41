from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.scene import Scene

PATIENCE_SECONDS = 50
"""How long anything may take in these tests; then the test fails, and the suite goes on."""


class Driver(subprocess.Popen[str]):
    """The real command line in a process. It lives for so long and no longer, so that nobody waits for it, or for what it says, for ever."""

    def __init__(self, *arguments: Any, patience: float = PATIENCE_SECONDS, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watchdog = threading.Timer(patience, self.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        is_late = False
        try:
            if kind is None:
                self.wait(timeout=PATIENCE_SECONDS)  # longer than the watchdog has left
        except subprocess.TimeoutExpired:
            is_late = True
        finally:
            self.end()
            self._watchdog.cancel()
            super().__exit__(kind, *rest)
        assert not is_late, f"it has not ended within {PATIENCE_SECONDS} s: {self.args}"

    def communicate(self, input: str | None = None, timeout: float | None = PATIENCE_SECONDS) -> Any:  # noqa: A002 (its name)
        return super().communicate(input, timeout)

    def end(self) -> None:
        """End it and its agents: at the third signal it kills them and leaves; if it is stopped or stuck, it is killed."""
        for number in (signal.SIGCONT, *[signal.SIGTERM] * 3):
            if self.poll() is None:
                self.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.wait(timeout=0.5)
        if self.poll() is None:
            self.kill()


class Fifo:
    """A FIFO between a test and a task: the test never waits for long."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._path = path

    def read_text(self) -> str:
        """Wait until a task has written a line, and return it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        try:
            readable, _, _ = select.select([descriptor], [], [], PATIENCE_SECONDS)
            assert readable, f"nobody has written into {self._path.name}"
            return os.read(descriptor, 4096).decode()
        finally:
            os.close(descriptor)

    def write_text(self, text: str) -> None:
        """Wait until a task reads, and write; it sees the end then."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
                break
            except OSError as error:
                if error.errno != errno.ENXIO or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.01)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


class Project:
    """An empty project folder and the real command line in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".claude").mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "default",
        }

    @property
    def python(self) -> str:
        return sys.executable

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str, **options: Any) -> Driver:
        return self.start_program([sys.executable, "-m", "actorflow", *arguments], **options)

    def start_program(self, argv: Sequence[str], **options: Any) -> Driver:
        """Start another program that is the command line, in its way."""
        return Driver(
            argv,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            text=True,
            **{"env": self.environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def report(self, *arguments: str) -> dict[str, Any]:
        done = self.call(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def until(self, what: Callable[[], Any]) -> Any:
        """Wait until something is so, but not for ever."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := what()):
            assert time.monotonic() < end, "it does not come"
            time.sleep(0.01)
        return found

    def lines(self, name: str) -> list[str]:
        path = self.root / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def events(self, run: str = "last") -> list[Any]:
        from actorflow import api
        from actorflow.settings import read_settings

        settings = read_settings({"HOME": str(self.root)}, cwd=self.root)
        return [recorded.event for recorded in api.inspect(run, settings=settings).events]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def fifo(project: Project) -> Callable[[str], Fifo]:
    return lambda name: Fifo(project.root / name)


@pytest.fixture
def scene(project: Project) -> Iterator[Scene]:
    scene = Scene(project)
    yield scene
    scene.kill_all()
