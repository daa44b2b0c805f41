"""What each event does besides moving a state: numbers, times, costs, counters and the context."""

from __future__ import annotations

from typing import Any

import pytest

from actorflow.ids import RunId, TaskId
from actorflow.state import (
    EMPTY,
    IllegalTransition,
    RunState,
    RunStatus,
    SkipReason,
    SubState,
    TaskState,
    TaskStatus,
    apply,
    fold,
)
from actorflow.state import events as ev
from actorflow.state.events import BlobRef, Event, Failure
from actorflow.state.transitions import record_of
from actorflow.values import FrozenDict

A, B, H = TaskId("a"), TaskId("b"), TaskId("h")
WHY = Failure("exit_status", "it failed")
ACCEPTED = ev.RunAccepted(
    "r",
    "ship it",
    (
        ev.TaskEntry(A, ("coder", "echo")),
        ev.TaskEntry(B, ("echo",), dependencies=(A,)),
        ev.TaskEntry(H, ("echo",), hook="on_complete"),
    ),
    text="name: ship it",
    inputs={"who": "Ada", "tags": ["x"]},
    values={"who": "Ada", "tags": ["x"], "greeting": "hi Ada"},
    mode="rehearsal",
    project_root="/p",
)


def after(*events: Event, at: float = 10.0) -> RunState:
    """The state of a run that began at second 0, after these events, a second apart."""
    begun = [(0.0, ACCEPTED), (0.0, ev.DriverStarted(1, "host", 4))]
    return fold([*begun, *((at + i, event) for i, event in enumerate(events))])


def started(task: TaskId = A, number: int = 1) -> ev.AttemptStarted:
    """An attempt's start."""
    return ev.AttemptStarted(task, number, "coder")


def test_accepting_a_run_makes_its_tasks_pending() -> None:
    state = apply(EMPTY, ACCEPTED, 3.0)

    assert (state.run_id, state.workflow, state.status, state.mode) == (
        "r",
        "ship it",
        RunStatus.PENDING,
        "rehearsal",
    )
    assert {task.id: task.status for task in state.tasks.values()} == dict.fromkeys(
        (A, B, H), TaskStatus.PENDING
    )
    assert (state.unfinished, state.running, state.accepted_at, state.started_at) == (2, 0, 3.0, None)
    assert state.tasks[A].agent == "coder"


def test_inputs_and_variables_are_told_apart_and_frozen() -> None:
    state = apply(EMPTY, ACCEPTED, 3.0)

    assert state.inputs == {"who": "Ada", "tags": ("x",)}
    assert state.variables == {"greeting": "hi Ada"}
    assert dict(state.context) == {"who": "Ada", "tags": ("x",), "greeting": "hi Ada"}


def test_every_event_is_counted_and_dated() -> None:
    state = after(started(), ev.SessionOpened(A, 1, "s-1"))

    assert (state.sequence, state.updated_at) == (4, 11.0)


def test_the_run_began_with_its_first_driver() -> None:
    state = after(ev.DriverStarted(2, "other", 5))

    assert (state.started_at, state.driver_started_at, state.epoch) == (0.0, 10.0, 5)


def test_a_task_lasts_from_its_first_attempt_to_its_end() -> None:
    state = after(
        started(),
        ev.AttemptFailed(A, 1, WHY),
        ev.RetryScheduled(A, 2, 20.0, 8.0),
        started(number=2),
        ev.AttemptSucceeded(A, 2, "done"),
        ev.TaskSucceeded(A),
    )
    task = state.tasks[A]

    assert (task.started_at, task.attempt_started_at, task.finished_at, task.duration_seconds) == (
        10,
        13,
        15,
        5,
    )
    assert (task.attempts, task.counted, task.output, task.error) == (2, 2, "done", None)


def test_what_has_not_started_or_is_not_over_has_no_duration() -> None:
    state = after(started())

    assert state.tasks[A].duration_seconds is None
    assert state.tasks[B].duration_seconds is None
    assert state.duration_seconds is None


def test_a_clock_that_is_set_back_makes_no_negative_duration() -> None:
    task = TaskState(A, ("echo",), started_at=9.0, finished_at=4.0)

    assert task.duration_seconds == 0.0
    assert RunState(run_id=RunId("r"), started_at=9.0, ended_at=4.0).duration_seconds == 0.0


