"""kill -9 of the real driver while shells are at work: they go on, and the next driver waits for them, takes what they gave, or ends them. Nothing begins twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from typing import Any

import pytest

from actorflow.agents import process_table
from actorflow.state import events as ev
from tests.e2e.scene import HOLD, Scene, hold

pytestmark = pytest.mark.slow


def test_what_still_runs_is_waited_for_and_its_result_taken(scene) -> None:
    scene.write(hold("a"), {"id": "b", "dependencies": ["a"], "parameters": {"command": "echo ${a.output}!"}})
    scene.kill(began=1)

    assert scene.outliving() == {"a": False}
    said = scene.project.call("status", "last").stdout
    assert f"1 still runs: a (process {scene.record('a').pid})" in said
    assert scene.plan() == {"a": ("wait", "still_running"), "b": ("run", "pending")}
    with scene.project.start("resume", "last", "--json") as driver:
        scene.project.until(lambda: len(scene.events(ev.DriverStarted)) == 2)
        scene.go("a")
        output, errors = driver.communicate()

    report = json.loads(output)
    assert (driver.returncode, report["tasks"]["b"]["output"]) == (0, "a!")
    assert scene.began() == ["a 1"]
    assert scene.events(ev.AttemptLost) == []
    assert scene.events(ev.DriverStarted)[1].taken_over == ("a",)
    assert "goes on with what outlived its driver: a" in errors
    assert scene.left() == []


def test_what_has_finished_is_taken_whole_although_nobody_was_there_to_read_it(scene) -> None:
    scene.write(hold("a", "head -c 3000000 /dev/zero | tr '\\0' x; echo late >&2; exit 0", timeout=30))
    scene.kill(began=1)
    scene.go("a")
    scene.project.until(lambda: scene.outliving() == {"a": True})

    assert "1 has finished since: a" in scene.project.call("status", "last").stdout
    assert "takes their results" in scene.project.call("doctor", "last").stdout
    assert scene.plan() == {"a": ("take", "finished")}
    report = scene.resume()

    assert report["tasks"]["a"]["output"] == "x" * 3_000_000
    assert scene.began() == ["a 1"]
    assert scene.events(ev.AttemptLost) == []


def test_what_failed_alone_has_failed_and_is_retried_by_its_policy(scene) -> None:
    scene.write(hold("a", '[ "$ACTORFLOW_ATTEMPT" -ge 2 ]', retry={"max_attempts": 2, "delay": 0.01}))
    scene.kill(began=1)
    scene.go("a")
    scene.project.until(lambda: scene.outliving() == {"a": True})

    report = scene.resume()

    assert (report["status"], scene.began()) == ("success", ["a 1", "a 2"])
    assert [event.failure.kind for event in scene.events(ev.AttemptFailed)] == ["exit_status"]
    assert scene.events(ev.AttemptLost) == []


def test_what_was_killed_too_is_lost_and_runs_again(scene) -> None:
    scene.write(hold("a"))
    scene.kill(began=1)
    scene.kill_all()

    assert scene.outliving() == {}
    assert scene.plan() == {"a": ("run", "lost")}
    scene.go("a")
    report = scene.resume()

    assert (report["status"], scene.began()) == ("success", ["a 1", "a 2"])
    assert len(scene.events(ev.AttemptLost)) == 1


def test_a_driver_killed_again_and_again_costs_a_long_task_nothing(scene, size) -> None:
    kills = size(6, 20)
    scene.write(hold("a"))
    scene.kill(began=1)
    for number in range(2, kills + 1):
        with scene.project.start("resume", "last") as driver:
            scene.project.until(lambda number=number: len(scene.events(ev.DriverStarted)) == number)
            driver.send_signal(signal.SIGKILL)
            driver.communicate()
    scene.go("a")

    report = scene.resume()

    assert (report["status"], scene.began()) == ("success", ["a 1"])
    assert len(scene.events(ev.DriverStarted)) == kills + 1
    assert scene.events(ev.AttemptLost) == []
    assert scene.left() == []


def test_two_resumes_at_once_are_one(scene) -> None:
    scene.write(hold("a"))
    scene.kill(began=1)
    with scene.project.start("resume", "last") as driver:
        scene.project.until(lambda: len(scene.events(ev.DriverStarted)) == 2)
        second = scene.project.call("resume", "last")
        scene.go("a")
        driver.communicate()

    assert (driver.returncode, second.returncode) == (0, 75)
    assert scene.began() == ["a 1"]


def test_what_is_taken_over_takes_its_slot_and_its_pool(scene) -> None:
    pools = {"settings": {"max_parallel": 3, "resources": {"gpu": 1}}}
    scene.write(
        hold("a", resources={"gpu": 1}),
        hold("b"),
        {"id": "c", "resources": {"gpu": 1}, "parameters": {"command": "ls go.a"}},
        {"id": "d", "parameters": {"command": "ls go.b || ls go.a"}},
        **pools,
    )
    scene.kill("run", "w.json", "--max-parallel", "2", began=2)
    with scene.project.start("resume", "last", "--max-parallel", "1", "--json") as driver:
        scene.project.until(lambda: len(scene.events(ev.DriverStarted)) == 2)
        scene.go("a")
        scene.project.until(lambda: "a" in {event.task for event in scene.events(ev.TaskSucceeded)})
        assert {event.task for event in scene.events(ev.AttemptStarted)} == {"a", "b"}
        scene.go("b")
        output, _ = driver.communicate()

    assert json.loads(output)["status"] == "success"
    assert sorted(scene.began()) == ["a 1", "b 1"]


def test_a_timeout_counts_from_the_start_of_the_attempt(scene) -> None:
    scene.write(hold("a", timeout=4.0))
    scene.kill(began=1)
    began = next(r.at for r in _recorded(scene) if isinstance(r.event, ev.AttemptStarted))
    assert scene.plan() == {"a": ("wait", "still_running")}
    scene.project.until(lambda: time.time() > began + 4.0)

    (said,) = scene.project.report("resume", "last", "--dry-run")["tasks"]
    assert "for longer than 4 s: it is ended, which fails it" in said["reason"]
    report = scene.resume()

    assert report["tasks"]["a"]["error"]["kind"] == "timeout"
    taken_over = [r.at for r in _recorded(scene) if isinstance(r.event, ev.DriverStarted)][1]
    failed = next(r.at for r in _recorded(scene) if isinstance(r.event, ev.AttemptFailed))
    assert failed - taken_over < 3.5, "it was given its time once more"
    assert scene.left() == []


def _recorded(scene: Scene) -> list[Any]:
    from actorflow import api
    from actorflow.settings import read_settings

    root = scene.project.root
    return list(api.inspect("last", settings=read_settings({"HOME": str(root)}, cwd=root)).events)


def test_an_interrupt_ends_what_was_taken_over_with_all_that_it_has_started(scene) -> None:
    scene.write(hold("a"), {"id": "b", "parameters": {"command": f"setsid sleep 300 & {HOLD}"}})
    scene.kill(began=2)
    with scene.project.start("resume", "last") as driver:
        scene.project.until(lambda: len(scene.events(ev.DriverStarted)) == 2)
        driver.send_signal(signal.SIGINT)
        driver.communicate()

    assert driver.returncode == 130
    assert len(scene.events(ev.AttemptCancelled)) == 2
    assert scene.left() == []


def test_cancel_of_a_run_that_nobody_drives_ends_what_still_runs(scene) -> None:
    scene.write(hold("a"), hold("b"))
    scene.kill(began=2)
    scene.go("b")
    scene.project.until(lambda: scene.outliving() == {"a": False, "b": True})

    said = scene.project.call("cancel", "last")

    assert said.returncode == 0
    assert (
        "nobody was driving it, and what still ran of it was ended: a; 1 result that was ready was recorded: b"
        in said.stdout
    )
    assert scene.left() == []
    assert [event.task for event in scene.events(ev.AttemptCancelled)] == ["a"]
    assert [event.task for event in scene.events(ev.TaskSucceeded)] == ["b"]
    assert scene.project.report("status", "last")["status"] == "cancelled"
    scene.go("a")
    assert scene.resume()["status"] == "success"
    assert sorted(scene.began()) == ["a 1", "a 2", "b 1"]


def test_clean_leaves_a_run_alone_that_still_runs_and_doctor_names_it(scene) -> None:
    scene.write(hold("a"))
    scene.kill(began=1)

    cleaned = scene.project.call("clean", "--status", "interrupted", "--keep", "0")
    told = scene.project.call("doctor", "last").stdout

    assert "it still runs, although nobody drives it: a (attempt 1)" in cleaned.stdout + cleaned.stderr
    assert f"{scene.record('a').pid} (a, attempt 1)" in told
    assert scene.outliving() == {"a": False}
    scene.project.call("cancel", "last")
    assert "removed run" in scene.project.call("clean", "--keep", "0").stdout


def test_what_is_asked_for_again_is_ended_first(scene) -> None:
    scene.write(hold("a"), hold("b"))
    scene.kill(began=2)
    first = scene.record("a").pid
    scene.go("a", "b")  # for whoever looks from now on: the second attempts end at once
    scene.project.root.joinpath("go.a").unlink()

    assert scene.plan("--from", "a") == {"a": ("run", "asked"), "b": ("take", "finished")} or scene.plan(
        "--from", "a"
    ) == {"a": ("run", "asked"), "b": ("wait", "still_running")}
    with scene.project.start("resume", "last", "--from", "a") as driver:
        scene.project.until(lambda: len(scene.began()) == 3)
        assert process_table.look(first) is None or scene.record("a", 2).pid != first
        scene.go("a")
        driver.communicate()

    assert sorted(scene.began()) == ["a 1", "a 2", "b 1"]
    assert scene.left() == []


def test_with_the_current_file_only_what_is_asked_the_same_goes_on(scene) -> None:
    scene.write(hold("a"), hold("b"))
    scene.kill(began=2)
    scene.write(hold("a", timeout=50), hold("b", "echo something else"))

    assert scene.plan("--use-current-spec") == {"a": ("wait", "still_running"), "b": ("run", "lost")}
    scene.go("a", "b")
    report = scene.project.report("resume", "last", "--use-current-spec")

    assert report["tasks"]["b"]["output"] == "something else"
    assert sorted(scene.began()) == ["a 1", "b 1", "b 2"]


def test_hooks_outlive_their_driver_too(scene) -> None:
    hooks = {"on_start": [{"agent": "shell", **hold("s")}], "on_complete": [{"agent": "shell", **hold("e")}]}
    scene.write({"id": "a", "parameters": {"command": "echo a >> ran.txt"}}, hooks=hooks)
    scene.kill(began=1)
    assert scene.plan()["s"] == ("wait", "still_running")
    scene.go("s")
    scene.kill("resume", "last", began=2)
    assert scene.plan() == {
        "a": ("reuse", "success"),
        "s": ("reuse", "success"),
        "e": ("wait", "still_running"),
    }
    scene.go("e")

    assert scene.resume()["status"] == "success"
    assert scene.began() == ["s 1", "e 1"]
    assert scene.project.lines("ran.txt") == ["a"]


def test_secrets_that_were_printed_while_nobody_drove_are_in_no_file(scene) -> None:
    scene.project.environment["TOKEN"] = "s3cr3t-of-the-house"
    context = {"secrets": {"TOKEN": "env:TOKEN"}}
    scene.write(hold("a", "echo said $T; echo said $T >&2", env={"T": "${secrets.TOKEN}"}), context=context)
    scene.kill(began=1)
    scene.go("a")
    scene.project.until(lambda: scene.outliving() == {"a": True})

    report = scene.resume()

    assert report["tasks"]["a"]["output"] == "said ***"
    state = scene.project.root / ".claude/workflow-state"
    assert [path for path in state.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()] == []


@pytest.mark.parametrize("has_finished", [True, False])
def test_a_secret_that_was_changed_is_in_nobodys_result(scene, has_finished) -> None:
    scene.project.environment["TOKEN"] = "s3cr3t-of-the-house"
    context = {"secrets": {"TOKEN": "env:TOKEN"}}
    scene.write(hold("a", "echo said $T", env={"T": "${secrets.TOKEN}"}), context=context)
    scene.kill(began=1)
    if has_finished:
        scene.go("a")
    scene.project.until(lambda: scene.outliving() == {"a": has_finished})

    scene.project.environment["TOKEN"] = "n3w-0ne-of-the-house"
    report = scene.project.report("resume", "last", "--dry-run")["tasks"][0]
    assert (report["action"], report["cause"]) == ("run", "lost")
    assert "a secret that it knows has changed" in report["reason"]
    with scene.start("resume", "last", "--json", began=2) as driver:
        scene.go("a")
        output, _ = driver.communicate()

    assert json.loads(output)["tasks"]["a"]["output"] == "said ***"
    assert scene.began() == ["a 1", "a 2"]
    assert b"s3cr3t" not in b"".join(
        path.read_bytes() for path in scene.project.root.glob(".claude/workflow-state/runs/*/journal.db*")
    )


def test_an_output_that_does_not_fit_fails_it_as_any_other(scene) -> None:
    scene.write(hold("a", "echo '[1, 2'", output_schema={"type": "array"}))
    scene.kill(began=1)
    scene.go("a")
    scene.project.until(lambda: scene.outliving() == {"a": True})

    assert scene.resume()["tasks"]["a"]["error"]["kind"] == "invalid_output"
    assert scene.began() == ["a 1"]


def test_a_run_that_is_resumed_by_its_own_task_does_not_wait_for_itself(scene) -> None:
    me = f"{scene.project.python} -m actorflow"
    command = HOLD + f"if [ $ACTORFLOW_ATTEMPT = 1 ]; then {me} resume last >&2; fi; echo done"
    scene.write({"id": "a", "parameters": {"command": command}})
    scene.kill(began=1)
    scene.go("a")

    scene.project.until(lambda: scene.project.report("status", "last")["status"] == "success")

    assert scene.began() == ["a 1", "a 2"]


def test_a_copy_of_a_run_and_the_original_leave_each_other_alone(scene) -> None:
    scene.write(hold("a"))
    scene.kill(began=1)
    copy = scene.project.root / "copy"
    shutil.copytree(scene.project.root / ".claude/workflow-state", copy, symlinks=True)
    there = ("--state-dir", str(copy))

    assert scene.project.report("status", "last", *there)["outliving"] == []
    assert "what still ran" not in scene.project.call("cancel", "last", *there).stdout
    assert "removed run" in scene.project.call("clean", "--keep", "0", *there).stdout
    assert scene.outliving() == {"a": False}
    scene.go("a")
    assert scene.resume()["status"] == "success"
    assert scene.began() == ["a 1"]


def test_what_runs_in_a_project_that_was_moved_is_ended_and_runs_again(scene) -> None:
    scene.write(hold("a"))
    scene.kill(began=1)
    old, new = scene.project.root, scene.project.root.with_name("elsewhere")
    old.rename(new)
    scene.project.root = new
    scene.project.environment["HOME"] = str(new)
    first = scene.record("a").pid

    assert scene.outliving() == {}
    old.symlink_to(new)  # where the run remembers that its project is
    assert scene.outliving() == {"a": False}
    old.unlink()
    old.mkdir()
    said = scene.project.call("cancel", "last")

    assert said.returncode == 0
    found = process_table.look(first)
    assert found is None or not found.is_alive
    assert scene.left() == []


def test_what_a_driver_had_begun_to_end_is_nobodys_result(scene) -> None:
    """It says good-bye with exit code 0, which is not how its work would have ended."""
    polite = "trap 'sleep 0.5; echo half; exit 0' TERM; "
    scene.write({"id": "a", "parameters": {"command": polite + HOLD + "echo whole"}})
    with scene.start("run", "w.json", began=1) as driver:
        driver.send_signal(signal.SIGINT)
        scene.project.until(lambda: scene.events(ev.RunCancelRequested))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    scene.project.until(lambda: scene.left() == [])

    assert driver.returncode == -signal.SIGKILL
    assert scene.outliving() == {}
    scene.go("a")
    report = scene.resume()

    assert (report["status"], report["tasks"]["a"]["output"]) == ("success", "whole")
    assert scene.began() == ["a 1", "a 2"]


def test_a_resume_that_an_interrupt_hurries_kills_what_does_not_want_to_end(scene) -> None:
    scene.write({"id": "a", "parameters": {"command": "trap '' TERM INT; " + HOLD}})
    scene.kill(began=1)
    with scene.project.start("resume", "last") as driver:
        scene.project.until(lambda: len(scene.events(ev.DriverStarted)) == 2)
        driver.send_signal(signal.SIGINT)
        scene.project.until(lambda: scene.events(ev.RunCancelRequested))
        before = time.monotonic()
        driver.send_signal(signal.SIGINT)
        driver.communicate()

    assert driver.returncode == 130
    assert time.monotonic() - before < 4.5, "it was given its whole grace"
    assert scene.left() == []


def test_what_finished_alone_took_as_long_as_it_took_in_every_view(scene) -> None:
    scene.write(hold("a", "echo a"), {"id": "b", "dependencies": ["a"], "parameters": {"command": "true"}})
    scene.kill(began=1)
    scene.go("a")
    scene.project.until(lambda: scene.outliving() == {"a": True})
    run = next((scene.project.root / ".claude/workflow-state/runs").iterdir())
    [written] = run.glob("attempts/a/1/exit")
    began = scene.project.report("status", "last")["tasks"]["a"]["started_at"]
    ended = time.mktime(time.strptime(began[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone + 0.75
    os.utime(written, (ended, ended))

    assert "finished without a driver after" in scene.project.call("graph", "last").stdout
    told = scene.project.report("explain", "last", "a")
    assert told["unattended"] == "finished"
    assert told["summary"].endswith("has finished without a driver; a resume takes its result")
    line = next(
        line for line in scene.project.call("status").stdout.splitlines() if line.startswith("  … a ")
    )
    phase, took, unit = line.split()[2:5]
    assert (phase, float(took) < 1, unit) == ("waiting", True, "s")
    assert ">a: attempt 1, waiting, " in scene.project.call("timeline", "last").stdout
    scene.resume()

    task = scene.project.report("status", "last")["tasks"]["a"]
    assert task["duration"] < 1
    [attempt] = scene.project.report("explain", "last", "a")["attempts"]
    assert attempt["duration"] == task["duration"]
    p50 = scene.project.report("stats", "w")["tasks"]["a"]["duration"]["p50"]
    assert p50 == pytest.approx(task["duration"], abs=1e-5)  # no two views round alike
    assert re.search(
        r">a: attempt 1, success, (0 s|[0-9]+ ms|0?\.[0-9]+ s)", scene.project.call("timeline", "last").stdout
    )


def test_a_file_from_another_time_makes_no_duration_negative_or_longer_than_it_can_be(scene) -> None:
    for moment in (1.0, 4e9):
        scene.write(hold("a", "echo a"))
        scene.kill(began=len(scene.began()) + 1)
        scene.go("a")
        scene.project.until(lambda: scene.outliving() == {"a": True})
        runs = scene.project.root / ".claude/workflow-state/runs"
        written = max(runs.iterdir()) / "attempts/a/1/exit"
        os.utime(written, (moment, moment))
        scene.resume()
        (scene.project.root / "go.a").unlink()

        assert 0 <= scene.project.report("status", "last")["tasks"]["a"]["duration"] < 60


def test_logs_follow_what_runs_on_without_a_driver_and_end_with_it(scene) -> None:
    scene.write(hold("a", "echo later"))
    scene.kill(began=1)

    with scene.project.start("logs", "-f", "last") as following:
        first = following.stderr.readline()
        scene.go("a")
        out, err = following.communicate(timeout=60)

    assert "its driver is gone; followed is what runs on without one (a)" in first
    assert "actorflow resume " in first
    assert "later" in out
    assert "nothing of it runs any more; to go on: actorflow resume " in err
    assert following.returncode == 0
