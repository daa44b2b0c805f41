"""Hooks: rules H1 to H7 of docs/specs/002-failure-and-retry.md, played."""

from __future__ import annotations

import pytest

from actorflow.state import events as ev
from actorflow.state.snapshot import snapshot
from actorflow.workflow.model import Backoff, HookPhase, RetryPolicy
from tests.strategies.plans import Draft, plan, task
from tests.strategies.plays import Play

FIXED = RetryPolicy(max_attempts=2, delay_seconds=5, backoff=Backoff.FIXED)
START, SUCCESS, FAILURE, COMPLETE = HookPhase


def every_hook() -> tuple[Draft, ...]:
    """Two hooks of each phase."""
    return tuple(task(f"{phase.value}_{n}", hook=phase) for phase in HookPhase for n in (1, 2))


def run_with_hooks(*drafts: Draft, max_parallel: int = 3) -> Play:
    """A run of one task with hooks."""
    return Play(plan(task("a"), *(drafts or every_hook()), max_parallel=max_parallel)).begin()


def test_hooks_run_one_after_the_other_around_a_success() -> None:
    run = run_with_hooks().play()

    assert run.started == [
        "on_start_1",
        "on_start_2",
        "a",
        "on_success_1",
        "on_success_2",
        "on_complete_1",
        "on_complete_2",
    ]
    assert run.states["on_failure_1"] == "pending"
    assert run.end == "success"


def test_hooks_around_a_failure() -> None:
    run = run_with_hooks().play({"a": ["fail"]})

    assert run.started[2:] == ["a", "on_failure_1", "on_failure_2", "on_complete_1", "on_complete_2"]
    assert run.end == "failed"


def test_after_a_cancellation_only_on_complete_runs() -> None:
    run = run_with_hooks()
    run.ok("on_start_1", "on_start_2")
    run.cancel()
    run.stopped("a")
    run.play()

    assert run.started[3:] == ["on_complete_1", "on_complete_2"]
    assert run.end == "cancelled"


def test_no_task_starts_before_on_start_is_done() -> None:
    run = run_with_hooks()

    assert run.running == ["on_start_1"]
    run.ok("on_start_1")
    assert run.running == ["on_start_2"]
    run.ok("on_start_2")
    assert run.running == ["a"]


def test_a_failing_on_start_fails_the_run_before_any_task() -> None:
    run = run_with_hooks()
    run.fail("on_start_1")
    run.play()

    assert run.states["on_start_2"] == "skipped(workflow_stopped)"
    assert run.states["a"] == "skipped(workflow_stopped)"
    assert run.started == ["on_start_1", "on_failure_1", "on_failure_2", "on_complete_1", "on_complete_2"]
    assert run.end == "failed"
    assert run.state.failure is not None
    assert (run.state.failure.kind, run.state.failure.message) == ("on_start", "hook on_start_1: it failed")


def test_a_failing_on_start_that_is_tolerated_lets_the_run_go_on() -> None:
    run = run_with_hooks(task("s", hook=START, tolerate=True)).play({"s": ["fail"]})

    assert run.states == {"a": "success", "s": "skipped(tolerated_failure)"}
    assert run.end == "success"


@pytest.mark.parametrize("phase", [SUCCESS, COMPLETE])
def test_a_failing_end_hook_only_warns(phase: HookPhase) -> None:
    run = run_with_hooks(task("h", hook=phase), task("last", hook=COMPLETE)).play({"h": ["fail"]})

    assert run.states["h"] == "failed"
    assert run.states["last"] == "success"
    assert run.end == "success"
    assert run.state.failed == 0


def test_hooks_are_outside_max_parallel() -> None:
    run = run_with_hooks(task("s", hook=START), max_parallel=1)
    run.ok("s")

    assert run.running == ["a"]
    assert run.state.running == 1
    assert run.end is None


def test_a_hook_is_retried_after_its_back_off_and_the_next_one_waits() -> None:
    run = run_with_hooks(task("s", hook=START, retry=FIXED), task("t", hook=START))
    run.fail("s")
    assert run.running == []

    run.wait(5)
    assert run.running == ["s"]

    run.ok("s")
    assert run.running == ["t"]


def test_a_hook_that_is_lost_runs_again() -> None:
    run = run_with_hooks(task("s", hook=START))
    run.lose("s")

    assert run.started == ["s", "s"]


def test_cancelling_during_on_start_ends_it_and_runs_on_complete() -> None:
    run = run_with_hooks()
    run.cancel()
    assert run.states["on_start_2"] == "cancelled"
    assert run.states["a"] == "cancelled"

    run.stopped("on_start_1")
    run.play()

    assert run.started == ["on_start_1", "on_complete_1", "on_complete_2"]
    assert run.end == "cancelled"


def test_cancelling_during_the_end_hooks_ends_them_and_keeps_the_outcome() -> None:
    run = run_with_hooks()
    run.ok("on_start_1", "on_start_2", "a")
    run.cancel()
    assert run.running == ["on_success_1"]

    run.stopped("on_success_1")

    assert run.end == "success"
    assert run.states["on_success_2"] == "cancelled"
    assert run.states["on_complete_2"] == "cancelled"
    assert run.states["on_failure_1"] == "pending"


def test_cancelling_a_second_time_ends_the_on_complete_of_a_cancelled_run() -> None:
    run = run_with_hooks(task("c", hook=COMPLETE))
    run.cancel()
    run.stopped("a")
    assert run.running == ["c"]

    run.cancel()
    run.stopped("c")

    assert run.states["c"] == "cancelled"
    assert run.end == "cancelled"


def test_cancelling_ends_an_end_hook_that_waits_out_a_back_off() -> None:
    run = run_with_hooks(task("c", hook=COMPLETE, retry=FIXED))
    run.ok("a")
    run.fail("c")
    run.cancel()

    assert run.states["c"] == "cancelled"
    assert run.end == "success"


def test_end_hooks_run_again_after_a_resume_and_on_start_does_not() -> None:
    run = run_with_hooks(task("s", hook=START), task("f", hook=FAILURE), task("c", hook=COMPLETE))
    run.play({"a": ["fail"]})
    run.resume(*run.left_over)
    run.play()

    assert run.started == ["s", "a", "f", "c", "a", "c"]
    assert run.states["f"] == "pending"
    assert run.end == "success"


def test_a_resume_takes_back_an_end_hook_whose_driver_died() -> None:
    made = plan(task("a"), task("f", hook=FAILURE), task("c", hook=COMPLETE))
    run = Play(made).begin()
    run.fail("a")
    assert run.running == ["f"]

    again = Play.recovered(made, run.batches, t=5, resume=True)
    again.play()

    assert again.states == {"a": "success", "f": "pending", "c": "success"}
    assert again.end == "success"


def test_the_hooks_of_the_end_see_how_the_run_went() -> None:
    run = run_with_hooks(task("c", hook=COMPLETE))
    run.t = 7
    run.fail("a")
    seen = snapshot(run.state, reads=["a"], dependencies=())

    assert run.running == ["c"]
    assert (seen["run"]["status"], seen["run"]["failed_tasks"], seen["run"]["duration"]) == (
        "failed",
        ("a",),
        7,
    )


def test_a_run_without_hooks_finishes_with_its_last_task() -> None:
    run = Play(plan(task("a"))).begin()

    settled = run.happens(ev.AttemptSucceeded(run.of("a").id, 1))

    assert [ev.kind_of(event) for event in settled.events] == [
        "AttemptSucceeded",
        "TaskSucceeded",
        "RunSettled",
        "RunFinished",
    ]
