"""What an expression sees of a run."""

from __future__ import annotations

from itertools import product

import pytest
from pyrsistent import pmap

from actorflow.ids import RunId, TaskId
from actorflow.state import EMPTY, RunState, RunStatus, TaskState, fold
from actorflow.state import events as ev
from actorflow.state.events import BlobRef, Failure
from actorflow.state.snapshot import no_blobs, snapshot, status_functions
from actorflow.values import Frozen, FrozenDict
from tests.strategies.plays import finished

A, B = TaskId("a"), TaskId("build-image")
BLOB = BlobRef("ab" * 32, 70_000)
ACCEPTED = ev.RunAccepted(
    "20261122-184800-k3v9qd",
    "ship it",
    (ev.TaskEntry(A, ("echo",)), ev.TaskEntry(B, ("echo",))),
    text="",
    inputs={"who": "Ada"},
    values={"who": "Ada", "greeting": "hi"},
)


@pytest.fixture
def state() -> RunState:
    """A run whose task ``a`` is done and whose other task is not."""
    return fold(
        [
            (1_795_373_280.0, ACCEPTED),
            (1_795_373_281.5, ev.DriverStarted(1, "host", 1)),
            (1_795_373_282.0, ev.AttemptStarted(A, 1, "echo")),
            (1_795_373_283.0, ev.AttemptSucceeded(A, 1, FrozenDict(n=1))),
            (1_795_373_283.0, ev.TaskSucceeded(A)),
        ],
        EMPTY,
    )


def test_inputs_and_variables_are_seen_by_name_and_in_their_maps(state: RunState) -> None:
    seen = snapshot(state, reads=(), dependencies=())

    assert (seen["who"], seen["greeting"]) == ("Ada", "hi")
    assert (seen["inputs"], seen["vars"]) == ({"who": "Ada"}, {"greeting": "hi"})


def test_a_task_that_is_read_is_seen_by_name_and_under_tasks(state: RunState) -> None:
    seen = snapshot(state, reads=[A, B], dependencies=())

    assert seen["a"] is state.context[A]
    assert seen["tasks"]["a"]["output"] == {"n": 1}
    assert seen["tasks"]["build-image"]["status"] == "pending"
    assert seen["build-image"]["output"] is None


def test_under_tasks_there_is_nothing_that_was_not_asked_for(state: RunState) -> None:
    assert snapshot(state, reads=[B], dependencies=())["tasks"].keys() == {B}


def test_a_snapshot_leaves_the_state_as_it_is(state: RunState) -> None:
    before = state.context

    snapshot(state, reads=[A, B], dependencies=[A])

    assert state.context is before
    assert set(before) == {"who", "greeting", A}


def test_what_is_known_of_a_run_that_goes_on(state: RunState) -> None:
    assert snapshot(state, reads=(), dependencies=())["run"] == {
        "id": "20261122-184800-k3v9qd",
        "name": "ship it",
        "started_at": "2026-11-22T18:48:01.500000Z",
    }


def test_before_a_driver_starts_the_run_started_when_it_was_accepted() -> None:
    state = fold([(0.0, ACCEPTED)])

    assert snapshot(state, reads=(), dependencies=())["run"]["started_at"] == "1970-01-01T00:00:00.000000Z"


def test_what_is_known_of_a_run_that_is_settled(state: RunState) -> None:
    why = Failure("exit_status", "it failed")
    state = fold(
        [
            (1_795_373_290.0, ev.TaskFailed(B, why)),
            (1_795_373_291.5, ev.RunSettled(RunStatus.FAILED)),
        ],
        state,
    )
    run = snapshot(state, reads=(), dependencies=())["run"]

    assert (run["status"], run["failed_tasks"], run["duration"]) == ("failed", ("build-image",), 10.0)


def test_an_output_in_a_blob_is_loaded_for_those_who_read_it(state: RunState) -> None:
    task = TaskState(B, ("echo",), output=BLOB)
    state = RunState(run_id=RunId("r"), tasks=pmap({A: state.tasks[A], B: task}), context=state.context)
    loaded: list[BlobRef] = []

    def load(ref: BlobRef) -> Frozen:
        loaded.append(ref)
        return "large"

    assert snapshot(state, reads=[A], dependencies=(), load=load)["a"]["output"] == {"n": 1}
    assert loaded == []
    seen = snapshot(state, reads=[B], dependencies=(), load=load)
    assert (seen[B]["output"], seen["tasks"][B]["output"]) == ("large", "large")
    assert loaded == [BLOB]


def test_without_a_loader_a_blob_is_a_bug() -> None:
    with pytest.raises(LookupError, match="abab"):
        no_blobs(BLOB)


STATES = {
    "success": (finished("success"), True, False),
    "tolerated": (finished("skipped", "tolerated_failure"), True, False),
    "failed": (finished("failed"), False, True),
    "upstream_failed": (finished("skipped", "upstream_failed"), False, True),
    "cancelled": (finished("cancelled"), False, False),
    "condition_false": (finished("skipped", "condition_false"), False, False),
    "upstream_skipped": (finished("skipped", "upstream_skipped"), False, False),
    "workflow_stopped": (finished("skipped", "workflow_stopped"), False, False),
}
"""State of a dependency -> (it, whether it lets ``success()`` be true, whether it makes ``failure()`` true)."""


@pytest.mark.parametrize(("first", "second"), list(product(STATES, STATES)))
def test_status_functions_range_over_all_dependencies(first: str, second: str) -> None:
    (a, a_ok, a_failed), (b, b_ok, b_failed) = STATES[first], STATES[second]

    assert status_functions([a, b]) == {
        "success()": a_ok and b_ok,
        "failure()": a_failed or b_failed,
        "always()": True,
    }


def test_status_functions_without_dependencies() -> None:
    assert status_functions([]) == {"success()": True, "failure()": False, "always()": True}


def test_status_functions_are_in_the_snapshot_under_names_that_no_source_can_spell(state: RunState) -> None:
    seen = snapshot(state, reads=(), dependencies=[A])

    assert (seen["success()"], seen["failure()"], seen["always()"]) == (True, False, True)
