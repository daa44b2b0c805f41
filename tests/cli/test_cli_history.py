"""``history``: which runs there are and how each ended, however each ended."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actorflow.api.listing import history
from actorflow.journal import JournalReader
from actorflow.settings import read_settings

pytestmark = pytest.mark.slow

Listed = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def runs(project: Path) -> Path:
    return project / ".claude" / "workflow-state" / "runs"


@pytest.fixture
def listed(call, fits) -> Listed:
    def listed(*arguments: str) -> list[dict[str, Any]]:
        done = call("history", "--json", *arguments)
        assert done.exit_code == 0, done.stderr
        return fits("history", json.loads(done.stdout))

    return listed


@pytest.fixture
def run(call, workflow) -> Callable[..., str]:
    """Run a workflow; returns the run's id."""

    def run(command: str = "true") -> str:
        return call("run", workflow(a=command), "-q").stdout.strip()

    return run


def copies(runs: Path, run_id: str, *others: str) -> None:
    for other in others:
        shutil.copytree(runs / run_id, runs / other)


def test_runs_are_listed_newest_first_with_what_status_says(run, listed, call, runs: Path) -> None:
    good = run()
    bad = run("exit 1")
    copies(runs, good, "20200101-000000-aaaaaa")

    found = listed()

    assert {r["run_id"] for r in found[:2]} == {good, bad}
    assert found[2]["run_id"] == "20200101-000000-aaaaaa"
    for one in found[:2]:
        status = json.loads(call("status", one["run_id"], "--json").stdout)
        keys = (
            "run_id",
            "workflow",
            "mode",
            "status",
            "started_at",
            "duration",
            "cost_usd",
            "tokens",
            "silent_since",
        )
        assert one == {key: status[key] for key in keys}


def test_without_runs_the_list_is_empty(listed, call) -> None:
    assert listed() == []
    assert "no runs in" in call("history").stderr


def test_filters_leave_only_what_they_ask_for(run, listed) -> None:
    good, bad = run(), run("exit 1")

    assert [r["run_id"] for r in listed("--status", "failed")] == [bad]
    assert {r["run_id"] for r in listed("--status", "failed", "--status", "success")} == {good, bad}
    assert listed("--workflow", "other") == []
    assert len(listed("--workflow", "w")) == 2
    assert len(listed("--limit", "1")) == 1
    assert len(listed("--since", "1h")) == 2
    assert listed("--until", "2020-01-01") == []
    assert listed("--since", "2999-01-01T00:00+02:00") == []


def test_a_limit_counts_what_the_filters_leave(run, listed, runs: Path) -> None:
    run("exit 1")
    good = run()
    copies(runs, good, "20990101-000000-aaaaaa", "20990101-000000-bbbbbb")

    assert len(listed("--status", "failed", "-n", "1")) == 1


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "5y", "", "9" * 400 + "d", "9" * 5000 + "d"])
def test_a_moment_that_is_none_is_a_usage_error(call, text: str) -> None:
    assert call("history", "--since", text).exit_code == 2


def test_a_damaged_run_is_listed_as_that_and_hides_no_other(run, listed, call, runs: Path) -> None:
    good = run()
    copies(runs, good, "20200101-000000-aaaaaa", "20200101-000000-bbbbbb", "20200101-000000-cccccc")
    (runs / "20200101-000000-aaaaaa" / "journal.db").write_bytes(b"no database at all" * 100)
    (runs / "20200101-000000-bbbbbb" / "journal.db").unlink()
    with (runs / "20200101-000000-cccccc" / "journal.db").open("r+b") as file:
        file.truncate(5000)

    found = {r["run_id"]: r for r in listed()}

    assert found[good]["status"] == "success"
    broken = [found[f"20200101-000000-{c * 6}"] for c in "abc"]
    assert {r["status"] for r in broken} <= {"damaged", "unreadable"}
    assert all(r["workflow"] is r["started_at"] is r["duration"] is None for r in broken)
    assert call("history", "--json").stderr.count("warning: run 20200101") == 3
    assert call("history").stdout.count("20200101") == 3


def test_a_run_that_never_began_is_listed_as_that(run, listed, runs: Path) -> None:
    from actorflow.ids import RunId
    from actorflow.journal import RunStore

    run()
    RunStore(runs.parent).create(RunId("20200101-000000-aaaaaa"))

    assert listed()[-1]["status"] == "never_begun"


def test_a_run_whose_driver_is_dead_is_interrupted_and_one_that_goes_on_runs(
    start, workflow, gate, listed
) -> None:
    up, go = gate("up"), gate("go")
    running = start("run", workflow(a="echo up > up; head -n 1 go > /dev/null"))
    up.wait()
    during = listed()[0]["status"]
    running.send_signal(signal.SIGKILL)
    running.wait()

    assert (during, listed()[0]["status"]) == ("running", "interrupted")
    go.open()


def test_of_a_long_journal_only_the_ends_are_read(
    run, runs: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("true")
    read: list[int] = []
    original = JournalReader.read

    def counted(self: JournalReader, after: int = 0, limit: int | None = None) -> Any:
        records = original(self, after, limit)
        read.append(len(records))
        return records

    monkeypatch.setattr(JournalReader, "read", counted)
    found = list(history(settings=read_settings({}, cwd=project)))

    assert [r.status for r in found] == ["success"]
    assert sum(read) <= 8


def test_people_get_one_line_a_run(run, call) -> None:
    run_id = run("exit 1")

    line = call("history").stdout.splitlines()[0]

    assert line.startswith(f"✗ {run_id}  failed ")
    assert line.endswith("  w")
