"""Storage that fails under a running driver: exit 74, words instead of a traceback, and no process left behind."""

from __future__ import annotations

import subprocess

import pytest

pytestmark = pytest.mark.slow

REMOVES = "name: w\ntasks: [{{id: a, agent: shell, parameters: {{command: '{0}'}}}}, {{id: b, agent: shell, dependencies: [a], parameters: {{command: touch ran}}}}]\n"


@pytest.mark.parametrize(
    "command", ["rm -r .claude/workflow-state", "rm .claude/workflow-state/runs/*/journal.db*"]
)
def test_a_journal_that_is_removed_under_the_run_stops_it(command, project) -> None:
    project.write("w.yaml", REMOVES.format(command))

    done = project.call("run", "w.yaml")

    assert done.returncode == 74, done.stderr
    assert "journal.db" in done.stderr
    assert not (project.root / "ran").exists()


def test_a_journal_that_cannot_grow_ends_the_run_and_what_it_runs(project) -> None:
    # The limit holds for the journal; the shell raises no file and is only to be ended.
    tasks = "".join(
        f"\n  - {{id: t{i}, agent: echo, parameters: {{x: '{i}{'x' * 3000}'}}{f', dependencies: [t{i - 1}]' if i else ''}}}"
        for i in range(800)
    )
    project.write(
        "w.yaml",
        f"name: w\ntasks:\n  - {{id: hang, agent: shell, parameters: {{command: 'exec sleep 7654'}}}}{tasks}\n",
    )

    with project.start_program(
        ["sh", "-c", 'ulimit -f 4600; exec "$0" -m actorflow run w.yaml --quiet', project.python], stdout=None
    ) as driver:
        _, err = driver.communicate()

    assert driver.returncode == 74, err
    assert "Traceback" not in err
    assert "journal.db" in err
    assert subprocess.run(["pgrep", "-f", "sleep 7654"], capture_output=True).returncode == 1
