"""Two ``resume``s of one run at the same moment: one drives it, the other one ends with 75 and says who does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actorflow.state import events as ev

pytestmark = pytest.mark.slow

SLICES = 2
RACES = Path(__file__).with_name("races.py")


@pytest.fixture
def interrupted(project, fifo):
    """A run whose driver was killed."""
    project.write(
        "w.yaml",
        "name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'test $ACTORFLOW_ATTEMPT != 1 || { echo > gate; exec sleep 600; }'}}]\n",
    )
    gate = fifo("gate")
    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    return project


@pytest.mark.long
@pytest.mark.parametrize("piece", range(SLICES))
def test_of_two_that_resume_a_run_one_drives_and_the_other_says_who(
    piece: int, interrupted, size, figure
) -> None:
    races = size(60, 500) // SLICES

    done = subprocess.run(
        [sys.executable, RACES, interrupted.root, str(races)],
        env={**interrupted.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60 + races,
    )

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == races
    wrong = [line for line in lines if not _has_one_winner(line)]
    figure("races of two resumes", tried=races, of="races", found=len(wrong), what="without one winner")
    assert wrong == []


def _has_one_winner(race) -> bool:
    [(loser, code, words), (winner, won, _)] = race["answers"]
    return (code, won) == (75, 0) and loser != winner and f"driven by process {winner} on " in words


def test_of_two_command_lines_one_drives_and_the_other_says_who(project, fifo, size) -> None:
    project.write(
        "w.yaml",
        "name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'echo >> began.txt; cat go'}}]\n",
    )
    go = fifo("go")
    with project.start("run", "w.yaml") as driver:
        project.until(lambda: project.lines("began.txt"))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()

    cancelled = 0
    for number in range(size(1, 25)):
        first, second = project.start("resume", "last"), project.start("resume", "last")
        project.until(lambda number=number: _drivers(project) == number + 2)
        loser, winner = _sorted(first, second)
        _, words = loser.communicate(timeout=60)
        # What is at work goes on after a kill; a cancellation ends it, and it begins anew.
        is_cancelled = number % 3 == 2
        if is_cancelled:
            project.until(lambda cancelled=cancelled: len(project.lines("began.txt")) > cancelled)
        winner.send_signal(signal.SIGTERM if is_cancelled else signal.SIGKILL)
        winner.communicate(timeout=60)
        cancelled += is_cancelled
        assert loser.returncode == 75, words
        assert f"driven by process {winner.pid} on " in words
    with project.start("resume", "last") as last:
        go.write_text("done")
        last.communicate(timeout=60)
    assert last.returncode == 0
    assert len(project.lines("began.txt")) == cancelled + 1


def _drivers(project) -> int:
    return sum(isinstance(event, ev.DriverStarted) for event in project.events())


def _sorted(first, second):
    """Wait until one of them has ended; return it first."""
    give_up_at = time.monotonic() + 50
    while time.monotonic() < give_up_at:
        for one, other in ((first, second), (second, first)):
            try:
                one.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            return one, other
    raise AssertionError("neither has ended")
