"""``run`` and ``resume``: from a workflow file, or a run's folder, to a driven run and its end.

Everything that can be wrong is found before anything is created: the file, the inputs, the agents, the
secrets. Then the run's folder is made, the lease taken, and the first event committed; from there on the run
is durable and its id is told. What comes after is ``engine.drive``.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import msgspec
import trio

from actorflow import __version__
from actorflow.agents.process import max_processes
from actorflow.api.checking import load_file, registry_of
from actorflow.api.driver_clock import DriverClock
from actorflow.api.heartbeat import Heartbeat, take_lease
from actorflow.api.pinning import capacity_of, entries_of
from actorflow.api.rehearsing import (
    Rehearsal,
    masked_source,
    read_stub_file,
)
from actorflow.api.resuming import SpecChoice, prepare_resume
from actorflow.api.scrubbing import scrub_lost
from actorflow.api.sessions import Supplied
from actorflow.api.signals import obey_signals
from actorflow.api.stuck_disk import watch_disk
from actorflow.api.supplies import agents_of, prepare, secrets_of
from actorflow.api.terms import DEFAULT_TERMS, Terms
from actorflow.engine.drive import Drive, driver_started
from actorflow.engine.feed import Watch, watch_safely
from actorflow.engine.outliving import Outliving, as_begun, find_outliving
from actorflow.engine.records import read_records
from actorflow.engine.recovery import AttemptKey, recovery_events
from actorflow.engine.room import Room
from actorflow.engine.session import Session
from actorflow.engine.snapshots import Keeper, restored
from actorflow.engine.survivors import end_attempts
from actorflow.errors import ActorflowError
from actorflow.ids import RunId, make_run_id
from actorflow.journal import (
    Ballast,
    BlobStore,
    RunFolder,
    RunStore,
    open_sqlite_journal,
)
from actorflow.settings import Settings
from actorflow.state import REHEARSAL, RunState, RunStatus, apply
from actorflow.state import events as ev
from actorflow.values import JSONValue
from actorflow.workflow import read_inputs
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.plan import Plan

__all__ = ["Finished", "exit_code_of", "resume", "run"]

_logger = logging.getLogger("actorflow.api")


@dataclass(frozen=True, slots=True)
class Finished:
    """How driving a run ended in this process."""

    run_id: RunId
    state: RunState
    exit_code: int
    folder: Path


async def run(
    file: Path,
    *,
    settings: Settings,
    assignments: Sequence[str] = (),
    given: Mapping[str, JSONValue] | None = None,
    max_parallel: int | None = None,
    rehearsal: Rehearsal | None = None,
    terms: Terms = DEFAULT_TERMS,
    watch: Watch | None = None,
) -> Finished:
    """Run a workflow to its end.

    Args:
        assignments: inputs as ``name=text``; they win over ``given``.
        given: inputs as values.
        max_parallel: instead of the workflow's own.
        rehearsal: play all agents from stubs instead of calling them.
        terms: what the run may spend, and whether a limit is waited for.
        watch: runs beside the run and reads its feed; the first update comes when the run is durable.

    Raises:
        SpecErrors: the file is not a valid workflow, or the stubs do not fit it.
        InputError: inputs are missing, unknown or of the wrong type.
        ConfigurationError: an agent or a secret cannot be had.
        JournalError: the state folder cannot be written.
    """
    registry = registry_of(settings)
    loaded = load_file(file, registry=registry)
    inputs = read_inputs(loaded.workflow, assignments, given or {})
    plan = compile_plan(loaded.workflow, inputs, catalog=registry.catalog(), max_parallel=max_parallel)
    stubs = None if rehearsal is None else read_stub_file(rehearsal, loaded.workflow)
    agents = agents_of(plan, registry, stubs)
    texts = secrets_of(loaded.workflow, settings.project_root, loaded.secret_literals, stubs)
    await prepare(plan, agents, plan.tasks)
    run_id = make_run_id(time.time(), secrets.randbits(30))
    folder = RunStore(settings.state_dir).create(run_id)
    accepted = _accepted(run_id, plan, file, settings, max_parallel)
    if stubs is not None:
        recorded = masked_source(stubs, texts)
        accepted = msgspec.structs.replace(accepted, mode=REHEARSAL, stubs=recorded)
    driving = _Driving(Supplied(folder, _bounded(plan), agents, texts, settings.project_root), watch, terms)
    return await driving.drive(
        lambda state, epoch, _: [accepted, *_recovery(plan, apply(state, accepted, 0.0), epoch)]
    )


async def resume(
    run: str,
    *,
    settings: Settings,
    max_parallel: int | None = None,
    from_tasks: Sequence[str] = (),
    spec: SpecChoice = "ask",
    terms: Terms = DEFAULT_TERMS,
    watch: Watch | None = None,
) -> Finished:
    """Go on with a run that was interrupted, failed, was cancelled or paused.

    Behind the scenes: (1) the lease is taken; (2) the journal is folded; (3) of the attempts that a dead driver
    left open, those whose programs still run, or have ended and said how, are gone on with; the others are LOST,
    and what is left of them is ended; (4) what failed or was cancelled is PENDING again, and so is what is asked
    for; (5) the run goes on. A run that succeeded is returned as it is when there is nothing to do.

    Args:
        from_tasks: tasks that run again, with all that come after them, also when they succeeded.
        spec: which text of the workflow counts when its file has changed since; see ``SpecChoice``.
        terms: what the run may spend, and whether a limit is waited for.

    Raises:
        RunError: there is no such run; ``SpecDiffers``: its file has changed, and nobody said which counts.
        InputError: ``from_tasks`` names a task that is not there.
        SpecErrors: the current file is wanted and is not valid.
        RunLocked: another process drives it.
        RunParked: nothing of it can go on before a limit is lifted, and the terms do not say to wait.
        ConfigurationError: an agent or a secret cannot be had.
        JournalError: the journal cannot be read or written.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    with take_lease(folder):
        found = prepare_resume(
            folder, settings=settings, max_parallel=max_parallel, from_tasks=from_tasks, spec=spec
        )
    supplied = Supplied(folder, _bounded(found.plan), found.agents, found.secrets, found.root)
    driving = _Driving(supplied, watch, terms, is_resumed=True)
    return await driving.drive(
        lambda state, epoch, outliving: found.events(state, driver_started(epoch), outliving)
    )


