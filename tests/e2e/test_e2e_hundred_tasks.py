"""A hundred real subprocess tasks, their driver killed again and again at random: the run ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from collections import Counter

import pytest

from actorflow.agents import process_table
from actorflow.state import events as ev

pytestmark = pytest.mark.slow

TASKS = 100
WIDTH = 5
KILLS = 20
LAST = 35


def _workflow() -> str:
    """Layers of five; each task takes a few hundredths of a second, says in ``ran.txt`` that it has done its work, and adds up what came before it."""
    tasks = []
    for i in range(TASKS):
        before = [f"t{j}" for j in (i - WIDTH, i - WIDTH - i % WIDTH) if i >= WIDTH and j >= 0]
        terms = " + ".join([str(i), *dict.fromkeys(before)])
        command = f"sleep 0.0{i % 4}; echo t{i} >> ran.txt; echo $(( {terms} ))"
        tasks.append(
            {
                "id": f"t{i}",
                "agent": "shell",
                "dependencies": list(dict.fromkeys(before)),
                "env": {name: f"${{{name}.output}}" for name in before},
                "parameters": {"command": command},
            }
        )
    return json.dumps({"name": "hundred", "settings": {"max_parallel": WIDTH}, "tasks": tasks})


def _expected() -> dict[str, str]:
    sums: list[int] = []
    for i in range(TASKS):
        before = dict.fromkeys(j for j in (i - WIDTH, i - WIDTH - i % WIDTH) if i >= WIDTH and j >= 0)
        sums.append((i + sum(sums[j] for j in before)) % 2**64)
    return {f"t{i}": str(total) for i, total in enumerate(sums)}


def _kill_at_random(project, command, rng) -> bool:
    """Start a driver, and kill it at any moment of its start or when a few more tasks have done their work; whether it was alive.

    When there is little work left it is killed early, so that a quick machine does not end the run before the last kill.
    """
    known = len(project.lines("ran.txt"))
    more = rng.choice((0, 1, 2, 3, 4)) if known < TASKS - LAST else 0
    with project.start(*command) as driver:
        while len(project.lines("ran.txt")) < known + more and driver.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 0.02 if more else 0.1))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    return driver.returncode == -signal.SIGKILL


def _succeeded(project) -> Counter[str]:
    """Return how often each task that is recorded as done has done its work up to now."""
    events = project.events()
    done = {event.task for event in events if isinstance(event, ev.TaskSucceeded)}
    lines = Counter(project.lines("ran.txt"))
    return Counter({task: lines[task] for task in done})


def _left(project) -> list[int]:
    run_id = project.report("status", "last")["run_id"]
    alive = [process for process in process_table.all_processes() if process.is_alive]
    return [p.pid for p in alive if any(run_id in marker for marker in process_table.markers_of(p.pid))]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process cannot be read")
def test_a_hundred_tasks_end_as_if_nobody_had_killed_their_driver(project, size, figure) -> None:
    seed = size(1, random.randrange(10**6))
    rng = random.Random(seed)
    project.write("hundred.json", _workflow())
    command: tuple[str, ...] = ("run", "hundred.json", "--quiet")
    before: Counter[str] = Counter()
    again = killed = 0

    for _ in range(2 * KILLS):
        if killed == KILLS:
            break
        killed += _kill_at_random(project, command, rng)
        if command[0] == "resume" or project.lines("ran.txt"):
            now = _succeeded(project)
            again += sum(now[task] - count for task, count in before.items())
            before = now
        if list((project.root / ".claude").glob("workflow-state/runs/2*")):
            command = ("resume", "last", "--quiet")
    done = project.call("resume", "last", "--json", "--quiet")
    if done.returncode == 1:  # a task that was lost four times in a row fails; the next resume runs it again
        done = project.call("resume", "last", "--json", "--quiet")

    assert {e.failure.kind for e in project.events() if isinstance(e, ev.TaskFailed)} <= {"lost"}
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    report = json.loads(done.stdout)
    lines = Counter(project.lines("ran.txt"))
    again += sum(
        count - 1 for count in lines.values()
    )  # also what was at work when its driver died is begun once
    outputs = {name: task["output"] for name, task in report["tasks"].items()}
    wrong = [name for name, output in _expected().items() if outputs[name] != output]
    left = _left(project)
    figure(
        "kill -9 of a run of 100 subprocesses",
        tried=killed,
        of="kills",
        found=again + len(wrong) + len(left),
        what="done again, other outputs, or processes left",
    )
    assert (again, wrong, left) == (0, [], [])
    assert killed == KILLS, "the run was over before its driver was killed"
