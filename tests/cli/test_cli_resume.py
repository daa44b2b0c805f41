"""``resume``: what it would do and why, running a part again, and a workflow file that has changed since."""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from actorflow.journal import RunStore


def tree_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file below a folder, with its content and when it was changed."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "journal.db-shm"  # readers of SQLite share it
    }


@pytest.fixture
def plan(call, fits, project):
    """What a dry run says: task -> (action, cause). It must not write anything."""

    def plan(*arguments: str) -> dict[str, tuple[str, str]]:
        before = tree_of(project / ".claude")
        done = call("resume", *arguments, "--dry-run", "--json")
        assert done.exit_code == 0, done.output
        assert tree_of(project / ".claude") == before
        report = fits("resume_plan", json.loads(done.stdout))
        return {task["task"]: (task["action"], task["cause"]) for task in report["tasks"]}

    return plan


@pytest.fixture
def ran(project):
    """How often each task has been at work."""

    def ran() -> dict[str, int]:
        lines = (project / "ran").read_text().split() if (project / "ran").exists() else []
        return {name: lines.count(name) for name in sorted(set(lines))}

    return ran


@pytest.fixture
def write(project):
    """Write a workflow: keyword arguments are tasks, a value is their command or a dict of keys."""

    def write(*, hooks: dict[str, Any] | None = None, top: dict[str, Any] | None = None, **tasks: Any) -> str:
        listed = []
        for name, task in tasks.items():
            keys = task if isinstance(task, dict) else {"command": task}
            command = f"echo {name} >> ran; {keys.pop('command')}"
            parameters = {"command": command}
            listed.append({"id": name, "agent": "shell", "parameters": parameters, **keys})
        document = {"name": "w", **(top or {}), "tasks": listed, **({"hooks": hooks} if hooks else {})}
        (project / "w.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        return "w.json"

    return write


def after(name: str, command: str) -> dict[str, Any]:
    return {"command": command, "dependencies": [name]}


# --- what would be done ------------------------------------------------------------------------------------------


def test_after_a_failure(call, plan, write) -> None:
    call("run", write(a="echo 1", b=after("a", "exit 3"), c=after("b", "echo 1"), d="echo 1"))

    assert plan() == {
        "a": ("reuse", "success"),
        "b": ("run", "failed"),
        "c": ("run", "upstream"),
        "d": ("reuse", "success"),
    }
    assert "run    b  it failed: the command failed with exit code 3" in call("resume", "--dry-run").output


def test_after_success_there_is_nothing_to_do(call, plan, write) -> None:
    call("run", write(a="echo 1"))

    assert plan() == {"a": ("reuse", "success")}
    assert "success: there is nothing to do" in call("resume", "--dry-run").output


def test_a_skipped_task_stays_skipped(call, plan, write) -> None:
    call("run", write(a="echo 1", b={"command": "echo 1", "condition": "false"}))

    assert plan()["b"] == ("reuse", "condition_false")


def test_after_a_cancellation_and_a_timeout(call, plan, write) -> None:
    call("run", write(a="echo 1", b=after("a", "sleep 60"), top={"settings": {"timeout": 0.3}}))

    assert plan() == {"a": ("reuse", "success"), "b": ("run", "cancelled")}


@pytest.mark.slow
def test_after_a_crash_and_while_it_is_driven(call, plan, write, start, gate) -> None:
    gates = gate("gate")
    driver = start(
        "run", write(a="echo 1", b=after("a", "echo at work > gate; exec sleep 60"), c=after("b", "echo 1"))
    )
    gates.wait()

    driven = call("resume", "--dry-run")
    assert (driven.exit_code, "is driven by process" in driven.output) == (75, True)
    driver.send_signal(signal.SIGKILL)
    driver.wait()

    assert plan() == {"a": ("reuse", "success"), "b": ("wait", "still_running"), "c": ("run", "pending")}
    assert "it is waited for" in call("resume", "--dry-run").output
    assert plan("--from", "b")["b"] == ("run", "asked")
    assert "attempt 1 still runs, and is ended" in call("resume", "--dry-run", "--from", "b").output
    call("cancel", "last")


def test_hooks_come_round_again(call, plan, write) -> None:
    bye = {"id": "bye", "agent": "shell", "parameters": {"command": "echo bye"}}
    call("run", write(a="exit 1", hooks={"on_complete": [bye], "on_failure": [{**bye, "id": "alas"}]}))

    assert plan() == {"a": ("run", "failed"), "alas": ("run", "hook"), "bye": ("run", "hook")}


# --- from --------------------------------------------------------------------------------------------------------


def test_from_runs_a_task_and_what_comes_after_again_also_after_success(call, plan, write, ran) -> None:
    call("run", write(a="echo 1", b=after("a", "echo 2"), c=after("b", "echo 3"), d="echo 4"))

    assert plan("--from", "b") == {
        "a": ("reuse", "success"),
        "b": ("run", "asked"),
        "c": ("run", "upstream"),
        "d": ("reuse", "success"),
    }
    done = call("resume", "--from", "b", "--json")

    assert done.exit_code == 0
    assert ran() == {"a": 1, "b": 2, "c": 2, "d": 1}
    assert {name: task["attempts"] for name, task in json.loads(done.stdout)["tasks"].items()} == {
        "a": 1,
        "b": 2,
        "c": 2,
        "d": 1,
    }


def test_from_can_be_repeated_and_is_remembered(call, write, ran) -> None:
    call("run", write(a="echo 1", b="echo 2", c="echo 3"))
    call("resume", "--from", "a", "--from", "c")

    assert ran() == {"a": 2, "b": 1, "c": 2}
    assert 'reason="resume --from a --from c" asked=["a", "c"]' in call("events", "last").stdout
    assert "it was asked for: resume --from a --from c" in call("explain", "last", "a").stdout


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_from_an_unknown_task_is_refused_with_what_was_meant(call, write, ran, extra) -> None:
    call("run", write(build="echo 1"))

    done = call("resume", "--from", "biuld", "--from", "build", *extra)

    assert done.exit_code == 2
    assert "has no task 'biuld'" in done.output
    assert "did you mean 'build'?" in done.output
    assert ran() == {"build": 1}


# --- a workflow file that has changed ----------------------------------------------------------------------------


def test_a_changed_file_is_shown_and_nothing_runs_until_somebody_chooses(call, write, ran, fits) -> None:
    call("run", write(a="echo 1", b=after("a", "exit 1")))
    write(a="echo 1", b=after("a", "echo fixed"))

    asked = call("resume")
    as_json = call("resume", "--json")

    assert asked.exit_code == as_json.exit_code == 2
    assert "~ b: parameters.command" in asked.output
    assert "echo fixed" in asked.output
    assert "--use-current-spec" in asked.output
    assert "--use-pinned-spec" in asked.output
    error = fits("failure", json.loads(as_json.stdout))["error"]
    assert error["changes"]["tasks"] == [{"task": "b", "kind": "changed", "keys": ["parameters.command"]}]
    assert any(line.startswith("+") and "echo fixed" in line for line in error["difference"])
    assert ran() == {"a": 1, "b": 1}
    assert call("resume", "--use-pinned-spec").exit_code == 1
    assert call("resume", "--use-current-spec").exit_code == 0
    assert ran() == {"a": 1, "b": 3}
    assert call("resume").exit_code == 0


def test_a_comment_is_no_change(call, project, write) -> None:
    call("run", write(a="exit 1"))
    file = project / "w.json"
    file.write_text(file.read_text().replace("\n", "\n\n"))

    assert call("resume").exit_code == 1


def test_a_run_that_succeeded_asks_nothing(call, write) -> None:
    call("run", write(a="echo 1"))
    assert "nothing to do" in call("resume", "--use-current-spec").output
    write(a="echo 2")

    assert call("resume").exit_code == 0
    assert call("resume", "--from", "a").exit_code == 2


def test_with_the_current_file_what_is_asked_the_same_is_reused(call, plan, write, ran) -> None:
    call(
        "run",
        write(a="echo 1", b=after("a", "echo ${a.output}"), c="echo 3", d=after("c", "echo 4"), e="echo 5"),
    )
    write(a="echo 1", b=after("a", "echo ${a.output}"), c="echo three", d=after("c", "echo 4"), f="echo 6")

    assert plan("--use-current-spec") == {
        "a": ("reuse", "success"),
        "b": ("reuse", "success"),
        "c": ("run", "changed"),
        "d": ("run", "upstream"),
        "f": ("run", "added"),
    }
    done = call("resume", "--use-current-spec", "--json")

    report = json.loads(done.stdout)
    assert done.exit_code == 0
    assert ran() == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 1, "f": 1}
    assert sorted(report["tasks"]) == ["a", "b", "c", "d", "f"]
    assert report["tasks"]["c"]["output"] == "three"
    assert call("status", "--json").exit_code == 0
    assert "what it was asked had changed" in call("explain", "last", "c").stdout
    assert "no task 'e'" in call("explain", "last", "e").output
    assert call("resume", "--use-current-spec").exit_code == 0
    assert ran()["c"] == 2


