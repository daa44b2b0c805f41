"""Limits, budgets, fallbacks and sessions in runs that are driven: who waits for what, and what agents are told."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.agents.interface import AgentResult
from actorflow.engine.run_clock import RunClock
from actorflow.engine.waiting import LOOK_SECONDS
from actorflow.errors import AgentError
from actorflow.rehearsal.kinds import KINDS
from actorflow.state import RunStatus
from actorflow.state import events as ev
from actorflow.state.services import ENDS_SESSION, LIMIT_KINDS
from actorflow.testing.agents import ScriptedAgent
from actorflow.workflow import AgentTraits

EPOCH = 1_800_000_000.0

THREE = """
name: three
settings: {max_parallel: 3, timeout: 60}
tasks: [{id: a, agent: scripted}, {id: b, agent: scripted}, {id: c, agent: scripted}]
"""
CHAIN = """
name: chain
settings: {budget: {usd: 2}}
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a]}
"""

PLAIN = AgentTraits(name="plain", needs_folder=False)
OTHER = AgentTraits(name="other", needs_folder=False)


def limit(kind: str = "rate_limit", after: float | None = None, **more) -> AgentError:
    return AgentError(kind, "slow down", retry_after_seconds=after, **more)


def cost(usd: float | None, output: object = "done", **more) -> AgentResult:
    return AgentResult(output=output, cost_usd=usd, **more)


async def test_tasks_that_have_not_begun_wait_for_the_limit_and_are_woken_when_it_is_lifted(
    rehearse, autojump_clock
) -> None:
    run = rehearse(THREE.replace("max_parallel: 3", "max_parallel: 1"))
    run.agent.script("a", limit("usage_limit", after=7200.0), "done")

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert [round(run.times(ev.AttemptStarted, t)[-1] - EPOCH) for t in "abc"] == [7200, 7200, 7200]


async def test_a_task_that_a_resume_takes_back_is_woken_when_its_service_opens(
    rehearse, autojump_clock
) -> None:
    run = rehearse(THREE)
    accepted = run.accepted()
    failure = ev.Failure("usage_limit", "used up")
    for event in (
        accepted,
        ev.DriverStarted(1, "host", 1),
        ev.AttemptStarted("a", 1, "scripted", "scripted"),
        ev.AttemptRequeued("a", 1, EPOCH + 500.0, failure),
        ev.RetryScheduled("a", 2, EPOCH + 500.0, 500.0),
        ev.RunResumed(("a",)),
    ):
        run.record(event)

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert [round(run.times(ev.AttemptStarted, t)[-1] - EPOCH) for t in "abc"] == [500, 500, 500]


async def test_time_in_which_the_run_is_parked_does_not_count_against_its_timeout(
    rehearse, autojump_clock
) -> None:
    run = rehearse(THREE)
    for task in "abc":
        run.agent.script(task, limit("usage_limit", after=90_000.0), "done")

    assert (await run.run()).status is RunStatus.SUCCESS


async def test_the_timeout_of_a_task_is_that_of_an_attempt_and_not_of_the_waits_between(
    rehearse, autojump_clock
) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted, timeout: 30}]")
    run.agent.script("a", *[limit(after=600.0)] * 20, "done")

    assert (await run.run()).status is RunStatus.SUCCESS
    assert run.state.tasks["a"].counted == 1
    assert run.state.ended_at - EPOCH == pytest.approx(20 * 600)


async def test_a_limit_without_a_word_about_when_waits_longer_each_time(rehearse, autojump_clock) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", *[limit()] * 4, "done")

    await run.run()

    starts = run.times(ev.AttemptStarted, "a")
    assert [round(b - a) for a, b in pairwise(starts)] == [15, 30, 60, 120]
    assert run.state.tasks["a"].counted == 1


@pytest.mark.parametrize("said", [float("inf"), float("nan"), -5.0, "soon", 1e300])
async def test_a_wait_that_makes_no_sense_is_no_wait_for_ever(rehearse, autojump_clock, said) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", limit(after=said), "done")

    assert (await run.run()).status is RunStatus.SUCCESS
    assert run.state.ended_at - EPOCH <= 31 * 86400


async def test_a_machine_that_sleeps_through_the_end_of_a_limit_does_not_wait_for_what_is_over(
    rehearse, autojump_clock
) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", limit("usage_limit", after=7200.0), "done")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.sleep(100)
        run.slept = 7000.0  # no timer has counted these
        await trio.sleep(2 * LOOK_SECONDS)

        assert run.state.status is RunStatus.RUNNING
        await trio.sleep(100)
        assert run.state.status is RunStatus.SUCCESS


async def test_the_pool_is_as_narrow_as_half_of_what_ran(rehearse, autojump_clock) -> None:
    tasks = ", ".join(f"{{id: t{i}, agent: scripted}}" for i in range(20))
    run = rehearse(f"name: wide\nsettings: {{max_parallel: 8}}\ntasks: [{tasks}]")
    gates = [run.agent.hold(f"t{i}") for i in range(8)]
    run.agent.script("t0", limit(after=10.0), "done")
    most: list[int] = []

    async def watch(feed) -> None:
        async for update in feed:
            if update.state.limits and update.state.limits["scripted"].opens_at <= update.state.updated_at:
                most.append(update.state.running - update.state.limits["scripted"].allowed)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run.run(watch=watch))
        for gate in gates:
            await gate.reached.wait()
        await trio.sleep(1)
        gates[0].open()
        await trio.sleep(1)
        for gate in gates[1:]:
            gate.open()

    assert most
    assert max(most) <= 0
    assert run.state.limits["scripted"].allowed == 6, "4 successes made it 5, 5 more made it 6"


async def test_at_its_budget_a_run_pauses_and_goes_on_with_a_raised_one(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    run.agent.script("a", cost(2.5))
    run.agent.script("b", cost(0.5))

    state = await run.run()
    assert (state.status, state.paused_because) == (RunStatus.PAUSED, "budget.usd: $2.50 of $2.00 is spent")
    assert (await run.run()).status is RunStatus.PAUSED
    assert run.agent.attempts("b") == []

    state = await run.run(budget=ev.BudgetChanged(usd=10.0))
    assert (state.status, state.account.cost_usd) == (RunStatus.SUCCESS, 3.0)
    assert [request.budget_usd for request in run.agent.requests] == [2.0, 7.5]


async def test_an_attempt_that_never_came_to_its_agent_has_cost_nothing(rehearse, autojump_clock) -> None:
    hole = "parameters: {x: '${int(\"none\")}'}"
    run = rehearse(f"""
