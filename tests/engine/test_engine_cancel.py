from __future__ import annotations

import trio

from actorflow.errors import AgentError
from actorflow.state import RunStatus
from actorflow.state import events as ev

WORKFLOW = """
name: cancel
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a]}
hooks:
  on_failure: [{id: bad, agent: scripted}]
  on_complete: [{id: end, agent: scripted}]
"""


async def test_a_cancelled_run_stops_its_agents_and_runs_only_on_complete(rehearse, autojump_clock) -> None:
    run = rehearse(WORKFLOW)
    gate = run.agent.hold("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        run.drive.cancel("SIGINT")

    assert run.state.status is RunStatus.CANCELLED
    assert run.agent.cancelled == [("a", 1)]
    assert run.statuses() == {"a": "cancelled", "b": "cancelled", "bad": "pending", "end": "success"}


async def test_a_task_in_back_off_is_cancelled_at_once(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: r\ntasks: [{id: a, agent: scripted, retry: {max_attempts: 2, delay: 1000, backoff: fixed}}]"
    )
    run.agent.script("a", AgentError("exit_status", "no"), "done")
    scheduled = trio.Event()

    async def watch(feed) -> None:
        async for update in feed:
            if any(isinstance(r.event, ev.RetryScheduled) for r in update.events):
                scheduled.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run.run(watch=watch))
        await scheduled.wait()
        run.drive.cancel("somebody")

    assert run.state.status is RunStatus.CANCELLED
    assert run.recorded[-1].at - run.recorded[0].at < 1000
    assert run.agent.attempts("a") == [1]


async def test_a_cancelled_run_can_be_resumed(rehearse, autojump_clock) -> None:
    run = rehearse(WORKFLOW)
    gate = run.agent.hold("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        run.drive.cancel("SIGINT")

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert state.tasks["a"].attempts == 2
    assert run.agent.attempts("end") == [1, 2]


async def test_work_that_was_finished_when_the_cancellation_came_is_kept(rehearse, autojump_clock) -> None:
    run = rehearse(WORKFLOW)
    gate = run.agent.hold("b")
    run.agent.script("a", "paid")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        run.drive.cancel("SIGINT")

    assert run.statuses()["a"] == "success"
    assert run.state.tasks["a"].output == "paid"


async def test_cancelling_twice_is_cancelling_once(rehearse, autojump_clock) -> None:
    run = rehearse(WORKFLOW)
    gate = run.agent.hold("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        run.drive.cancel("one")
        run.drive.cancel("two")

    assert run.state.status is RunStatus.CANCELLED
    assert run.agent.cancelled == [("a", 1)]


async def test_a_slow_watcher_never_slows_the_run_and_is_told_what_it_missed(
    rehearse, autojump_clock
) -> None:
    tasks = "".join(f"\n  - {{id: t{i}, agent: scripted}}" for i in range(1200))
    run = rehearse(f"name: w\nsettings: {{max_parallel: 1}}\ntasks:{tasks}")
    ended = trio.Event()
    slow: list = []
    quick: list = []

    async def sleeps_until_the_end(feed) -> None:
        await ended.wait()
        async for update in feed:
            slow.append(update)

    async def keeps_up(feed) -> None:
        async for update in feed:
            quick.append(update)
            if update.state.status is RunStatus.SUCCESS:
                ended.set()

    async def both(feed) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeps_up, feed)
            nursery.start_soon(sleeps_until_the_end, run.hub.subscribe())

    await run.run(watch=both)

    assert sum(update.missed for update in quick) == 0
    assert slow[0].missed > 0
    assert sum(update.missed for update in slow) + len(slow) == len(quick)
    assert slow[-1].state.status is RunStatus.SUCCESS
