"""Moments at which two things happen at once, and places where what goes wrong must stay where it went wrong."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.engine.feed import watch_safely
from actorflow.engine.messages import Outcome, Recorded
from actorflow.engine.run_actor import RunActor
from actorflow.engine.task_actor import TaskActor
from actorflow.errors import JournalError
from actorflow.state import RunStatus
from actorflow.state import events as ev

ONE = "name: one\ntasks: [{id: a, agent: scripted}]"
TWO = "name: two\nsettings: {max_parallel: 2}\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted}]"
HOOKED = """
name: hooked
tasks: [{id: a, agent: scripted}]
hooks: {on_start: [{id: begin, agent: scripted}], on_complete: [{id: end, agent: scripted}]}
"""


async def test_an_outcome_said_twice_in_one_turn_is_recorded_once(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(ONE)
    original = RunActor._turn

    async def turn(self, envelopes) -> None:
        await original(self, [e for e in envelopes for _ in (1, 2)])

    monkeypatch.setattr(RunActor, "_turn", turn)

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert len(run.events(ev.AttemptSucceeded)) == 1
    assert run.events(ev.ActorRestarted) == []


async def test_attempts_go_on_when_the_supervisor_of_their_actors_is_replaced(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(TWO)
    gate = run.agent.hold("a")
    original = TaskActor.receive
    crashes = []

    async def receive(self, message) -> None:
        if isinstance(message, Recorded) and len(crashes) < 4:  # one more than its supervisor allows
            crashes.append(message)
            raise RuntimeError("planted")
        await original(self, message)

    monkeypatch.setattr(TaskActor, "receive", receive)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.sleep(1)
        gate.open()

    assert len(crashes) == 4
    assert run.state.status is RunStatus.SUCCESS
    assert run.agent.attempts("a") == [1]
    assert run.events(ev.AttemptLost) == []


async def test_a_watcher_that_raises_does_not_touch_the_run(rehearse, autojump_clock) -> None:
    run = rehearse(ONE)
    gate = run.agent.hold("a")

    async def raises(feed) -> None:
        async for _ in feed:
            raise RuntimeError("the view is broken")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run.run(watch=lambda feed: watch_safely(raises, feed)))
        await gate.reached.wait()
        await wait_all_tasks_blocked()
        gate.open()

    assert run.state.status is RunStatus.SUCCESS


async def test_a_cancellation_that_comes_before_the_actors_are_up_is_not_lost(
    rehearse, autojump_clock
) -> None:
    run = rehearse(ONE)
    committing = trio.Event()
    go_on = trio.Event()

    async def sync(records) -> None:
        committing.set()
        await go_on.wait()

    run.sync = sync
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await committing.wait()
        run.drive.cancel("SIGINT")
        go_on.set()

    assert run.state.status is RunStatus.CANCELLED
    assert run.agent.requests == []


async def test_a_cancellation_after_the_end_is_too_late_and_harmless(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(ONE)
    late = []
    original = RunActor.run

    async def then_cancel(self, ctx) -> None:
        await original(self, ctx)
        run_later.start_soon(cancel_late)

    async def cancel_late() -> None:
        await wait_all_tasks_blocked()
        late.append(run.drive.cancel("SIGINT"))

    monkeypatch.setattr(RunActor, "run", then_cancel)
    async with trio.open_nursery() as run_later:
        state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert late == [False]


async def test_watchers_are_let_go_when_the_first_commit_fails(rehearse, autojump_clock) -> None:
    run = rehearse(ONE)
    feeds = []

    async def sync(records) -> None:
        raise JournalError("the disk is full")

    async def watch(feed) -> None:
        feeds.append(feed)

    run.sync = sync
    with pytest.raises(ExceptionGroup):
        await run.run(watch=watch)

    with trio.fail_after(5):
        assert [update async for update in feeds[0]] == []


async def test_a_failed_commit_ends_agents_at_once(rehearse, autojump_clock) -> None:
    run = rehearse(TWO)
    run.agent.hold("b")
    commits = []

    async def sync(records) -> None:
        commits.append(1)
        if len(commits) == 3:
            raise JournalError("the disk is full")

    run.sync = sync
    before = trio.current_time()
    with pytest.raises(JournalError):
        await run.run()

    assert trio.current_time() - before < 1
    assert run.agent.cancelled == [("b", 1)]


async def test_an_output_that_cannot_be_stored_ends_the_drive_and_not_the_attempt(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(ONE)
    run.agent.script("a", "x" * 100_000, "x" * 100_000)

    def full(data: bytes) -> str:
        raise JournalError("no room for the blob")

    with monkeypatch.context() as patched:
        patched.setattr(run.blobs, "put", full)
        with pytest.raises(JournalError, match="no room"):
            await run.run()
    assert run.events(ev.AttemptFailed) == []

    assert (await run.run()).status is RunStatus.SUCCESS


async def test_an_output_that_is_gone_is_named_whoever_reads_it(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: gone
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a], condition: size(a.output) > 5}
"""
    )
    run.agent.script("a", "x" * 100_000)

    def missing(sha256: str) -> bytes:
        raise JournalError(f"blob {sha256} is missing")

    run.blobs.get = missing
    with pytest.raises(JournalError, match="is missing"):
        await run.run()

    assert run.events(ev.ActorRestarted) == []