name: broken
settings: {{budget: {{usd: 2}}, max_parallel: 1, on_failure: continue}}
tasks:
  - {{id: a, agent: scripted, {hole}}}
  - {{id: b, agent: scripted}}
""")  # fmt: skip
    run.agent.script("b", cost(0.5))

    state = await run.run()

    assert state.status is RunStatus.FAILED
    tasks = [state.tasks[name] for name in "ab"]
    assert [(task.status.value, task.cost_usd) for task in tasks] == [("failed", 0.0), ("success", 0.5)]


async def test_an_attempt_that_stops_at_the_runs_budget_is_not_used_up(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    over = AgentError("max_budget", "too much", retryable=False, cost_usd=2.125, session_id="s1")
    run.agent.script("a", over, cost(0.5))

    state = await run.run()
    assert (state.status, state.tasks["a"].counted) == (RunStatus.PAUSED, 0)

    state = await run.run(budget=ev.BudgetChanged(usd=3.0))
    assert state.status is RunStatus.SUCCESS
    assert [(r.session, r.interrupted_by, r.session_cost_usd) for r in run.agent.requests[:2]] == [
        (None, "", 0.0),
        ("s1", "max_budget", 2.125),
    ]


async def test_attempts_at_the_same_time_share_what_is_left(rehearse, autojump_clock) -> None:
    run = rehearse(THREE.replace("timeout: 60", "budget: {usd: 6}"))
    gates = [run.agent.hold(task) for task in "abc"]
    run.agent.script("a", AgentError("max_budget", "enough", retryable=False, cost_usd=2.25), cost(0.5))
    run.agent.script("b", cost(1.0))
    run.agent.script("c", cost(0.5))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        for gate in reversed(gates):
            await gate.reached.wait()
            gate.open()
            await wait_all_tasks_blocked()

    assert run.state.status is RunStatus.SUCCESS
    told = [(request.task_id, request.budget_usd) for request in run.agent.requests]
    assert sorted(told[:3]) == [("a", 2.0), ("b", 2.0), ("c", 2.0)]
    assert told[3:] == [("a", 2.25)], "what b, c and its own first part have left, for it alone"


async def test_an_attempt_that_stops_at_a_budget_of_its_own_has_failed(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    run.agent.script("a", AgentError("max_budget", "too much", retryable=False, cost_usd=0.1))

    assert (await run.run()).status is RunStatus.FAILED


async def test_a_session_that_is_gone_uses_up_no_attempt_and_a_fresh_one_is_begun(
    rehearse, autojump_clock
) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted, retry: {max_attempts: 2, delay: 0}}]")
    gone = AgentError("session_not_found", "no conversation")
    run.agent.script("a", AgentError("exit_status", "no", session_id="s1"), gone, "done")

    assert (await run.run()).status is RunStatus.SUCCESS
    assert [request.session for request in run.agent.requests] == [None, "s1", None]


async def test_a_session_that_was_never_there_is_a_failure_like_any_other(rehearse, autojump_clock) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", AgentError("session_not_found", "no conversation"))

    assert (await run.run()).status is RunStatus.FAILED


async def test_another_tasks_session_is_no_interrupted_one(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: two
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a], session: a, retry: {max_attempts: 2, delay: 0}}
"""
    )
    run.agent.script("a", cost(1.0, session_id="s1"))
    run.agent.script("b", AgentError("timeout", "too slow", session_id="s1", cost_usd=0.5), "done")

    await run.run()

    assert [(r.session, r.interrupted_by, r.session_cost_usd) for r in run.agent.requests] == [
        (None, "", 0.0),
        ("s1", "", 1.0),
        ("s1", "timeout", 1.5),
    ]


