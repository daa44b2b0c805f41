"""Limits of services, the budget, fallbacks and sessions, as scheduling decides about them. ``Play`` holds ``Frontier`` to ``decide`` in all of it."""

from __future__ import annotations

import pytest

from actorflow.scheduling.services import limit_wait, over_budget, pool_of, session_for
from actorflow.state import events as ev
from actorflow.state.parking import parked_until
from actorflow.state.status import RunStatus, SubState
from actorflow.workflow.budget import Budget
from actorflow.workflow.model import HookPhase, RetryPolicy
from tests.strategies.plans import plan, task
from tests.strategies.plays import Play

CLAUDE = ("claude",)
TWICE = RetryPolicy(max_attempts=2, delay_seconds=0.0)


def paid(name: str, *dependencies: str, **more):
    return task(name, *dependencies, agents=CLAUDE, **more)


def eight(**more) -> Play:
    return Play(plan(*[paid(f"t{i}") for i in range(12)], max_parallel=8, **more)).begin()


# --- limits ------------------------------------------------------------------------------------------------------


def test_a_limit_halves_the_pool_and_holds_it_until_the_service_said() -> None:
    play = eight()
    play.wait(1.0)
    play.requeue("t0", due_at=31.0)
    play.ok(*[f"t{i}" for i in range(1, 8)])
    assert play.running == []

    play.wait(29.0)
    assert play.running == []
    play.wait(1.0)
    assert len(play.running) == 4


def test_a_pool_widens_with_each_success_and_is_then_as_wide_as_the_run() -> None:
    many = plan(*[paid(f"t{i}") for i in range(60)], max_parallel=4)
    play = Play(many).begin()
    play.requeue("t0", due_at=1.0)
    widths = []
    while play.state.limits:
        if not play.running:
            play.wait_next()
        widths.append(len(play.running))
        play.ok(play.running[0], cost_usd=0.0)

    assert max(widths[:1]) <= 3
    assert widths[-1] == 3
    assert len(play.running) == 4


def test_what_costs_nothing_and_other_backends_are_not_held_up() -> None:
    drafts = [paid("a"), paid("b"), task("free"), task("other", agents=("codex",))]
    play = Play(plan(*drafts, max_parallel=1)).begin()

    play.requeue("a", due_at=100.0, kind="usage_limit")
    assert play.running == ["free"]
    play.ok("free")
    assert play.running == ["other"]
    play.ok("other")
    assert play.running == []
    assert parked_until(play.state) == 100.0
    play.wait(100.0)
    assert play.running == ["a"]


def test_a_pool_of_the_workflow_is_limited_by_itself() -> None:
    drafts = [paid(f"o{i}", resources={"opus": 1}) for i in range(4)] + [paid("h", resources={"haiku": 1})]
    play = Play(plan(*drafts, max_parallel=2, pools={"opus": 2, "haiku": 2})).begin()
    play.requeue("o0", due_at=50.0)

    assert play.running == ["o1", "h"]
    assert play.of("o1").pool == "opus"


def test_the_pool_of_a_task_is_its_backends_own_or_the_first_that_it_names() -> None:
    drafts = [
        paid("none"),
        paid("one", resources={"opus": 1}),
        paid("two", resources={"gpu": 1, "opus": 1}),
        paid("same", resources={"gpu": 1, "claude": 1}),
    ]
    tasks = plan(*drafts, pools={"gpu": 1, "opus": 1, "claude": 1}).tasks

    assert [pool_of(planned, "claude") for planned in tasks.values()] == ["claude", "opus", "gpu", "claude"]
    assert pool_of(tasks["one"], "") == ""


def test_a_usage_limit_of_one_task_holds_every_pool_of_its_backend() -> None:
    drafts = [paid("a", resources={"opus": 1}), paid("b", resources={"haiku": 1})]
    play = Play(plan(*drafts, max_parallel=1, pools={"opus": 2, "haiku": 2})).begin()
    play.requeue("a", due_at=50.0, kind="usage_limit")

    assert play.running == []
    assert parked_until(play.state) == 50.0


