"""What starts when, and in which order: rules R1 to R10 of docs/specs/001-start-rules.md, played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from actorflow.errors import ExpressionError
from actorflow.state import events as ev
from actorflow.workflow.model import Backoff, RetryPolicy
from tests.strategies.plans import Draft, plan, task
from tests.strategies.plays import Play


def kind_is(word: str) -> Any:
    """A condition on the output of ``classify``."""
    return lambda snapshot: snapshot["classify"]["output"] == word


def diamond() -> Play:
    """classify → (bug | feature) → implement."""
    return Play(
        plan(
            task("classify"),
            task("bug", "classify", when=kind_is("bug"), reads=["classify"]),
            task("feature", "classify", when=kind_is("feature"), reads=["classify"]),
            task("implement", "bug", "feature"),
        )
    ).begin()


def test_a_diamond_takes_one_branch_and_goes_on() -> None:
    run = diamond()
    run.ok("classify", output="bug")
    run.play()

    assert run.states == {
        "classify": "success",
        "bug": "success",
        "feature": "skipped(condition_false)",
        "implement": "success",
    }
    assert run.end == "success"


def test_a_success_and_all_that_follows_from_it_are_one_batch() -> None:
    run = diamond()

    settled = run.happens(ev.AttemptSucceeded(run.of("classify").id, 1, "bug"))

    assert run.batches[-1] == (0.0, settled.events)
    assert run.log[-3:] == ["classify success", "feature skipped(condition_false)", "start bug#1"]
    assert [(start.task, start.attempt) for start in settled.starts] == [("bug", 1)]


def test_a_pruned_chain_stays_pruned() -> None:
    run = diamond()
    run.ok("classify", output="neither")

    assert run.states["implement"] == "skipped(upstream_skipped)"
    assert run.end == "success"


def test_a_run_whose_tasks_are_all_skipped_is_a_success() -> None:
    run = Play(plan(task("a", when=lambda _: False), task("b", "a"), task("c", "b"))).begin()

    assert run.states == {
        "a": "skipped(condition_false)",
        "b": "skipped(upstream_skipped)",
        "c": "skipped(upstream_skipped)",
    }
    assert run.end == "success"


def test_a_task_is_looked_at_as_soon_as_its_own_dependencies_are_done() -> None:
    run = Play(plan(task("quick"), task("slow"), task("after_quick", "quick"), max_parallel=9)).begin()
    run.ok("quick")

    assert run.running == ["slow", "after_quick"]


def test_only_direct_dependencies_count() -> None:
    run = Play(
        plan(task("a", when=lambda _: False), task("b", "a", run_if="all_done"), task("c", "b"))
    ).begin()
    run.play()

    assert run.states == {"a": "skipped(condition_false)", "b": "success", "c": "success"}


def test_what_waits_for_a_failure_is_skipped_all_the_way_down() -> None:
    run = (
        Play(plan(task("a"), task("b", "a"), task("c", "b"), on_failure="continue"))
        .begin()
        .play({"a": ["fail"]})
    )

    assert run.states == {
        "a": "failed",
        "b": "skipped(upstream_failed)",
        "c": "skipped(upstream_failed)",
    }
    assert run.end == "failed"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("all_success", "skipped(upstream_failed)"),
        ("all_failed", "skipped(condition_false)"),
        ("all_done", "success"),
        ("one_success", "success"),
        ("one_failed", "success"),
        ("none_failed", "skipped(upstream_failed)"),
        ("none_failed_min_one_success", "skipped(upstream_failed)"),
        ("always", "success"),
    ],
)
def test_run_if_after_one_success_and_one_failure(rule: str, expected: str) -> None:
    run = Play(plan(task("a"), task("b"), task("c", "a", "b", run_if=rule), on_failure="continue"))
    run.begin().play({"b": ["fail"]})

    assert run.states["c"] == expected


# --- conditions ----------------------------------------------------------------------------------------------------


def _unknown_key(_snapshot: Mapping[str, Any]) -> Any:
    raise ExpressionError("no key 'kind'", hint="the keys are: type")


@pytest.mark.parametrize("value", [1, 0, "true", "", None, ()])
def test_a_condition_that_gives_no_boolean_fails_the_task(value: Any) -> None:
    run = Play(plan(task("a", when=lambda _: value))).begin()

    assert run.log == ["a failed(condition_error)", "settled failed", "finished failed"]
    failure = run.of("a").error
    assert failure is not None
    assert failure.message == "the condition did not give true or false"
    assert not failure.retryable


def test_an_error_in_a_condition_fails_the_task_and_says_why() -> None:
    run = Play(plan(task("a", when=_unknown_key), task("b", "a"))).begin()

    assert run.states == {"a": "failed", "b": "skipped(upstream_failed)"}
    failure = run.of("a").error
    assert failure is not None
    assert (failure.kind, failure.message, failure.hint) == (
        "condition_error",
        "no key 'kind'",
        "the keys are: type",
    )


def test_an_error_in_a_condition_is_not_tolerated_as_a_failure_of_the_work_is() -> None:
    run = Play(plan(task("a", when=_unknown_key, tolerate=True))).begin()

    assert run.states == {"a": "failed"}


def test_a_condition_is_not_asked_when_the_rule_says_no() -> None:
    asked: list[str] = []

    def ask(snapshot: Mapping[str, Any]) -> bool:
        asked.append("b")
        return True

    Play(plan(task("a"), task("b", "a", when=ask))).begin().play({"a": ["fail"]})

    assert asked == []


def test_a_condition_sees_what_it_reads_and_the_status_functions() -> None:
    seen: list[Mapping[str, Any]] = []

    def see(snapshot: Mapping[str, Any]) -> bool:
        seen.append(snapshot)
        return True

    run = Play(plan(task("a"), task("b"), task("c", "a", "b", when=see, decides=["a", "b"]))).begin()
    run.ok("b", output=2)
    run.fail("a", kind="timeout")

    snapshot = seen[0]
    assert snapshot["a"]["status"] == "failed"
    assert snapshot["a"]["error"]["kind"] == "timeout"
    assert snapshot["tasks"]["b"]["output"] == 2
    assert (snapshot["success()"], snapshot["failure()"], snapshot["always()"]) == (False, True, True)


# --- order ---------------------------------------------------------------------------------------------------------


def order(*drafts: Draft, **settings: Any) -> list[str]:
    """The order in which the tasks of a plan start, one at a time."""
    return Play(plan(*drafts, max_parallel=1, **settings)).begin().play().started


def test_ready_tasks_start_in_the_order_of_declaration() -> None:
    assert order(task("z"), task("m"), task("a")) == ["z", "m", "a"]


def test_the_longest_remaining_path_goes_before_declaration() -> None:
    drafts = (task("short"), task("long"), task("x", "long"), task("y", "x"))

    assert order(*drafts) == ["long", "x", "short", "y"]


def test_priority_goes_before_the_longest_path() -> None:
    drafts = (task("long"), task("x", "long"), task("urgent", priority=1), task("idle", priority=-1))

    assert order(*drafts) == ["urgent", "long", "x", "idle"]


def test_the_order_is_the_same_whatever_pools_the_tasks_take() -> None:
    claude = {"claude": 1}
    drafts = (
        task("a", resources=claude),
        task("b"),
        task("c", resources={"gpu": 1}, priority=1),
        task("d", resources=claude, priority=2),
    )

    assert order(*drafts, pools={"claude": 1, "gpu": 1}) == ["d", "c", "a", "b"]


def test_a_task_between_attempts_takes_its_place_in_the_same_order() -> None:
    twice = RetryPolicy(max_attempts=2, delay_seconds=5, backoff=Backoff.FIXED)
    run = Play(plan(task("a", priority=1, retry=twice), task("b"), task("c"), max_parallel=1)).begin()
    run.fail("a")
    run.wait(5)
    run.ok("b")

    assert run.running == ["a"]


# --- slots and pools -----------------------------------------------------------------------------------------------


def test_no_more_than_max_parallel_attempts_run() -> None:
    run = Play(plan(*(task(name) for name in "abcd"), max_parallel=2)).begin()
    assert run.running == ["a", "b"]

    run.ok("a")

    assert run.running == ["b", "c"]


def test_a_pool_that_is_used_up_is_passed_over() -> None:
    claude = {"claude": 1}
    tasks = (task("a", resources=claude), task("b", resources=claude), task("c"))
    run = Play(plan(*tasks, max_parallel=2, pools=claude)).begin()
    assert run.running == ["a", "c"]

    run.ok("c")
    assert run.running == ["a"]

    run.ok("a")
    assert run.running == ["b"]


def test_a_task_takes_as_much_of_a_pool_as_it_says() -> None:
    tasks = (
        task("two", resources={"claude": 2}),
        task("x", resources={"claude": 1}),
        task("y", resources={"claude": 2}),
    )
    run = Play(plan(*tasks, max_parallel=3, pools={"claude": 3})).begin()

    assert run.running == ["two", "x"]


def test_a_task_between_attempts_holds_no_slot_and_no_pool() -> None:
    gpu = {"gpu": 1}
    tasks = (task("a", retry=RetryPolicy(), resources=gpu), task("b", resources=gpu))
    run = Play(plan(*tasks, max_parallel=1, pools=gpu)).begin()
    run.fail("a")

    assert run.running == ["b"]


def test_a_recovered_driver_knows_what_holds_the_pools() -> None:
    gpu = {"gpu": 1}
    made = plan(task("a", resources=gpu), task("b", resources=gpu), pools=gpu)
    run = Play(made).begin()

    again = Play.recovered(made, run.batches, t=9)

    assert again.running == ["a"]
    assert again.of("a").attempts == 2
    assert again.play().end == "success"
