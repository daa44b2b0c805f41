"""Workflows through the command line with the real ``claude``: the templates, five at once, Ctrl-C, and a driver that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from actorflow.agents import process_table
from actorflow.resources import data_folder
from tests.claude.messages_api import NEVER, text, tool

pytestmark = pytest.mark.slow

TEMPLATES = data_folder("templates")


def template(name: str) -> Path:
    return next(file for file in TEMPLATES.rglob(f"{name}.yaml") if ".stubs" not in file.name)


def left_of(run_id: str) -> list[int]:
    """Return the living processes that carry a mark of the run."""
    marked = [
        p
        for p in process_table.all_processes()
        if any(m.startswith(f"{run_id}/") for m in process_table.markers_of(p.pid))
    ]
    return [process.pid for process in marked if process.is_alive]


@pytest.fixture
def start(command_line, environment, project):
    """Start the command line in the background; what is left of it is killed."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            command_line(*arguments),
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until(holds, seconds=60):
    """Wait for something that other processes bring about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.02)


def test_the_bug_fix_template_is_carried_out(api, actorflow, status, project):
    """The coder's Write and Bash happen in the project, the checker reads what came of it, and outputs travel."""
    api.when(
        "Investigate the login", tool("StructuredOutput", reproduced=True, steps=["STEP"], places=["CAUSE:1"])
    )
    api.when("Analyze root cause", tool("StructuredOutput", cause="EXPIRED COOKIE", plan=["renew it"]))
    write = tool("Write", file_path="fix.txt", content="the fix")
    bash = tool("Bash", command="cat fix.txt > copied.txt && echo copied", description="copy")
    api.when("Implement bug fix", write, bash, text("FIXED IT"))
    read = tool("Read", file_path=str(project / "copied.txt"))
    api.when("Verify bug is fixed", read, tool("StructuredOutput", fixed=True, remarks=[]))

    done = actorflow(
        "run",
        template("bug-fix"),
        "--set",
        "bug_description=the login form",
        "--set",
        "test_command=test -e copied.txt",
    )

    report = status()
    assert report["status"] == "success"
    assert (project / "copied.txt").read_text() == "the fix"
    assert "CAUSE:1" in api.of("Analyze root cause")[0].conversation
    assert "EXPIRED COOKIE" in api.of("Implement bug fix")[0].conversation
    assert "FIXED IT" in api.of("Verify bug is fixed")[0].conversation
    assert "the fix" in api.of("Verify bug is fixed")[1].conversation
    tasks = {name: task for name, task in report["tasks"].items() if task["status"] == "success"}
    assert tasks.keys() == {"investigate", "analyze", "fix", "verify"}
    assert {name: task["tokens"] for name, task in tasks.items()} == {
        "investigate": 120,
        "analyze": 120,
        "fix": 360,
        "verify": 240,
    }
    assert all(task["cost_usd"] > 0 for task in tasks.values())
    assert "840 tokens" in done.stderr
    [entry] = json.loads(actorflow("history", "--json").stdout)
    assert entry["cost_usd"] == pytest.approx(sum(task["cost_usd"] for task in tasks.values()))


def test_the_full_stack_template_is_carried_out(api, actorflow, status, project):
    design = tool("StructuredOutput", summary="s", needs_api=True, needs_ui=True, contract="GET /login")
    api.when("Design login feature", design)
    for words, file in (
        ("Implement API", "api.txt"),
        ("Build UI", "ui.txt"),
        ("Integrate frontend", "both.txt"),
    ):
        api.when(words, tool("Write", file_path=file, content=words), text(f"made {file}"))
    api.when("Test login feature", tool("StructuredOutput", passed=True, problems=[]))

    actorflow("run", template("full-stack-feature"), "--set", "feature_name=login", "-q")

    assert status()["status"] == "success"
    assert {file.name for file in project.glob("*.txt")} == {"api.txt", "ui.txt", "both.txt"}
    assert "GET /login" in api.of("Build UI")[0].conversation
    assert "made ui.txt" in api.of("Integrate frontend")[0].conversation