def test_a_back_off_that_ends_before_the_limit_is_lifted_is_parked_too() -> None:
    play = Play(plan(paid("a", retry=TWICE), paid("b"), max_parallel=2)).begin()
    play.requeue("b", due_at=100.0, kind="usage_limit")
    play.fail("a", after=20.0)

    assert parked_until(play.state) == 100.0
    play.wait(20.0)
    assert play.running == []
    play.wait(80.0)
    assert play.running == ["a", "b"]


def test_a_run_that_waits_out_a_back_off_is_not_parked() -> None:
    play = Play(plan(paid("a"), task("b", retry=TWICE), max_parallel=2)).begin()
    play.requeue("a", due_at=100.0)
    assert parked_until(play.state) is None
    play.fail("b", after=20.0)

    assert parked_until(play.state) is None
    assert play.of("a").waiting is SubState.PARKED


def test_a_resume_that_knows_better_lifts_all_limits() -> None:
    play = Play(plan(paid("a"), paid("b"), max_parallel=1)).begin()
    play.requeue("a", due_at=9000.0, kind="usage_limit")
    assert play.running == []

    play.happens(ev.RunResumed((), lifts_limits=True))

    assert play.running == ["a"]
    assert play.state.limits == {}
    assert parked_until(play.state) is None


def test_a_hook_waits_for_its_service_too() -> None:
    play = Play(plan(paid("a"), paid("bye", hook=HookPhase.ON_COMPLETE))).begin()
    play.ok("a")
    play.requeue("bye", due_at=70.0, kind="usage_limit")
    play.wait(69.0)
    assert play.running == []
    play.wait(1.0)
    play.ok("bye")

    assert play.end == "success"


@pytest.mark.parametrize(
    ("said", "kind", "waits"),
    [
        (None, "rate_limit", [15, 30, 60, 120, 240, 480, 900, 900]),
        (None, "usage_limit", [300, 600, 1200, 2400, 3600, 3600]),
        (0.0, "rate_limit", [1, 2, 4, 8, 16, 32, 60, 60]),
        (7.0, "rate_limit", [7, 7, 7, 8, 16, 32, 60]),
        (9000.0, "usage_limit", [9000, 9000]),
    ],
)
def test_a_service_that_says_too_little_is_asked_more_and_more_seldom(said, kind: str, waits) -> None:
    assert [limit_wait(said, kind=kind, times=n) for n in range(len(waits))] == waits
    assert limit_wait(said, kind=kind, times=10_000) <= 9000


def test_how_often_a_limit_was_hit_in_a_row_is_counted_for_each_task() -> None:
    play = Play(plan(paid("a", retry=TWICE))).begin()
    for n in (1, 2, 3):
        play.requeue("a", due_at=play.t)
        assert play.of("a").requeues == n
    play.fail("a")

    assert play.of("a").requeues == 0


# --- the budget --------------------------------------------------------------------------------------------------


def test_at_the_limit_nothing_that_costs_starts_and_the_run_pauses_once_nothing_runs() -> None:
    play = Play(plan(paid("a"), paid("b"), paid("c"), max_parallel=2, budget=Budget(usd=2.0))).begin()
    play.ok("a", cost_usd=2.5)
    assert play.running == ["b"]
    play.ok("b", cost_usd=0.25)

    assert play.state.status is RunStatus.PAUSED
    assert (play.state.paused_kind, play.state.paused_because) == (
        "budget",
        "budget.usd: $2.75 of $2.00 is spent",
    )


def test_failed_attempts_count_and_a_retry_is_not_paid_for() -> None:
    play = Play(plan(paid("a", retry=TWICE), budget=Budget(usd=1.0))).begin()
    play.fail("a", cost_usd=1.0)

    assert play.state.status is RunStatus.PAUSED
    assert play.of("a").due_at is not None


