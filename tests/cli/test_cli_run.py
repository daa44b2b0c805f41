"""``run``, ``resume``, ``status``, ``cancel`` and ``tree`` with the real engine, shell and SQLite."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from actorflow.ids import RUN_ID
from actorflow.journal import Lease, this_process

pytestmark = pytest.mark.slow


def test_a_run_prints_its_id_on_stdout_and_everything_else_on_stderr(call, workflow) -> None:
    done = call("run", workflow(a="echo one", b=["a", "echo two"]))

    assert done.exit_code == 0
    assert RUN_ID.fullmatch(done.stdout.strip())
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  run  \S+ accepted: w, 2 tasks", lines[0])
    assert [line.split("  ")[1:3] for line in lines[1:5]] == [
        ["a", "started"],
        ["a", lines[2].split("  ")[2]],
        ["b", "started"],
        ["b", lines[4].split("  ")[2]],
    ]
    assert "✓ a  success" in done.stderr
    assert f"actorflow status {done.stdout.strip()} --json" in done.stderr


def test_the_report_of_a_run_keeps_the_contract_and_is_what_status_says(call, workflow, fits) -> None:
    done = call("run", workflow(a="echo one", b=["a", "exit 3"], c=["b", "echo never"]), "--json", "--quiet")
    report = fits("run", json.loads(done.stdout))

    assert done.exit_code == 1
    assert list(report["tasks"]) == ["a", "b", "c"]
    assert report["tasks"]["a"]["output"] == "one"
    assert report["tasks"]["b"]["error"]["kind"] == "exit_status"
    assert report["tasks"]["c"]["reason"] == "upstream_failed"
    assert fits("run", json.loads(call("status", report["run_id"], "--json").stdout)) == report


def test_a_failed_run_tells_the_command_that_goes_on_and_it_works(call, workflow, project: Path) -> None:
    failed = call("run", workflow(a="echo x >> ran", b=["a", "test -e fixed"]), "--state-dir", "my state")
    (project / "fixed").touch()
    command = next(line for line in failed.stderr.splitlines() if "actorflow resume" in line)
    arguments = shlex.split(command)

    resumed = call(*arguments[arguments.index("resume") :])

    assert (failed.exit_code, resumed.exit_code) == (1, 0)
    assert resumed.stdout == failed.stdout
    assert (project / "ran").read_text() == "x\n"
    assert not (project / ".claude" / "workflow-state").exists()


def test_quiet_says_nothing_of_success_and_all_of_failure(call, workflow) -> None:
    good = call("run", workflow(a="true"), "--quiet")
    bad = call("run", workflow(a="echo last words >&2; exit 4"), "--quiet")

    assert (good.exit_code, good.stderr) == (0, "")
    assert bad.exit_code == 1
    assert "exit code 4" in bad.stderr
    assert "last words" in bad.stderr
    assert "started" not in bad.stderr


def test_inputs_come_from_a_file_or_stdin_and_set_wins(call, project: Path) -> None:
    text = "name: w\ninputs: {who: {type: string}, n: {type: integer}}\n"
    text += "tasks: [{id: a, agent: echo, parameters: {who: '${who}', n: '${n}'}}]\n"
    (project / "w.yaml").write_text(text)
    (project / "i.yaml").write_text("who: file\nn: 1\n")

    from_file = call("run", "w.yaml", "--inputs", "i.yaml", "--set", "n=2", "--json")
    from_stdin = call("run", "w.yaml", "--inputs", "-", "--json", stdin='{"who": "stdin", "n": 7}')

    assert json.loads(from_file.stdout)["tasks"]["a"]["output"] == {"who": "file", "n": 2}
    assert json.loads(from_stdin.stdout)["inputs"] == {"who": "stdin", "n": 7}


def test_missing_and_unknown_inputs_exit_2_before_anything_is_made(call, project: Path) -> None:
    text = "name: w\ninputs: {who: {type: string}, what: {type: string}}\n"
    (project / "w.yaml").write_text(
        text + "tasks: [{id: a, agent: echo, parameters: {x: '${who} ${what}'}}]\n"
    )

    missing = call("run", "w.yaml")
    unknown = call("run", "w.yaml", "--set", "who=1", "--set", "what=2", "--set", "wha=3")

    assert (missing.exit_code, unknown.exit_code) == (2, 2)
    assert "who" in missing.stderr
    assert "--set what=" in missing.stderr
    assert "wha" in unknown.stderr
    assert not (project / ".claude" / "workflow-state").exists()


def test_an_invalid_workflow_exits_2_with_all_problems_before_anything_is_made(
    call, project: Path, fits
) -> None:
    (project / "w.yaml").write_text(
        "name: w\ntasks:\n  - {id: a, agent: shel, paramters: {}}\n  - {id: a, agent: echo}\n"
    )

    plain = call("run", "w.yaml")
    machine = call("run", "w.yaml", "--json")

    assert plain.exit_code == machine.exit_code == 2
    assert plain.stdout == ""
    assert plain.stderr.count("error[") >= 3
    assert "'shell'" in plain.stderr
    assert re.search(r"error: \d+ problems; nothing was run", plain.stderr)
    problems = fits("failure", json.loads(machine.stdout))["error"]["problems"]
    assert len(problems) == plain.stderr.count("error[")
    assert not (project / ".claude" / "workflow-state").exists()


def test_an_agent_that_is_not_there_exits_3_and_says_what_to_do(call, project: Path, fits) -> None:
    (project / "w.yaml").write_text("name: w\ntasks: [{id: a, agent: claude, parameters: {task: hello}}]\n")

    done = call("run", "w.yaml", "--json")

    assert done.exit_code == 3
    assert "claude" in fits("failure", json.loads(done.stdout))["error"]["message"]
    assert not (project / ".claude" / "workflow-state").exists()


def test_a_state_folder_that_cannot_be_written_exits_74_and_leaves_nothing(
    call, workflow, project: Path, fits
) -> None:
    (project / "file").touch()

    done = call("run", workflow(a="touch ran"), "--json", "--state-dir", "file/state")

    assert done.exit_code == 74
    assert fits("failure", json.loads(done.stdout))["error"]["exit_code"] == 74
    assert "file/state" in done.stderr
    assert not (project / "ran").exists()


def test_a_workflow_of_the_project_runs_by_its_name(call, project: Path) -> None:
    folder = project / ".claude" / "workflows"
    folder.mkdir()
    (folder / "hello.yaml").write_text("name: hello\ntasks: [{id: a, agent: echo}]\n")

    assert call("run", "hello", "--quiet").exit_code == 0
    assert call("validate", "hello").stdout == f"{folder}/hello.yaml: valid, 1 task\n"


def test_max_parallel_of_the_command_line_counts(call, workflow, project: Path) -> None:
    one_at_a_time = "test ! -e busy && touch busy && rm busy"
    done = call(
        "run", workflow(a=one_at_a_time, b=one_at_a_time, c=one_at_a_time), "--max-parallel", "1", "--quiet"
    )

    assert done.exit_code == 0


def test_a_run_that_another_process_drives_exits_75_and_says_who(call, workflow, project: Path, fits) -> None:
    run_id = call("run", workflow(a="false"), "--quiet").stdout.strip()
    folder = project / ".claude" / "workflow-state" / "runs" / run_id

    with Lease.acquire(folder, run_id, now=1, describe=this_process(now=1, command="test")) as lease:
        done = call("resume", run_id, "--json")
        status = call("status", run_id)

    assert done.exit_code == 75
    assert f"process {lease.driver.pid} " in fits("failure", json.loads(done.stdout))["error"]["message"]
    assert f"driver    process {lease.driver.pid} " in status.stdout


def test_runs_are_found_by_prefix_and_unknown_ones_are_told(call, workflow) -> None:
    run_id = call("run", workflow(a="true"), "--quiet").stdout.strip()

    assert f"run       {run_id}" in call("status", run_id[:8]).stdout
    assert call("status").stdout == call("status", "last").stdout
    unknown = call("status", "1999")
    assert unknown.exit_code == 2
    assert run_id in unknown.stderr


def test_without_any_run_status_says_how_to_start_one(call) -> None:
    done = call("status")

    assert done.exit_code == 2
    assert "actorflow run" in done.stderr


def test_resuming_a_success_changes_nothing_and_says_so(call, workflow) -> None:
    run_id = call("run", workflow(a="true"), "--quiet").stdout
    done = call("resume")

    assert (done.exit_code, done.stdout) == (0, run_id)
    assert "has succeeded already" in done.stderr


def test_a_run_that_is_over_cannot_be_cancelled_and_has_no_tree_of_actors(call, workflow, fits) -> None:
    call("run", workflow(a="true"), "--quiet")

    cancelled = call("cancel", "last", "--json")
    tree = call("tree", "last", "--json")

    assert cancelled.exit_code == 0
    assert fits("cancellation", json.loads(cancelled.stdout))["status"] == "success"
    assert "over already" in call("cancel", "last").stdout
    assert fits("tree", json.loads(tree.stdout))["tree"] == call("tree").stdout.splitlines()


def test_a_large_output_is_in_the_report_and_its_loss_does_not_hide_the_rest(
    call, workflow, project: Path, fits
) -> None:
    done = call(
        "run", workflow(big="head -c 100000 /dev/zero | tr '\\0' x", small="echo y"), "--json", "--quiet"
    )
    report = fits("run", json.loads(done.stdout))
    for blob in (project / ".claude" / "workflow-state").glob("runs/*/blobs/**/*"):
        if blob.is_file():
            blob.unlink()

    lost = call("status", "--json")

    assert report["tasks"]["big"]["output"] == "x" * 100_000
    assert lost.exit_code == 0
    tasks = fits("run", json.loads(lost.stdout))["tasks"]
    assert (set(tasks["big"]["output"]), tasks["small"]["output"]) == ({"$blob", "size"}, "y")
    assert "warning: " in lost.stderr
    assert "missing" in lost.stderr


def test_what_an_agent_prints_cannot_drive_the_terminal(call, workflow) -> None:
    attack = r"printf '\033[2J\302\233evil\342\200\256\r\033]0;t\007'; printf '\033[31m' >&2; exit 1"
    call("run", workflow(a=attack, b=r"printf '\033[2Jout'"))

    for command in (["status"], ["logs"], ["status", "--json"]):
        shown = call(*command).output
        assert "x1b" in shown or "u001b" in shown
        assert not [c for c in shown if c in "\x1b\x9b\u202e\r\x07"]
