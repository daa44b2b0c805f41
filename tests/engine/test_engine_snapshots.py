"""Snapshots: with the events after it the same state as all events give; and one that does not fit is never believed."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorflow.engine import snapshots
from actorflow.engine.records import records_of
from actorflow.engine.snapshots import Keeper, folded, folded_after, folded_from_snapshot, restored
from actorflow.ids import TaskId
from actorflow.journal import JournalReader, Record, RunFolder, RunStore
from actorflow.journal.copying import fill_database
from actorflow.journal.snapshots import SNAPSHOT_NAME, Snapshot, read_snapshot, write_snapshot
from actorflow.state import EMPTY, RunState, apply, fold, transitions
from actorflow.state import events as ev
from actorflow.state.events import BlobRef
from actorflow.state.recorded import Recorded
from actorflow.state.saved import FORMAT, SavedState, load_state, save_state
from actorflow.values import FrozenDict
from tests.histories.test_histories import HISTORIES, name_of
from tests.simulation.world import simulate
from tests.strategies.events import json_values
from tests.strategies.plans import plan, task
from tests.strategies.plays import Play

RUN = "20261122-184800-k3v9qd"
SLICES = 8


@pytest.fixture(autouse=True)
def _short_journals_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 1)


@pytest.fixture(autouse=True)
def _short_folds_on_drafts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fold as a long journal is folded: on maps that are changed in place."""
    monkeypatch.setattr(transitions, "_MANY", 1)


def saved(state: RunState) -> bytes:
    return save_state(state, sorted(state.tasks), {})


def saved_and_loaded(state: RunState) -> RunState:
    return load_state(saved(state)).whole()


def in_bytes(state: RunState) -> bytes:
    """Return all of a state, outputs to the order of their keys; only the maps of the run itself (names and what sessions have cost) have no order."""
    run, values, *others = msgspec.json.decode(saved(state))
    values = dict(sorted(values.items()))
    return msgspec.json.encode(run, order="sorted") + msgspec.json.encode([values, *others])


def check_every_cut(pairs: list[tuple[float, ev.Event]], cuts: list[int]) -> None:
    """Fold up to each cut, save, load, go on: the end must be the same."""
    states = [EMPTY]
    for at, event in pairs:
        states.append(apply(states[-1], event, at))
    for cut in cuts:
        if states[cut].sequence:
            assert saved_and_loaded(states[cut]) == states[cut]
            end = fold(pairs[cut:], saved_and_loaded(states[cut]))
            assert end == states[-1]
            assert in_bytes(end) == in_bytes(states[-1])
            check_light(load_state(saved(states[cut])), pairs[cut:], states[-1])


def check_light(base: SavedState, tail: list[tuple[float, ev.Event]], end: RunState) -> None:
    """Look at the end without outputs, and ask for them: nothing may be different."""
    recorded = [
        Recorded(number, at, event) for number, (at, event) in enumerate(tail, base.state.sequence + 1)
    ]
    light = folded_after(base, recorded, whole=False)
    order = tuple(end.tasks)
    assert light.outputs(order) == {
        t: task.output for t, task in end.tasks.items() if task.output is not None
    }
    assert light.with_outputs(order).tasks == end.tasks
    assert dict(light.state.tasks.items()).keys() == end.tasks.keys()


