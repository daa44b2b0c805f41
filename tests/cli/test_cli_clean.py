"""``clean``: what goes, what stays whatever is said, and what it frees."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from actorflow.api.cleaning import clean
from actorflow.journal import Lease, RunStore, this_process
from actorflow.settings import read_settings

DAY = 86400.0


@pytest.fixture
def cleaned(call, fits):
    """Call it; gives its report."""

    def cleaned(*arguments: str) -> dict[str, Any]:
        done = call("clean", *arguments, "--json")
        assert done.exit_code == 0, done.output
        return fits("cleaned", json.loads(done.stdout))

    return cleaned


@pytest.fixture
def state(project: Path) -> Path:
    return project / ".claude" / "workflow-state"


@pytest.fixture
def runs(call, workflow, state):
    """Make runs, oldest first: True succeeds, False fails. Gives their ids."""

    def runs(*ends: bool) -> list[str]:
        made = []
        for ok in ends:
            done = call("run", workflow(a="echo 1" if ok else "exit 1"))
            old = done.stdout.strip().splitlines()[0]
            ordered = f"20260101-0000{len(made):02}-{old[-6:]}"  # ids of one second have no order
            (state / "runs" / old).rename(state / "runs" / ordered)
            made.append(ordered)
        return made

    return runs


def ids(report: dict[str, Any]) -> list[str]:
    return sorted(removed["what"] for removed in report["removed"] if removed["kind"] == "run")


def there(state: Path) -> list[str]:
    return sorted(RunStore(state).list())


def test_the_newest_stay_and_what_is_freed_is_told(cleaned, runs, state, call) -> None:
    made = runs(True, False, True, True)
    free = sum(
        f.lstat().st_blocks * 512
        for run in made[:2]
        for f in [state / "runs" / run, *(state / "runs" / run).rglob("*")]
    )

    would = cleaned("--keep", "2", "--dry-run")
    assert there(state) == made
    done = cleaned("--keep", "2")

    assert ids(would) == ids(done) == made[:2]
    assert (done["kept"], done["freed"], would["freed"]) == (2, free, free)
    assert there(state) == made[2:]
    assert sorted(path.name for path in (state / "runs").iterdir()) == made[2:]
    assert call("clean", "--keep", "2").stdout == "nothing to remove; 2 runs there\n"


def test_without_being_asked_no_run_goes(cleaned, runs, state) -> None:
    made = runs(True, False)

    assert cleaned()["removed"] == []
    assert there(state) == made


def test_only_old_ones_and_only_those_in_a_state(runs, state, project) -> None:
    made = runs(True, False, True)
    settings = read_settings({}, cwd=project)
    now = time.time()

    assert clean(settings=settings, now=now, older_than_seconds=DAY).removed == []
    later = clean(settings=settings, now=now + 2 * DAY, older_than_seconds=DAY, statuses=["failed"])
    assert [removed.what for removed in later.removed] == [made[1]]
    both = clean(settings=settings, now=now + 2 * DAY, older_than_seconds=DAY, keep=1)
    assert [removed.what for removed in both.removed] == [made[0]]


def test_what_can_be_gone_on_with_goes_only_by_name(cleaned, runs, state, monkeypatch) -> None:
    made = runs(True, True)
    (damaged, interrupted) = made
    database = state / "runs" / damaged / "journal.db"
    database.write_bytes(database.read_bytes()[:5000])
    import sqlite3

    with sqlite3.connect(state / "runs" / interrupted / "journal.db") as connection:
        connection.execute("DELETE FROM events WHERE sequence > 2")
        connection.execute("UPDATE journal SET head_sequence = 0")
    connection.close()
    (state / "runs" / interrupted / "head").unlink()  # or it is one that has lost its end

    assert ids(cleaned("--keep", "0")) == []
    assert ids(cleaned("--keep", "0", "--status", "interrupted")) == [interrupted]
    assert ids(cleaned("--status", "damaged")) == [damaged]


def test_a_run_that_is_driven_is_left_alone(cleaned, runs, state, call) -> None:
    (run,) = runs(True)
    folder = state / "runs" / run
    (folder / "blobs" / ".tmp-1-1").write_bytes(b"being written")
    driver = this_process(now=0, command="test")

    with Lease.acquire(folder, run, now=0, describe=driver):
        for arguments in (("--keep", "0"), ("--keep", "0", "--dry-run")):
            report = cleaned(*arguments)
            assert (report["removed"], [skipped["what"] for skipped in report["skipped"]]) == ([], [run])
        assert cleaned()["removed"] == []

    assert (folder / "blobs" / ".tmp-1-1").exists()
    assert ids(cleaned("--keep", "0")) == [run]


def test_what_crashes_have_left_goes_and_what_is_named_stays(cleaned, call, workflow, state) -> None:
    call("run", workflow(large="head -c 70000 /dev/zero | tr '\\0' x"))
    (run,) = there(state)
    folder = state / "runs" / run
    (blob,) = (folder / "blobs").iterdir()
    strays = [folder / "blobs" / ".tmp-1-1", folder / "blobs" / ("ab" * 32), folder / "control" / "x.request"]
    strays.append(folder / ".snapshot-1")
    for stray in strays:
        stray.write_bytes(b"x" * 5000)
    (folder / "attempts" / "large" / "9").mkdir()
    half_made = state / "runs" / f".new-{run}-abc"
    half_made.mkdir()
    os.utime(half_made, (1, 1))
    os.utime(strays[2], (1, 1))

    would = cleaned("--dry-run")
    assert all(stray.exists() for stray in strays)
    done = cleaned()

    expected = [*strays, folder / "attempts" / "large" / "9", half_made]
    assert sorted(r["what"] for r in done["removed"]) == sorted(str(p.relative_to(state)) for p in expected)
    assert would["removed"] == done["removed"]
    assert done["freed"] >= 15_000
    assert not any(path.exists() for path in expected)
    assert blob.exists()
    assert (folder / "attempts" / "large" / "1").exists()
    assert call("doctor", "last").exit_code == 0


@pytest.mark.parametrize("name", ["blobs", "attempts", "control"])
def test_no_link_is_followed_and_nothing_outside_of_the_run_goes(
    cleaned, call, runs, state, tmp_path, name
) -> None:
    (run,) = runs(True)
    outside = tmp_path / "outside"
    (outside / "a" / "1").mkdir(parents=True)
    for file in (outside / "mine", outside / "a" / "mine", outside / "a" / "1" / "mine"):
        file.write_text("mine")
        os.utime(file, (1, 1))
    real = state / "runs" / run / name
    real.rename(state / "runs" / run / "away")
    real.symlink_to(outside)

    cleaned()
    call("doctor", "last")
    call("doctor", "last", "--salvage")

    assert sorted(str(p.relative_to(outside)) for p in outside.rglob("*")) == [
        "a",
        "a/1",
        "a/1/mine",
        "a/mine",
        "mine",
    ]
    for made in RunStore(state).list():
        assert not any(path.name == "mine" for path in (state / "runs" / made).rglob("*"))
    assert cleaned("--keep", "0")["skipped"] == []
    assert (outside / "mine").exists()
    assert (outside / "a" / "1" / "mine").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--older-than", "a while"),
        ("--older-than", "0"),
        ("--older-than", " 0.5 "),
        ("--keep", "-1"),
        ("--status", "running"),
        ("--status", "old"),
    ],
)
def test_nonsense_is_refused(call, runs, state, arguments) -> None:
    made = runs(True)

    assert call("clean", *arguments).exit_code == 2
    assert there(state) == made


def test_a_state_folder_that_is_not_there_has_nothing_to_clean(cleaned, state) -> None:
    assert cleaned("--keep", "0") == {"dry_run": False, "freed": 0, "kept": 0, "removed": [], "skipped": []}
    assert not state.exists()