async def test_the_next_agent_takes_over_with_the_same_request(rehearse, autojump_clock) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: [scripted, other], parameters: {n: 1}}]", more=[OTHER])
    run.agent.script("a", AgentError("authentication", "no login", retryable=False))

    state = await run.run()

    other: ScriptedAgent = run.registry.get("other")
    assert state.status is RunStatus.SUCCESS
    assert (state.tasks["a"].agent, state.tasks["a"].attempts) == ("other", 2)
    assert [(r.agent, r.attempt, r.parameters) for r in other.requests] == [("other", 2, {"n": 1})]


async def test_only_outputs_of_tasks_that_succeeded_are_handed_over(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: hands
settings: {on_failure: continue}
tasks:
  - {id: good, agent: scripted}
  - {id: bad, agent: scripted, on_failure: skip}
  - {id: never, agent: scripted, condition: false}
  - {id: read, agent: scripted}
  - {id: far, agent: scripted}
  - {id: near, agent: scripted, dependencies: [far]}
  - {id: direct, agent: scripted, dependencies: [good, bad, never, read, near], parameters: {x: "${read.output}"}}
  - {id: nothing, agent: scripted, dependencies: [good], handoff: none}
  - {id: named, agent: scripted, dependencies: [near, bad, read], handoff: [far, bad, read], parameters: {x: "${read.output}"}}
"""
    )
    run.agent.script("bad", AgentError("exit_status", "no"))
    for task in ("good", "read", "far", "near"):
        run.agent.script(task, task.upper())

    await run.run()

    handed = {request.task_id: request.handoff for request in run.agent.requests}
    assert handed["direct"] == (("good", "GOOD"), ("near", "NEAR"))
    assert handed["nothing"] == ()
    assert handed["named"] == (("far", "FAR"), ("read", "READ"))


async def test_an_agent_that_takes_no_hand_off_gets_none(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: one\ntasks: [{id: a, agent: scripted}, {id: b, agent: plain, dependencies: [a]}]", more=[PLAIN]
    )

    await run.run()

    assert run.registry.get("plain").requests[0].handoff == ()


def test_a_clock_stops_while_the_run_is_parked(rehearse) -> None:
    run = rehearse(THREE)
    for event in (
        run.accepted(),
        ev.DriverStarted(1, "host", 1),
        ev.AttemptStarted("a", 1, "scripted", "scripted"),
        ev.AttemptRequeued("a", 1, EPOCH + 500.0, ev.Failure("usage_limit", "used up")),
        ev.RetryScheduled("a", 2, EPOCH + 500.0, 500.0),
    ):
        run.record(event)
    clock = RunClock(60.0)

    clock.start(run.state, EPOCH)

    assert clock.seconds_left(EPOCH + 400.0) == 60.0


def test_the_kinds_of_errors_that_decide_are_kinds_that_there_are() -> None:
    assert {*ENDS_SESSION, *LIMIT_KINDS, "max_budget"} <= KINDS.keys()


async def test_an_agent_is_not_silent_while_our_disk_records_its_session(rehearse, autojump_clock) -> None:
    run = rehearse("name: one\ntasks: [{id: a, agent: scripted, timeout: 10, idle_timeout: 5}]")

    traits, slow = run.agent.traits, [0.0]

    class Opens:
        def __init__(self) -> None:
            self.traits = traits

        async def run(self, request, channel):
            slow[0] = 30.0
            await channel.session_opened("s1")
            await trio.sleep(4)
            return AgentResult(output="done")

    async def sync(_records: object) -> None:
        await trio.sleep(slow[0])

    run.sync = sync
    run.registry.register(Opens(), name="scripted", replace_existing=True)

    assert (await run.run()).status is RunStatus.SUCCESS