@pytest.mark.slow
@pytest.mark.parametrize("piece", range(SLICES))
def test_snapshot_and_tail_are_the_whole_fold_of_simulated_runs(piece: int, size, figure) -> None:
    """Runs with every kind of event and fault, each cut in eight places."""
    rng = random.Random(piece)
    logs = size(80, 10_000) // SLICES
    first = 3000 + piece * logs
    for seed in range(first, first + logs):
        recorded = simulate(seed).ledger.recorded
        pairs = [(r.at, r.event) for r in recorded]
        check_every_cut(pairs, [*rng.sample(range(1, len(pairs)), min(7, len(pairs) - 1)), len(pairs)])
    figure("snapshots: state saved, loaded, folded on", tried=logs, of="logs", what="differences")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_output_input_and_value_comes_back_as_it_was(data: st.DataObject) -> None:
    play = Play(plan(task("a"), task("b", "a"))).begin()
    output = data.draw(json_values | st.just(BlobRef("ab" * 32, 70_000)))
    is_blob = isinstance(output, BlobRef)
    play.happens(
        ev.AttemptSucceeded(
            TaskId("a"), 1, output=None if is_blob else output, blob=output if is_blob else None, notes=("n",)
        )
    )
    values = FrozenDict({"x": data.draw(json_values)})
    state = fold(
        [(1.0, ev.SpecChanged((ev.TaskEntry(TaskId("b"), ("echo",)),), "", values=values, inputs=values))],
        play.state,
    )

    for found in (play.state, state):
        assert saved_and_loaded(found) == found


@pytest.mark.parametrize("path", HISTORIES, ids=name_of)
def test_snapshot_and_tail_are_the_whole_fold_of_every_history(path: Path) -> None:
    from actorflow.engine.records import read_records
    from actorflow.journal.jsonl import read_export

    recorded = read_records(read_export(path.read_bytes().splitlines()).records)

    check_every_cut([(r.at, r.event) for r in recorded], list(range(1, len(recorded) + 1)))


# --- files ---------------------------------------------------------------------------------------------------------


class Run:
    """A run on disk with a snapshot in the middle of its journal."""

    def __init__(self, folder: Path) -> None:
        play = Play(plan(*(task(f"t{i}") for i in range(20)))).begin().play({"t3": ["fail"]})
        self.pairs = [(round(at, 6), event) for at, event in play.events]
        self.records = [
            Record(i, new.recorded_at, 1, new.kind, new.body)
            for i, (at, event) in enumerate(self.pairs, 1)
            for new in records_of([event], at)
        ]
        store = RunStore(folder)
        self.folder: RunFolder = store.create(RUN, lambda made: fill_database(made.journal, self.records))  # type: ignore[arg-type]
        self.state = fold(self.pairs)
        self.order = tuple(TaskId(f"t{i}") for i in range(20))
        self.keeper = Keeper(self.folder.path, self.order, {})
        self.keeper.save(fold(self.pairs[:30]))

    @property
    def snapshot(self) -> Path:
        return self.folder.path / SNAPSHOT_NAME

    def has_one(self) -> bool:
        with JournalReader.open(self.folder.path) as reader:
            return folded_from_snapshot(reader, self.folder.path) is not None

    def seen(self, *, whole: bool = True):
        with JournalReader.open(self.folder.path) as reader:
            return folded(reader, self.folder.path, whole=whole)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_snapshot_is_used_and_gives_what_the_journal_gives(run: Run) -> None:
    assert run.has_one()
    assert run.seen().state == run.state
    assert run.seen().order == run.order
    assert restored(run.folder.path, run.records) == run.state


def test_a_light_state_has_all_but_outputs_and_gives_these_for_some(run: Run) -> None:
    light = run.seen(whole=False)
    some = light.with_outputs(run.order[:7])

    assert {t.id: t.status for t in light.state.tasks.values()} == {
        t.id: t.status for t in run.state.tasks.values()
    }
    assert [some.tasks[t].output for t in run.order[:7]] == [run.state.tasks[t].output for t in run.order[:7]]


@pytest.mark.slow
def test_a_flipped_bit_makes_it_no_snapshot_and_changes_no_state(run: Run) -> None:
    whole = run.snapshot.read_bytes()
    rng = random.Random(1)
    places = [*range(300), *rng.sample(range(300, len(whole)), 150)]

    for place in places:
        bit = 1 << rng.randrange(8)
        run.snapshot.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        assert run.seen().state == run.state, place
    for length in rng.sample(range(len(whole)), 60):
        run.snapshot.write_bytes(whole[:length])
        assert run.seen().state == run.state, length
        assert not run.has_one()


