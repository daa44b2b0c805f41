"""Changing a run that nobody drives: what a control request does when there is no driver to ask.

Takes the run's folder, with the lease held by the caller, and applies a cancellation to its journal as a
driver would: what still runs of it is ended and CANCELLED, what was running and is gone is LOST, what is left is
CANCELLED. The result of an attempt that has finished since is not taken, because taking it needs its agent; the
caller is told. No agent is started and no hook runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from actorflow.agents.environment import attempt_marker
from actorflow.agents.process import end_survivors
from actorflow.engine.begun import is_copied
from actorflow.engine.outliving import look_for_outliving
from actorflow.engine.records import read_records, records_of
from actorflow.engine.recovery import AttemptKey
from actorflow.errors import ActorflowError
from actorflow.ids import TaskId
from actorflow.journal import RunFolder, open_sqlite_journal
from actorflow.state import RunState, RunStatus, TaskStatus, apply, fold
from actorflow.state import events as ev
from actorflow.state.events import Event

__all__ = ["CancelledOffline", "cancel_offline", "cancellation_events"]


@dataclass(frozen=True, slots=True)
class CancelledOffline:
    """A run that was cancelled while nobody drove it.

    Attributes:
        ended: the attempts that still ran.
        finished: those that had finished since, whose results are not taken.
    """

    state: RunState
    ended: frozenset[AttemptKey]
    finished: frozenset[AttemptKey]


async def cancel_offline(folder: RunFolder, *, by: str, now: float) -> CancelledOffline:
    """End what is left of the run's processes and record that it is cancelled.

    Args:
        now: Unix seconds.

    Raises:
        AgentError: a process cannot be ended; nothing is recorded then.
    """
    async with open_sqlite_journal(folder.journal) as journal:
        state = fold((recorded.at, recorded.event) for recorded in read_records(await journal.read()))
        found = look_for_outliving(folder.path, folder.run_id, state)
        await _end_all(folder, state)
        ended = frozenset(key for key, outliving in found.items() if not outliving.has_finished)
        events = cancellation_events(state, by, journal.epoch, ended=ended)
        await journal.append(records_of(events, now))
        for event in events:
            state = apply(state, event, now)
        return CancelledOffline(state, ended, frozenset(found) - ended)


async def _end_all(folder: RunFolder, state: RunState) -> None:
    """End what is left of all open attempts, at once: each may take its whole grace."""
    failed: list[ActorflowError] = []

    async def end(task: TaskId, attempt: int) -> None:
        try:
            path = folder.attempt_dir(task, attempt)
            if not is_copied(path):
                await end_survivors(path, marker=attempt_marker(folder.run_id, task, attempt))
        except ActorflowError as error:
            failed.append(error)

    async with trio.open_nursery() as nursery:
        for task in state.tasks.values():
            if task.is_attempt_open:
                nursery.start_soon(end, task.id, task.attempts)
    if failed:
        raise failed[0]


def cancellation_events(
    state: RunState, by: str, epoch: int, *, ended: frozenset[AttemptKey] = frozenset()
) -> list[Event]:
    """Return what a cancellation records for a run that is not driven and not over.

    Args:
        ended: the open attempts that ran until now, and were stopped for it.
    """
    attempts = [(task.id, task.attempts) for task in state.tasks.values() if task.is_attempt_open]
    events: list[Event] = [ev.AttemptLost(*attempt) for attempt in attempts if attempt not in ended]
    if state.status is not RunStatus.RUNNING:
        events.append(ev.DriverStarted(pid=0, host="", epoch=epoch))
    events.append(ev.RunCancelRequested(by))
    events += [ev.AttemptCancelled(*attempt) for attempt in attempts if attempt in ended]
    open_tasks = [t for t in state.tasks.values() if t.status in (TaskStatus.PENDING, TaskStatus.RUNNING)]
    if state.outcome is None:
        events += [ev.TaskCancelled(task.id) for task in open_tasks if not task.hook]
        events.append(ev.RunSettled(RunStatus.CANCELLED))
    outcome = RunStatus.CANCELLED if state.outcome is None else state.outcome
    events += [
        ev.TaskCancelled(task.id) for task in open_tasks if task.hook and task.status is TaskStatus.RUNNING
    ]
    return [*events, ev.RunFinished(outcome, state.account.cost_usd, state.account.tokens)]