def test_a_run_lasts_from_its_first_driver_to_its_end() -> None:
    ends = (
        ev.TaskCancelled(A),
        ev.TaskCancelled(B),
        ev.RunSettled(RunStatus.CANCELLED),
        ev.RunFinished(RunStatus.CANCELLED),
    )
    state = after(*ends)

    assert (state.settled_at, state.ended_at, state.duration_seconds) == (12.0, 13.0, 13.0)


@pytest.mark.parametrize(
    ("event", "counted", "lost"),
    [
        (ev.AttemptFailed(A, 1, WHY), 1, 0),
        (ev.AttemptCancelled(A, 1), 1, 0),
        (ev.AttemptRequeued(A, 1, 99.0, WHY), 0, 0),
        (ev.AttemptLost(A, 1), 0, 1),
    ],
)
def test_what_was_not_the_tasks_fault_uses_up_no_attempt(event: Event, counted: int, lost: int) -> None:
    task = after(started(), event).tasks[A]

    assert (task.attempts, task.counted, task.lost) == (1, counted, lost)
    assert task.error is not None


@pytest.mark.parametrize(
    ("outcome", "delay", "waiting"),
    [
        (ev.AttemptFailed(A, 1, WHY), 5.0, SubState.RETRY_WAIT),
        (ev.AttemptFailed(A, 1, WHY), 0.0, SubState.WAITING),
        (ev.AttemptLost(A, 1), 0.0, SubState.WAITING),
        (ev.AttemptRequeued(A, 1, 99.0, WHY), 60.0, SubState.PARKED),
        (ev.AttemptRequeued(A, 1, 0.0, WHY), 0.0, SubState.WAITING),
    ],
)
def test_a_task_between_attempts_says_what_it_waits_for(
    outcome: Event, delay: float, waiting: SubState
) -> None:
    state = after(started(), outcome, ev.RetryScheduled(A, 2, 12.0 + delay, delay))

    assert state.tasks[A].waiting is waiting
    assert state.tasks[A].due_at == 12.0 + delay
    state = apply(state, started(number=2), 99.0)
    assert (state.tasks[A].waiting, state.tasks[A].due_at) == (None, None)


def test_costs_add_up_and_unknown_is_not_zero() -> None:
    unknown = after(started(), ev.AttemptSucceeded(A, 1), ev.TaskSucceeded(A))
    assert (unknown.tasks[A].cost_usd, unknown.tasks[A].tokens) == (None, None)

    known = after(
        started(),
        ev.AttemptSucceeded(A, 1, cost_usd=0.25, tokens=10),
        ev.TaskSucceeded(A),
        ev.RunResumed((A,)),
    )
    known = fold([(20.0, started(number=2)), (21.0, ev.AttemptSucceeded(A, 2, cost_usd=0.5))], known)
    assert (known.tasks[A].cost_usd, known.tasks[A].tokens) == (0.75, 10)


def test_the_session_of_an_agent_outlives_its_attempt_and_a_resume() -> None:
    opened = (started(), ev.SessionOpened(A, 1, "s-1"), ev.AttemptFailed(A, 1, WHY), ev.TaskFailed(A, WHY))
    assert after(*opened, ev.RunResumed((A,))).tasks[A].session_id == "s-1"

    told_again = after(started(), ev.AttemptSucceeded(A, 1, session_id="s-2"))
    assert told_again.tasks[A].session_id == "s-2"


def test_a_large_output_is_known_by_its_blob() -> None:
    blob = BlobRef("ab" * 32, 70_000)
    state = after(started(), ev.AttemptSucceeded(A, 1, blob=blob), ev.TaskSucceeded(A))

    assert state.tasks[A].output == blob
    assert state.context[A]["output"] == blob


# --- counters and context ------------------------------------------------------------------------------------------


def test_counters_follow_the_tasks_and_leave_hooks_out() -> None:
    state = after(started(), started(H))
    assert (state.unfinished, state.running) == (2, 1)

    state = fold(
        [(20, ev.AttemptFailed(A, 1, WHY)), (20, ev.TaskFailed(A, WHY)), (20, ev.TaskCancelled(B))], state
    )
    assert (state.unfinished, state.running, state.failed, state.cancelled) == (0, 0, 1, 1)

    state = fold([(20, ev.AttemptFailed(H, 1, WHY)), (20, ev.TaskFailed(H, WHY))], state)
    assert (state.unfinished, state.running, state.failed, state.cancelled) == (0, 0, 1, 1)


