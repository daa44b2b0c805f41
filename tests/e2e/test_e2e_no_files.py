"""A disk on which no file can be made, while a run's journal still grows: attempts wait for their folders and files.

A small file system in memory has so many files and no more. They are given back one by one, so that every place at
which a file or folder is made finds that there is no room.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """\
description: Prints what it was asked, and gives what it was handed.
command: [sh, -c, 'echo >> calls.txt; cat "$0" > /dev/null; wc -c < "$1"; test -s "$2"', "{prompt_file}", made.py, "{schema_file}"]
output: {format: text}
schema: any
prompt: file
"""
WORKFLOW = """\
name: files
tasks:
  - {id: first, agent: shell, parameters: {command: 'echo > gate; cat go > /dev/null'}}
  - {id: call, agent: python, dependencies: [first], parameters: {call: 'made:once'}}
  - {id: told, agent: teller, dependencies: [call], parameters: {task: count, text: '${call.output}'}, output_schema: {type: integer}, verify: 'echo x >> checks.txt'}
  - {id: large, agent: shell, dependencies: [told], parameters: {command: "echo x >> large.txt; seq -s, 20000 | sed 's/^/[/; s/$/]/'", output: json}}
"""
MADE = "def once():\n    open('made.txt', 'a').write('x')\n    return 'y' * 30000\n"


@pytest.fixture
def disk(project):
    state = project.root / ".claude" / "workflow-state"
    state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=60", "tmpfs", str(state)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield state
    subprocess.run(["umount", "--lazy", str(state)], check=True)


def _fill(state) -> list:
    made = []
    for number in itertools.count():
        path = state / f"filler-{number}"
        try:
            path.touch()
        except OSError:
            return made
        made.append(path)
    return None


def test_every_file_of_an_attempt_waits_until_it_can_be_made_and_nothing_is_done_twice(
    disk, project, fifo
) -> None:
    agents = project.root / ".claude" / "agents"
    agents.mkdir()
    (agents / "teller.yaml").write_text(PROGRAM)
    project.write("w.yaml", WORKFLOW)
    project.write("made.py", MADE)
    gate, go = fifo("gate"), fifo("go")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        fillers = _fill(disk)
        go.write_text("on")
        waits = 0
        while driver.poll() is None and fillers:
            time.sleep(0.3)
            waits += "waiting for the disk" in project.call("status", "last").stdout
            fillers.pop().unlink()
        _, err = driver.communicate(timeout=60)

    assert driver.returncode == 0, err
    assert waits >= 8
    report = project.report("status", "last")
    assert {task["attempts"] for task in report["tasks"].values()} == {1}
    assert [len(project.lines(f)) for f in ("calls.txt", "checks.txt", "large.txt")] == [1, 1, 1]
    assert (project.root / "made.txt").read_text() == "x"
    assert report["tasks"]["large"]["output"][-1] == 20000


@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_that_is_cancelled_while_an_output_waits_for_room_ends_with_130(
    signals, disk, project, fifo
) -> None:
    project.write(
        "w.yaml", WORKFLOW.split("  - {id: call", maxsplit=1)[0].replace("> /dev/null", "; seq 20000")
    )
    gate, go = fifo("gate"), fifo("go")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        fillers = _fill(disk)
        go.write_text("on")
        give_up_at = time.monotonic() + 30
        while "waiting for the disk" not in project.call("status", "last").stdout:
            assert time.monotonic() < give_up_at
        for _ in range(signals):
            driver.send_signal(signal.SIGINT)
        _, err = driver.communicate()
    assert fillers

    # The second one may come when Python is ending, and kills it then: a shell says 130 of that, too.
    assert driver.returncode == 130 or (signals, driver.returncode) == (2, -signal.SIGINT), err
    assert project.report("status", "last")["status"] == "cancelled"
