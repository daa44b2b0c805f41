"""Cancellation, the run's timeout and resumes: rules C1 to C5 and U1 to U5 of docs/specs/002-failure-and-retry.md, played."""

from __future__ import annotations

import pytest

from actorflow.scheduling import Frontier, decide
from actorflow.state import EMPTY, apply
from actorflow.state import events as ev
from actorflow.workflow.model import Backoff, HookPhase, RetryPolicy
from tests.strategies.plans import plan, task
from tests.strategies.plays import Play, accepted

FIXED = RetryPolicy(max_attempts=3, delay_seconds=5, backoff=Backoff.FIXED)


def test_cancelling_ends_what_has_not_started_at_once_and_waits_for_what_runs() -> None:
    run = Play(plan(task("a"), task("b", "a"), task("c"), max_parallel=1)).begin()
    run.cancel()
    assert run.states == {"a": "running", "b": "cancelled", "c": "cancelled"}
    assert run.end is None

    run.stopped("a")

    assert run.states["a"] == "cancelled"
    assert run.log[-3:] == ["a cancelled", "settled cancelled", "finished cancelled"]


def test_cancelling_ends_a_task_that_waits_out_a_back_off() -> None:
    run = Play(plan(task("a", retry=FIXED))).begin()
    run.fail("a")
    run.cancel()

    assert run.log[-3:] == ["a cancelled", "settled cancelled", "finished cancelled"]
    run.wait(60)
    assert run.running == []


def test_cancelling_ends_a_parked_task() -> None:
    run = Play(plan(task("a"))).begin()
    run.requeue("a", due_at=3600)
    run.cancel()

    assert run.end == "cancelled"


def test_an_attempt_that_succeeds_while_it_is_stopped_counts() -> None:
    run = Play(plan(task("a"), task("b", "a"))).begin()
    run.cancel()
    run.ok("a", output=7)

    assert run.states == {"a": "success", "b": "cancelled"}
    assert run.of("a").output == 7
    assert run.end == "cancelled"


@pytest.mark.parametrize("outcome", ["fail", "lose"])
def test_an_attempt_that_ends_otherwise_while_it_is_stopped_is_cancelled_and_not_retried(
    outcome: str,
) -> None:
    run = Play(plan(task("a", retry=FIXED))).begin()
    run.cancel()
    getattr(run, outcome)("a")

    assert run.states == {"a": "cancelled"}
    assert run.end == "cancelled"


def test_a_cancellation_that_comes_with_the_last_success_changes_nothing() -> None:
    run = Play(plan(task("a"))).begin()
    run.cancel()
    run.ok("a")

    assert run.end == "success"


def test_a_failure_before_the_cancellation_does_not_make_the_run_failed() -> None:
    run = Play(plan(task("a"), task("b"), on_failure="continue")).begin()
    run.fail("a")
    run.cancel()
    run.stopped("b")

    assert run.states == {"a": "failed", "b": "cancelled"}
    assert run.end == "cancelled"


def test_asking_twice_before_the_end_is_asking_once() -> None:
    run = Play(plan(task("a"))).begin()
    run.cancel()
    run.happens(ev.RunCancelRequested("somebody else"))

    assert run.state.cancelled_by == "test"
    assert not run.state.hooks_cancelled


def test_an_attempt_that_is_stopped_without_a_cancellation_cancels_its_task_and_so_the_run() -> None:
    run = Play(plan(task("a"), task("b", "a"))).begin()
    run.stopped("a")

    assert run.states == {"a": "cancelled", "b": "skipped(upstream_failed)"}
    assert run.end == "cancelled"


# --- the run's timeout ---------------------------------------------------------------------------------------------


def test_a_timeout_cancels_what_is_left_and_fails_the_run() -> None:
    run = Play(plan(task("a"), task("b", "a"))).begin()
    run.time_out()
    run.stopped("a")

    assert run.states == {"a": "cancelled", "b": "cancelled"}
    assert run.end == "failed"
    assert run.state.failure is not None
    assert (run.state.failure.kind, run.state.failure.message) == (
        "timeout",
        "the run took longer than 3600 s",
    )


