"""Asking a run to do something, from any process: cancel it, show its tree.

Whoever drives the run is asked through its control folder. If nobody does, a cancellation is applied here,
under the lease, and a tree is told from the journal.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from actorflow.api.looking import Inspection, inspect
from actorflow.engine.control import Request, ask_driver
from actorflow.errors import RunLocked
from actorflow.ids import RunId, TaskId
from actorflow.journal import RunStore, who_drives
from actorflow.settings import Settings
from actorflow.state import RunState, RunStatus
from actorflow.state import events as ev

if TYPE_CHECKING:
    from actorflow.api.cancelling import CancelledHere
    from actorflow.engine.recovery import AttemptKey

__all__ = ["Cancelled", "cancel", "tree"]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a cancellation.

    Attributes:
        answer: one line for a person.
        recorded: of a run that nobody drove, the tasks whose attempts had finished, and whose outcomes were recorded.
        ended: the tasks of it whose attempts still ran.
        left: the tasks of it whose attempts had finished and could not be recorded, each with the reason.
    """

    run_id: RunId
    state: RunState
    answer: str
    recorded: tuple[TaskId, ...] = ()
    ended: tuple[TaskId, ...] = ()
    left: Mapping[TaskId, str] = field(default_factory=dict)


async def cancel(run: str, *, settings: Settings, by: str) -> Cancelled:
    """Cancel a run; returns when its driver has recorded the request, or when it is done here.

    Raises:
        RunError: there is no such run.
        DriverSilent: its driver does not answer.
        AgentError: what still runs of it cannot be ended.
        JournalError: the journal cannot be read or written.
    """
    while True:
        seen = inspect(run, settings=settings)
        if seen.state.status is not None and seen.state.status.is_terminal:
            return Cancelled(
                seen.run_id, seen.state, f"run {seen.run_id} is over already: {seen.state.status.value}"
            )
        if await _ask(seen, "cancel", by) is not None:
            return Cancelled(seen.run_id, seen.state, f"run {seen.run_id} is being cancelled")
        try:
            from actorflow.api.cancelling import cancel_here  # a driver that is there does that by itself

            folder = RunStore(settings.state_dir).open(seen.run_id)
            return _told(seen, await cancel_here(folder, settings=settings, by=by))
        except RunLocked:
            continue  # somebody has begun to drive it just now: ask them


def _told(seen: Inspection, done: CancelledHere) -> Cancelled:
    status = "" if done.state.status is None else done.state.status.value
    if done.was_over:
        return Cancelled(seen.run_id, done.state, f"run {seen.run_id} is over already: {status}")
    ended, recorded = _tasks(done.ended), _tasks(done.recorded)
    left = {task: reason for (task, _), reason in done.left.items()}
    is_cancelled = done.state.status is RunStatus.CANCELLED
    answer = (
        f"run {seen.run_id} is {'cancelled' if is_cancelled else f'over: {status}'}; nobody was driving it"
    )
    if ended:
        answer += f", and what still ran of it was ended: {', '.join(ended)}"
    if recorded:
        were = "result that was ready was" if len(recorded) == 1 else "results that were ready were"
        answer += f"; {len(recorded)} {were} recorded: {', '.join(recorded)}"
    if left:
        told = ", ".join(f"{task} ({reason})" for task, reason in left.items())
        answer += f"; finished, and could not be recorded: {told}; 'actorflow logs {seen.run_id}' shows what was written"
    return Cancelled(seen.run_id, done.state, answer, recorded, ended, left)


def _tasks(attempts: Iterable[AttemptKey]) -> tuple[TaskId, ...]:
    return tuple(sorted(task for task, _ in attempts))


async def tree(run: str, *, settings: Settings) -> str:
    """Draw the supervision tree of a run: as its driver sees it, or, when nobody drives it, the restarts that its journal tells of."""
    seen = inspect(run, settings=settings)
    answer = await _ask(seen, "tree", "")
    return _told_by_the_journal(seen) if answer is None else answer


async def _ask(seen: Inspection, kind: str, by: str) -> str | None:
    if seen.driver is None:
        return None
    request = Request(secrets.token_hex(8), kind, by)
    return await ask_driver(seen.folder / "control", request, driver=lambda: who_drives(seen.folder))


def _told_by_the_journal(seen: Inspection) -> str:
    restarts = [recorded.event for recorded in seen.events if isinstance(recorded.event, ev.ActorRestarted)]
    lines = [f"run {seen.run_id}: {seen.standing.word}; nobody drives it, so no actor is alive"]
    lines += [f"  {event.path} restarted ({event.restarts}): {event.cause}" for event in restarts]
    return "\n".join(lines if restarts else [*lines, "  no actor was restarted"])
