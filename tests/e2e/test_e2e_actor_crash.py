"""Actors crash in the middle of a real run with real shell processes: the processes go on and their results arrive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from actorflow import api
from actorflow.engine import snapshots
from actorflow.engine.messages import Carry, Outcome
from actorflow.engine.run_actor import RunActor
from actorflow.engine.task_actor import TaskActor
from actorflow.journal.sqlite import SqliteJournal
from actorflow.settings import read_settings
from actorflow.state import RunStatus
from actorflow.state import events as ev

pytestmark = pytest.mark.slow

# `quick` ends at once; its outcome is what crashes the actor. The others have started by then and end when somebody writes to their FIFO.
WORKFLOW = """
name: crash
settings: {max_parallel: 4}
tasks:
  - {id: one, agent: shell, parameters: {command: 'echo $$ >> pids; cat one.fifo'}}
  - {id: two, agent: shell, parameters: {command: 'echo $$ >> pids; cat two.fifo'}}
  - {id: quick, agent: shell, parameters: {command: 'until [ $(wc -l < pids) -ge 2 ]; do sleep 0.01; done 2>/dev/null; echo q'}}
  - {id: all, agent: echo, dependencies: [one, two, quick], parameters: {text: '${one.output + two.output + quick.output}'}}
"""


def _is_carry_of_one(message: object) -> bool:
    return isinstance(message, Carry) and message.start.task == "one"


def _is_outcome(message: object) -> bool:
    return isinstance(message, Outcome)


def _plant(monkeypatch, cls, name: str, when) -> None:
    """Make ``cls`` crash on the first message for which ``when`` says so."""
    original = getattr(cls, name)
    seen: list[object] = []

    def check(message: object) -> None:
        if when(message) and not seen:
            seen.append(message)
            raise RuntimeError("planted")

    if cls is RunActor:

        def method(self, message):
            check(message)
            return original(self, message)
    else:

        async def method(self, message):
            check(message)
            await original(self, message)

    monkeypatch.setattr(cls, name, method)


@pytest.mark.parametrize(
    ("cls", "name", "when", "path"),
    [
        (RunActor, "_events_of", _is_outcome, "run/driver"),
        (TaskActor, "receive", _is_carry_of_one, "run/tasks/task:one"),
    ],
)
async def test_running_shell_processes_go_on(project, fifo, monkeypatch, cls, name, when, path) -> None:
    file: Path = project.write("w.yaml", WORKFLOW)
    pipes = {name: fifo(f"{name}.fifo") for name in ("one", "two")}
    settings = read_settings({"HOME": str(project.root)}, cwd=project.root)
    _plant(monkeypatch, cls, name, when)
    restarted = trio.Event()
    started: set[str] = set()

    async def watch(feed) -> None:
        async for update in feed:
            started.update(task for task, _, progress in update.progress if progress.kind == "started")
            if any(isinstance(recorded.event, ev.ActorRestarted) for recorded in update.events):
                restarted.set()
            if restarted.is_set() and started >= {"one", "two"}:
                for (
                    name,
                    pipe,
                ) in pipes.items():  # opening a FIFO waits for its reader, which is running by now
                    await trio.to_thread.run_sync(pipe.write_text, f"{name} ")
                pipes.clear()

    with trio.fail_after(50):
        finished = await api.run(file, settings=settings, watch=watch)

    assert finished.state.status is RunStatus.SUCCESS
    assert finished.state.tasks["all"].output == {"text": "one two q"}
    assert {task.attempts for task in finished.state.tasks.values()} == {1}
    assert len(project.lines("pids")) == 2
    tree = await api.tree("last", settings=settings)
    assert f"{path} restarted (1): RuntimeError: planted" in tree


async def test_a_run_actor_that_crashes_is_followed_from_the_snapshot_and_what_came_after(
    project, monkeypatch
) -> None:
    chain = [{"id": "t0", "agent": "echo"}]
    chain += [{"id": f"t{i}", "agent": "echo", "dependencies": [f"t{i - 1}"]} for i in range(1, 60)]
    file = project.write("w.json", json.dumps({"name": "chain", "tasks": chain}))
    settings = read_settings({"HOME": str(project.root)}, cwd=project.root)
    monkeypatch.setattr(snapshots, "EVERY", 20)
    read, asked = SqliteJournal.read, []

    async def read_and_note(self, after=0):
        asked.append(after)
        return await read(self, after)

    monkeypatch.setattr(SqliteJournal, "read", read_and_note)
    states = Path(settings.state_dir)
    _plant(
        monkeypatch,
        RunActor,
        "_events_of",
        lambda message: _is_outcome(message) and list(states.glob("runs/*/snapshot")),
    )

    with trio.fail_after(50):
        finished = await api.run(file, settings=settings)

    assert finished.state.status is RunStatus.SUCCESS
    assert len(asked) == 2
    assert asked[0] == 0, "the driver reads all before it begins"
    assert asked[1] >= 20, "and its successor only what came after the snapshot"
    seen = api.inspect("last", settings=settings)
    assert seen.state == finished.state
    assert [e.event.path for e in seen.events if isinstance(e.event, ev.ActorRestarted)] == ["run/driver"]