def test_a_raised_budget_lets_the_run_go_on_where_it_was() -> None:
    play = Play(plan(paid("a", retry=TWICE), budget=Budget(usd=1.0))).begin()
    play.fail("a", cost_usd=1.0)
    play.happens(ev.DriverStarted(2, "host", 2))
    assert play.state.status is RunStatus.PAUSED, "without more money it pauses again at once"

    play.allow(usd=2.0)
    assert play.running == ["a"]
    play.ok("a", cost_usd=0.5)
    assert play.end == "success"
    assert play.state.account.cost_usd == 1.5


def test_what_costs_nothing_goes_on_and_finishes_the_run_if_it_can() -> None:
    play = Play(plan(paid("a"), task("b", "a"), task("c", "b"), budget=Budget(usd=1.0))).begin()
    play.ok("a", cost_usd=5.0)
    play.ok("b", "c")

    assert play.end == "success"


def test_a_free_task_in_its_back_off_keeps_the_run_from_pausing() -> None:
    play = Play(plan(paid("a"), paid("b", "a"), task("c", retry=TWICE), budget=Budget(agents=1))).begin()
    play.ok("a", cost_usd=0.1)
    play.fail("c", after=10.0)
    assert play.state.status is RunStatus.RUNNING
    play.wait(10.0)
    play.ok("c")

    assert play.state.status is RunStatus.PAUSED
    assert play.state.paused_because == "budget.agents: 1 of 1 attempts are started"


def test_attempts_of_agents_are_counted_within_one_round_of_starts_too() -> None:
    play = Play(
        plan(*[paid(f"t{i}") for i in range(5)], task("free"), max_parallel=6, budget=Budget(agents=3))
    )

    assert play.begin().running == ["t0", "t1", "t2", "free"]


def test_an_attempt_that_a_limit_sent_back_is_no_attempt_of_the_budget() -> None:
    play = Play(plan(paid("a"), budget=Budget(agents=1))).begin()
    play.requeue("a", due_at=5.0)
    play.wait(5.0)

    assert play.running == ["a"]


def test_tokens_are_a_budget_of_their_own() -> None:
    play = Play(plan(paid("a"), paid("b", "a"), budget=Budget(tokens=100))).begin()
    play.ok("a", tokens=100)

    assert play.state.paused_because == "budget.tokens: 100 of 100 are used"


@pytest.mark.parametrize("budget", [Budget(usd=5.0), Budget(tokens=500)])
def test_an_attempt_that_does_not_say_what_it_spent_holds_the_run_until_a_person_has_seen_it(budget) -> None:
    play = Play(plan(paid("a"), paid("b", "a"), budget=budget)).begin()
    play.ok("a")
    assert play.state.status is RunStatus.PAUSED
    assert "nobody knows what 1 attempt spent" in play.state.paused_because

    play.allow(usd=budget.usd, tokens=budget.tokens)
    assert play.running == ["b"]


def test_what_was_lost_or_sent_back_without_a_word_runs_again_and_holds_nothing() -> None:
    play = Play(plan(paid("a"), budget=Budget(usd=5.0, tokens=500))).begin()
    play.lose("a")
    play.requeue("a", due_at=0.0)
    play.ok("a", cost_usd=1.0, tokens=1)

    assert play.end == "success"
    assert play.state.account.unknown_costs == 2


def test_without_a_budget_unknown_costs_hold_nothing() -> None:
    play = Play(plan(paid("a"), paid("b", "a"))).begin()
    play.ok("a", "b")

    assert play.end == "success"
    assert (play.state.account.cost_usd, play.state.account.unknown_costs) == (None, 2)


def test_a_budget_is_reached_in_spite_of_the_last_bit_of_a_sum() -> None:
    play = Play(plan(*[paid(f"t{i}") for i in range(11)], max_parallel=1, budget=Budget(usd=1.0))).begin()
    for n in range(10):
        play.ok(f"t{n}", cost_usd=0.1)

    assert over_budget(play.plan, play.state)


