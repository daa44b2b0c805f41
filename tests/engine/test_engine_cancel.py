from __future__ import annotations

import trio
import trio.testing

from actorflow.engine.messages import CancelRun
from actorflow.engine.run_actor import RunActor
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


async def test_agents_are_told_to_stop_when_it_is_asked_for_and_not_when_a_slow_disk_has_recorded_it(
    rehearse, autojump_clock
) -> None:
    run = rehearse(
        "name: slow\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted}, {id: c, agent: scripted, dependencies: [b]}]"
    )
    gate = run.agent.hold("a")
    took: dict[str, float] = {}

    async def slow_disk(records) -> None:
        if gate.reached.is_set():
            committing.set()
            await trio.sleep(4)

    async def ask(task: str) -> None:
        await committing.wait()
        asked_at = trio.current_time()
        run.drive.cancel("SIGINT")
        await trio.testing.wait_all_tasks_blocked()
        took[task] = trio.current_time() - asked_at
        assert run.agent.cancelled == [("a", 1)]

    run.sync, committing = slow_disk, trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        nursery.start_soon(ask, "a")

    assert took == {"a": 0.0}
    assert run.agent.attempts("c") == []
    assert run.statuses() == {"a": "cancelled", "b": "success", "c": "cancelled"}
    kinds = [type(recorded.event) for recorded in run.recorded]
    assert kinds.index(ev.RunCancelRequested) < kinds.index(ev.AttemptCancelled)


async def test_a_cancellation_survives_the_crash_of_the_actor_that_was_to_record_it(
    rehearse, autojump_clock, monkeypatch
) -> None:
    turn, crashes = RunActor._turn, [RuntimeError("a mistake"), RuntimeError("another")]

    async def crashing(self: RunActor, envelopes) -> None:
        if crashes and any(isinstance(envelope.message, CancelRun) for envelope in envelopes):
            raise crashes.pop()
        await turn(self, envelopes)

    monkeypatch.setattr(RunActor, "_turn", crashing)
    run = rehearse(WORKFLOW)
    gate = run.agent.hold("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        run.drive.cancel("SIGINT")

    assert not crashes
    assert run.state.status is RunStatus.CANCELLED
    assert run.agent.attempts("a") == [1]
    assert run.statuses() == {"a": "cancelled", "b": "cancelled", "bad": "pending", "end": "success"}
