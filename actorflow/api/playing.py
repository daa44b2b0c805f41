"""Plays a run in memory on a virtual clock: the real engine, agents from stubs, no file, no waiting.

A run of an hour takes milliseconds, and the same run is the same to the microsecond each time: time stands
still while anything can go on and then jumps to the next moment at which something happens, and the spread of
exponential back-off is left out. Must not be called inside trio: it brings its own event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import trio
from trio.testing import MockClock

from actorflow.agents.interface import Agent, AgentRequest
from actorflow.agents.masking import Masker
from actorflow.api.pinning import capacity_of, entries_of
from actorflow.api.rehearsing import rehearsed_agents
from actorflow.engine.drive import Drive
from actorflow.engine.feed import Hub
from actorflow.engine.records import read_records
from actorflow.engine.recovery import recovery_events
from actorflow.engine.session import BlobReader, Session
from actorflow.errors import InternalError, JournalError
from actorflow.ids import RunId, TaskId
from actorflow.journal import MemoryBlobs, MemoryDisk
from actorflow.rehearsal.played import Played
from actorflow.rehearsal.stubs import Stubs
from actorflow.scheduling import Facts
from actorflow.state import EMPTY, REHEARSAL, Recorded, RunState, apply
from actorflow.state import events as ev
from actorflow.workflow.catalog import Catalog
from actorflow.workflow.plan import Plan

__all__ = ["STARTED_AT", "play"]

STARTED_AT: Final = 1_767_225_600.0
"""When a played run begins: 2026-01-01T00:00:00Z."""

_RUN_ID: Final = RunId("20260101-000000-played")
_PATIENCE_SECONDS: Final = 400 * 86400.0
"""Of the virtual clock: a run that waits longer than any run may take waits for something that does not come."""


def play(plan: Plan, stubs: Stubs, *, catalog: Catalog, project_root: Path) -> Played:
    """Play a run to its end.

    Args:
        stubs: must have been checked against the plan's workflow.
        project_root: what agents would be told; nothing in it is read.

    Raises:
        ActorflowError: the engine gave up; that is a bug.
    """
    calls: list[AgentRequest] = []
    blobs = MemoryBlobs()
    agents = rehearsed_agents(plan, catalog, stubs, on_call=calls.append)
    state, events = trio.run(
        partial(_drive, plan, agents, blobs=blobs, root=project_root), clock=MockClock(autojump_threshold=0)
    )
    return Played(plan=plan, state=state, events=events, calls=tuple(calls), load=BlobReader(blobs))


async def _drive(
    plan: Plan, agents: Mapping[str, Agent], *, blobs: MemoryBlobs, root: Path
) -> tuple[RunState, tuple[Recorded, ...]]:
    began = trio.current_time()

    def clock() -> float:
        return round((STARTED_AT + trio.current_time() - began) * 1e6) / 1e6

    async with MemoryDisk().open() as journal:
        accepted = _accepted(plan, root)
        started = ev.DriverStarted(pid=0, host="", epoch=journal.epoch)
        first = [accepted, *recovery_events(plan, apply(EMPTY, accepted, clock()), started)]
        session = Session(
            run_id=_RUN_ID,
            plan=plan,
            facts=Facts(plan, _no_spread, BlobReader(blobs)),
            initial=EMPTY,
            journal=journal,
            blobs=blobs,
            agents=agents,
            secrets={source.name: f"rehearsed {source.name}" for source in plan.workflow.secrets},
            masker=Masker(()),
            clock=clock,
            hub=Hub(),
            project_root=root,
            attempt_folder=_no_folder,
            offload=_in_place,
        )
        with trio.move_on_after(_PATIENCE_SECONDS) as patience:
            state = await Drive(session).run(first)
        if patience.cancelled_caught:
            raise InternalError("a played run does not end")
        return state, read_records(await journal.read())


def _accepted(plan: Plan, root: Path) -> ev.RunAccepted:
    return ev.RunAccepted(
        run_id=_RUN_ID,
        workflow=plan.workflow.name,
        tasks=entries_of(plan),
        text="",
        project_root=str(root),
        inputs=plan.inputs,
        values=plan.values,
        mode=REHEARSAL,
        capacity=capacity_of(plan.workflow.settings),
    )


def _no_spread(_task: TaskId, _attempt: int) -> float:
    """Delays are the longest that they can be, and round."""
    return 1.0


def _no_folder(_task: TaskId, _attempt: int) -> NoReturn:
    raise JournalError("a played run has no folder")


async def _in_place(fn: Callable[..., Any], *args: Any) -> Any:
    return fn(*args)
