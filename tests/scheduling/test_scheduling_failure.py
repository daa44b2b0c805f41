"""What follows from a failure: rules F1 to F9 of docs/specs/002-failure-and-retry.md, played."""

from __future__ import annotations

from itertools import pairwise

import pytest

from actorflow.state import SubState, TaskState
from actorflow.state.counting import Standing, standing
from actorflow.workflow.model import Backoff, RetryPolicy
from tests.strategies.plans import Draft, plan, task
from tests.strategies.plays import Play

FIXED = RetryPolicy(max_attempts=3, delay_seconds=5, backoff=Backoff.FIXED)
DOUBLING = RetryPolicy(max_attempts=9, delay_seconds=5, backoff=Backoff.EXPONENTIAL, max_delay_seconds=60)


def delays(run: Play) -> list[str]:
    """The delays that were decided, in order."""
    return [line for line in run.log if line.startswith("retry")]


# --- retries -------------------------------------------------------------------------------------------------------


def test_without_a_retry_block_the_first_failure_is_the_last() -> None:
    run = Play(plan(task("a"))).begin()
    run.fail("a")

    assert run.log == [
        "start a#1",
        "failed a#1",
        "a failed(exit_status)",
        "settled failed",
        "finished failed",
    ]


def test_max_attempts_counts_the_first() -> None:
    run = Play(plan(task("a", retry=FIXED))).begin().play({"a": ["fail"] * 3})

    assert run.started == ["a"] * 3
    assert run.end == "failed"


def test_a_fixed_delay_is_exact() -> None:
    run = (
        Play(plan(task("a", retry=FIXED)), jitter=lambda _task, _attempt: 0.5)
        .begin()
        .play({"a": ["fail"] * 2})
    )

    assert delays(run) == ["retry a in 5", "retry a in 5"]
    assert run.states == {"a": "success"}


def test_an_exponential_delay_doubles_up_to_its_maximum() -> None:
    run = Play(plan(task("a", retry=DOUBLING))).begin().play({"a": ["fail"] * 6})

    assert delays(run) == [f"retry a in {n}" for n in (5, 10, 20, 40, 60, 60)]


@pytest.mark.parametrize(("factor", "expected"), [(0.5, 2.5), (0.75, 3.75), (1.0, 5.0)])
def test_an_exponential_delay_is_spread_over_its_upper_half(factor: float, expected: float) -> None:
    run = Play(plan(task("a", retry=DOUBLING)), jitter=lambda _task, _attempt: factor).begin()
    run.fail("a")

    assert run.of("a").due_at == expected


def test_jitter_is_asked_for_the_task_and_the_attempt_that_failed() -> None:
    asked: list[tuple[str, int]] = []

    def jitter(name: str, attempt: int) -> float:
        asked.append((name, attempt))
        return 1.0

    Play(plan(task("a", retry=DOUBLING)), jitter=jitter).begin().play({"a": ["fail", "fail"]})

    assert sorted(set(asked)) == [("a", 1), ("a", 2)]


def test_a_delay_that_would_overflow_is_its_maximum() -> None:
    policy = RetryPolicy(max_attempts=2000, delay_seconds=1e300, max_delay_seconds=7)
    run = Play(plan(task("a", retry=policy))).begin().play({"a": ["fail"] * 1100})

    assert run.started == ["a"] * 1101
    assert set(delays(run)) == {"retry a in 7"}


@pytest.mark.parametrize(("asked", "expected"), [(2.0, 5.0), (5.0, 5.0), (42.0, 42.0)])
@pytest.mark.parametrize("policy", [FIXED, DOUBLING])
def test_the_agents_own_retry_after_wins_when_it_is_longer(
    policy: RetryPolicy, asked: float, expected: float
) -> None:
    run = Play(plan(task("a", retry=policy))).begin()
    run.fail("a", after=asked)

    assert run.of("a").due_at == expected


def test_the_next_attempt_does_not_start_before_its_time() -> None:
    run = Play(plan(task("a", retry=FIXED))).begin()
    run.fail("a")
    run.wait(4.999)
    assert run.running == []
    assert run.of("a").waiting is SubState.RETRY_WAIT

    run.wait(0.001)

    assert run.running == ["a"]
    assert run.of("a").waiting is None


def test_a_clock_that_is_set_back_delays_an_attempt_and_does_not_lose_it() -> None:
    run = Play(plan(task("a", retry=FIXED), task("b"), max_parallel=1)).begin()
    run.fail("a")
    run.wait(60)
    run.wait(-60)
    run.ok("b")
    assert run.running == []

    run.wait(5)

    assert run.running == ["a"]


@pytest.mark.parametrize("kind", ["authentication", "permission", "budget", "interpolation"])
def test_what_no_other_attempt_can_help_is_not_retried(kind: str) -> None:
    run = Play(plan(task("a", retry=FIXED))).begin()
    run.fail("a", kind=kind, retryable=False)

    assert run.started == ["a"]
    assert run.log[-3] == f"a failed({kind})"


