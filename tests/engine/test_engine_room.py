"""A full disk keeps a run waiting and costs it nothing; asked to stop meanwhile, it stops and can be resumed."""

from __future__ import annotations

import errno

import pytest
import trio

from actorflow.agents.interface import AgentResult, Progress
from actorflow.agents.masking import Masker
from actorflow.engine.messages import CancelRun
from actorflow.engine.paths import DRIVER
from actorflow.errors import JournalFull
from actorflow.journal import MemoryBlobs
from actorflow.state import RunStatus
from actorflow.state import events as ev
from actorflow.values import FrozenDict

CHAIN = """
name: chain
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a]}
  - {id: c, agent: scripted, dependencies: [b]}
"""


class FullDisk:
    """The disk of a run, which is full for some seconds from the first batch with an event of ``kind`` and ``task``."""

    def __init__(self, run, kind: str, task: str = "", *, seconds: float, has_ballast: bool = True) -> None:
        about = f',"task":"{task}"' if task else ""
        self._first = f'"type":"{kind}"{about}'.encode()
        self._seconds = seconds
        self._has_ballast = has_ballast
        self.full_until: float | None = None
        self.tries: list[float] = []
        run.sync = self._sync

    async def _sync(self, records) -> None:
        now = trio.current_time()
        if self.full_until is None and any(self._first in record.body for record in records):
            self.full_until = now + self._seconds
        if self.full_until is None or now >= self.full_until:
            return
        if self._has_ballast and [record.kind for record in records] == ["RoomRanOut"]:
            return
        self.tries.append(now)
        raise JournalFull("no room on the disk")


@pytest.fixture
def chain(rehearse):
    run = rehearse(CHAIN)
    run.agent.script("a", AgentResult(output="a"))
    run.agent.script("b", AgentResult(output="x" * 70_000), AgentResult(output="b"))
    run.agent.script("c", AgentResult(output="c"))
    return run


def _kinds(run) -> list[str]:
    return [type(recorded.event).__name__ for recorded in run.recorded]


async def test_a_full_disk_is_waited_out_and_nothing_is_lost_or_done_twice(chain, autojump_clock) -> None:
    disk = FullDisk(chain, "AttemptSucceeded", "b", seconds=60)

    state = await chain.run()

    assert state.status is RunStatus.SUCCESS
    assert state == chain.state
    assert [chain.agent.attempts(task) for task in "abc"] == [[1], [1], [1]]
    assert [event.reason for event in chain.events(ev.RoomRanOut)] == ["no room on the disk"]
    [found] = chain.events(ev.RoomFound)
    assert 60 <= found.waited_seconds < 66
    pauses = [after - before for before, after in zip(disk.tries[1:], disk.tries[2:], strict=False)]
    assert pauses == sorted(pauses), "it looks less and less often"
    assert max(pauses) <= 5


async def test_nothing_is_acted_upon_while_the_disk_is_full(chain, autojump_clock) -> None:
    FullDisk(chain, "AttemptSucceeded", "b", seconds=60)
    seen = []

    async def watch(feed) -> None:
        async for update in feed:
            if update.state.no_room:
                seen.append(
                    (update.state.no_room, chain.agent.attempts("c"), update.state.tasks["b"].status.value)
                )

    await chain.run(watch=watch)

    assert seen == [("no room on the disk", [], "running")]


async def test_those_who_watch_are_told_also_when_not_even_that_can_be_recorded(
    chain, autojump_clock
) -> None:
    FullDisk(chain, "AttemptSucceeded", "b", seconds=60, has_ballast=False)
    seen = []

    async def watch(feed) -> None:
        async for update in feed:
            seen.extend((recorded.event, update.state.no_room) for recorded in update.events)

    state = await chain.run(watch=watch)

    assert state.status is RunStatus.SUCCESS
    assert (ev.RoomRanOut("no room on the disk"), "no room on the disk") in seen
    assert "RoomRanOut" not in _kinds(chain)
    assert "RoomFound" not in _kinds(chain)
    assert state.no_room == ""


