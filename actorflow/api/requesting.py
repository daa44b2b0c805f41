"""Asking a run to do something, from any process: cancel it, show its tree.

Whoever drives the run is asked through its control folder. If nobody does, a cancellation is applied here,
under the lease, and a tree is told from the journal.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from actorflow.api.checking import registry_of
from actorflow.api.looking import Inspection, inspect
from actorflow.api.scrubbing import scrub_lost, secrets_at_hand
from actorflow.engine.control import Request, ask_driver
from actorflow.engine.offline import CancelledOffline, cancel_offline
from actorflow.errors import RunLocked
from actorflow.ids import RunId
from actorflow.journal import Lease, RunStore, this_process, who_drives
from actorflow.settings import Settings
from actorflow.state import RunState
from actorflow.state import events as ev
from actorflow.state.pinned_spec import pinned_spec

__all__ = ["Cancelled", "cancel", "tree"]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a cancellation.

    Attributes:
        answer: one line for a person.
    """

    run_id: RunId
    state: RunState
    answer: str


async def cancel(run: str, *, settings: Settings, by: str) -> Cancelled:
    """Cancel a run; returns when its driver has recorded the request, or when it is done here.

    Raises:
        RunError: there is no such run.
        DriverSilent: its driver does not answer.
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
            return await _cancel_here(seen, settings, by)
        except RunLocked:
            continue  # somebody has begun to drive it just now: ask them


async def _cancel_here(seen: Inspection, settings: Settings, by: str) -> Cancelled:
    folder = RunStore(settings.state_dir).open(seen.run_id)
    now = int(time.time() * 1_000_000)
    with Lease.acquire(folder.path, folder.run_id, now=now, describe=this_process(now=now, command="cancel")):
        done = await cancel_offline(folder, by=by, now=time.time())
        accepted = pinned_spec(seen.events)
        if accepted is not None:
            texts = secrets_at_hand(accepted, registry_of(settings))
            await scrub_lost(folder, texts, [recorded.event for recorded in seen.events])
    answer = f"run {seen.run_id} is cancelled; nobody was driving it{_what_was_left(done)}"
    return Cancelled(seen.run_id, done.state, answer)


def _what_was_left(done: CancelledOffline) -> str:
    ended, finished = sorted(task for task, _ in done.ended), sorted(task for task, _ in done.finished)
    told = f", and what still ran of it was ended: {', '.join(ended)}" if ended else ""
    return told + (f"; what had finished since is not taken: {', '.join(finished)}" if finished else "")


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
