"""``SpecChanged``: what is done stays, what is gone is gone, what comes back goes on."""

from __future__ import annotations

import pytest

from actorflow.ids import TaskId
from actorflow.state import IllegalTransition, RunState, TaskStatus, fold
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure, TaskEntry
from actorflow.state.pinned_spec import pinned_spec
from actorflow.state.recorded import Recorded

A, B, C = TaskId("a"), TaskId("b"), TaskId("c")
ACCEPTED = ev.RunAccepted(
    "r", "w", (TaskEntry(A, ("echo",)), TaskEntry(B, ("echo",), (A,))), "old", values={"x": 1}
)
BEGUN = [ACCEPTED, ev.DriverStarted(1, "host", 1)]


def after(*events: Event) -> RunState:
    return fold((float(i), event) for i, event in enumerate([*BEGUN, *events]))


def done(task: TaskId, attempt: int = 1) -> list[Event]:
    return [
        ev.AttemptStarted(task, attempt, "echo"),
        ev.AttemptSucceeded(task, attempt, f"{task}'s", cost_usd=0.5, fingerprint=":f"),
        ev.TaskSucceeded(task),
    ]


def spec(*entries: TaskEntry, **fields: object) -> ev.SpecChanged:
    return ev.SpecChanged(tuple(entries), "new", **fields)  # type: ignore[arg-type]


def test_what_is_done_stays_done_and_what_is_new_is_pending() -> None:
    state = after(*done(A), spec(TaskEntry(A, ("echo",)), TaskEntry(C, ("shell",), (A,))))

    assert {t.id: t.status for t in state.tasks.values()} == {A: TaskStatus.SUCCESS, C: TaskStatus.PENDING}
    assert (state.tasks[A].output, state.tasks[A].fingerprint) == ("a's", ":f")
    assert (state.tasks[C].agent, state.tasks[C].dependencies) == ("shell", (A,))
    assert state.unfinished == 1
    assert state.spec_sequence == state.sequence


def test_the_context_has_the_new_values_and_the_records_of_what_is_done() -> None:
    state = after(*done(A), spec(TaskEntry(A, ("echo",)), values={"y": 2, "i": 3}, inputs={"i": 3}))

    assert state.context["a"]["output"] == "a's"
    assert (state.context["y"], "x" in state.context, "b" in state.context) == (2, False, False)
    assert (state.inputs, state.variables) == ({"i": 3}, {"y": 2})


def test_counters_are_counted_anew() -> None:
    failing = [ev.AttemptStarted(A, 1, "echo"), ev.AttemptFailed(A, 1, Failure("x", "y"))]
    failed = [*failing, ev.TaskFailed(A, Failure("x", "y"))]

    assert after(*failed).failed == 1
    assert after(*failed, spec(TaskEntry(B, ("echo",)))).failed == 0
    assert after(*failed, spec(TaskEntry(A, ("echo",)))).failed == 1


def test_a_task_that_comes_back_goes_on_with_its_attempts_and_its_spend() -> None:
    gone = after(*done(A), spec(TaskEntry(B, ("echo",))))
    back = after(
        *done(A), spec(TaskEntry(B, ("echo",))), spec(TaskEntry(A, ("echo",)), TaskEntry(B, ("echo",)))
    )

    assert A not in gone.tasks
    assert gone.removed[A].cost_usd == 0.5
    assert (back.tasks[A].status, back.tasks[A].attempts, back.tasks[A].cost_usd) == (
        TaskStatus.PENDING,
        1,
        0.5,
    )
    assert A not in back.removed


def test_a_task_at_work_cannot_vanish() -> None:
    with pytest.raises(IllegalTransition):
        after(ev.AttemptStarted(A, 1, "echo"), spec(TaskEntry(B, ("echo",))))


def test_the_pinned_spec_is_the_first_event_with_the_latest_text() -> None:
    events = [ACCEPTED, spec(TaskEntry(A, ("echo",)), file="f"), spec(TaskEntry(C, ("echo",)), file="g")]
    found = pinned_spec(Recorded(i, 0.0, event) for i, event in enumerate(events, 1))

    assert found is not None
    assert (found.run_id, found.text, found.file, [t.id for t in found.tasks]) == ("r", "new", "g", [C])
    assert pinned_spec([]) is None