def test_a_snapshot_of_another_form_or_another_journal_is_passed_over(run: Run, tmp_path: Path) -> None:
    found = read_snapshot(run.folder.path, FORMAT)
    assert found is not None
    for other in (
        Snapshot(found.form, found.sequence, found.crc ^ 1, found.data),
        Snapshot(found.form, found.sequence + 1, found.crc, found.data),
        Snapshot(found.form, 10_000, found.crc, found.data),
        Snapshot("0/0.0.0/00000000", found.sequence, found.crc, found.data),
        Snapshot(found.form, found.sequence, found.crc, b"[]"),
    ):
        write_snapshot(run.folder.path, other)
        assert not run.has_one()
        assert run.seen().state == run.state
        assert restored(run.folder.path, run.records) == run.state


def test_a_link_in_its_place_is_not_followed(run: Run, tmp_path: Path) -> None:
    run.snapshot.rename(tmp_path / "elsewhere")
    run.snapshot.symlink_to(tmp_path / "elsewhere")

    assert not run.has_one()


def test_one_that_cannot_be_written_leaves_the_old_one_and_raises_nothing(run: Run, caplog) -> None:
    before = run.snapshot.read_bytes()
    (run.folder.path / "journal.db").rename(run.folder.path / "away.db")

    run.keeper.save(run.state)

    assert run.snapshot.read_bytes() == before
    assert "there is no snapshot" in caplog.text
    assert [p.name for p in run.folder.path.iterdir() if p.name.startswith(".snapshot")] == []


def test_when_one_is_due(run: Run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 50)
    few = Keeper(tmp_path, (), {})

    def at(sequence: int) -> RunState:
        return RunState(run_id=run.state.run_id, sequence=sequence)

    assert [few.is_due(at(n)) for n in (49, 50)] == [False, True]
    assert [few.is_due(at(n), at_end=True) for n in (49, 50)] == [False, True]


def test_a_quick_run_with_many_tasks_has_fewer_of_them(run: Run, monkeypatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 4)
    now = iter([99.0, 101.0, 120.9, 120.9, 121.0])
    spent = iter([7.0, 8.0])  # the first one takes a second, and twenty more pass
    keeper = Keeper(
        run.folder.path,
        [TaskId(f"t{i}") for i in range(20)],
        {},
        clock=lambda: next(now),
        spent=lambda: next(spent),
    )
    at = {n: fold(run.pairs[:n]) for n in range(4, 36)}

    assert keeper.is_due(at[6])
    keeper.save(at[6])
    assert [keeper.is_due(at[n]) for n in (9, 10, 11)] == [False, False, False]
    assert keeper.is_due(at[12])  # at the time 121
    assert not keeper.is_due(at[15])
    assert keeper.is_due(at[32])  # as many as there are tasks: whatever the time


def test_one_that_was_asked_for_is_not_asked_for_again_before_it_is_made(run: Run, monkeypatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 2)
    keeper = Keeper(run.folder.path, (), {})
    at = [fold(run.pairs[:n]) for n in range(1, 6)]

    assert [keeper.is_due(state) for state in at] == [False, True, False, True, False]


def test_of_two_that_are_made_at_once_neither_takes_the_others_file(run: Run, monkeypatch, caplog) -> None:
    """Both would write beside their place under one name, that of the process."""
    first, second = fold(run.pairs[:32]), fold(run.pairs[:34])
    has_begun, may_end = threading.Event(), threading.Event()
    real, calls = snapshots.write_snapshot, []

    def write(path: Path, snapshot: Snapshot) -> None:
        calls.append(snapshot.sequence)
        if len(calls) == 1:
            has_begun.set()
            assert may_end.wait(10)
        real(path, snapshot)

    monkeypatch.setattr(snapshots, "write_snapshot", write)
    threads = [threading.Thread(target=run.keeper.save, args=(state,)) for state in (first, second)]
    threads[0].start()
    assert has_begun.wait(10)
    threads[1].start()
    threads[1].join(0.05)
    assert calls == [32]
    assert not run.keeper.is_due(second, at_end=True)

    may_end.set()
    for thread in threads:
        thread.join(10)
    assert calls == [32, 34]
    assert caplog.records == []