async def test_asked_to_stop_while_the_disk_is_full_it_stops_at_once_and_a_resume_goes_on(
    chain, autojump_clock
) -> None:
    disk = FullDisk(chain, "AttemptSucceeded", "b", seconds=1e6)

    async def ask(feed) -> None:
        async for update in feed:
            if update.state.no_room:
                await trio.sleep(100)
                chain.drive.cancel("somebody")

    with pytest.raises(ExceptionGroup) as stopped, trio.fail_after(200):
        await chain.run(watch=ask)
    assert stopped.value.subgroup(JournalFull) is not None
    assert stopped.value.subgroup(lambda error: not isinstance(error, JournalFull | ExceptionGroup)) is None
    assert chain.state.status is RunStatus.RUNNING
    disk.full_until = 0.0
    state = await chain.run()

    assert state.status is RunStatus.SUCCESS
    assert chain.agent.attempts("a") == [1]
    assert chain.agent.attempts("b") == [1, 2], "its first success could not be recorded"
    assert state.no_room == ""


async def test_a_cancellation_that_cannot_be_recorded_stops_the_run_too(chain, autojump_clock) -> None:
    FullDisk(chain, "RunCancelRequested", seconds=1e6)
    gate = chain.agent.hold("a")

    async def ask(feed) -> None:
        await gate.reached.wait()
        chain.drive.cancel("somebody")

    with pytest.raises(BaseExceptionGroup) as caught, trio.fail_after(200):
        await chain.run(watch=ask)

    assert caught.group_contains(JournalFull)


async def test_a_cancellation_that_is_recorded_takes_its_course_through_a_full_disk(
    rehearse, autojump_clock
) -> None:
    run = rehearse(f"{CHAIN}hooks: {{on_complete: [{{id: end, agent: scripted}}]}}")
    FullDisk(run, "AttemptSucceeded", "end", seconds=60)
    gate = run.agent.hold("a")

    async def ask(feed) -> None:
        await gate.reached.wait()
        run.drive.cancel("somebody")

    state = await run.run(watch=ask)

    assert state.status is RunStatus.CANCELLED
    assert len(run.events(ev.RoomFound)) == 1


async def test_outputs_too_large_for_the_journal_wait_for_room_as_well(
    chain, autojump_clock, monkeypatch
) -> None:
    put = MemoryBlobs.put
    is_full_until = 30.0

    def put_or_refuse(self, data):
        if trio.current_time() < is_full_until:
            raise JournalFull("no room for an output")
        return put(self, data)

    monkeypatch.setattr(MemoryBlobs, "put", put_or_refuse)

    state = await chain.run()

    assert state.status is RunStatus.SUCCESS
    assert chain.agent.attempts("b") == [1]
    kinds = _kinds(chain)
    assert [kind for kind in kinds if kind.startswith("Room")] == ["RoomRanOut", "RoomFound"]
    assert "TaskSucceeded" not in kinds[kinds.index("RoomRanOut") : kinds.index("RoomFound")]


async def test_a_run_actor_that_crashes_while_an_output_waits_says_so_again_when_it_is_over(
    chain, autojump_clock, monkeypatch
) -> None:
    put = MemoryBlobs.put

    def put_or_refuse(self, data):
        if trio.current_time() < 30:
            raise JournalFull("no room for an output")
        return put(self, data)

    monkeypatch.setattr(MemoryBlobs, "put", put_or_refuse)

    async def crash(feed) -> None:
        async for update in feed:
            if update.state.no_room:
                chain.drive._runtime.ref(DRIVER).tell_nowait(CancelRun, reserved=True)  # no message at all
                return

    state = await chain.run(watch=crash)

    assert state.status is RunStatus.SUCCESS
    assert len(chain.events(ev.ActorRestarted)) == 1
    assert state.no_room == ""


async def test_an_agent_whose_session_waits_for_room_is_not_silent(
    rehearse, autojump_clock, monkeypatch
) -> None:
    chain = rehearse("name: one\ntasks: [{id: a, agent: talks, idle_timeout: 20}]\n")
    FullDisk(chain, "SessionOpened", seconds=60)

    async def run(self, request, channel):
        await channel.session_opened("s")
        await trio.sleep(15)
        return AgentResult(output="a")

    monkeypatch.setattr("tests.engine.conftest.TalkingAgent.run", run)

    state = await chain.run()

    assert state.status is RunStatus.SUCCESS
    assert chain.events(ev.AttemptFailed) == []


