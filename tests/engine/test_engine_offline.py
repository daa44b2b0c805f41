"""What a cancellation records for a run that nobody drives: how it ends, and that what was paid for is counted."""

from __future__ import annotations

import pytest

from actorflow.engine.offline import cancellation_events
from actorflow.engine.taking import Left
from actorflow.ids import TaskId
from actorflow.state import RunState, RunStatus, apply
from actorflow.state import events as ev
from actorflow.state.status import TaskStatus
from actorflow.workflow.model import HookPhase
from tests.strategies.plans import plan, task
from tests.strategies.plays import Play

A, B = TaskId("a"), TaskId("b")


def cancelled(state: RunState, **fields: object) -> tuple[RunState, list[ev.Event]]:
    events = cancellation_events(state, "me", 2, **fields)  # type: ignore[arg-type]
    for event in events:
        state = apply(state, event, state.updated_at)
    return state, events


def test_what_ran_is_cancelled_what_is_gone_is_lost_and_what_waits_is_cancelled() -> None:
    play = Play(plan(task("a"), task("b"), task("c", "a", "b"))).begin()

    state, events = cancelled(play.state, ended=frozenset({(A, 1)}))

    assert state.status is RunStatus.CANCELLED
    assert {t.status for t in state.tasks.values()} == {TaskStatus.CANCELLED}
    assert [event for event in events if isinstance(event, ev.AttemptLost)] == [ev.AttemptLost(B, 1)]
    assert [event for event in events if isinstance(event, ev.AttemptCancelled)] == [
        ev.AttemptCancelled(A, 1)
    ]


def test_what_could_not_be_taken_is_cancelled_with_its_cost_and_its_session_and_not_before_the_run_is() -> (
    None
):
    play = Play(plan(task("a"), task("b"))).begin()
    known = (ev.SessionOpened(A, 1, "s"), ev.AttemptCancelled(A, 1, 0.5, 7))
    left = {(A, 1): Left("not verified", known), (B, 1): Left("a secret")}

    state, events = cancelled(play.state, left=left)

    assert (state.tasks[A].cost_usd, state.tasks[A].tokens, state.tasks[A].session_id) == (0.5, 7, "s")
    assert isinstance(events[-1], ev.RunFinished)
    assert events[-1].cost_usd == 0.5
    asked = next(i for i, event in enumerate(events) if isinstance(event, ev.RunCancelRequested))
    assert events.index(known[1]) > asked > events.index(ev.AttemptLost(B, 1))


def finished(*outcomes: ev.Event, hook: HookPhase | None = None) -> RunState:
    """Return the state of a run whose attempts have ended while nobody was there to say how the run ends."""
    hooks = [] if hook is None else [task("h", hook=hook)]
    play = Play(plan(task("a"), task("b"), *hooks)).begin()
    state = play.state
    for event in outcomes:
        state = apply(state, event, state.updated_at)
    return state


BOTH = [ev.AttemptSucceeded(A, 1), ev.TaskSucceeded(A), ev.AttemptSucceeded(B, 1), ev.TaskSucceeded(B)]
FAILURE = ev.Failure("exit_status", "1")
ONE_FAILED = [*BOTH[:2], ev.AttemptFailed(B, 1, FAILURE), ev.TaskFailed(B, FAILURE)]


@pytest.mark.parametrize(("outcomes", "status"), [(BOTH, RunStatus.SUCCESS), (ONE_FAILED, RunStatus.FAILED)])
def test_when_all_has_finished_it_ends_as_that_did(outcomes: list[ev.Event], status: RunStatus) -> None:
    state, _ = cancelled(finished(*outcomes))

    assert (state.status, state.outcome) == (status, status)


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (HookPhase.ON_COMPLETE, RunStatus.CANCELLED),
        (HookPhase.ON_SUCCESS, RunStatus.CANCELLED),
        (HookPhase.ON_FAILURE, RunStatus.SUCCESS),
    ],
)
def test_with_a_hook_to_come_it_is_cancelled_and_the_hook_is_left(
    phase: HookPhase, status: RunStatus
) -> None:
    state, _ = cancelled(finished(*BOTH, hook=phase))

    assert state.status is status
    assert state.tasks[TaskId("h")].status is TaskStatus.PENDING


def test_one_whose_attempt_has_failed_and_would_be_tried_again_is_cancelled() -> None:
    state, events = cancelled(finished(*BOTH[:2], ev.AttemptFailed(B, 1, FAILURE)))

    assert ev.TaskCancelled(B) in events
    assert (state.tasks[B].status, state.status) == (TaskStatus.CANCELLED, RunStatus.CANCELLED)
