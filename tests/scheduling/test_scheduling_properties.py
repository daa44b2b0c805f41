"""Properties of scheduling over random plans and random histories. ``Play`` holds ``Frontier`` to ``decide`` at every round."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.scheduling.decide import decide
from actorflow.state import EMPTY, RunStatus, TaskStatus, apply, fold
from actorflow.state import events as ev
from actorflow.workflow.budget import Budget
from actorflow.workflow.plan import Plan
from tests.strategies.plans import POOLS, plans
from tests.strategies.plays import Play

_ORDINARY = ("ok",) * 6 + (
    "fail",
    "fail",
    "fatal",
    "lost",
    "requeue",
    "usage",
    "session",
    "lift",
    "wait",
    "wait",
    "set_back",
    "slow_down",
    "crash",
    "rebuild",
)
_DRASTIC = ("cancel", "time_out", "resume", "pause")
steps = st.integers(0, 60).flatmap(
    lambda size: st.lists(
        st.tuples(st.sampled_from(_ORDINARY * 2 + _DRASTIC), st.integers(0, 7)), min_size=size, max_size=size
    )
)


def step(play: Play, word: str, pick: int) -> Play:
    """Let one thing happen; what is impossible now is passed over."""
    name = play.running[pick % len(play.running)] if play.running else None
    if play.end is not None and not pick:
        word = "resume"
    if play.state.status is RunStatus.PAUSED and word != "crash":
        word = "go_on"
    spent = {} if pick == 7 else {"cost_usd": pick * 0.25, "tokens": pick}
    match word:
        case "go_on" if pick < 4:
            play.happens(ev.DriverStarted(3, "host", 3))  # it pauses again at once
        case "go_on":
            play.allow(usd=pick * 2.0, agents=pick * 3)
        case "cancel":
            if play.end is None:
                play.cancel()
        case "time_out":
            if play.end is None:
                play.time_out()
        case "resume":
            if play.end is not None:
                play.resume(*play.left_over)
        case "pause":
            if play.end is None:
                play.happens(ev.RunPaused("test"))
                play.happens(ev.DriverStarted(3, "host", 3))
        case "crash":
            if play.end is None:
                return Play.recovered(play.plan, play.batches, t=play.t, resume=pick > 4)
        case "rebuild":
            play.rebuild()
        case "wait":
            play.wait((0.5, 1, 2, 5, 8, 30, 60, 600)[pick])
        case "set_back":
            play.wait(-(0.5, 1, 2, 5, 8, 30, 60, 600)[pick])
        case "slow_down" if name:
            play.fail(name, after=pick * 3.0)
        case "lift" if play.state.outcome is None:
            play.happens(ev.RunResumed((), lifts_limits=True))
        case "lift" if play.end is None:  # its outcome is open again, so its end hooks run once more
            return Play.recovered(play.plan, play.batches, t=play.t, resume=True, lifts_limits=True)
        case "requeue" if name:
            play.requeue(name, due_at=play.t + pick * 5.0 - 5.0, **spent)
        case "usage" if name:
            play.requeue(name, due_at=play.t + pick * 50.0 - 5.0, kind="usage_limit")
        case "session" if name:
            play.open_session(name, f"s{pick}")
        case "lost" if name:
            play.lose(name)
        case "fail" | "fatal" if name:
            kind = ("exit_status", "exit_status", "session_not_found", "interpolation")[pick % 4]
            play.fail(name, retryable=word == "fail", kind=kind, **spent)
        case "ok" if name:
            if play.state.is_cancelling and pick % 2:
                play.stopped(name)
            else:
                play.ok(name, **spent)
    return play


def bring_to_an_end(play: Play) -> None:
    """Let every attempt come to an end, and time pass while there is none."""
    for _ in range(60 + 30 * len(play.plan.tasks)):
        if play.end is not None:
            return
        play.happens()
        if play.state.status is RunStatus.PAUSED:
            play.allow()
        elif play.running:
            step(play, "ok", 1)
        else:
            play.wait_next()
    assert play.end is not None, f"does not end: {play.states}"


def check(play: Play) -> None:
    """What holds at every moment."""
    state, plan = play.state, play.plan
    tasks = [task for task in state.tasks.values() if not task.hook]
    running = [task for task in tasks if task.is_attempt_open]
    assert len(running) <= plan.max_parallel
    used: Counter[str] = Counter()
    for task in running:
        used.update(plan.tasks[task.id].spec.resources)
        assert all(state.tasks[d].status.is_terminal for d in task.dependencies)
    assert all(used[pool] <= size for pool, size in POOLS.items())
    assert sum(task.is_attempt_open for task in state.tasks.values() if task.hook) <= 1
    assert_counters(play)


def check_starts(play: Play) -> None:
    """Whatever started could: its backend and its pool were open, there was room in the pool, and money left. Kept in books of its own."""
    state, spent, tokens, paid, budget = EMPTY, 0.0, 0, 0, play.plan.workflow.settings.budget
    for at, event in play.events:
        match event:
            case ev.BudgetChanged():
                budget = Budget(usd=event.usd, tokens=event.tokens, agents=event.agents)
            case ev.AttemptStarted() if event.backend:
                pool = event.pool or event.backend
                for name in {pool, event.backend} & set(state.limits):
                    assert state.limits[name].opens_at <= at
                if pool in state.limits and not state.tasks[event.task].hook:
                    tasks = [t for t in state.tasks.values() if t.is_attempt_open and not t.hook]
                    allowed = state.limits[pool].allowed
                    assert allowed is None or sum(t.pool == pool for t in tasks) < allowed
                assert budget.usd is None or round(spent, 9) < budget.usd
                assert budget.tokens is None or tokens < budget.tokens
                assert budget.agents is None or paid < budget.agents
                paid += 1
            case ev.AttemptRequeued() if state.tasks[event.task].backend:
                paid -= 1
        if hasattr(event, "attempt"):
            spent += getattr(event, "cost_usd", None) or 0.0
            tokens += getattr(event, "tokens", None) or 0
        state = apply(state, event, at)


def check_fallbacks(play: Play) -> None:
    """Agents take their turns in order, and each has no more attempts than the task's retries allow."""
    turn: dict[str, int] = {}
    for _, event in play.events:
        match event:
            case ev.RunResumed():
                for task in event.tasks:
                    turn.pop(task, None)
            case ev.AttemptStarted():
                agents = play.plan.tasks[event.task].spec.agents
                index = agents.index(event.agent)
                assert index - turn.get(event.task, 0) in (0, 1)
                turn[event.task] = index
    for name, task in play.plan.tasks.items():
        assert play.of(name).counted <= task.retry.max_attempts