def test_a_hook_of_the_end_that_is_not_paid_for_fails_and_only_warns() -> None:
    hooks = [paid("bye", hook=HookPhase.ON_COMPLETE), task("free", hook=HookPhase.ON_COMPLETE)]
    play = Play(plan(paid("a"), *hooks, budget=Budget(agents=1))).begin()
    play.ok("a", cost_usd=0.1)
    play.ok("free")

    assert (play.of("bye").error.kind, play.end) == ("budget", "success")


def test_a_hook_of_the_start_that_is_not_paid_for_pauses_the_run() -> None:
    hooks = [paid("one", hook=HookPhase.ON_START), paid("two", hook=HookPhase.ON_START)]
    play = Play(plan(task("a"), *hooks, budget=Budget(agents=1))).begin()
    play.ok("one", cost_usd=0.1)

    assert play.state.status is RunStatus.PAUSED


# --- fallbacks ---------------------------------------------------------------------------------------------------


def agents_of(play: Play) -> list[tuple[str, int]]:
    return [(event.agent, event.attempt) for _, event in play.events if isinstance(event, ev.AttemptStarted)]


def test_each_agent_of_the_list_has_all_attempts_of_the_task() -> None:
    play = Play(plan(task("a", agents=("coder", "codex", "echo"), retry=TWICE))).begin()
    for _ in range(5):
        play.fail("a")
    play.ok("a")

    assert agents_of(play) == [
        ("coder", 1),
        ("coder", 2),
        ("codex", 3),
        ("codex", 4),
        ("echo", 5),
        ("echo", 6),
    ]
    assert play.end == "success"


def test_an_error_that_no_attempt_can_help_goes_on_to_the_next_agent_at_once() -> None:
    play = Play(plan(task("a", agents=("coder", "codex"), retry=TWICE))).begin()
    play.fail("a", kind="authentication", retryable=False, after=60.0)
    assert agents_of(play)[-1] == ("codex", 2)
    play.fail("a", kind="authentication", retryable=False)

    assert play.end == "failed"
    assert play.of("a").error.kind == "authentication"


@pytest.mark.parametrize("kind", ["interpolation", "condition_error"])
def test_an_error_that_every_agent_would_meet_tries_nobody_else(kind: str) -> None:
    play = Play(plan(task("a", agents=("coder", "codex")))).begin()
    play.fail("a", kind=kind, retryable=False)

    assert play.end == "failed"


def test_a_cancellation_tries_nobody_else() -> None:
    play = Play(plan(task("a", agents=("coder", "codex")))).begin()
    play.cancel()
    play.fail("a", retryable=False)

    assert play.end == "cancelled"
    assert len(agents_of(play)) == 1


def test_a_task_that_is_lost_too_often_tries_nobody_else() -> None:
    play = Play(plan(task("a", agents=("coder", "codex")))).begin()
    for _ in range(4):
        play.lose("a")

    assert play.end == "failed"
    assert {agent for agent, _ in agents_of(play)} == {"coder"}


def test_a_limit_waits_for_the_same_agent() -> None:
    play = Play(plan(task("a", agents=("coder", "codex")))).begin()
    play.requeue("a", due_at=10.0)
    play.wait(10.0)

    assert agents_of(play) == [("coder", 1), ("coder", 2)]


def test_a_fallback_of_another_backend_is_not_held_by_the_limits_of_the_first() -> None:
    play = Play(plan(task("a", agents=("coder", "codex")), paid("b"), max_parallel=2)).begin()
    play.requeue("b", due_at=100.0, kind="usage_limit")
    play.fail("a", retryable=False)

    assert agents_of(play)[-1] == ("codex", 2)


def test_a_tolerated_failure_comes_after_the_last_agent() -> None:
    play = Play(plan(task("a", agents=("coder", "codex"), tolerate=True))).begin()
    play.fail("a")
    play.fail("a")

    assert play.states["a"] == "skipped(tolerated_failure)"


