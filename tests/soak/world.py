"""A day in the life of a run, on a mock clock: the real engine, tasks that fail and wait, and a disk that keeps nothing, so that what grows is the engine's.

``live(workflow, agent)`` drives a run in memory to its end and returns its final state. Nothing in here watches what the engine does: ``tests/simulation`` does.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import trio
from trio.testing import MockClock

from actorflow.agents.interface import Agent
from actorflow.agents.masking import Masker
from actorflow.agents.registry import AgentRegistry
from actorflow.engine.drive import Drive
from actorflow.engine.feed import Hub, Watch, watch_safely
from actorflow.engine.recovery import recovery_events
from actorflow.engine.session import BlobReader, Session
from actorflow.ids import RunId
from actorflow.journal import MemoryBlobs, MemoryDisk, Record
from actorflow.scheduling import Facts
from actorflow.state import RunState, fold
from actorflow.state import events as ev
from actorflow.workflow import load_workflow, read_inputs
from actorflow.workflow.catalog import AgentTraits, TaskFeature
from actorflow.workflow.compile import compile_plan

EPOCH = 1_800_000_000.0
RUN_ID = RunId("20260101-000000-aaaaaa")
HOUR = 3600.0
TRAITS = AgentTraits(name="sim", supports=frozenset(get_args(TaskFeature)), needs_folder=False)


class NoRecords(list[Record]):
    """Counts records and keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def extend(self, records: Iterable[Record]) -> None:
        self.count += len(list(records))


@dataclass
class Sample:
    """What the process held at a moment: Python's memory blocks after a collection, and the most memory that it ever had (bytes)."""

    hour: float
    blocks: int
    peak: int


@dataclass
class Life:
    """A finished run.

    Attributes:
        events: how many were recorded.
        seconds: how long it took, simulated.
    """

    state: RunState
    events: int
    seconds: float
    samples: list[Sample] = field(default_factory=list)


def live(
    document: dict[str, Any],
    agent: Agent,
    *,
    sample_every: float | None = None,
    watches: Iterable[Watch] = (),
) -> Life:
    """Drive a run to its end on a mock clock, with watchers, who go on after it until they have seen all that is left for them."""
    return trio.run(_live, document, agent, sample_every, watches, clock=MockClock(autojump_threshold=0))


async def _live(
    document: dict[str, Any], agent: Agent, sample_every: float | None, watches: Iterable[Watch]
) -> Life:
    registry = AgentRegistry.built_in()
    registry.register(agent)
    text = json.dumps(document).encode()
    workflow = load_workflow(text, file="soak.json", catalog=registry.catalog()).workflow
    plan = compile_plan(workflow, read_inputs(workflow, [], {}), catalog=registry.catalog())
    records, blobs = NoRecords(), MemoryBlobs()
    begun = trio.current_time()

    def clock() -> float:
        return round((EPOCH + trio.current_time() - begun) * 1e6) / 1e6

    async with (
        MemoryDisk(records).open() as journal,
        trio.open_nursery() as watching,
        trio.open_nursery() as nursery,
    ):
        accepted = ev.RunAccepted(
            RUN_ID,
            "soak",
            tuple(
                ev.TaskEntry(t.id, t.spec.agents, t.dependencies, "", t.retry.max_attempts)
                for t in plan.tasks.values()
            ),
            "",
            values=plan.values,
            inputs=plan.inputs,
        )
        started = ev.DriverStarted(pid=1, host="soak", epoch=journal.epoch)
        first = [accepted, *recovery_events(plan, fold([(clock(), accepted)]), started)]
        session = Session(
            run_id=RUN_ID,
            plan=plan,
            facts=Facts(plan, lambda task, attempt: 1.0, BlobReader(blobs)),
            initial=fold([]),
            journal=journal,
            blobs=blobs,
            agents={agent.traits.name: agent},
            secrets={},
            masker=Masker(()),
            clock=clock,
            hub=Hub(),
            project_root=Path("/"),
            attempt_folder=lambda task, attempt: Path("/"),
            offload=_in_place,
        )
        samples: list[Sample] = []
        if sample_every is not None:
            nursery.start_soon(_sample, samples, sample_every)
        for watch in watches:
            watching.start_soon(watch_safely, watch, session.hub.subscribe())
        state = await Drive(session).run(first)
        seconds = trio.current_time() - begun
        nursery.cancel_scope.cancel()
    return Life(state, records.count, seconds, samples)


async def _sample(samples: list[Sample], every: float) -> None:
    begun = trio.current_time()
    while True:
        await trio.sleep(every)
        gc.collect()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        samples.append(Sample((trio.current_time() - begun) / HOUR, sys.getallocatedblocks(), peak))


async def _in_place(fn: Any, *args: Any) -> Any:
    return fn(*args)
