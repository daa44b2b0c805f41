"""A disk that fills up under a run: the run says so and waits, goes on by itself, and can be stopped meanwhile.

On a small file system of its own where one may be mounted, and everywhere with a storage that refuses.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAD = "x" * 20_000
TASKS = 60
CHAIN = "\n".join(
    [
        "name: fills",
        f"inputs: {{pad: {{type: string, default: {PAD}}}}}",
        "tasks:",
        "  - {id: first, agent: shell, parameters: {command: 'if [ $ACTORFLOW_ATTEMPT = 1 ]; then echo > gate; COPY; fi; echo done >> ran.txt'}}",
        *(
            f"  - {{id: t{i}, agent: echo, dependencies: [{f't{i - 1}' if i else 'first'}], parameters: {{x: '${{pad}}'}}}}"
            for i in range(TASKS)
        ),
        f"  - {{id: last, agent: shell, dependencies: [t{TASKS - 1}], parameters: {{command: echo last >> ran.txt}}}}",
    ]
)


class MountedDisk:
    """A file system of 6 MiB in memory, with nothing else on it."""

    def __init__(self, project) -> None:
        self.project = project
        self.command = [sys.executable, "-m", "actorflow"]
        self.state = project.root / ".claude" / "workflow-state"
        self.state.mkdir()
        self._mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(self.state)]
        self.is_mounted = subprocess.run(self._mount, capture_output=True).returncode == 0

    def fill(self) -> None:
        with pytest.raises(OSError, match="No space left"), (self.state / "filler").open("wb", 0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        (self.state / "filler").unlink()

    def close(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", str(self.state)], check=True)


class RefusingDisk:
    """A storage that refuses while a file is there."""

    def __init__(self, project) -> None:
        self.project = project
        self.command = [sys.executable, str(Path(__file__).with_name("full_disk.py"))]
        self.is_mounted = True

    def fill(self) -> None:
        (self.project.root / "full").touch()

    def free(self) -> None:
        (self.project.root / "full").unlink()

    def close(self) -> None:
        return


@pytest.fixture(params=[MountedDisk, RefusingDisk])
def disk(request, project):
    made = request.param(project)
    if not made.is_mounted:
        made.close()
        pytest.skip("no file system can be mounted here")
    yield made
    made.driver.end()
    made.driver.communicate()
    made.close()


def _start(disk, *arguments: str) -> subprocess.Popen[str]:
    environment = {**disk.project.environment, "PYTHONPATH": os.getcwd()}
    disk.driver = disk.project.start_program([*disk.command, *arguments], env=environment)
    return disk.driver


def _wait_until_it_waits(project) -> str:
    """Return what another process sees, once that is that the run waits for room."""
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        shown = project.call("status", "last").stdout
        if "waiting for the disk" in shown:
            return shown
        time.sleep(0.2)
    raise AssertionError(shown)


def _fill_while_it_runs(disk, fifo, *, says_something: bool = False) -> subprocess.Popen[str]:
    """Fill the disk while the first task runs; what that one then says finds no room, or else the first events that do not."""
    copy = "cat go" if says_something else "cat go > /dev/null"
    disk.project.write("w.yaml", CHAIN.replace("COPY", copy))
    gate, go = fifo("gate"), fifo("go")
    driver = _start(disk, "run", "w.yaml")
    gate.read_text()
    disk.fill()
    go.write_text("on")
    return driver


@pytest.mark.parametrize("says_something", [True, False])
def test_a_run_waits_for_room_and_goes_on_by_itself(disk, fifo, says_something) -> None:
    driver = _fill_while_it_runs(disk, fifo, says_something=says_something)
    shown = _wait_until_it_waits(disk.project)
    disk.free()
    _, err = driver.communicate(timeout=60)

    assert driver.returncode == 0, err
    assert f"process {driver.pid}" in shown
    assert "waiting for the disk: " in err
    assert "there is room again" in err
    assert "Traceback" not in err
    assert disk.project.lines("ran.txt") == ["done", "last"]
    report = disk.project.report("status", "last")
    assert {task["attempts"] for task in report["tasks"].values()} == {1}
    assert report["tasks"]["t59"]["output"] == {"x": PAD}


@pytest.mark.parametrize("how", ["a signal", "another process"])
def test_a_run_that_is_asked_to_stop_while_it_waits_ends_with_74_and_a_resume_goes_on(
    disk, fifo, how
) -> None:
    driver = _fill_while_it_runs(disk, fifo)
    _wait_until_it_waits(disk.project)
    if how == "a signal":
        driver.send_signal(signal.SIGINT)
    else:
        disk.project.call("cancel", "last")
    _, err = driver.communicate(timeout=30)
    disk.free()

    assert driver.returncode == 74, err
    assert "room" in err
    assert "actorflow resume" in err
    if how == "a signal":
        assert disk.project.call("resume", "last").returncode == 0
        assert set(disk.project.lines("ran.txt")) == {"done", "last"}
