"""A terminal that hangs up, and a disk that does not answer: the run goes on, and whoever wants to leave can."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actorflow.agents import process_table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WAITS = "name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'echo > gate; cat go > ran'}}]\n"
ENDLESS = "name: w\nsettings: {max_parallel: 2}\ntasks: [{id: a, agent: shell, parameters: {command: 'echo > gate; cat go'}}, {id: b, agent: shell, parameters: {command: 'exec sleep 600'}}]\n"


def test_a_run_outlives_its_terminal(project, fifo) -> None:
    project.write("w.yaml", WAITS)
    gate, go = fifo("gate"), fifo("go")
    terminal, its_end = pty.openpty()

    with project.start(
        "run",
        "w.yaml",
        env={**project.environment, "TERM": "xterm"},
        stdout=None,
        stderr=None,
        preexec_fn=lambda: os.login_tty(its_end),
    ):
        os.close(its_end)
        gate.read_text()
        os.close(terminal)  # the kernel sends SIGHUP, and every write to the terminal fails from now on
        go.write_text("on")

    assert project.report("status", "last")["status"] == "success"
    assert (project.root / "ran").read_text() == "on"


def test_a_hang_up_that_is_sent_by_somebody_ends_nothing(project, fifo) -> None:
    project.write("w.yaml", WAITS)
    gate, go = fifo("gate"), fifo("go")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.send_signal(signal.SIGHUP)
        driver.send_signal(signal.SIGHUP)
        shown = project.call("tree", "last").stdout  # answered after the signals were taken
        go.write_text("on")
        driver.communicate(timeout=60)

    assert "task:a" in shown
    assert driver.returncode == 0


def test_a_disk_that_does_not_answer_is_said_and_keeps_nobody_who_asks_twice(project, fifo) -> None:
    project.write("w.yaml", ENDLESS)
    gate, go = fifo("gate"), fifo("go")
    with project.start_program(
        [sys.executable, str(ROOT / "tests/e2e/stuck_disk.py"), "run", "w.yaml"],
        env={**project.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    ) as driver:
        gate.read_text()
        project.write("stuck", "")
        go.write_text("on")  # the end of this task cannot be recorded
        said = next((line for line in driver.stderr if "has not answered" in line), "")
        shown = project.report("status", "last")
        driver.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):  # two signals that come at once would be one
            driver.wait(timeout=1)
        driver.send_signal(signal.SIGINT)
        _, err = driver.communicate(timeout=30)

    assert "waiting for the disk: it has not answered" in said
    assert shown["status"] == "running"
    assert driver.returncode == 74, err
    assert "actorflow resume" in err
    assert _left(shown["run_id"]) == []
    (project.root / "stuck").unlink()
    assert project.report("status", "last")["status"] == "interrupted"


def _left(run_id: str) -> list[int]:
    alive = [process for process in process_table.all_processes() if process.is_alive]
    return [p.pid for p in alive if any(run_id in marker for marker in process_table.markers_of(p.pid))]
