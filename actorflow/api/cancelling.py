"""Cancelling a run that nobody drives, under its lease.

Takes the run's folder; gives the state in which it has ended, and what became of the attempts that were open. What
has finished since the driver died has been paid for: its outcome is recorded first, if its agent and its secrets are
at hand. A cancellation never fails for want of those; then it says what could not be taken, and why. Starts nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from actorflow.agents.interface import Reattaches
from actorflow.api.checking import registry_of
from actorflow.api.driver_clock import DriverClock
from actorflow.api.heartbeat import Heartbeat, take_lease
from actorflow.api.resuming import Resumption, prepare_resume
from actorflow.api.scrubbing import scrub_lost, secrets_at_hand
from actorflow.api.sessions import Supplied
from actorflow.engine.drive import driver_started
from actorflow.engine.offline import cancellation_events, take_and_end
from actorflow.engine.outliving import Outliving, as_begun, look_for_outliving
from actorflow.engine.records import read_records, records_of
from actorflow.engine.recovery import AttemptKey, wanted
from actorflow.engine.snapshots import restored
from actorflow.engine.survivors import end_attempts
from actorflow.engine.taking import Left, Taken
from actorflow.errors import ActorflowError, JournalError
from actorflow.journal import Journal, Record, RunFolder, open_sqlite_journal
from actorflow.settings import Settings
from actorflow.state import RunState, apply
from actorflow.state.pinned_spec import pinned_spec

__all__ = ["CancelledHere", "cancel_here"]


@dataclass(frozen=True, slots=True)
class CancelledHere:
    """A run that was cancelled while nobody drove it.

    Attributes:
        state: how it has ended.
        was_over: it had ended before; nothing was done.
        recorded: the attempts that had finished, and whose outcome was recorded.
        ended: those that still ran.
        left: those that had finished and could not be taken, each with the reason.
    """

    state: RunState
    was_over: bool = False
    recorded: frozenset[AttemptKey] = frozenset()
    ended: frozenset[AttemptKey] = frozenset()
    left: Mapping[AttemptKey, str] = field(default_factory=dict)


async def cancel_here(folder: RunFolder, *, settings: Settings, by: str) -> CancelledHere:
    """Record what has finished, end what still runs, and record that the run is cancelled.

    Raises:
        RunLocked: somebody drives it.
        AgentError: a process cannot be ended; the run is not cancelled then.
        JournalFull: there is no room. What was not recorded is as it was.
        JournalError: the journal cannot be read or written.
    """
    with take_lease(folder) as lease:
        heartbeat = Heartbeat(lease)
        return await heartbeat.during(partial(_cancel_under, heartbeat, folder, settings, by))


async def _cancel_under(
    heartbeat: Heartbeat, folder: RunFolder, settings: Settings, by: str
) -> CancelledHere:
    async with open_sqlite_journal(folder.journal) as journal:
        heartbeat.busy_seconds = partial(getattr, journal, "busy_seconds", 0.0)
        records = await journal.read()
        state = await trio.to_thread.run_sync(restored, folder.path, records)
        if state.status is not None and state.status.is_terminal:
            return CancelledHere(state, was_over=True)
        return await _Cancellation(folder, settings, journal, records, state).carry_out(by)


@dataclass(frozen=True, slots=True)
class _Cancellation:
    """One cancellation of a run that is not over."""

    folder: RunFolder
    settings: Settings
    journal: Journal
    records: Sequence[Record]
    state: RunState

    async def carry_out(self, by: str) -> CancelledHere:
        supplies = self._supplies()  # first: what ends by itself between the look and the end of it is lost
        found = as_begun(look_for_outliving(self.folder.path, self.folder.run_id, self.state), self.records)
        ended = frozenset(key for key, outliving in found.items() if not outliving.has_finished)
        finished = {key: outliving for key, outliving in found.items() if outliving.has_finished}
        clock = DriverClock(self.state.updated_at)
        taken = await self._take_and_end(supplies, finished, clock)
        await self._scrub(spared=taken.recorded)
        state, now = taken.state, clock()
        events = cancellation_events(state, by, self.journal.epoch, ended=ended, left=taken.left)
        for event in events:
            state = apply(state, event, now)
        await self.journal.append(records_of(events, now))
        return CancelledHere(
            state,
            recorded=taken.recorded,
            ended=ended,
            left={key: found.reason for key, found in sorted(taken.left.items())},
        )

    def _supplies(self) -> Resumption | str:
        """Return what results can be taken with; or why they cannot."""
        if not any(task.is_attempt_open for task in self.state.tasks.values()):
            return ""
        try:
            return prepare_resume(self.folder, settings=self.settings, spec="pinned")
        except JournalError:
            raise
        except ActorflowError as error:
            return "; ".join(error.message.splitlines())

    async def _take_and_end(
        self, supplies: Resumption | str, finished: Mapping[AttemptKey, Outliving], clock: DriverClock
    ) -> Taken:
        if isinstance(supplies, str):
            left = {key: Left(supplies) for key in finished}
            session = None
        else:
            left = self._not_to_be_taken(supplies, finished)
            supplied = Supplied(self.folder, supplies.plan, supplies.agents, supplies.secrets, supplies.root)
            session = supplied.session(self.journal, self.state, clock, takes_only=True)
        to_take = {key: outliving for key, outliving in finished.items() if key not in left}
        taken = await take_and_end(
            self.state,
            session,
            to_take,
            driver=driver_started(self.journal.epoch),
            end_all=partial(end_attempts, self.folder),
        )
        return Taken(taken.state, taken.recorded, {**left, **taken.left})

    def _not_to_be_taken(
        self, found: Resumption, finished: Mapping[AttemptKey, Outliving]
    ) -> dict[AttemptKey, Left]:
        """Return those of the attempts whose outcome cannot be taken, each with the reason."""
        stays = wanted(found.plan, self.state, frozenset(finished))
        left: dict[AttemptKey, Left] = {}
        for key, outliving in finished.items():
            agent = self.state.tasks[outliving.task].agent
            if key not in stays:
                left[key] = Left("its driver had begun to stop it")
            elif not isinstance(found.agents.get(agent), Reattaches):
                left[key] = Left(f"its agent '{agent}' is not at hand")
            elif not found.knows_secrets_of(outliving):
                left[key] = Left("a secret that it knows has changed")
        return left

    async def _scrub(self, spared: Collection[AttemptKey]) -> None:
        """Take secrets out of what nobody has taken; whose outcome was recorded was scrubbed before that."""
        events = [recorded.event for recorded in read_records(self.records)]
        accepted = pinned_spec(read_records(self.records))
        if accepted is not None:
            texts = secrets_at_hand(accepted, registry_of(self.settings))
            await scrub_lost(self.folder, texts, events, spared=spared)
