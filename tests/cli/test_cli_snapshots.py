"""Snapshots of real runs: made while a run is driven and at its end, and no command says anything else for them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actorflow.engine import snapshots
from actorflow.journal.snapshots import read_snapshot
from actorflow.state.saved import FORMAT


@pytest.fixture
def long_run(call, workflow, monkeypatch) -> Path:
    """The folder of a run whose journal counts as long; its last task fails once."""
    monkeypatch.setattr(snapshots, "EVERY", 5)
    chain = {f"t{i}": ([f"t{i - 1}"] if i else []) + [f"echo {i}; echo more"] for i in range(12)}
    assert call("run", workflow(**chain, z=["t11", "test -e fixed"])).exit_code == 1
    return next(Path(".claude/workflow-state/runs").iterdir())


def test_a_long_run_has_one_at_its_end(long_run) -> None:
    found = read_snapshot(long_run, FORMAT)

    assert found is not None
    with closing(sqlite3.connect(long_run / "journal.db")) as database:
        assert found.sequence == database.execute("SELECT max(sequence) FROM events").fetchone()[0]
    assert (long_run / "snapshot").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "--json"),
        ("explain",),
        ("explain", "--json"),
        ("resume", "--dry-run", "--json"),
    ],
)
def test_what_is_said_of_a_run_is_the_same_without_it(long_run, call, command) -> None:
    with_one = call(*command)
    (long_run / "snapshot").unlink()

    assert with_one.exit_code == 0
    assert call(*command).stdout == with_one.stdout


def test_a_resume_goes_on_from_it_and_makes_another(long_run, call, project) -> None:
    before = read_snapshot(long_run, FORMAT)
    (project / "fixed").touch()

    report = json.loads(call("resume", "--json").stdout)

    after = read_snapshot(long_run, FORMAT)
    assert before is not None
    assert after is not None
    assert after.sequence > before.sequence
    assert {name: task["attempts"] for name, task in report["tasks"].items()} == {
        **{f"t{i}": 1 for i in range(12)},
        "z": 2,
    }
    assert report["tasks"]["t3"]["output"] == "3\nmore"


def test_damage_before_it_is_refused_by_a_resume(long_run, call) -> None:
    with closing(sqlite3.connect(long_run / "journal.db")) as database:
        database.execute("UPDATE events SET body = replace(body, 't1', 'tX') WHERE sequence = 6")
        database.commit()

    done = call("resume")

    assert (done.exit_code, "damaged at event 6" in done.output) == (74, True)
