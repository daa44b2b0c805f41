"""``explain`` of a task with thousands of dependencies: what is not read of the journal changes no answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorflow import api
from actorflow.api import decisions, reading
from actorflow.engine import snapshots
from actorflow.engine.records import read_records, records_of
from actorflow.engine.snapshots import Keeper
from actorflow.ids import RunId
from actorflow.journal import JournalReader, Record, RunStore
from actorflow.journal.copying import fill_database
from actorflow.monitor.explanation import explanation_report
from actorflow.monitor.order import declared_order
from actorflow.settings import Settings
from actorflow.state import fold
from tests.cli.test_cli_explain import WORKFLOW
from tests.simulation.world import simulate

pytestmark = pytest.mark.slow


@pytest.fixture
def records(project: Path, call) -> list[Record]:
    """The journal of a run in which nearly everything has happened, a resume and a changed spec too."""
    (project / "w.yaml").write_text(WORKFLOW, encoding="utf-8")
    run_id = call("run", "w.yaml", "--set", "kind=feature", "-q").stdout.strip()
    assert call("resume", run_id, "-q").exit_code == 1
    (project / "w.yaml").write_text(WORKFLOW.replace("all_failed", "all_done"), encoding="utf-8")
    assert call("resume", run_id, "--use-current-spec", "--from", "feature", "-q").exit_code == 1
    folder = RunStore(project / ".claude" / "workflow-state").open(RunId(run_id))
    with JournalReader.open(folder.path) as reader:
        return reader.read()


def cut(records: list[Record], place: int, root: Path) -> Settings:
    """Make a run of the first records, with a snapshot of some of them."""
    run_id = RunId("20261122-184800-k3v9qd")
    folder = RunStore(root).create(run_id, lambda made: fill_database(made.journal, records[:place]))  # type: ignore[arg-type]
    at = random.Random(place).randint(1, place)
    seen = read_records(records[:at])
    Keeper(folder.path, declared_order(seen), {}).save(fold((r.at, r.event) for r in seen))
    return Settings(project_root=root, state_dir=root, user_folder=root)


def answers(settings: Settings) -> Iterator[object]:
    for task in api.inspect("last", settings=settings).state.tasks:
        yield explanation_report(api.explain_task("last", task, settings=settings, now=9e9))


class Beside:
    """Counts how often it was answered beside the snapshot."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        self._patch = monkeypatch
        self._real = decisions._beside_snapshot
        monkeypatch.setattr(snapshots, "EVERY", 1)
        monkeypatch.setattr(reading, "_VERIFIED_WHOLE", 0)

    def check(self, settings: Settings) -> None:
        """Ask about every task, as a whole and beside the snapshot."""
        whole = list(answers(settings))
        for most in (1, 2, 3):
            with self._patch.context() as patch:
                patch.setattr(decisions, "MOST_SUBJECTS", most)
                patch.setattr(decisions, "_beside_snapshot", self._counted)
                assert list(answers(settings)) == whole

    def _counted(self, *arguments):
        found = self._real(*arguments)
        self.times += found is not None
        return found


@pytest.mark.parametrize("part", range(4))
def test_the_same_is_said_beside_a_snapshot(
    records: list[Record], part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Beside(monkeypatch)
    for place in range(2 + part, len(records) + 1, 8):
        beside.check(cut(records, place, tmp_path / str(place)))
    assert beside.times > 50


@pytest.mark.parametrize("part", range(4))
def test_the_same_is_said_of_simulated_runs(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size
) -> None:
    """In these, tasks are cancelled and skipped while others run, and resumed."""
    beside = Beside(monkeypatch)
    chance = random.Random(part)
    for seed in range(part, size(160, 4000), 4):
        recorded = simulate(seed).ledger.recorded
        records = [
            Record(number, new.recorded_at, 1, new.kind, new.body)
            for number, r in enumerate(recorded, 1)
            for new in records_of([r.event], r.at)
        ]
        beside.check(cut(records, chance.randint(2, len(records)), tmp_path / str(seed)))
    assert beside.times > 50
