from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from actorflow.agents.interface import Progress
from actorflow.agents.masking import Masker
from actorflow.agents.registry import AgentRegistry
from actorflow.engine.drive import Drive, driver_started
from actorflow.engine.feed import Feed, Hub
from actorflow.engine.outliving import Outliving
from actorflow.engine.records import read_records, records_of
from actorflow.engine.recovery import recovery_events
from actorflow.engine.session import BlobReader, Session
from actorflow.ids import RunId
from actorflow.journal import MemoryBlobs, MemoryDisk, Record
from actorflow.scheduling import Facts
from actorflow.state import EMPTY, RunState, fold
from actorflow.state import events as ev
from actorflow.testing.agents import ScriptedAgent
from actorflow.workflow import AgentTraits, load_workflow, read_inputs
from actorflow.workflow.compile import compile_plan

EPOCH = 1_800_000_000.0


class TalkingAgent:
    """Says something every second, for ever."""

    traits = AgentTraits(name="talks", supports=frozenset({"idle_timeout"}), needs_folder=False)

    async def run(self, request, channel):
        while True:
            channel.report(Progress(kind="output", text="still here"))
            await trio.sleep(1)


class Rehearsal:
    """A workflow driven in memory, on whatever clock the test has, by the real engine and a scripted agent."""

    def __init__(
        self,
        folder: Path,
        text: str,
        secrets: dict[str, str] | None = None,
        more: Sequence[AgentTraits] = (),
        **inputs: str,
    ) -> None:
        registry = AgentRegistry.built_in()
        for traits in more:
            registry.register(ScriptedAgent(traits=traits))
        self.agent = ScriptedAgent()
        registry.register(self.agent)
        registry.register(TalkingAgent())
        workflow = load_workflow(text.encode(), file="test.yaml", catalog=registry.catalog()).workflow
        values = read_inputs(workflow, [f"{name}={value}" for name, value in inputs.items()], {})
        self.plan = compile_plan(workflow, values, catalog=registry.catalog())
        self.registry = registry
        self.disk = MemoryDisk()
        self.blobs = MemoryBlobs()
        self.folder = folder
        self.secrets = secrets or {}
        self.slept = 0.0
        self.ended: list[tuple[str, int]] = []
        self.instead: dict[str, Any] = {}
        self.sync: Callable[[object], Awaitable[None]] | None = None
        self.drive: Drive
        self.hub: Hub

    def accepted(self) -> ev.RunAccepted:
        entries = [
            ev.TaskEntry(t.id, t.spec.agents, t.dependencies, t.hook.value if t.hook else "")
            for t in self.plan.tasks.values()
        ]
        values = self.plan.values
        return ev.RunAccepted(
            "20260101-000000-aaaaaa", "test", tuple(entries), "", values=values, inputs=self.plan.inputs
        )

    def record(self, event: ev.Event) -> None:
        """Write an event into the journal, as an earlier driver would have."""
        new = records_of([event], EPOCH)[0]
        number = len(self.disk.records) + 1
        self.disk.records.append(Record(number, new.recorded_at, 1, new.kind, new.body))

    async def run(
        self,
        *,
        watch: Callable[[Feed], Awaitable[None]] | None = None,
        budget: ev.BudgetChanged | None = None,
        outliving: Sequence[Outliving] = (),
    ) -> RunState:
        """Drive the run from wherever its journal is, to its end; ``outliving`` is what is left of the attempts of the driver before."""
        journal = self.disk.open(sync=self.sync)
        state = self.state
        first: list[ev.Event] = [] if state.sequence else [self.accepted()]
        if first:
            state = fold([(EPOCH, first[0])])
        left = {(found.task, found.attempt): found for found in outliving}
        started = driver_started(journal.epoch)
        first += recovery_events(self.plan, state, started, outliving=frozenset(left))
        first += [] if budget is None else [budget]
        session = replace(self._session(journal), outliving=left, end_survivors=self._end_survivors)
        self.hub = session.hub
        self.drive = Drive(session)
        async with journal:
            if watch is None:
                return await self.drive.run(first)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch, session.hub.subscribe())
                return await self.drive.run(first)

    def _session(self, journal) -> Session:
        start = trio.current_time()
        before = self.recorded[-1].at if self.recorded else EPOCH
        return Session(
            run_id=RunId("20260101-000000-aaaaaa"),
            plan=self.plan,
            facts=Facts(self.plan, lambda task, attempt: 1.0, BlobReader(self.blobs)),
            initial=self.state,
            journal=journal,
            blobs=self.blobs,
            agents={name: self.registry.get(name) for t in self.plan.tasks.values() for name in t.spec.agents}
            | self.instead,
            secrets=self.secrets,
            masker=Masker(self.secrets.values()),
            clock=lambda: before + trio.current_time() - start + self.slept,
            hub=Hub(),
            project_root=self.folder,
            attempt_folder=self._attempt_folder,
            offload=_in_place,
        )

    async def _end_survivors(self, task: str, attempt: int) -> None:
        self.ended.append((task, attempt))

    def _attempt_folder(self, task: str, attempt: int) -> Path:
        folder = self.folder / task / str(attempt)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def recorded(self):
        return read_records(self.disk.records)

    @property
    def state(self) -> RunState:
        return (
            fold([(recorded.at, recorded.event) for recorded in self.recorded])
            if self.disk.records
            else EMPTY
        )

    def events(self, kind: type) -> list:
        return [recorded.event for recorded in self.recorded if isinstance(recorded.event, kind)]

    def statuses(self) -> dict[str, str]:
        return {task.id: task.status.value for task in self.state.tasks.values()}

    def times(self, kind: type, task: str) -> list[float]:
        return [r.at for r in self.recorded if isinstance(r.event, kind) and r.event.task == task]


async def _in_place(fn, *args):
    return fn(*args)


@pytest.fixture
def rehearse(tmp_path: Path) -> Callable[..., Rehearsal]:
    return lambda text, secrets=None, more=(), **inputs: Rehearsal(tmp_path, text, secrets, more, **inputs)
