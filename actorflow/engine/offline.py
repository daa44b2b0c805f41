"""Cancelling a run that nobody drives: what a control request does when there is no driver to ask.

Takes the run's state and session, with the lease held by the caller, and applies a cancellation as a driver would: what has
finished since has ended as it did, if its outcome can be taken; what still runs of it is ended and CANCELLED; what was
running and is gone is LOST; what is left is CANCELLED. Outcomes are durable before the cancellation is, so one that
is killed in between loses nothing of them. No agent is started and no hook runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

import trio
from msgspec.structs import replace

from actorflow.engine.outliving import Outliving
from actorflow.engine.recovery import AttemptKey
from actorflow.engine.session import Session
from actorflow.engine.taking import Left, Taken, take_finished
from actorflow.errors import ActorflowError
from actorflow.scheduling.rules import end_phases
from actorflow.state import RunState, RunStatus, TaskState, TaskStatus, apply
from actorflow.state import events as ev
from actorflow.state.events import Event

__all__ = ["cancellation_events", "take_and_end"]

EndAll: TypeAlias = Callable[[Iterable[AttemptKey]], Awaitable[None]]

NOTHING_LEFT: Mapping[AttemptKey, Left] = {}

_OPEN = (TaskStatus.PENDING, TaskStatus.RUNNING)


async def take_and_end(
    state: RunState,
    session: Session | None,
    finished: Mapping[AttemptKey, Outliving],
    *,
    driver: ev.DriverStarted,
    end_all: EndAll,
) -> Taken:
    """Record the outcomes of what has finished, and end everything else that is left of the run's open attempts meanwhile.

    Args:
        session: what to take the outcomes with; None when there are none to take.
        finished: whose outcomes are to be taken.
        driver: who takes them.
        end_all: ends what is left of attempts, all at once.

    Raises:
        AgentError: a process cannot be ended.
        JournalError: the storage failed, or there is no room.
    """
    others = [key for key in _open_attempts(state) if key not in finished]
    taken = Taken(state)
    failed: list[ActorflowError] = []

    async def end() -> None:  # at once: agents cost money as long as they run
        try:
            await end_all(others)
        except ActorflowError as error:
            failed.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end)
        try:
            if session is not None:
                taken = await take_finished(session, finished, driver)
        except ActorflowError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    await end_all(taken.left)  # such as a verify that still runs
    return taken


def _open_attempts(state: RunState) -> list[AttemptKey]:
    return [(task.id, task.attempts) for task in _in_order(state) if task.is_attempt_open]


def _in_order(state: RunState) -> list[TaskState]:
    """Return the tasks, in an order that is the same for everybody: that of the workflow may not be at hand."""
    return sorted(state.tasks.values(), key=lambda task: task.id)


def cancellation_events(
    state: RunState,
    by: str,
    epoch: int,
    *,
    ended: frozenset[AttemptKey] = frozenset(),
    left: Mapping[AttemptKey, Left] = NOTHING_LEFT,
) -> list[Event]:
    """Return what a cancellation records for a run that is not driven and not over.

    One that comes when all is done, hooks too, changes nothing any more.

    Args:
        ended: the open attempts that ran until now, and were stopped for it.
        left: those that had finished, and were not taken.
    """
    closing = {key: found.events for key, found in left.items() if found.events}
    closing |= {key: (ev.AttemptCancelled(*key),) for key in ended}
    attempts = _open_attempts(state)
    events: list[Event] = [ev.AttemptLost(*attempt) for attempt in attempts if attempt not in closing]
    if state.status is not RunStatus.RUNNING:
        events.append(ev.DriverStarted(pid=0, host="", epoch=epoch))
    events.append(ev.RunCancelRequested(by))
    events += [event for attempt in attempts for event in closing.get(attempt, ())]
    open_tasks = [task for task in _in_order(state) if task.status in _OPEN]
    outcome = state.outcome
    if outcome is None:
        cancelled = [task.id for task in open_tasks if not task.hook]
        outcome = _outcome(state, is_any_cancelled=bool(cancelled))
        events += [ev.TaskCancelled(task_id) for task_id in cancelled]
        events.append(ev.RunSettled(outcome))
    events += [
        ev.TaskCancelled(task.id) for task in open_tasks if task.hook and task.status is TaskStatus.RUNNING
    ]
    for event in events:
        state = apply(state, event, state.updated_at)
    return [*events, ev.RunFinished(outcome, state.account.cost_usd, state.account.tokens)]


def _outcome(state: RunState, *, is_any_cancelled: bool) -> RunStatus:
    """Return how the run ends. One with hooks to come is CANCELLED too: a resume finds nothing else to do, and runs them."""
    if is_any_cancelled or state.cancelled:
        return RunStatus.CANCELLED
    outcome = RunStatus.FAILED if state.failed else RunStatus.SUCCESS
    phases = end_phases(replace(state, outcome=outcome))
    is_hook_to_come = any(task.hook in phases and task.status in _OPEN for task in state.tasks.values())
    return RunStatus.CANCELLED if is_hook_to_come else outcome
