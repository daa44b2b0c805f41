"""What becomes of a run when actors crash: nothing is lost, nothing is done twice."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.engine.messages import Carry, Outcome, Recorded, WaitUntil
from actorflow.engine.records import records_of
from actorflow.engine.run_actor import RunActor
from actorflow.engine.task_actor import TaskActor
from actorflow.errors import AgentError, JournalError, StaleEpoch
from actorflow.state import RunStatus
from actorflow.state import events as ev

FAN = """
name: fan
settings: {max_parallel: 8}
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted}
  - {id: c, agent: scripted}
  - {id: d, agent: scripted, dependencies: [a, b, c], parameters: {sum: "${a.output + b.output + c.output}"}}
"""


@pytest.fixture
def crash_run_actor(monkeypatch):
    """Make the RunActor crash on the messages for which ``when`` says so."""

    def arrange(when) -> None:
        original = RunActor._events_of

        def events_of(self, message):
            if when(message):
                raise RuntimeError("planted")
            return original(self, message)

        monkeypatch.setattr(RunActor, "_events_of", events_of)

    return arrange


@pytest.fixture
def crash_task_actor(monkeypatch):
    def arrange(when) -> None:
        original = TaskActor.receive

        async def receive(self, message):
            if when(message):
                raise RuntimeError("planted")
            await original(self, message)

        monkeypatch.setattr(TaskActor, "receive", receive)

    return arrange


def once(kind, count: int = 1):
    """True for the first ``count`` messages of a kind."""
    seen = []

    def when(message) -> bool:
        if isinstance(message, kind) and len(seen) < count:
            seen.append(message)
            return True
        return False

    return when


async def test_a_run_actor_that_crashes_comes_back_and_adopts_running_attempts(
    rehearse, crash_run_actor, autojump_clock
) -> None:
    run = rehearse(FAN)
    for name, n in {"a": 1, "b": 2, "c": 3}.items():
        run.agent.script(name, n)
    gates = {name: run.agent.hold(name) for name in "bc"}
    crash_run_actor(once(Outcome))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await wait_all_tasks_blocked()
        for gate in gates.values():
            gate.open()

    assert run.state.status is RunStatus.SUCCESS
    assert [r.attempt for r in run.agent.requests] == [1, 1, 1, 1]
    assert run.agent.requests[-1].parameters == {"sum": 6}
    assert [(e.path, e.restarts) for e in run.events(ev.ActorRestarted)] == [("run/driver", 1)]


async def test_a_run_actor_that_crashes_leaves_no_actors_of_finished_tasks_behind(
    rehearse, crash_run_actor, autojump_clock
) -> None:
    run = rehearse(FAN)
    for name, n in {"a": 1, "b": 2, "c": 3}.items():
        run.agent.script(name, n)
    gates = {name: run.agent.hold(name) for name in "bc"}
    is_first = once(Outcome)
    crash_run_actor(
        lambda message: isinstance(message, Outcome) and message.event.task == "b" and is_first(message)
    )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await wait_all_tasks_blocked()
        gates["b"].open()  # a moment after a is done, whose actor has not been told yet
        await trio.sleep(1)

        assert len(run.events(ev.ActorRestarted)) == 1
        assert "task:c" in run.drive.tree()
        assert "task:a" not in run.drive.tree()

        gates["c"].open()


@pytest.mark.parametrize("kind", [Carry, Recorded])
async def test_a_task_actor_that_crashes_comes_back_and_finds_its_attempt(
    kind, rehearse, crash_task_actor, autojump_clock
) -> None:
    run = rehearse(FAN)
    for name, n in {"a": 1, "b": 2, "c": 3}.items():
        run.agent.script(name, n)
    gate = run.agent.hold("d")
    crash_task_actor(once(kind))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.sleep(1)
        gate.open()

    assert run.state.status is RunStatus.SUCCESS
    assert [r.attempt for r in run.agent.requests] == [1, 1, 1, 1]
    assert len(run.events(ev.ActorRestarted)) == 1


async def test_a_task_actor_that_crashes_in_back_off_still_retries_on_time(
    rehearse, crash_task_actor, autojump_clock
) -> None:
    run = rehearse(
        "name: r\ntasks: [{id: a, agent: scripted, retry: {max_attempts: 2, delay: 10, backoff: fixed}}]"
    )
    run.agent.script("a", AgentError("exit_status", "no"), "done")
    crash_task_actor(once(WaitUntil))

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert run.times(ev.AttemptStarted, "a")[1] - run.times(ev.AttemptFailed, "a")[0] == pytest.approx(10)


async def test_an_actor_that_never_stops_crashing_pauses_the_run_and_it_can_be_resumed(
    rehearse, crash_run_actor, autojump_clock, monkeypatch
) -> None:
    run = rehearse(FAN)
    for name, n in {"a": 1, "b": 2, "c": 3}.items():
        run.agent.script(name, n, n)
    with monkeypatch.context() as patched:
        original = RunActor._events_of

        def events_of(self, message):
            if type(message) is Outcome:
                raise RuntimeError("planted")
            return original(self, message)

        patched.setattr(RunActor, "_events_of", events_of)
        paused = await run.run()

    assert paused.status is RunStatus.PAUSED
    assert "RuntimeError: planted" in paused.paused_because

    resumed = await run.run()

    assert resumed.status is RunStatus.SUCCESS
    assert {task.attempts for task in resumed.tasks.values()} == {1, 2}
    assert resumed.tasks["d"].output == {"sum": 6}


async def test_a_failed_commit_ends_the_drive_and_starts_nothing(rehearse, autojump_clock) -> None:
    run = rehearse(FAN)
    commits = []

    async def sync(records) -> None:
        commits.append(1)
        if len(commits) == 3:
            raise JournalError("the disk is gone")

    run.sync = sync

    with pytest.raises(JournalError):
        await run.run()

    assert run.agent.attempts("d") == []


async def test_a_driver_that_dies_loses_only_what_was_running(rehearse, autojump_clock) -> None:
    run = rehearse(FAN)
    run.agent.script("a", 1)
    run.agent.script("b", 2, 2)
    run.agent.script("c", 3)
    gate = run.agent.hold("b")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()
        await wait_all_tasks_blocked()
        before = len(run.disk.records)
        nursery.cancel_scope.cancel()
    run.disk = run.disk.cut(before)  # as if it had been killed: nothing was written on its way out

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert (run.agent.attempts("a"), run.agent.attempts("b"), run.agent.attempts("c")) == ([1], [1, 2], [1])
    assert [event.task for event in run.events(ev.AttemptLost)] == ["b"]
    assert state.tasks["b"].counted == 1


async def test_a_run_actor_that_comes_back_after_another_driver_took_over_does_nothing(
    rehearse, crash_run_actor, autojump_clock
) -> None:
    run = rehearse("name: r\ntasks: [{id: a, agent: scripted}]")
    gate = run.agent.hold("a")
    crash_run_actor(once(Outcome))

    async def be_taken_over() -> None:
        await gate.reached.wait()
        lost = [
            ev.AttemptLost("a", 1),
            ev.RetryScheduled("a", 2, 0.0, 0.0),
            ev.AttemptStarted("a", 2, "scripted"),
        ]
        await run.disk.open().append(records_of(lost, 1e9))
        gate.open()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(be_taken_over)
        with pytest.raises(StaleEpoch):
            await run.run()

    assert run.agent.attempts("a") == [1]