def test_a_tolerated_failure_is_no_failure_of_the_run() -> None:
    tolerated = ev.TaskSkipped(A, SkipReason.TOLERATED_FAILURE)
    state = after(started(), ev.AttemptFailed(A, 1, WHY), ev.TaskFailed(A, WHY), tolerated)

    assert (state.failed, state.unfinished) == (0, 1)
    assert state.tasks[A].error == WHY
    assert state.context[A]["error"] == {"kind": "exit_status", "message": "it failed"}


def test_the_record_of_a_task_says_what_expressions_may_read() -> None:
    state = after(started(), ev.AttemptSucceeded(A, 1, FrozenDict(n=1)), ev.TaskSucceeded(A))

    assert state.context[A] == record_of(state.tasks[A])
    assert state.context[A] == {
        "output": {"n": 1},
        "status": "success",
        "reason": None,
        "error": None,
        "attempts": 1,
        "duration": 2.0,
    }
    assert B not in state.context


def test_records_of_hooks_are_in_the_context_too() -> None:
    state = after(started(H), ev.AttemptSucceeded(H, 1, "bye"), ev.TaskSucceeded(H))

    assert state.context[H]["output"] == "bye"


# --- resuming ------------------------------------------------------------------------------------------------------


def test_a_resume_makes_a_task_as_new_but_for_its_numbers() -> None:
    state = after(
        started(),
        ev.AttemptFailed(A, 1, WHY),
        ev.TaskFailed(A, WHY),
        ev.TaskCancelled(B),
        ev.RunResumed((A, B)),
    )
    task = state.tasks[A]

    assert (task.status, task.attempts, task.counted, task.lost) == (TaskStatus.PENDING, 1, 0, 0)
    assert (task.error, task.started_at, task.finished_at, task.agent) == (None, None, None, "coder")
    assert (state.unfinished, state.failed, state.cancelled) == (2, 0, 0)
    assert A not in state.context


def test_a_resume_forgets_how_the_run_ended() -> None:
    ends: tuple[Event, ...] = (
        ev.RunCancelRequested("Ada"),
        ev.TaskCancelled(A),
        ev.TaskCancelled(B),
        ev.RunSettled(RunStatus.CANCELLED, WHY),
        ev.RunCancelRequested("Ada"),
        ev.RunFinished(RunStatus.CANCELLED),
    )
    ended = after(*ends)
    assert (ended.cancelled_by, ended.hooks_cancelled, ended.failure) == ("Ada", True, WHY)

    state = apply(ended, ev.RunResumed((A, B)), 30.0)

    fields: dict[str, Any] = {
        name: getattr(state, name)
        for name in (
            "outcome",
            "failure",
            "cancelled_by",
            "hooks_cancelled",
            "timed_out",
            "settled_at",
            "ended_at",
        )
    }
    assert fields == {
        "outcome": None,
        "failure": None,
        "cancelled_by": None,
        "hooks_cancelled": False,
        "timed_out": False,
        "settled_at": None,
        "ended_at": None,
    }
    assert (state.status, state.driver_started_at) == (RunStatus.RUNNING, 30.0)


def test_a_resume_that_names_a_running_attempt_changes_nothing_at_all() -> None:
    state = after(ev.TaskCancelled(B), started())
    before = state

    with pytest.raises(IllegalTransition):
        apply(state, ev.RunResumed((B, A)), 30.0)
    assert state is before
    assert state.tasks[B].status is TaskStatus.CANCELLED


def test_a_pause_says_why_until_the_run_goes_on() -> None:
    paused = after(ev.RunPaused("every task is parked"))
    assert (paused.status, paused.paused_because) == (RunStatus.PAUSED, "every task is parked")

    assert apply(paused, ev.DriverStarted(2, "host", 5), 30.0).paused_because == ""
    assert apply(paused, ev.RunResumed(()), 30.0).paused_because == ""


def test_asking_an_unknown_event_is_impossible_by_type_and_fails_loudly() -> None:
    with pytest.raises(KeyError):
        apply(after(), object(), 1.0)  # type: ignore[arg-type]


def test_notes_change_nothing_but_the_count() -> None:
    state = after()
    noted = apply(state, ev.ActorRestarted("run/driver", 1, "it crashed"), 0.0)

    assert noted.sequence == state.sequence + 1
    assert noted.tasks is state.tasks
    assert noted.status is state.status
