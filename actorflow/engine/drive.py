"""``drive``: one driver, one run, from where the journal ends to where the run does.

Records what the driver must record first, puts up the tree of actors, and waits. However it ends, the tree is
stopped in reverse order, and what is durable is the truth:

1. the run is over, or has paused: the final state is returned;
2. the storage failed: the error is raised, nothing that was not durable was acted upon;
3. the actors gave up (the supervisors' intensity is used up): the run is PAUSED with the reason and can be
  resumed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from actorflow.actors import (
    ChildSpec,
    Restarted,
    Runtime,
    SupervisorFailed,
    SupervisorSpec,
    format_tree,
    open_runtime,
    service,
)
from actorflow.agents.family import hurry_all
from actorflow.engine.attempts import AttemptHost
from actorflow.engine.control import serve_control
from actorflow.engine.folding import folded_again
from actorflow.engine.messages import CancelRun, SupervisorRestarted
from actorflow.engine.paths import DRIVER
from actorflow.engine.records import records_of
from actorflow.engine.run_actor import RunActor
from actorflow.engine.session import Session
from actorflow.errors import MailboxClosed
from actorflow.state import RunState, RunStatus, apply, fold
from actorflow.state import events as ev
from actorflow.state.events import Event
from actorflow.state.recorded import Recorded

__all__ = ["Drive", "driver_started"]

RUN_MAILBOX = 256
"""Room in RunActor's mailbox for what is not an outcome; each running attempt has a slot of its own besides."""


STOP_AGENTS_SECONDS = 30.0
"""How long the agents may take to clean up when their run is stopped."""


def driver_started(epoch: int, *, boot_id: str = "") -> ev.DriverStarted:
    """Describe this process as a driver."""
    return ev.DriverStarted(pid=os.getpid(), host=os.uname().nodename, epoch=epoch, boot_id=boot_id)


async def _record(session: Session, events: Sequence[Event]) -> Session:
    """Commit events before there is a RunActor, and publish the state after them."""
    if not events:
        return session
    at = session.clock()
    await session.journal.append(records_of(events, at))
    state = fold(((at, event) for event in events), session.initial)
    sequence = session.initial.sequence + 1
    session.hub.publish(state, tuple(Recorded(sequence + i, at, event) for i, event in enumerate(events)))
    return replace(session, initial=state)