def assert_counters(play: Play) -> None:
    """The counters are what a recount gives, and the context holds exactly the tasks that are done."""
    state = play.state
    tasks = [task for task in state.tasks.values() if not task.hook]
    assert state.unfinished == sum(not task.status.is_terminal for task in tasks)
    assert state.failed == sum(task.status is TaskStatus.FAILED for task in tasks)
    assert state.cancelled == sum(task.status is TaskStatus.CANCELLED for task in tasks)
    assert state.running == sum(task.is_attempt_open for task in tasks)
    assert set(state.context) == {task.id for task in state.tasks.values() if task.status.is_terminal}
    assert state.sequence == len(play.events)


@pytest.mark.slow
@given(plans(), steps)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_any_history_keeps_to_the_limits_and_ends(plan: Plan, history: list[tuple[str, int]]) -> None:
    play = Play(plan).begin()
    check(play)
    for word, pick in history:
        play = step(play, word, pick)
        check(play)

    bring_to_an_end(play)

    check(play)
    check_starts(play)
    check_fallbacks(play)
    assert all(play.of(name).status.is_terminal for name, task in plan.tasks.items() if not task.hook)
    assert play.running == []
    assert all(task.status is not TaskStatus.RUNNING for task in play.state.tasks.values())
    assert play.waiting == []
    assert decide(play.facts, play.state, play.t) == []


@pytest.mark.slow
@given(plans(max_tasks=12), steps)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_folding_the_journal_gives_the_live_state(plan: Plan, history: list[tuple[str, int]]) -> None:
    play = Play(plan).begin()
    for word, pick in history:
        play = step(play, word, pick)
    bring_to_an_end(play)

    journal = [(at, ev.decode(ev.encode(event))) for at, event in play.events]
    middle = len(journal) // 2

    assert fold(journal) == play.state
    assert fold(journal) == fold(journal)
    assert fold(journal[middle:], fold(journal[:middle])) == play.state


@pytest.mark.slow
@given(plans(max_tasks=7), steps)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_a_run_cut_after_any_batch_goes_on_and_repeats_nothing(
    plan: Plan, history: list[tuple[str, int]]
) -> None:
    play = Play(plan).begin()
    for word, pick in history:
        play = play if play.end or word == "crash" else step(play, word, pick)
    bring_to_an_end(play)

    for cut in range(1, len(play.batches)):
        again = Play.recovered(plan, play.batches[:cut], t=play.t)
        known = sum(len(batch) for _, batch in play.batches[:cut])
        succeeded = succeeded_in(play, known)
        bring_to_an_end(again)

        check(again)
        started = {event.task for _, event in again.events[known:] if isinstance(event, ev.AttemptStarted)}
        assert not started & succeeded


def succeeded_in(play: Play, known: int) -> set[str]:
    """The tasks that had succeeded after that many events."""
    state = fold(play.events[:known])
    return {task.id for task in state.tasks.values() if task.status is TaskStatus.SUCCESS}


@pytest.mark.slow
@given(plans(max_tasks=12), steps)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_no_task_starts_before_its_dependencies_are_done(plan: Plan, history: list[tuple[str, int]]) -> None:
    play = Play(plan).begin()
    for word, pick in history:
        play = step(play, word, pick)
    bring_to_an_end(play)

    state = EMPTY
    for at, event in play.events:
        if isinstance(event, ev.AttemptStarted):
            assert all(state.tasks[d].status.is_terminal for d in state.tasks[event.task].dependencies)
        state = apply(state, event, at)


@pytest.mark.slow
@given(plans(max_tasks=8), steps, st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_rerunning_a_finished_task_and_all_behind_it_ends_too(
    plan: Plan, history: list[tuple[str, int]], data: st.DataObject
) -> None:
    play = Play(plan).begin()
    for word, pick in history:
        play = step(play, word, pick)
    bring_to_an_end(play)
    chosen = data.draw(st.sampled_from([name for name, task in plan.tasks.items() if not task.hook]))

    again = {chosen}
    for name, task in plan.tasks.items():
        if again.intersection(task.dependencies):
            again.add(name)
    play.resume(*dict.fromkeys((*play.left_over, *again)))
    check(play)
    bring_to_an_end(play)

    check(play)
    assert all(task.status.is_terminal for task in play.state.tasks.values() if not task.hook)