def test_a_timeout_that_the_last_task_just_meets_fails_the_run_all_the_same() -> None:
    run = Play(plan(task("a"))).begin()
    run.time_out()
    run.ok("a")

    assert run.states == {"a": "success"}
    assert run.end == "failed"


@pytest.mark.parametrize(
    ("first", "second", "end"), [("cancel", "time_out", "cancelled"), ("time_out", "cancel", "failed")]
)
def test_of_a_cancellation_and_a_timeout_the_first_counts(first: str, second: str, end: str) -> None:
    run = Play(plan(task("a"))).begin()
    getattr(run, first)()
    getattr(run, second)()
    run.stopped("a")

    assert run.end == end


def test_a_timeout_runs_the_hooks_of_a_failure() -> None:
    hooks = (task("f", hook=HookPhase.ON_FAILURE), task("c", hook=HookPhase.ON_COMPLETE))
    run = Play(plan(task("a"), *hooks)).begin()
    run.time_out()
    run.stopped("a")
    run.play()

    assert run.started == ["a", "f", "c"]


def test_a_timeout_during_the_end_hooks_changes_nothing() -> None:
    run = Play(plan(task("a"), task("c", hook=HookPhase.ON_COMPLETE))).begin()
    run.ok("a")
    run.time_out()
    run.ok("c")

    assert run.end == "success"
    assert run.state.failure is None


# --- pausing, crashing, resuming -----------------------------------------------------------------------------------


def test_nothing_starts_while_the_run_is_paused() -> None:
    run = Play(plan(task("a"))).begin()
    run.requeue("a", due_at=50)
    run.happens(ev.RunPaused("every task is parked"))
    run.wait(100)
    assert run.running == []
    assert run.state.paused_because == "every task is parked"

    run.happens(ev.DriverStarted(2, "host", 2))

    assert run.running == ["a"]
    assert run.state.paused_because == ""


def test_a_run_without_a_driver_decides_nothing() -> None:
    run = Play(plan(task("a")))
    state = apply(EMPTY, accepted(run.plan), 0)

    assert decide(run.facts, state, 0) == []
    assert Frontier(run.facts, state).commands(state, 0) == []


def test_a_resume_runs_failed_tasks_and_what_they_blocked_with_a_new_budget() -> None:
    run = Play(plan(task("a"), task("b", "a", retry=FIXED), task("c", "b"))).begin()
    run.ok("a")
    run.play({"b": ["fail"] * 3})
    assert run.end == "failed"

    run.resume("b", "c")
    assert run.of("b").counted == 1
    run.play({"b": ["fail"] * 2})

    assert run.states == {"a": "success", "b": "success", "c": "success"}
    assert run.of("b").attempts == 6
    assert run.started.count("a") == 1
    assert run.end == "success"


def test_a_resume_after_a_cancellation_goes_on() -> None:
    run = Play(plan(task("a"), task("b", "a"))).begin()
    run.cancel()
    run.stopped("a")
    run.resume("a", "b")
    run.play()

    assert run.end == "success"
    assert run.of("a").attempts == 2


def test_a_resume_after_a_timeout_starts_afresh() -> None:
    run = Play(plan(task("a"))).begin()
    run.time_out()
    run.stopped("a")
    run.resume("a")
    run.play()

    assert run.end == "success"
    assert run.state.failure is None


def test_a_resume_in_the_batch_of_a_recovery_undoes_the_cancellation_it_meets() -> None:
    made = plan(task("a"), task("b", "a"))
    run = Play(made).begin()
    run.cancel()

    again = Play.recovered(made, run.batches, t=5, resume=True)
    again.play()

    assert again.end == "success"


def test_a_crash_while_cancelling_goes_on_cancelling() -> None:
    made = plan(task("a"), task("b", "a"), task("c", "b"))
    run = Play(made).begin()
    run.cancel()

    again = Play.recovered(made, run.batches, t=5)

    assert again.states == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert again.end == "cancelled"


def test_a_restarted_driver_goes_on_cancelling() -> None:
    run = Play(plan(task("a"), task("b", "a"))).begin()
    run.cancel()
    run.rebuild()
    run.ok("a")

    assert run.states == {"a": "success", "b": "cancelled"}
    assert run.end == "cancelled"