class Drive:
    """Drives one run in this process.

    Args:
        session: what it works with; ``session.initial`` is the state that the journal holds.
        control: the folder where other processes leave requests; None for none.
    """

    def __init__(self, session: Session, *, control: Path | None = None) -> None:
        self._session = session
        self._control = control
        self._runtime: Runtime | None = None
        self._host: AttemptHost | None = None
        self._wish: CancelRun | None = None
        self._early_restarts: list[SupervisorRestarted] = []
        self._requests: set[str] = set()

    async def run(self, first: Sequence[Event] = ()) -> RunState:
        """Record ``first``, then drive the run until it is over; returns the state it ended in.

        Raises:
            JournalError: the storage failed.
        """
        session = self._session
        try:
            session = await self._begin(first)
            async with open_runtime(self._tree(session), on_restart=self._restarted) as self._runtime:
                for restart in self._early_restarts:
                    self._tell(restart)
                self._tell_wish()
                await session.ending.reached.wait()
        except SupervisorFailed as failure:
            return await self._pause(session, _root_cause(failure))
        finally:
            self._runtime = None
            session.hub.close()
        if session.ending.error is not None:
            raise session.ending.error
        return session.hub.state or session.initial

    def cancel(self, by: str, request_id: str = "") -> bool:
        """Stop all that runs, and ask for the run to be cancelled; False when it is over. Before its actors are up this is kept until they are.

        Agents are stopped here and now, and none is called until the RunActor has recorded the wish: for that the journal needs
        not to know anything, as an agent may end at any time. A disk that is slow or stuck holds nobody up. The wish is told again to a RunActor whose
        predecessor crashed over it. If the disk is full and the run cannot even record that, it ends at once, and a resume goes on.

        Args:
            request_id: of the request of another process; the same one again asks for nothing more.
        """
        if request_id in self._requests:
            return True
        self._session.room.ask_to_stop()
        self._wish = CancelRun(by, request_id)
        if request_id:
            self._requests.add(request_id)
        is_early = self._runtime is None and not self._session.hub.is_closed
        is_taken = is_early or self._tell(self._wish)
        if self._host is not None:
            self._host.stop_all()
        return is_taken

    async def cancel_and_wait(self, by: str, request_id: str) -> bool:
        """Cancel, and wait until that is durable."""
        is_taken = self.cancel(by, request_id)
        if is_taken:
            await self._session.room.wait_heard()
        return is_taken

    def hurry(self, by: str = "") -> None:
        """Cancel once more, and kill at once what is being ended.

        Cancelling again also ends the hooks that follow a cancellation. The outcomes arrive by themselves.
        """
        self.cancel(by)
        hurry_all()

    def tree(self) -> str:
        """Draw the tree of actors; empty when there is none."""
        if self._runtime is None or self._host is None:
            return ""
        running = "".join(f"\n  running: {attempt}" for attempt in self._host.running())
        return format_tree(self._runtime.tree()) + running

    async def _begin(self, first: Sequence[Event]) -> Session:
        session = await _record(self._session, first)
        # It came while we waited for the disk: no agent is called at all.
        if self._wish is not None:
            wish, self._wish = self._wish, None
            session = await _record(session, [ev.RunCancelRequested(wish.by)])
            session.room.heard()
        return session

    def _tree(self, session: Session) -> SupervisorSpec:
        host = self._host = AttemptHost(session)
        children: list[ChildSpec | SupervisorSpec] = [
            ChildSpec("attempts", service(host.serve), shutdown_seconds=STOP_AGENTS_SECONDS),
            SupervisorSpec("tasks", "one_for_one"),
            ChildSpec(
                "driver", lambda: RunActor(session, host), restart="transient", mailbox_capacity=RUN_MAILBOX
            ),
        ]
        if self._control is not None:
            control = service(serve_control, self._control, self.tree, self.cancel_and_wait)
            children.append(ChildSpec("control", control))
        return SupervisorSpec("run", "rest_for_one", tuple(children))

    def _restarted(self, restarted: Restarted) -> None:
        cause = "it ended" if restarted.error is None else self._describe(restarted.error)
        message = SupervisorRestarted(ev.ActorRestarted(restarted.path, restarted.restarts, cause))
        if self._runtime is None:  # the tree is only just coming up
            self._early_restarts.append(message)
        else:
            self._tell(message)
        if DRIVER in (restarted.path, *restarted.siblings):
            self._tell_wish()

    def _tell_wish(self) -> None:
        """Tell the RunActor what somebody has wished and its predecessor, if there was one, has not recorded."""
        if self._wish is not None and self._session.room.asked_to_stop:
            self._tell(self._wish)

    def _tell(self, message: CancelRun | SupervisorRestarted) -> bool:
        if self._runtime is None:
            return False
        try:
            self._runtime.ref(DRIVER).tell_nowait(message, reserved=True)
        except MailboxClosed:  # the RunActor is through; only the clean-up is under way
            return False
        return True

    def _describe(self, error: BaseException) -> str:
        return self._session.masker.text(f"{type(error).__name__}: {error}")

    async def _pause(self, session: Session, cause: BaseException) -> RunState:
        """Record that the run stopped by itself; what was running is LOST at the next resume."""
        state = await folded_again(session)
        if state.status is not RunStatus.RUNNING:
            return state
        paused, at = (
            ev.RunPaused(f"an actor failed again and again: {self._describe(cause)}"),
            session.clock(),
        )
        await session.room.insist(session.journal.append, records_of([paused], at))
        state = apply(state, paused, at)
        session.hub.publish(state, (Recorded(state.sequence, at, paused),))
        return state


def _root_cause(failure: BaseException) -> BaseException:
    while failure.__cause__ is not None:
        failure = failure.__cause__
    return failure
