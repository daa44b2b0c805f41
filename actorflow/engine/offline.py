"""Changing a run that nobody drives: what a control request does when there is no driver to ask.

Takes the run's folder, with the lease held by the caller, and applies a cancellation to its journal as a
driver would: what was running is LOST, what is left is CANCELLED. No agent is started and no hook runs.
"""

from __future__ import annotations

from actorflow.agents.environment import attempt_marker
from actorflow.agents.process import end_survivors
from actorflow.engine.records import read_records, records_of
from actorflow.journal import RunFolder, open_sqlite_journal
from actorflow.state import RunState, RunStatus, TaskStatus, apply, fold
from actorflow.state import events as ev
from actorflow.state.events import Event

__all__ = ["cancel_offline", "cancellation_events"]


async def cancel_offline(folder: RunFolder, *, by: str, now: float) -> RunState:
    """End what is left of the run's processes and record that it is cancelled.

    Args:
        now: Unix seconds.
    """
    async with open_sqlite_journal(folder.journal) as journal:
        state = fold((recorded.at, recorded.event) for recorded in read_records(await journal.read()))
        for task in state.tasks.values():
            if task.is_attempt_open:
                marker = attempt_marker(folder.run_id, task.id, task.attempts)
                await end_survivors(folder.attempt_dir(task.id, task.attempts), marker=marker)
        events = cancellation_events(state, by, journal.epoch)
        await journal.append(records_of(events, now))
        for event in events:
            state = apply(state, event, now)
        return state


def cancellation_events(state: RunState, by: str, epoch: int) -> list[Event]:
    """Return what a cancellation records for a run that is not driven and not over."""
    events: list[Event] = [
        ev.AttemptLost(task.id, task.attempts) for task in state.tasks.values() if task.is_attempt_open
    ]
    if state.status is not RunStatus.RUNNING:
        events.append(ev.DriverStarted(pid=0, host="", epoch=epoch))
    events.append(ev.RunCancelRequested(by))
    open_tasks = [t for t in state.tasks.values() if t.status in (TaskStatus.PENDING, TaskStatus.RUNNING)]
    if state.outcome is None:
        events += [ev.TaskCancelled(task.id) for task in open_tasks if not task.hook]
        events.append(ev.RunSettled(RunStatus.CANCELLED))
    outcome = RunStatus.CANCELLED if state.outcome is None else state.outcome
    events += [
        ev.TaskCancelled(task.id) for task in open_tasks if task.hook and task.status is TaskStatus.RUNNING
    ]
    return [*events, ev.RunFinished(outcome, state.account.cost_usd, state.account.tokens)]
