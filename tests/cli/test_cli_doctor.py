"""``doctor``: a place and a run are judged by what is there, and a damaged run is saved as far as it can be trusted."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

LARGE = "head -c 70000 /dev/zero | tr '\\0' x"


@pytest.fixture
def doctor(call, fits):
    """Call it; gives the exit code and subject -> the worst verdict on it."""

    def doctor(*arguments: str) -> tuple[int, dict[str, str]]:
        done = call("doctor", *arguments, "--json")
        report = fits("checkup", json.loads(done.stdout))
        found: dict[str, str] = {}
        for finding in report["findings"]:
            rank = ("ok", "warn", "fail")
            before = found.get(finding["subject"], "ok")
            found[finding["subject"]] = max(before, finding["verdict"], key=rank.index)
        return done.exit_code, found

    return doctor


@pytest.fixture
def run_folder(call, workflow, project) -> Path:
    """The folder of a run that succeeded: a chain of six tasks, one of them with a large output."""
    tasks = {f"t{i}": ([f"t{i - 1}"] if i else []) + [f"echo {i} >> ran; echo {i}"] for i in range(6)}
    assert call("run", workflow(**tasks, large=["t5", LARGE])).exit_code == 0
    return next((project / ".claude" / "workflow-state" / "runs").iterdir())


def damage(folder: Path, sequence: int) -> None:
    """Change an event, as a bad sector would."""
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute("UPDATE events SET recorded_at = recorded_at + 1 WHERE sequence = ?", (sequence,))
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# --- a place -----------------------------------------------------------------------------------------------------


def test_a_place_where_runs_can_be_made(doctor, call, workflow, project) -> None:
    code, before = doctor()
    call("run", workflow(a="echo 1"))
    code_again, after = doctor()

    assert (code, code_again) == (0, 0)
    subjects = {"python", "packages", "sqlite", "file system", "room", "state folder", "open files"}
    assert subjects | {"pictures", "agents", "claude", "terminal"} <= set(before)
    assert before["state folder"] == after["state folder"] == "ok"
    assert [p.name for p in (project / ".claude" / "workflow-state").iterdir() if "doctor" in p.name] == []


def test_a_broken_definition_of_an_agent_is_a_matter_of_configuration(doctor, project) -> None:
    agents = project / ".claude" / "agents"
    agents.mkdir()
    (agents / "mine.md").write_text("---\nname: mine\ndescription: x\ntools: 7\nmodel: [a]\n---\nDo.\n")

    code, found = doctor()

    assert (code, found["agents"]) == (3, "fail")


def test_a_state_folder_that_is_none_is_a_matter_of_storage(doctor, call, project) -> None:
    (project / "file").touch()

    code, found = doctor("--state-dir", "file")

    assert (code, found["state folder"]) == (74, "fail")


def test_programs_are_asked_for_their_version_and_may_fail(doctor, call, project, monkeypatch) -> None:
    claude = project / "claude"
    claude.write_text("#!/bin/sh\necho '9.8.7 (Claude Code)'\n")
    claude.chmod(0o755)
    monkeypatch.setenv("PATH", f"{project}:{os.environ['PATH']}")

    assert "9.8.7 (Claude Code)" in call("doctor").stdout
    claude.write_text("#!/bin/sh\nexit 1\n")
    assert doctor()[1]["claude"] == "warn"


def test_what_is_wrong_has_a_line_and_what_to_do_one_below(call, project) -> None:
    (project / "file").touch()
    lines = call("doctor", "--state-dir", "file").stdout.splitlines()

    at = next(i for i, line in enumerate(lines) if line.startswith("fail  state folder"))
    assert "move it away, or use --state-dir" in lines[at + 1]
    assert lines[-1].startswith("1 wrong")


# --- a run -------------------------------------------------------------------------------------------------------


def test_a_whole_run(doctor, run_folder) -> None:
    before = bytes_of(run_folder)

    code, found = doctor("last")

    assert (code, set(found.values())) == (0, {"ok"})
    assert bytes_of(run_folder) == before


def test_a_changed_event_is_named(doctor, call, run_folder) -> None:
    damage(run_folder, 9)

    code, found = doctor("last")

    assert (code, found["journal"], found["database"]) == (74, "fail", "ok")
    assert "damaged at event 9" in call("doctor", "last").stdout
    assert "--salvage" in call("doctor", "last").stdout


def test_a_missing_and_a_damaged_output_are_told_with_how_to_make_them_again(
    doctor, call, run_folder
) -> None:
    blob = next((run_folder / "blobs").iterdir())
    blob.write_bytes(b"x")
    damaged = doctor("last")
    blob.unlink()
    missing = doctor("last")

    assert (damaged[0], damaged[1]["blobs"], missing[0], missing[1]["blobs"]) == (74, "fail", 74, "fail")
    assert "--from large" in call("doctor", "last").stdout
    assert call("resume", "--from", "large").exit_code == 0
    assert doctor("last")[0] == 0


def test_what_others_may_read_what_was_left_and_links_are_told(doctor, call, run_folder) -> None:
    (run_folder / "blobs" / ".tmp-1-1").write_bytes(b"half")
    (run_folder / "attempts" / "t0" / "7").mkdir()
    (run_folder / "lock").chmod(0o644)
    code, found = doctor("last")
    assert (code, found["blobs"], found["attempts"], found["permissions"]) == (0, "warn", "warn", "warn")

    (run_folder / "attempts" / "elsewhere").symlink_to("/")
    code, found = doctor("last")
    assert (code, found["permissions"]) == (74, "fail")


@pytest.mark.slow
def test_a_driven_run_an_interrupted_one_and_what_it_has_left_running(
    doctor, call, start, workflow, gate
) -> None:
    gates = gate("gate")
    driver = start("run", workflow(a="echo up > gate; exec sleep 60"))
    gates.wait()
    driven = doctor("last")
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    interrupted = doctor("last")

    assert (driven[0], driven[1]["events"], interrupted[0], interrupted[1]["events"]) == (0, "ok", 0, "warn")
    assert "driven by process" not in call("doctor", "last").stdout
    call("cancel", "last")
    assert doctor("last")[1]["processes"] == "ok"


def test_a_run_that_is_not_there_is_refused(call, run_folder) -> None:
    assert call("doctor", "nothing").exit_code == 2
    assert call("doctor", "--salvage").exit_code == 2


# --- salvage -----------------------------------------------------------------------------------------------------


def salvaged(call, fits, *arguments: str, run: str = "last") -> dict[str, Any]:
    done = call("doctor", run, "--salvage", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return fits("salvaged", json.loads(done.stdout))


def test_the_good_part_becomes_a_run_that_can_be_resumed(call, fits, run_folder, project) -> None:
    events = int(call("events", "last", "--json").stdout.count("\n"))
    damage(run_folder, 12)
    before = bytes_of(run_folder)

    report = salvaged(call, fits)

    assert (report["events"], report["lost_events"]) == (11, events - 11)
    assert "damaged at event 12" in report["damage"]
    assert bytes_of(run_folder) == before
    assert report["run_id"] != run_folder.name
    assert call("doctor", report["run_id"]).exit_code == 0
    status = json.loads(call("status", report["run_id"], "--json").stdout)
    done_before = [name for name, task in status["tasks"].items() if task["status"] == "success"]
    assert call("resume", report["run_id"]).exit_code == 0
    ran = (project / "ran").read_text().split()
    assert {name: ran.count(name[1:]) for name in done_before} == dict.fromkeys(done_before, 1)
    assert call("status", run_folder.name).exit_code == 74


def test_its_tasks_keep_their_idempotency_keys(call, fits, workflow, project) -> None:
    call("run", workflow(a="echo 1", b=["a", "echo $ACTORFLOW_IDEMPOTENCY_KEY"]))
    folder = next((project / ".claude" / "workflow-state" / "runs").iterdir())
    damage(folder, 6)

    first = salvaged(call, fits)
    report = json.loads(call("resume", first["run_id"], "--json").stdout)
    assert report["tasks"]["b"]["output"] == f"{folder.name}/b"

    again = salvaged(call, fits, run=first["run_id"])
    assert json.loads(call("status", again["run_id"], "--json").stdout)["tasks"]["b"]["status"] == "success"


def test_into_another_state_folder_it_keeps_its_id(call, fits, run_folder, project) -> None:
    damage(run_folder, 5)

    report = salvaged(call, fits, "--into", "elsewhere")

    assert report["run_id"] == run_folder.name
    assert call("resume", "last", "--state-dir", "elsewhere").exit_code == 0
    assert call("doctor", "last", "--salvage", "--into", "elsewhere").exit_code == 2


def test_a_lost_output_is_told_and_the_rest_is_saved(call, fits, run_folder) -> None:
    next((run_folder / "blobs").iterdir()).write_bytes(b"x")

    report = salvaged(call, fits)

    assert (report["lost_outputs"], report["lost_events"], report["damage"]) == (["large"], 0, None)
    assert call("resume", report["run_id"], "--from", "large").exit_code == 0


def test_a_run_of_which_nothing_can_be_trusted_is_refused(call, run_folder) -> None:
    damage(run_folder, 1)

    done = call("doctor", "last", "--salvage")

    assert (done.exit_code, "nothing of run" in done.output) == (2, True)
    assert len(list(run_folder.parent.iterdir())) == 1