async def test_an_attempt_that_is_stopped_before_it_begins_calls_no_agent(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(ONE)
    original = TaskActor._carry

    def carry_and_cancel(self, message) -> None:
        original(self, message)
        self._host.find("a", 1).stop()
        run.drive.cancel("SIGINT")

    monkeypatch.setattr(TaskActor, "_carry", carry_and_cancel)

    state = await run.run()

    assert state.status is RunStatus.CANCELLED
    assert run.agent.requests == []


@pytest.mark.parametrize("moment", ["begin", "a", "end"])
async def test_a_run_is_cancelled_at_every_stage_and_comes_back(moment, rehearse, autojump_clock) -> None:
    run = rehearse(HOOKED)
    gate = run.agent.hold(moment)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        run.drive.cancel("SIGINT")

    assert run.state.status is (RunStatus.SUCCESS if moment == "end" else RunStatus.CANCELLED)
    assert run.agent.cancelled == [(moment, 1)]
    assert all(task.status.value != "running" for task in run.state.tasks.values())

    assert (await run.run()).status is RunStatus.SUCCESS


async def test_a_second_cancellation_ends_the_hooks_that_follow_the_first(rehearse, autojump_clock) -> None:
    run = rehearse(HOOKED)
    task, hook = run.agent.hold("a"), run.agent.hold("end")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await task.reached.wait()
        run.drive.cancel("SIGINT")
        await hook.reached.wait()
        run.drive.hurry()

    assert run.state.status is RunStatus.CANCELLED
    assert run.agent.cancelled == [("a", 1), ("end", 1)]
    assert run.recorded[-1].at - run.recorded[0].at < 1


async def test_a_run_actor_that_crashes_while_cancelling_goes_on_cancelling(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(TWO)
    gates = [run.agent.hold(name) for name in "ab"]
    original = RunActor._act
    crashes = []

    def act(self, settled, durable) -> None:
        if not crashes and any(type(event) is ev.RunCancelRequested for event in settled.events):
            crashes.append(1)
            raise RuntimeError("planted")
        original(self, settled, durable)

    monkeypatch.setattr(RunActor, "_act", act)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        for gate in gates:
            await gate.reached.wait()
        run.drive.cancel("SIGINT")

    assert crashes == [1]
    assert run.state.status is RunStatus.CANCELLED
    assert sorted(run.agent.cancelled) == [("a", 1), ("b", 1)]


async def test_outcomes_that_waited_while_the_run_actor_crashed_are_kept(
    rehearse, autojump_clock, monkeypatch
) -> None:
    run = rehearse(TWO)
    original = RunActor._commit
    crashes = []

    async def commit(self, settled, envelopes) -> None:
        await original(self, settled, envelopes)
        if not crashes and any(type(e.message) is Outcome for e in envelopes):
            crashes.append(1)
            raise RuntimeError("planted")

    monkeypatch.setattr(RunActor, "_commit", commit)

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert crashes == [1]
    assert [r.attempt for r in run.agent.requests] == [1, 1]