def test_what_looks_different_and_asks_the_same_is_reused(call, plan, write) -> None:
    call("run", write(a="echo 1", b=after("a", "echo ${a.output}")))
    write(
        a={"command": "echo 1", "timeout": 7, "retry": {"max_attempts": 2}},
        b=after("a", "echo ${tasks.a.output}"),
    )

    assert plan("--use-current-spec") == {"a": ("reuse", "success"), "b": ("reuse", "success")}


def test_a_task_that_reads_something_else_runs_again(call, plan, write) -> None:
    call("run", write(a="echo 1", b="echo 2", c={"command": "echo ${a.output}", "dependencies": ["a", "b"]}))
    write(a="echo 1", b="echo 2", c={"command": "echo ${b.output}", "dependencies": ["a", "b"]})

    assert plan("--use-current-spec")["c"] == ("run", "changed")


def test_a_task_that_gets_something_new_in_front_runs_again(call, plan, write, ran) -> None:
    call("run", write(b="echo 2"))
    write(a="echo 1", b=after("a", "echo 2"))

    assert plan("--use-current-spec") == {"a": ("run", "added"), "b": ("run", "changed")}
    assert call("resume", "--use-current-spec").exit_code == 0
    assert ran() == {"a": 1, "b": 2}


def test_what_was_skipped_because_of_a_task_that_is_gone_is_decided_again(call, plan, write, ran) -> None:
    call(
        "run",
        write(gone="exit 1", b=after("gone", "echo 2"), c=after("b", "echo 3"), d=after("gone", "echo 4")),
    )
    write(new="echo 1", b=after("new", "echo 2"), c=after("b", "echo 3"), d="echo 4")

    assert plan("--use-current-spec") == {
        "new": ("run", "added"),
        "b": ("run", "changed"),
        "c": ("run", "upstream"),
        "d": ("run", "changed"),
    }
    assert call("resume", "--use-current-spec").exit_code == 0
    assert ran() == {"gone": 1, "new": 1, "b": 1, "c": 1, "d": 1}


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "watch",
        "graph last -o g.svg",
        "timeline -o t.svg",
        "events",
        "context",
        "context --at b",
        "diff last last",
        "stats w",
        "logs",
        "explain last b",
        "explain last new",
        "doctor last",
        "resume --dry-run",
    ],
)
def test_a_run_that_has_changed_its_spec_is_looked_back_at_like_any_other(call, write, command) -> None:
    call("run", write(a="echo 1", gone=after("a", "exit 1"), b=after("gone", "echo 2")))
    write(a="echo 1", new=after("a", "echo 3"), b=after("new", "echo 2"))
    assert call("resume", "--use-current-spec").exit_code == 0

    assert call(*command.split()).exit_code == 0