def exit_code_of(state: RunState) -> int:
    """Return the documented exit code for a run's state."""
    match state.status:
        case RunStatus.SUCCESS:
            return 0
        case RunStatus.FAILED:
            return 124 if state.timed_out else 1
        case RunStatus.CANCELLED:
            return 130
        case _:
            return 75


# --- before the run ----------------------------------------------------------------------------------------------


def _accepted(
    run_id: RunId, plan: Plan, file: Path, settings: Settings, max_parallel: int | None
) -> ev.RunAccepted:
    workflow = plan.workflow
    return ev.RunAccepted(
        run_id=run_id,
        workflow=workflow.name,
        tasks=entries_of(plan),
        text=workflow.text,
        format=workflow.format,
        file=str(file.absolute()),
        project_root=str(settings.project_root),
        inputs=plan.inputs,
        values=plan.values,
        max_parallel=max_parallel,
        permission_mode=settings.permission_mode,
        actorflow_version=__version__,
        capacity=capacity_of(workflow.settings),
    )


def _bounded(plan: Plan) -> Plan:
    """Return the plan with no more parallelism than this process has file descriptors for."""
    most = max_processes()
    if plan.max_parallel <= most:
        return plan
    message = "max_parallel is %d, but this process can run %d programs at once: raise its limit of open files (ulimit -n)"
    _logger.warning(message, plan.max_parallel, most)
    return replace(plan, max_parallel=most)


def _recovery(plan: Plan, state: RunState, epoch: int) -> list[ev.Event]:
    return recovery_events(plan, state, driver_started(epoch))


# --- the run -----------------------------------------------------------------------------------------------------


_First: TypeAlias = Callable[[RunState, int, Mapping[AttemptKey, Outliving]], list[ev.Event]]