FIVE = """
version: "1.0"
name: five
settings: {max_parallel: 6}
tasks:
""" + "".join(
    f"- {{id: t{n}, agent: claude, parameters: {{task: 'five at once {n}'}}, options: {{tools: [Bash]}}}}\n"
    for n in range(6)
)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process cannot be read")
def test_six_at_once_and_ctrl_c_leaves_none(api, start, project):
    (project / "five.yaml").write_text(FIVE)
    loop = tool(
        "Bash",
        command="touch begun-$ACTORFLOW_TASK_ID; for i in $(seq 1000); do sleep 1; done",
        description="d",
    )
    api.when("five at once", loop, text("never", delay=NEVER))

    process = start("run", "five.yaml", "-q")
    run_id = process.stdout.readline().strip()
    wait_until(lambda: len(list(project.glob("begun-*"))) == 6)
    before = left_of(run_id)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=60)

    assert code == 130
    assert len(before) >= 12  # a claude and a shell each
    assert left_of(run_id) == []
    assert time.monotonic() - begin < 30


ONE = """
version: "1.0"
name: one
tasks:
- {id: work, agent: claude, parameters: {task: 'work for long'}, options: {tools: [Bash]}}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process cannot be read")
def test_after_kill_9_of_the_driver_and_of_claude_resume_goes_on_with_the_same_session(
    api, start, actorflow, status, project
):
    (project / "one.yaml").write_text(ONE)
    api.when(
        "work for long",
        tool("Bash", command="echo STEP ONE DONE", description="d"),
        text("x", delay=NEVER),
        text("finished"),
    )

    process = start("run", "one.yaml", "-q")
    run_id = process.stdout.readline().strip()
    wait_until(lambda: len(api.requests) == 2)  # in the middle of the session
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while alive := left_of(run_id):
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    actorflow("resume", run_id, "-q")

    report = status(run_id)
    assert report["status"] == "success"
    assert report["tasks"]["work"]["output"] == "finished"
    assert len({request.session for request in api.requests}) == 1
    assert "STEP ONE DONE" in api.requests[-1].conversation
    assert left_of(run_id) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process cannot be read")
@pytest.mark.parametrize("is_over", [False, True], ids=["that still works", "that has finished"])
def test_after_kill_9_of_the_driver_a_claude_is_taken_over_and_nothing_is_paid_twice(
    api, start, actorflow, status, project, is_over
):
    (project / "one.yaml").write_text(ONE)
    api.when(
        "work for long",
        tool("Bash", command="echo STEP ONE DONE >> steps.txt", description="d"),
        text("finished", delay=1.0 if is_over else 4.0),
    )

    process = start("run", "one.yaml", "-q")
    run_id = process.stdout.readline().strip()
    wait_until(lambda: len(api.requests) == 2)  # in the middle of a turn
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if is_over:
        wait_until(lambda: left_of(run_id) == [])
    actorflow("resume", run_id, "-q")

    report = status(run_id)
    assert report["status"] == "success"
    assert report["tasks"]["work"]["output"] == "finished"
    assert report["tasks"]["work"]["attempts"] == 1
    assert len(api.requests) == 2
    assert (project / "steps.txt").read_text() == "STEP ONE DONE\n"
    assert left_of(run_id) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process cannot be read")
@pytest.mark.parametrize("verify", ["", "echo x >> verified.txt"], ids=["taken", "never verified"])
def test_after_kill_9_of_the_driver_cancel_records_what_claude_has_cost_and_asks_nothing_more(
    api, start, actorflow, status, project, verify
):
    checked = f"verify: {verify}, agent: claude" if verify else "agent: claude"
    (project / "one.yaml").write_text(ONE.replace("agent: claude", checked))
    api.when(
        "work for long",
        tool("Bash", command="echo STEP ONE DONE >> steps.txt", description="d"),
        text("finished", delay=1.0),
    )
    process = start("run", "one.yaml", "-q")
    run_id = process.stdout.readline().strip()
    wait_until(lambda: len(api.requests) == 2)  # in the middle of a turn
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: left_of(run_id) == [])

    said = json.loads(actorflow("cancel", run_id, "--json").stdout)

    task = status(run_id)["tasks"]["work"]
    assert len(api.requests) == 2
    assert task["cost_usd"] > 0
    assert task["tokens"] > 0
    [entry] = json.loads(actorflow("history", "--json").stdout)
    assert entry["cost_usd"] == pytest.approx(task["cost_usd"])
    if not verify:
        assert (said["status"], said["recorded"]) == ("success", ["work"])
        assert task["output"] == "finished"
        return
    assert (said["status"], said["recorded"], task["status"]) == ("cancelled", [], "cancelled")
    assert said["not_recorded"][0]["task"] == "work"
    assert "would have to be started" in said["not_recorded"][0]["reason"]
    assert not (project / "verified.txt").exists()
    journal = actorflow("events", "last", "--json").stdout
    assert journal.index("RunCancelRequested") < journal.index("AttemptCancelled")
    api.when("work for long", text("once more"))
    actorflow("resume", run_id, "-q")
    assert status(run_id)["tasks"]["work"]["output"] == "once more"
    assert len({request.session for request in api.requests}) == 1
    assert (project / "verified.txt").read_text() == "x\n"


def test_without_a_program_or_a_login_a_run_does_not_begin(actorflow, project):
    (project / "one.yaml").write_text(ONE)

    without = actorflow("run", "one.yaml", check=False, ACTORFLOW_CLAUDE_BIN="/nowhere/claude")
    nobody = actorflow("run", "one.yaml", check=False, ANTHROPIC_API_KEY="")

    assert (without.returncode, nobody.returncode) == (3, 3)
    assert "ACTORFLOW_CLAUDE_BIN names /nowhere/claude" in without.stderr
    assert "not logged in" in nobody.stderr
    assert "claude auth login" in nobody.stderr
    assert not list(project.glob(".claude/workflow-state/runs/*"))


def test_bypassing_permissions_takes_a_person_and_is_recorded(api, actorflow, status, project):
    (project / "free.yaml").write_text(ONE.replace(", options: {tools: [Bash]}", ""))
    api.when(
        "work for long",
        tool("Bash", command='python3 -c \'open("made-by-bash", "w")\'', description="d"),
        text("done"),
    )

    actorflow("run", "free.yaml", "-q")
    assert not (project / "made-by-bash").exists()
    assert "refused: Bash" in actorflow("events", "last", "--json").stdout
    actorflow("run", "free.yaml", "-q", "--permission-mode", "bypassPermissions")

    assert (project / "made-by-bash").exists()
    first = json.loads(actorflow("events", "last", "--json").stdout.splitlines()[0])
    assert "bypassPermissions" in json.dumps(first)


def test_a_workflow_that_asks_to_bypass_permissions_is_not_valid(actorflow, project):
    (project / "bad.yaml").write_text(
        ONE.replace("{tools: [Bash]}", "{permission_mode: bypassPermissions, toools: [Bash]}")
    )

    done = actorflow("validate", "bad.yaml", "--json", check=False)

    problems = json.loads(done.stdout)["problems"]
    assert done.returncode == 2
    assert {problem["code"] for problem in problems} == {"E604", "E806"}
    assert any("did you mean 'tools'?" in problem["hint"] for problem in problems)


HALF = """
version: "1.0"
name: half
tasks:
- {id: work, agent: claude, parameters: {task: 'work for long'}}
- {id: deploy, agent: shell, dependencies: [work], parameters: {command: test -e allowed}}
"""


def test_a_resume_needs_claude_only_for_what_is_still_to_run(api, actorflow, status, project):
    (project / "half.yaml").write_text(HALF)
    api.when("work for long", text("done"))
    actorflow("run", "half.yaml", "-q", check=False)
    assert status()["status"] == "failed"
    before = actorflow("events", "last", "--json").stdout

    gone, nobody = {"ACTORFLOW_CLAUDE_BIN": "/nowhere/claude"}, {"ANTHROPIC_API_KEY": ""}
    for missing, why in ((gone, "/nowhere/claude"), (nobody, "not logged in")):
        again = actorflow("resume", "last", "--from", "work", check=False, **missing)
        assert (again.returncode, why in again.stderr) == (3, True), again.stderr
    dry = actorflow("resume", "last", "--from", "work", "--dry-run", check=False, **gone)
    assert dry.returncode == 3
    assert "/nowhere/claude" in dry.stderr
    assert actorflow("events", "last", "--json").stdout == before

    assert actorflow("resume", "last", "--dry-run", "--json", **gone).stdout
    assert actorflow("resume", "last", check=False, **nobody).returncode == 1
    (project / "allowed").touch()
    actorflow("resume", "last", **gone)
    assert status()["status"] == "success"