def test_a_condition_that_is_true_now_lets_a_task_start(call, plan, write, ran) -> None:
    call("run", write(a="echo 1", b={**after("a", "echo 2"), "condition": "a.output == 'x'"}))
    write(a="echo 1", b={**after("a", "echo 2"), "condition": "a.output == '1'"})

    assert plan("--use-current-spec") == {"a": ("reuse", "success"), "b": ("run", "changed")}
    assert call("resume", "--use-current-spec").exit_code == 0
    assert ran() == {"a": 1, "b": 1}


def test_a_condition_that_is_false_now_takes_a_success_back(call, write) -> None:
    call("run", write(a="echo 1", b={**after("a", "echo 2"), "condition": "a.output == '1'"}))
    write(a="echo 1", b={**after("a", "echo 2"), "condition": "a.output == 'x'"})

    report = json.loads(call("resume", "--use-current-spec", "--json").stdout)

    assert report["tasks"]["b"]["status"] == "skipped"


def test_inputs_are_what_they_were_and_new_ones_take_their_default(call, write) -> None:
    inputs: dict[str, Any] = {"inputs": {"who": {"type": "string"}}}
    call("run", write(a="echo ${inputs.who}; exit 1", top=inputs), "--set", "who=Ada")
    inputs = {"inputs": {**inputs["inputs"], "size": {"type": "integer", "default": 4}}}
    write(a="echo ${inputs.who} ${inputs.size}", top=inputs)

    report = json.loads(call("resume", "--use-current-spec", "--json").stdout)
    assert report["tasks"]["a"]["output"] == "Ada 4"
    assert report["inputs"] == {"who": "Ada", "size": 4}