@dataclass(frozen=True, slots=True)
class _Driving:
    """One call's way from a run's folder to its end."""

    supplied: Supplied
    watch: Watch | None
    terms: Terms
    is_resumed: bool = False

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return self.supplied.folder

    async def drive(self, first: _First) -> Finished:
        """Take the lease, open the journal, record what ``first`` gives for its state, our epoch and what has outlived the driver before, and drive."""
        with take_lease(self.folder) as lease:
            heartbeat = Heartbeat(lease)
            return await heartbeat.during(partial(self._drive_under, heartbeat, first))

    async def _drive_under(self, heartbeat: Heartbeat, first: _First) -> Finished:
        async with open_sqlite_journal(self.folder.journal) as journal:
            heartbeat.busy_seconds = partial(getattr, journal, "busy_seconds", 0.0)
            records = await journal.read()
            state = await trio.to_thread.run_sync(restored, self.folder.path, records)
            found = await find_outliving(self.folder.path, self.folder.run_id, state, self.supplied.agents)
            clock = DriverClock(state.updated_at)
            begin = self.terms.extended(
                self.supplied.facts(), state, first(state, journal.epoch, found), now=clock()
            )
            if self.is_resumed:
                await self._prepare(state, begin)
            lost = {(e.task, e.attempt) for e in begin if isinstance(e, ev.AttemptLost)}
            kept = as_begun({key: left for key, left in found.items() if key not in lost}, records)
            await end_attempts(self.folder, lost)
            BlobStore(self.folder.blobs).sweep()
            events = (recorded.event for record in records for recorded in read_records([record]))
            await scrub_lost(self.folder, self.supplied.secrets.values(), events, spared=kept)
            session = self.supplied.session(
                journal, state, clock, leaves_when_parked=self.terms.exit_when_parked
            )
            session = replace(session, keeper=(keeper := self._keeper(state)), outliving=kept)
            state = await self._drive(session, state, begin)
        if keeper.is_due(state, at_end=True):
            await trio.to_thread.run_sync(keeper.save, state)
        return Finished(self.folder.run_id, state, exit_code_of(state), self.folder.path)

    async def _prepare(self, state: RunState, begin: Sequence[ev.Event]) -> None:
        """See that the agents of what is still to run are there, before anything is done.

        Raises:
            ConfigurationError: some are not, or cannot work.
        """
        for event in begin:
            state = apply(state, event, 0.0)
        left = [t for t in self.supplied.plan.tasks if not state.tasks[t].status.is_terminal]
        await prepare(self.supplied.plan, self.supplied.agents, left)

    def _keeper(self, state: RunState) -> Keeper:
        plan = self.supplied.plan
        tasks = plan.tasks.values()
        limits = {task.id: task.retry.max_attempts for task in tasks if task.retry.max_attempts > 1}
        return Keeper(self.folder.path, tuple(plan.tasks), limits, state.sequence)

    async def _drive(self, session: Session, state: RunState, events: list[ev.Event]) -> RunState:
        if not events:
            return state
        ballast = Ballast(self.folder.ballast)
        await trio.to_thread.run_sync(ballast.keep)
        try:
            room = Room(ballast.keep, ballast.release)
            return await self._drive_with(replace(session, room=room), state, events)
        finally:
            ballast.release()

    async def _drive_with(self, session: Session, state: RunState, events: list[ev.Event]) -> RunState:
        drive = Drive(session, control=self.folder.control)
        busy_seconds = partial(getattr, session.journal, "busy_seconds", 0.0)
        failed: ActorflowError | None = None
        async with trio.open_nursery() as helpers:
            await helpers.start(obey_signals, drive, busy_seconds)
            helpers.start_soon(watch_disk, busy_seconds, session.hub, session.clock)
            async with trio.open_nursery() as watchers:
                if self.watch is not None:
                    watchers.start_soon(watch_safely, self.watch, session.hub.subscribe())
                try:
                    state = await drive.run(events)
                except ActorflowError as error:
                    failed = error  # raised below, as itself: a nursery would put it into a group
            helpers.cancel_scope.cancel()
        if failed is not None:
            raise failed
        return state
