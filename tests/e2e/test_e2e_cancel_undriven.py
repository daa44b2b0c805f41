"""``actorflow cancel`` of a run whose driver was killed with -9: what has finished since was paid for and is recorded, what runs is ended, nothing is started."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from actorflow.journal import who_drives
from actorflow.state import events as ev
from tests.e2e.scene import HOLD, Scene, hold

pytestmark = pytest.mark.slow


def finish(scene: Scene, *tasks: str, running: tuple[str, ...] = ()) -> None:
    """Let tasks end, and wait until they have."""
    scene.go(*tasks)
    expected = dict.fromkeys(tasks, True) | dict.fromkeys(running, False)
    scene.project.until(lambda: scene.outliving() == expected)


def status(scene: Scene) -> dict[str, Any]:
    return scene.project.report("status", "last")


def output(scene: Scene, task: str) -> Any:
    return status(scene)["tasks"][task]["output"]


def states(scene: Scene) -> dict[str, str]:
    return {task: found["status"] for task, found in status(scene)["tasks"].items()}


def test_outputs_and_failures_of_what_has_finished_are_recorded_and_what_waits_is_cancelled(scene) -> None:
    scene.write(
        hold("good", "echo paid"),
        hold("bad", "echo because >&2; exit 3"),
        hold("again", "exit 4", retry={"max_attempts": 3, "delay": 0}),
        hold("works"),
        {"id": "after", "dependencies": ["good"], "parameters": {"command": "echo after >> ran.txt"}},
        settings={"on_failure": "continue", "max_parallel": 4},
    )
    scene.kill(began=4)
    finish(scene, "good", "bad", "again", running=("works",))

    said = scene.project.report("cancel", "last")

    assert said["status"] == "cancelled"
    assert (said["recorded"], said["ended"]) == (["again", "bad", "good"], ["works"])
    assert said["not_recorded"] == []
    assert "3 results that were ready were recorded: again, bad, good" in said["answer"]
    assert states(scene) == {
        "good": "success",
        "bad": "failed",
        "again": "cancelled",
        "works": "cancelled",
        "after": "cancelled",
    }
    kinds = {event.task: event.failure.kind for event in scene.events(ev.AttemptFailed)}
    assert kinds == {"bad": "exit_status", "again": "exit_status"}
    assert all(event.ended_at is not None for event in scene.events(ev.AttemptFailed))
    assert scene.events(ev.AttemptLost) == []
    assert output(scene, "good") == "paid"
    assert len(scene.began()) == 4, "something was started"
    assert scene.project.lines("ran.txt") == []
    assert scene.left() == []


def test_a_resume_after_it_runs_only_what_has_no_result(scene) -> None:
    scene.write(hold("a", "echo 1"), hold("b"))
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    scene.project.call("cancel", "last")

    scene.go("b")
    report = scene.resume()

    assert (report["status"], report["tasks"]["a"]["output"]) == ("success", "1")
    assert sorted(scene.began()) == ["a 1", "b 1", "b 2"]


def test_a_run_of_which_everything_has_finished_has_ended_as_that_did(scene) -> None:
    scene.write(hold("a"))
    scene.kill(began=1)
    finish(scene, "a")

    said = scene.project.report("cancel", "last")

    assert said["status"] == "success"
    assert (
        "is over: success; nobody was driving it; 1 result that was ready was recorded: a" in said["answer"]
    )
    again = scene.project.call("cancel", "last")
    assert (again.returncode, "is over already: success" in again.stdout) == (0, True)


def test_hooks_that_were_to_come_are_left_to_a_resume(scene) -> None:
    scene.write(
        hold("a"),
        hooks={"on_success": [{"id": "h", "agent": "shell", "parameters": {"command": "echo h >> ran.txt"}}]},
    )
    scene.kill(began=1)
    finish(scene, "a")

    assert scene.project.report("cancel", "last")["status"] == "cancelled"
    assert states(scene)["a"] == "success"
    assert scene.project.lines("ran.txt") == []
    assert scene.resume()["status"] == "success"
    assert (scene.project.lines("ran.txt"), scene.began()) == (["h"], ["a 1"])


def test_a_hook_at_the_end_that_has_finished_is_recorded_and_the_outcome_stays(scene) -> None:
    scene.write(
        {"id": "a", "parameters": {"command": "echo a"}},
        hooks={"on_complete": [{"agent": "shell", **hold("h")}]},
    )
    scene.kill(began=1)
    finish(scene, "h")

    assert scene.project.report("cancel", "last")["status"] == "success"
    assert [event.task for event in scene.events(ev.TaskSucceeded)] == ["a", "h"]


def test_on_a_run_that_was_taken_over_twice(scene) -> None:
    scene.write(hold("a", "echo late"))
    scene.kill(began=1)
    with scene.project.start("resume", "last") as driver:
        scene.project.until(lambda: len(scene.events(ev.DriverStarted)) == 2)
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    finish(scene, "a")

    said = scene.project.report("cancel", "last")

    assert (said["status"], said["recorded"], scene.began()) == ("success", ["a"], ["a 1"])
    assert scene.events(ev.DriverStarted)[-1].taken_over == ("a",)


def test_two_at_once_are_one(scene) -> None:
    scene.write(hold("a"), hold("b"))
    scene.kill(began=2)
    finish(scene, "a", running=("b",))

    with scene.project.start("cancel", "last") as one, scene.project.start("cancel", "last") as other:
        said = [one.communicate()[0], other.communicate()[0]]

    assert (one.returncode, other.returncode) == (0, 0)
    assert len(scene.events(ev.RunFinished)) == 1
    assert len(scene.events(ev.AttemptSucceeded)) == 1
    assert sum("nobody was driving it" in text for text in said) == 1
    assert sum("is over already: cancelled" in text for text in said) == 1


STUBBORN = "trap '' TERM; "


@pytest.mark.parametrize("then", ["cancel", "resume"])
def test_one_that_is_killed_after_it_has_recorded_a_result_has_lost_nothing(scene, then) -> None:
    scene.write(hold("a", "echo paid"), {"id": "b", "parameters": {"command": STUBBORN + HOLD + "echo b"}})
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    with scene.project.start("cancel", "last") as cancel:
        scene.project.until(lambda: scene.events(ev.TaskSucceeded))  # while b has its grace
        cancel.send_signal(signal.SIGKILL)
        cancel.communicate()
    assert scene.events(ev.RunCancelRequested) == []

    if then == "cancel":
        assert scene.project.report("cancel", "last")["status"] == "cancelled"
        assert states(scene) == {"a": "success", "b": "cancelled"}
    else:
        with scene.start("resume", "last", "--json", began=3) as driver:
            scene.go("b")
            report, _ = driver.communicate()
        assert json.loads(report)["status"] == "success"
    assert output(scene, "a") == "paid"
    assert [attempt for attempt in scene.began() if attempt.startswith("a")] == ["a 1"]
    assert scene.left() == []


def test_a_failure_that_was_recorded_by_one_that_was_killed_is_retried_by_a_resume(scene) -> None:
    fails = {"retry": {"max_attempts": 2, "delay": 0}}
    scene.write(
        hold("a", '[ "$ACTORFLOW_ATTEMPT" -ge 2 ]', **fails),
        {"id": "b", "parameters": {"command": STUBBORN + HOLD + "echo b"}},
    )
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    with scene.project.start("cancel", "last") as cancel:
        scene.project.until(lambda: scene.events(ev.AttemptFailed))  # while b has its grace
        cancel.send_signal(signal.SIGKILL)
        cancel.communicate()
    assert scene.events(ev.RetryScheduled) == []
    scene.go("b")

    assert scene.resume()["status"] == "success"
    assert sorted(scene.began()) == ["a 1", "a 2", "b 1", "b 2"]


def test_where_it_worked_may_be_gone(scene) -> None:
    scene.project.root.joinpath("there").mkdir()
    scene.write(
        {"id": "a", "cwd": "there", "parameters": {"command": "cd ..; " + HOLD + "rmdir there; echo a"}},
        hold("b"),
    )
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    assert not scene.project.root.joinpath("there").exists()

    assert scene.project.report("cancel", "last")["recorded"] == ["a"]
    assert output(scene, "a") == "a"


def test_an_agent_that_is_gone_is_named_and_the_run_is_cancelled_all_the_same(scene) -> None:
    agents = scene.project.root / ".claude/agents"
    agents.mkdir()
    agents.joinpath("helper.yaml").write_text(
        f"command: [sh, {scene.project.root}/helper.sh]\noutput: {{format: text}}\n", encoding="utf-8"
    )
    scene.project.write("helper.sh", HOLD + "echo helped")
    scene.write({"id": "a", "agent": "helper", "parameters": {"task": "help"}}, hold("b"))
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    agents.joinpath("helper.yaml").unlink()

    said = scene.project.report("cancel", "last")

    assert (said["status"], said["recorded"], said["ended"]) == ("cancelled", [], ["b"])
    assert "helper" in said["not_recorded"][0]["reason"]
    assert "helped" in scene.project.call("logs", "last", "a").stdout
    assert "\n" not in said["answer"]


@pytest.mark.parametrize("size", [10, 200_000], ids=["an event", "a blob"])
def test_on_a_full_disk_nothing_is_lost_and_it_can_be_asked_again(scene, size) -> None:
    scene.write(hold("a", f"head -c {size} /dev/zero | tr '\\0' x"), hold("b"))
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    full = [sys.executable, str(Path(__file__).with_name("full_disk.py"))]
    scene.project.write("full", "")

    with scene.project.start_program([*full, "cancel", "last"]) as cancel:
        _, errors = cancel.communicate()

    assert cancel.returncode == 74, errors
    assert "Traceback" not in errors
    assert scene.events(ev.AttemptSucceeded) == []
    assert scene.outliving() == {"a": True}
    scene.project.root.joinpath("full").unlink()
    assert scene.project.report("cancel", "last")["recorded"] == ["a"]
    assert output(scene, "a") == "x" * size


TOKEN = {"context": {"secrets": {"TOKEN": "env:TOKEN"}}}


def secret(scene: Scene, then: str) -> None:
    scene.project.environment["TOKEN"] = "s3cr3t-of-the-house"
    scene.write(hold("a", then, env={"T": "${secrets.TOKEN}"}), hold("b"), **TOKEN)
    scene.kill(began=2)
    finish(scene, "a", running=("b",))


def files_with_secret(scene: Scene) -> list[Path]:
    state = scene.project.root / ".claude/workflow-state"
    return [path for path in state.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]


@pytest.mark.parametrize("code", [0, 1])
def test_secrets_are_masked_in_what_is_recorded_and_in_all_files(scene, code) -> None:
    secret(scene, f"echo said $T; echo said $T >&2; exit {code}")

    assert scene.project.report("cancel", "last")["recorded"] == ["a"]

    if not code:
        assert output(scene, "a") == "said ***"
    assert files_with_secret(scene) == []


@pytest.mark.parametrize(
    ("now", "why"), [(None, "TOKEN"), ("n3w-0ne-of-the-house", "a secret that it knows has changed")]
)
def test_without_its_secrets_a_result_is_not_recorded_and_it_is_said_why(scene, now, why) -> None:
    secret(scene, "echo said $T")
    del scene.project.environment["TOKEN"]
    if now is not None:
        scene.project.environment["TOKEN"] = now

    said = scene.project.report("cancel", "last")

    assert (said["status"], said["recorded"], said["ended"]) == ("cancelled", [], ["b"])
    [left] = said["not_recorded"]
    assert (left["task"], why in left["reason"]) == ("a", True), left
    assert [event.task for event in scene.events(ev.AttemptLost)] == ["a"]
    assert b"s3cr3t" not in b"".join(
        path.read_bytes() for path in scene.project.root.glob(".claude/workflow-state/runs/*/journal.db*")
    )


def test_what_a_live_run_would_refuse_fails_here_too(scene) -> None:
    scene.write(
        hold("large", "head -c 17000000 /dev/zero | tr '\\0' x"),
        hold("odd", "echo '[1, 2'", output_schema={"type": "array"}),
        hold("b"),
        settings={"on_failure": "continue", "stored_output": "64 MiB"},
    )
    scene.kill(began=3)
    finish(scene, "large", "odd", running=("b",))

    assert scene.project.report("cancel", "last")["recorded"] == ["large", "odd"]

    kinds = {event.task: event.failure.kind for event in scene.events(ev.AttemptFailed)}
    assert kinds == {"large": "output_too_large", "odd": "invalid_output"}


@pytest.mark.parametrize("name", ["exit", "process.json"])
def test_what_is_torn_is_lost(scene, name) -> None:
    scene.write(hold("a"), hold("b"))
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    [torn] = scene.project.root.glob(f".claude/workflow-state/runs/*/attempts/a/1/{name}")
    torn.write_bytes(torn.read_bytes()[:1] if name == "process.json" else b"")

    said = scene.project.report("cancel", "last")

    assert (said["status"], said["recorded"], said["ended"]) == ("cancelled", [], ["b"])
    assert [event.task for event in scene.events(ev.AttemptLost)] == ["a"]


def test_nobody_drives_it_afterwards(scene) -> None:
    scene.write(hold("a"), hold("b"))
    scene.kill(began=2)
    finish(scene, "a", running=("b",))
    scene.project.call("cancel", "last")

    [run] = scene.project.root.glob(".claude/workflow-state/runs/*")
    assert who_drives(run) is None
    assert "damaged" not in scene.project.call("doctor", "last").stdout
