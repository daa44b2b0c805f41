"""The tables of the states, over their full cross product: what is in them works, what is not raises and changes nothing."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest
from pyrsistent import pmap

from actorflow.ids import RunId, TaskId
from actorflow.state import (
    AttemptStatus,
    IllegalTransition,
    RunState,
    RunStatus,
    SkipReason,
    TaskState,
    TaskStatus,
    apply,
)
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.status import ATTEMPT_TRANSITIONS, NOTES, RUN_TRANSITIONS, TASK_EVENTS, TASK_TRANSITIONS

A = TaskId("a")
WHY = Failure("exit_status", "it failed")

SAMPLES: dict[str, Event] = {
    "AttemptStarted": ev.AttemptStarted(A, 2, "echo"),
    "SessionOpened": ev.SessionOpened(A, 1, "s"),
    "AttemptSucceeded": ev.AttemptSucceeded(A, 1),
    "AttemptFailed": ev.AttemptFailed(A, 1, WHY),
    "AttemptLost": ev.AttemptLost(A, 1),
    "AttemptCancelled": ev.AttemptCancelled(A, 1),
    "AttemptRequeued": ev.AttemptRequeued(A, 1, 9.0, WHY),
    "RetryScheduled": ev.RetryScheduled(A, 2, 9.0, 5.0),
    "TaskSucceeded": ev.TaskSucceeded(A),
    "TaskFailed": ev.TaskFailed(A, WHY),
    "TaskSkipped": ev.TaskSkipped(A, SkipReason.CONDITION_FALSE),
    "TaskSkipped(tolerated_failure)": ev.TaskSkipped(A, SkipReason.TOLERATED_FAILURE),
    "TaskCancelled": ev.TaskCancelled(A),
    "RunResumed": ev.RunResumed((A,)),
    "SpecChanged": ev.SpecChanged((ev.TaskEntry(A, ("echo",), hook="on_start"),), text=""),
    "RunAccepted": ev.RunAccepted("r", "w", (), text=""),
    "DriverStarted": ev.DriverStarted(1, "host", 1),
    "RunCancelRequested": ev.RunCancelRequested(),
    "RunTimedOut": ev.RunTimedOut(1.0),
    "RunPaused": ev.RunPaused("full"),
    "BudgetChanged": ev.BudgetChanged(usd=5.0),
    "RoomRanOut": ev.RoomRanOut("the disk is full"),
    "RoomFound": ev.RoomFound(3.0),
    "RunSettled": ev.RunSettled(RunStatus.SUCCESS),
    "RunFinished(success)": ev.RunFinished(RunStatus.SUCCESS),
    "RunFinished(failed)": ev.RunFinished(RunStatus.FAILED),
    "RunFinished(cancelled)": ev.RunFinished(RunStatus.CANCELLED),
    "RunFinished(running)": ev.RunFinished(RunStatus.RUNNING),
    "ActorRestarted": ev.ActorRestarted("run", 1, "it crashed"),
    "ControlAnswered": ev.ControlAnswered("r1", "cancelling"),
}
"""Name in the tables -> an event; attempts are the first, or the second for what starts one."""

OF_TASKS = [*TASK_EVENTS, "TaskSkipped(tolerated_failure)", "RunResumed"]
OF_RUNS = [name for name in SAMPLES if name not in TASK_EVENTS and "tolerated" not in name]
ATTEMPTS: list[AttemptStatus | None] = [None, *AttemptStatus]


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(event) for event in SAMPLES.values()} == set(get_args(Event))
    named = {name for table in (TASK_TRANSITIONS, ATTEMPT_TRANSITIONS, RUN_TRANSITIONS) for _, name in table}
    assert named <= set(SAMPLES)
    assert set(NOTES) < set(OF_RUNS)


def state_with(task: TaskState, **fields: Any) -> RunState:
    """A run whose only task, a hook so that no counter has to fit, is in this state."""
    return RunState(run_id=RunId("r"), tasks=pmap({A: task}), **{"status": RunStatus.RUNNING} | fields)


def task_in(status: TaskStatus, attempt: AttemptStatus | None) -> TaskState:
    """A task whose first attempt has been."""
    return TaskState(A, ("echo",), hook="on_start", status=status, attempt=attempt, attempts=1, counted=1)


TASK_PAIRS = [
    pytest.param(status, attempt, name, id=f"{status.value}-{attempt and attempt.value}-{name}")
    for status, attempt, name in product(TaskStatus, ATTEMPTS, OF_TASKS)
]


@pytest.mark.parametrize(("status", "attempt", "name"), TASK_PAIRS)
def test_a_task_and_its_attempt_move_as_the_tables_say_and_not_otherwise(
    status: TaskStatus, attempt: AttemptStatus | None, name: str
) -> None:
    state = state_with(task_in(status, attempt))

    if (status, name) in TASK_TRANSITIONS and (attempt, name) in ATTEMPT_TRANSITIONS:
        after = apply(state, SAMPLES[name], 5.0).tasks[A]
        assert after.status is TASK_TRANSITIONS[status, name]
        assert after.attempt is ATTEMPT_TRANSITIONS[attempt, name]
    else:
        with pytest.raises(IllegalTransition):
            apply(state, SAMPLES[name], 5.0)
        assert state == state_with(task_in(status, attempt))


RUN_PAIRS = [
    pytest.param(status, name, id=f"{status and status.value}-{name}")
    for status, name in product([None, *RunStatus], OF_RUNS)
]


def ready_for(event: Event, status: RunStatus | None) -> RunState:
    """A run in this state, settled where the event needs that."""
    outcome = event.status if isinstance(event, ev.RunFinished) else None
    return state_with(task_in(TaskStatus.FAILED, None), status=status, outcome=outcome)


@pytest.mark.parametrize(("status", "name"), RUN_PAIRS)
def test_a_run_moves_as_its_table_says_and_not_otherwise(status: RunStatus | None, name: str) -> None:
    event = SAMPLES[name]
    state = ready_for(event, status)

    if (status, name) in RUN_TRANSITIONS:
        assert apply(state, event, 5.0).status is RUN_TRANSITIONS[status, name]
    else:
        with pytest.raises(IllegalTransition):
            apply(state, event, 5.0)
        assert state == ready_for(event, status)


FITTING = {
    name: (status, attempt)
    for (status, name) in TASK_TRANSITIONS
    for attempt in ATTEMPTS
    if (attempt, name) in ATTEMPT_TRANSITIONS
}
"""Event of a task -> a state of the task that it fits."""


@pytest.mark.parametrize("status", [None, *RunStatus])
@pytest.mark.parametrize("name", [name for name in OF_TASKS if name != "RunResumed"])
def test_tasks_move_only_while_their_run_does(status: RunStatus | None, name: str) -> None:
    state = state_with(task_in(*FITTING[name]), status=status)

    if status is RunStatus.RUNNING or (status, name) == (RunStatus.PAUSED, "AttemptLost"):
        assert apply(state, SAMPLES[name], 5.0).status is status
    else:
        with pytest.raises(IllegalTransition, match="run r"):
            apply(state, SAMPLES[name], 5.0)


@pytest.mark.parametrize("name", OF_TASKS)
def test_an_event_about_a_task_that_does_not_exist_is_refused(name: str) -> None:
    state = RunState(run_id=RunId("r"), status=RunStatus.RUNNING)

    with pytest.raises(IllegalTransition, match="not a task of this run"):
        apply(state, SAMPLES[name], 5.0)


@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize(
    "name", ["AttemptSucceeded", "AttemptFailed", "AttemptLost", "AttemptCancelled", "SessionOpened"]
)
def test_an_event_about_an_attempt_that_is_not_the_latest_is_refused(name: str, number: int) -> None:
    task = TaskState(
        A, ("echo",), status=TaskStatus.RUNNING, attempt=AttemptStatus.STARTED, attempts=2, counted=2
    )
    event: Any = SAMPLES[name]

    with pytest.raises(IllegalTransition, match=f"attempt {number} of a"):
        apply(
            state_with(task),
            type(event)(**{**{f: getattr(event, f) for f in event.__struct_fields__}, "attempt": number}),
            5.0,
        )


@pytest.mark.parametrize("number", [0, 1, 3])
def test_attempts_are_numbered_without_a_gap(number: int) -> None:
    task = task_in(TaskStatus.RUNNING, None)

    with pytest.raises(IllegalTransition):
        apply(state_with(task), ev.AttemptStarted(A, number, "echo"), 5.0)
    with pytest.raises(IllegalTransition):
        apply(
            state_with(task_in(TaskStatus.RUNNING, AttemptStatus.FAILED)),
            ev.RetryScheduled(A, number, 9, 5),
            5.0,
        )


def test_a_run_is_not_settled_while_a_task_is_left() -> None:
    state = state_with(task_in(TaskStatus.SUCCESS, None), unfinished=2)

    with pytest.raises(IllegalTransition, match="waiting for 2 tasks"):
        apply(state, ev.RunSettled(RunStatus.SUCCESS), 5.0)


def test_a_run_is_settled_once() -> None:
    state = state_with(task_in(TaskStatus.SUCCESS, None), outcome=RunStatus.SUCCESS)

    with pytest.raises(IllegalTransition, match="settled already"):
        apply(state, ev.RunSettled(RunStatus.FAILED), 5.0)


@pytest.mark.parametrize(
    ("outcome", "shown"), [(None, "not settled"), (RunStatus.SUCCESS, "settled as success")]
)
def test_a_run_finishes_as_it_was_settled(outcome: RunStatus | None, shown: str) -> None:
    state = state_with(task_in(TaskStatus.SUCCESS, None), outcome=outcome)

    with pytest.raises(IllegalTransition, match=shown):
        apply(state, ev.RunFinished(RunStatus.FAILED), 5.0)


def test_the_error_says_what_met_what() -> None:
    with pytest.raises(IllegalTransition) as caught:
        apply(state_with(task_in(TaskStatus.SUCCESS, None)), ev.TaskSucceeded(A), 5.0)

    error = caught.value
    assert (error.event, error.subject, error.status) == ("TaskSucceeded", "task a", "success")
    assert error.message == "TaskSucceeded is not possible for task a, which is success"


TASK_ARROWS = """
pending running
pending failed
pending skipped
pending cancelled
running success
running failed
running cancelled
failed skipped
running pending
success pending
failed pending
skipped pending
cancelled pending
"""


def test_tasks_have_these_arrows_and_no_others() -> None:
    arrows = {
        f"{before.value} {after.value}"
        for (before, _), after in TASK_TRANSITIONS.items()
        if before is not after
    }

    assert arrows == set(TASK_ARROWS.strip().splitlines())


def test_a_resume_alone_leads_back_to_pending() -> None:
    assert {name for (_, name), after in TASK_TRANSITIONS.items() if after is TaskStatus.PENDING} == {
        "RunResumed"
    }
    back = {before for (before, name) in TASK_TRANSITIONS if name == "RunResumed"}
    assert back == set(TaskStatus)


def test_the_words_of_the_states_are_those_that_journals_hold() -> None:
    assert [*TaskStatus] == ["pending", "running", "success", "failed", "skipped", "cancelled"]
    assert [*AttemptStatus] == ["started", "succeeded", "failed", "lost", "cancelled", "requeued"]
    assert [*RunStatus] == ["pending", "running", "paused", "success", "failed", "cancelled"]
    assert [*SkipReason] == [
        "condition_false",
        "upstream_failed",
        "upstream_skipped",
        "tolerated_failure",
        "workflow_stopped",
    ]