def test_a_new_input_without_a_default_is_refused(call, write, ran) -> None:
    call("run", write(a="exit 1"))
    write(a="echo ${inputs.size}", top={"inputs": {"size": {"type": "integer"}}})

    done = call("resume", "--use-current-spec")

    assert (done.exit_code, "missing input: size" in done.output) == (2, True)
    assert ran() == {"a": 1}


def test_an_invalid_file_is_refused_and_the_pinned_text_still_goes(call, project, write) -> None:
    call("run", write(a="exit 1"))
    (project / "w.json").write_text('{"name": "w", "tasks": [{}]}')

    assert call("resume").exit_code == 2
    assert "has changed" in call("resume").output
    assert "E6" in call("resume", "--use-current-spec").output
    assert call("resume", "--use-pinned-spec").exit_code == 1


def test_a_file_that_is_gone_is_no_reason_to_stop(call, project, write) -> None:
    call("run", write(a="exit 1"))
    (project / "w.json").unlink()

    assert call("resume").exit_code == 1
    assert "not there any more" in call("resume", "--dry-run").output
    assert call("resume", "--use-current-spec").exit_code == 2


def test_a_secret_that_was_changed_makes_nothing_run_again(call, plan, write, monkeypatch, project) -> None:
    secret = {"context": {"secrets": {"token": "env:TOKEN"}}}
    task = {"command": 'test -n "$T"; echo 1', "env": {"T": "${secrets.token}"}}
    monkeypatch.setenv("TOKEN", "first-secret-text")
    call("run", write(a=dict(task), b="exit 1", top=secret))
    write(a=dict(task), b="echo 1", top=secret)
    monkeypatch.setenv("TOKEN", "second-secret-text")

    assert plan("--use-current-spec") == {"a": ("reuse", "success"), "b": ("run", "failed")}


def test_a_success_without_a_fingerprint_is_compared_with_the_old_file_and_said_to_be(
    call, plan, write, monkeypatch
) -> None:
    from actorflow.engine import attempts

    with monkeypatch.context() as old_version:
        old_version.setattr(attempts, "fingerprint_of", lambda *_: "")
        call("run", write(a="echo 1", b="echo 2"))
    write(a="echo 1", b="echo two")

    assert plan("--use-current-spec") == {"a": ("reuse", "success"), "b": ("run", "changed")}
    assert (
        "an older version has recorded no fingerprint"
        in call("resume", "--dry-run", "--use-current-spec").output
    )


def test_a_run_that_was_interrupted_before_it_began_can_take_the_current_file(
    call, write, project, ran
) -> None:
    call("run", write(a="exit 1"))
    write(a="echo 1")
    store = RunStore(project / ".claude" / "workflow-state")

    assert call("resume", "--use-current-spec").exit_code == 0
    assert len(store.list()) == 1
    assert "follows the current workflow file" not in call("history").output
