from __future__ import annotations

from actorflow.ids import TaskId
from actorflow.monitor.limits import attempt_limits, limit_of, limits_in
from actorflow.state import events as ev
from tests.monitor.run_histories import RUN_ID, START, History

A = TaskId("a")


def test_limits_of_tasks_that_may_be_tried_again_are_in_the_first_event() -> None:
    entries = tuple(
        ev.TaskEntry(TaskId(name), ("echo",), max_attempts=n) for name, n in {"a": 5, "b": 3, "c": 1}.items()
    )

    assert attempt_limits(ev.RunAccepted(RUN_ID, "w", entries, "")) == {"a": 5, "b": 3}


def test_limits_are_known_only_from_the_first_event() -> None:
    history = History("a")

    assert limits_in(history.recorded[1:]) == {}
    assert limits_in(history.recorded) == {}


def test_attempts_that_do_not_count_make_the_last_number_grow() -> None:
    history = (
        History("a")
        .start("a")
        .add(ev.AttemptLost(A, 1))
        .add(ev.RetryScheduled(A, 2, START, 0.0))
        .start("a", 2)
    )

    assert limit_of(history.state.tasks[A], {A: 3}) == 4


def test_a_resume_renews_the_budget() -> None:
    history = History("a").start("a").fail("a").add(ev.RunResumed((A,)))

    assert limit_of(history.state.tasks[A], {A: 3}) == 4


def test_what_is_not_known_is_none() -> None:
    assert limit_of(None, {A: 3}) is None
    assert limit_of(History("a").state.tasks[A], {}) is None