def test_a_timeout_of_the_task_is_retried() -> None:
    run = Play(plan(task("a", retry=FIXED))).begin()
    run.fail("a", kind="timeout")

    assert delays(run) == ["retry a in 5"]


def test_a_success_forgets_the_error_of_the_attempts_before() -> None:
    run = Play(plan(task("a", retry=FIXED))).begin().play({"a": ["fail"]})

    assert run.of("a").error is None
    assert run.of("a").attempts == 2


# --- limits and crashes --------------------------------------------------------------------------------------------


def test_a_limit_sends_the_task_back_without_using_an_attempt() -> None:
    run = Play(plan(task("a", retry=RetryPolicy(max_attempts=2, delay_seconds=0)))).begin()
    for _ in range(10):
        run.requeue("a", due_at=run.t + 30)
        assert run.of("a").waiting is SubState.PARKED
        run.wait(30)
    run.fail("a")
    run.play()

    assert run.states == {"a": "success"}
    assert run.of("a").attempts == 12


def test_a_parked_task_holds_no_slot() -> None:
    run = Play(plan(task("a"), task("b"), max_parallel=1)).begin()
    run.requeue("a", due_at=100)

    assert run.running == ["b"]


def test_a_limit_that_is_lifted_already_delays_nothing() -> None:
    run = Play(plan(task("a")), t=50).begin()
    run.requeue("a", due_at=40)

    assert run.running == ["a"]
    assert delays(run) == ["retry a in 0"]


def test_a_lost_attempt_runs_again_at_once_and_uses_no_attempt() -> None:
    run = Play(plan(task("a"))).begin()
    run.lose("a")

    assert run.log[-3:] == ["lost a#1", "retry a in 0", "start a#2"]
    assert run.of("a").counted == 1


def test_a_lost_attempt_waits_for_a_slot_when_there_is_none() -> None:
    run = Play(plan(task("a"), task("b", priority=1), max_parallel=1)).begin()
    run.ok("b")
    run = Play.recovered(plan(task("a"), task("b"), max_parallel=0), run.batches, t=1)

    assert run.of("a").waiting is SubState.WAITING


def test_a_task_is_run_again_three_times_after_its_driver_died() -> None:
    run = Play(plan(task("a", retry=FIXED))).begin()
    for _ in range(3):
        run.lose("a")
    assert run.running == ["a"]

    run.lose("a")

    assert run.log[-3:] == ["a failed(lost)", "settled failed", "finished failed"]


# --- tolerated failures, handlers, stop and continue ---------------------------------------------------------------


def test_a_tolerated_failure_lets_dependents_go_on_and_the_run_succeed() -> None:
    run = Play(plan(task("a", tolerate=True), task("b", "a"))).begin().play({"a": ["fail"]})

    assert run.states == {"a": "skipped(tolerated_failure)", "b": "success"}
    assert run.end == "success"
    assert run.of("a").output is None
    assert run.of("a").error is not None


def test_a_tolerated_failure_uses_up_its_attempts_first() -> None:
    run = Play(plan(task("a", tolerate=True, retry=FIXED))).begin().play({"a": ["fail"] * 3})

    assert run.started == ["a"] * 3
    assert run.log[-4:] == [
        "a failed(exit_status)",
        "a skipped(tolerated_failure)",
        "settled success",
        "finished success",
    ]


@pytest.mark.parametrize("word", ["ok", "fail"])
def test_a_handler_of_a_tolerated_failure_looks_at_the_error(word: str) -> None:
    handler = task("fix", "a", when=lambda s: s["a"]["error"] is not None, decides=["a"])
    run = Play(plan(task("a", tolerate=True), handler)).begin().play({"a": [word]})

    assert run.states["fix"] == ("success" if word == "fail" else "skipped(condition_false)")
    assert run.end == "success"


def rescue(*more: Draft, on_failure: str = "stop") -> Play:
    """build, and a task that runs only when it failed."""
    handler = task("rescue", "build", when=lambda s: s["build"]["status"] == "failed", decides=["build"])
    return Play(plan(task("build"), handler, *more, on_failure=on_failure)).begin()


@pytest.mark.parametrize("on_failure", ["stop", "continue"])
def test_a_handled_failure_still_fails_the_run(on_failure: str) -> None:
    run = rescue(on_failure=on_failure).play({"build": ["fail"]})

    assert run.states == {"build": "failed", "rescue": "success"}
    assert run.end == "failed"


def test_a_recovery_task_is_skipped_when_there_is_nothing_to_recover() -> None:
    run = rescue().play()

    assert run.states == {"build": "success", "rescue": "skipped(condition_false)"}
    assert run.end == "success"


