from __future__ import annotations

import json

from actorflow.ids import TaskId
from actorflow.monitor.limits import attempt_limits, limit_of, limits_in
from actorflow.state import events as ev
from tests.monitor.run_histories import RUN_ID, START, History

A = TaskId("a")
TASKS = [
    {"id": "a", "agent": "echo", "retry": {"max_attempts": 5}},
    {"id": "b", "agent": "echo", "on_failure": "retry"},
    {"id": "c", "agent": "echo"},
    {"id": "d", "agent": "echo", "retry": {"max_attempts": 1}},
]
HOOKS = {"on_start": [{"id": "h", "agent": "echo", "retry": {"max_attempts": 2}}]}
LIMITS = {"a": 5, "b": 3, "h": 2}


def accepted(text: str, form: str) -> ev.RunAccepted:
    return ev.RunAccepted(RUN_ID, "w", (), text, format=form)


def test_limits_are_read_from_the_pinned_workflow_in_either_form() -> None:
    text = json.dumps({"name": "w", "tasks": TASKS, "hooks": HOOKS})

    assert attempt_limits(accepted(text, "json")) == LIMITS
    assert attempt_limits(accepted(text, "yaml")) == LIMITS


def test_a_workflow_without_retries_is_not_read_at_all() -> None:
    assert attempt_limits(accepted("{ not even readable", "json")) == {}


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