def test_a_resume_begins_with_the_first_agent_again() -> None:
    play = Play(plan(task("a", agents=("coder", "codex")))).begin()
    play.fail("a")
    play.fail("a")
    play.resume(*play.left_over)

    assert agents_of(play)[-1] == ("coder", 3)


# --- sessions ----------------------------------------------------------------------------------------------------


def sessions_of(play: Play) -> list[str | None]:
    return [event.session for _, event in play.events if isinstance(event, ev.AttemptStarted)]


@pytest.mark.parametrize("kind", ["exit_status", "timeout", "crashed", "overloaded", "max_turns"])
def test_another_attempt_goes_on_with_the_session_of_the_last(kind: str) -> None:
    play = Play(plan(paid("a", retry=TWICE))).begin()
    play.open_session("a", "s1")
    play.fail("a", kind=kind)

    assert sessions_of(play) == [None, "s1"]


@pytest.mark.parametrize(
    "kind", ["session_not_found", "prompt_too_long", "invalid_output", "verify_failed", "refused"]
)
def test_after_an_error_of_the_conversation_itself_another_attempt_begins_afresh(kind: str) -> None:
    play = Play(plan(paid("a", retry=TWICE))).begin()
    play.open_session("a", "s1")
    play.fail("a", kind=kind)

    assert sessions_of(play) == [None, None]


def test_a_limit_and_a_crash_of_the_driver_go_on_with_the_session() -> None:
    play = Play(plan(paid("a"))).begin()
    play.open_session("a", "s1")
    play.requeue("a", due_at=0.0)
    play.lose("a")

    assert sessions_of(play) == [None, "s1", "s1"]


def test_another_agent_begins_a_session_of_its_own_and_a_resume_does_not_go_back_to_the_first() -> None:
    play = Play(plan(task("a", agents=("coder", "claude")))).begin()
    play.open_session("a", "of coder")
    play.fail("a")
    play.open_session("a", "of claude")
    play.fail("a")
    play.resume(*play.left_over)

    assert sessions_of(play) == [None, None, None]


def test_a_resume_goes_on_with_the_session_unless_the_task_had_succeeded() -> None:
    play = Play(plan(paid("a"), paid("b", "a"))).begin()
    play.open_session("a", "s1")
    play.ok("a")
    play.open_session("b", "s2")
    play.fail("b")
    play.resume("a", "b")
    assert sessions_of(play)[-1] is None
    play.ok("a")

    assert sessions_of(play)[-1] == "s2"


def test_a_task_goes_on_with_the_session_of_the_task_that_it_names() -> None:
    play = Play(plan(paid("a"), paid("b", "a", session="a", retry=TWICE))).begin()
    play.open_session("a", "s1")
    play.ok("a")
    assert sessions_of(play) == [None, "s1"]

    play.fail("b", kind="session_not_found")
    assert sessions_of(play)[-1] is None, "it was not there, so it is not asked for again"


def test_a_session_of_another_service_is_of_no_use() -> None:
    drafts = [paid("a"), task("b", "a", session="a", agents=("codex",))]
    play = Play(plan(*drafts)).begin()
    play.open_session("a", "s1")
    play.ok("a")

    assert session_for(play.plan, play.state, play.of("b")) is None


def test_what_a_session_has_cost_is_known_by_its_id_over_tasks_and_forks() -> None:
    drafts = [paid("a", retry=TWICE), paid("b", "a", session="a"), paid("c", "b", session="a")]
    play = Play(plan(*drafts)).begin()
    play.open_session("a", "s1")
    play.fail("a", cost_usd=1.0)
    play.ok("a", cost_usd=0.5)
    play.ok("b", cost_usd=0.25)
    assert play.state.session_costs == {"s1": 1.75}

    play.open_session("c", "fork")
    play.ok("c", cost_usd=1.0)
    assert play.state.session_costs == {"s1": 1.75, "fork": 2.75}