def test_after_a_stop_handlers_and_what_depends_on_them_still_run() -> None:
    more = (
        task("report", "rescue"),
        task("publish", "report"),
        task("deploy", "build"),
        task("docs"),
        task("site", "docs"),
    )
    run = rescue(*more)
    run.fail("build")
    run.ok("docs")
    run.play()

    assert run.states == {
        "build": "failed",
        "rescue": "success",
        "report": "success",
        "publish": "success",
        "deploy": "skipped(upstream_failed)",
        "docs": "success",
        "site": "skipped(workflow_stopped)",
    }


def test_what_depends_on_a_handler_whose_failure_is_tolerated_still_runs() -> None:
    handler = task("rescue", "build", when=lambda s: True, decides=["build"], tolerate=True)
    run = Play(plan(task("build"), handler, task("report", "rescue"))).begin()
    run.play({"build": ["fail"], "rescue": ["fail"]})

    assert run.states["rescue"] == "skipped(tolerated_failure)"
    assert run.states["report"] == "success"


def test_what_depends_on_a_handler_that_did_not_run_stops_with_the_rest() -> None:
    handler = task("rescue", "build", when=lambda s: s["build"]["status"] == "failed", decides=["build"])
    tasks = (task("build"), handler, task("other"), task("late", "rescue", "other"), task("bad"))
    run = Play(plan(*tasks, max_parallel=9)).begin()
    run.ok("build")
    run.fail("bad")
    run.ok("other")

    assert run.states["rescue"] == "skipped(condition_false)"
    assert run.states["late"] == "skipped(workflow_stopped)"


@pytest.mark.parametrize("rule", ["all_failed", "all_done", "one_failed", "always"])
def test_a_rule_that_accepts_failure_handles_it_after_a_stop(rule: str) -> None:
    run = Play(plan(task("a"), task("clean", "a", run_if=rule))).begin().play({"a": ["fail"]})

    assert run.states["clean"] == "success"


def test_cleaning_up_runs_even_though_what_it_cleans_up_after_was_stopped() -> None:
    tasks = (task("bad", priority=1), task("a"), task("clean", "a", run_if="all_done"))
    run = Play(plan(*tasks, max_parallel=1)).begin().play({"bad": ["fail"]})

    assert run.states == {"bad": "failed", "a": "skipped(workflow_stopped)", "clean": "success"}


def test_after_a_stop_nothing_new_starts_and_the_rest_says_why() -> None:
    run = Play(
        plan(task("bad", priority=1), task("b"), task("c", "b"), task("d", "c"), max_parallel=1)
    ).begin()
    run.fail("bad")

    assert run.states == {
        "bad": "failed",
        "b": "skipped(workflow_stopped)",
        "c": "skipped(workflow_stopped)",
        "d": "skipped(workflow_stopped)",
    }
    assert run.end == "failed"


def test_after_a_stop_started_tasks_finish_with_their_retries() -> None:
    run = Play(plan(task("bad"), task("a", retry=FIXED))).begin()
    run.fail("bad", "a")
    assert run.end is None

    run.wait(5)
    run.ok("a")

    assert run.states == {"bad": "failed", "a": "success"}
    assert run.end == "failed"


def test_after_a_stop_a_lost_attempt_runs_again() -> None:
    run = Play(plan(task("bad"), task("a"))).begin()
    run.fail("bad")
    run.lose("a")

    assert run.running == ["a"]


def test_with_continue_independent_branches_go_on() -> None:
    tasks = (task("bad"), task("worse", "bad"), task("a"), task("b", "a"))
    run = Play(plan(*tasks, on_failure="continue", max_parallel=1)).begin().play({"bad": ["fail"]})

    assert run.states == {
        "bad": "failed",
        "worse": "skipped(upstream_failed)",
        "a": "success",
        "b": "success",
    }
    assert run.end == "failed"


def test_a_condition_error_stops_the_workflow_as_any_failure_does() -> None:
    run = Play(plan(task("a", when=lambda _: 1), task("b"))).begin()

    assert run.states == {"a": "failed", "b": "skipped(workflow_stopped)"}


def test_a_long_chain_behind_a_handler_is_not_walked_again_for_each_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0

    def counting(task: TaskState) -> Standing:
        nonlocal looks
        looks += 1
        return standing(task)

    monkeypatch.setattr("actorflow.scheduling.rules.standing", counting)
    names = [f"t{i}" for i in range(200)]
    chain = [task(name, before) for before, name in pairwise(["fix", *names])]
    handler = task("fix", "build", when=lambda _: True, decides=["build"])
    run = Play(plan(task("build"), handler, *chain), with_decide=False).begin()
    run.fail("build")
    run.ok("fix", *names)

    assert run.end == "failed"
    assert run.states["t199"] == "success"
    assert looks < 2 * len(names)