@pytest.fixture
def full_blobs(monkeypatch):
    """Outputs find no room until some second."""

    def full_until(second: float) -> None:
        put = MemoryBlobs.put

        def put_or_refuse(self, data):
            if trio.current_time() < second:
                raise JournalFull("no room for an output")
            return put(self, data)

        monkeypatch.setattr(MemoryBlobs, "put", put_or_refuse)

    return full_until


async def test_a_run_that_is_cancelled_while_an_output_waits_for_room_is_cancelled(
    chain, autojump_clock, full_blobs
) -> None:
    full_blobs(1e6)

    async def ask(feed) -> None:
        async for update in feed:
            if update.state.no_room:
                chain.drive.cancel("somebody")
                return

    with trio.fail_after(100):
        state = await chain.run(watch=ask)

    assert state.status is RunStatus.CANCELLED
    assert [type(e).__name__ for e in chain.events(ev.AttemptCancelled)] == ["AttemptCancelled"]


async def test_a_run_that_times_out_while_an_output_waits_for_room_ends(
    rehearse, autojump_clock, full_blobs
) -> None:
    chain = rehearse("settings: {timeout: 60}\n" + CHAIN)
    chain.agent.script("a", AgentResult(output="x" * 70_000))
    full_blobs(1e6)

    with trio.fail_after(100):
        state = await chain.run()

    assert state.timed_out
    assert state.status is RunStatus.FAILED


async def test_the_time_of_an_attempt_stands_still_while_its_files_find_no_room(
    rehearse, autojump_clock, monkeypatch
) -> None:
    chain = rehearse("name: one\ntasks: [{id: a, agent: talks, timeout: 20, idle_timeout: 15}]\n")

    async def run(self, request, channel):
        for stream in ("stdout", "stderr"):
            channel.report(Progress(kind="no_room", text="full", data=FrozenDict(stream=stream)))
        await trio.sleep(50)
        channel.report(Progress(kind="room_found", data=FrozenDict(stream="stdout")))
        channel.report(Progress(kind="alive", data=FrozenDict(stream="stderr")))
        await trio.sleep(50)
        assert chain.state.no_room == "full"
        channel.report(Progress(kind="room_found", data=FrozenDict(stream="stderr")))
        await trio.sleep(14)
        channel.report(Progress(kind="alive"))
        await trio.sleep(14)
        return AgentResult(output="never")

    monkeypatch.setattr("tests.engine.conftest.TalkingAgent.run", run)

    await chain.run()

    [failed] = chain.events(ev.AttemptFailed)
    assert failed.failure.message == "the attempt took longer than 20 s"
    assert [type(e).__name__ for e in (*chain.events(ev.RoomRanOut), *chain.events(ev.RoomFound))] == [
        "RoomRanOut",
        "RoomFound",
    ]


async def test_secrets_in_what_an_agent_wrote_wait_for_room_and_are_not_thrown_away(
    rehearse, autojump_clock, monkeypatch
) -> None:
    chain = rehearse(CHAIN, secrets={"KEY": "hunter2hunter2"})
    (said := chain._attempt_folder("a", 1) / "stdout").write_text("it is hunter2hunter2\n")
    replace = Masker._replace_masked

    def replace_or_refuse(self, *args):
        if trio.current_time() < 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, *args)

    monkeypatch.setattr(Masker, "_replace_masked", replace_or_refuse)

    state = await chain.run()

    assert state.status is RunStatus.SUCCESS
    assert said.read_text() == "it is ***\n"
    [found] = chain.events(ev.RoomFound)
    assert found.waited_seconds >= 30


async def test_secrets_are_removed_with_their_file_when_a_cancelled_attempt_finds_no_room_to_mask_them(
    rehearse, autojump_clock, monkeypatch
) -> None:
    chain = rehearse(CHAIN, secrets={"KEY": "hunter2hunter2"})
    (said := chain._attempt_folder("a", 1) / "stdout").write_text("it is hunter2hunter2\n")

    def refuse(self, *args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Masker, "_replace_masked", refuse)

    async def ask(feed) -> None:
        async for update in feed:
            if update.state.no_room:
                chain.drive.cancel("somebody")
                return

    with trio.fail_after(100):
        state = await chain.run(watch=ask)

    assert state.status is RunStatus.CANCELLED
    assert not said.exists()
