"""Taking what attempts have left that have finished while nobody drove their run, and nothing else.

Takes a session that ``takes_only``, with the lease held by the caller, and such attempts; records how each of them ended,
with what follows for its task, as a driver would have that had been there: the same ``Attempt`` hears its agent, and the
same rules say whether the task is done. Each is durable before the next one is looked at. Must not start anything: neither a
program, nor the next attempt of a task that may be tried again, nor a task that waits for this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import trio
from msgspec.structs import replace

from actorflow.engine.attempts import Attempt
from actorflow.engine.messages import OpenSession
from actorflow.engine.outliving import Outliving
from actorflow.engine.records import records_of
from actorflow.engine.recovery import AttemptKey
from actorflow.engine.requests import start_again
from actorflow.engine.session import Session
from actorflow.errors import JournalFull
from actorflow.ids import TaskId
from actorflow.scheduling.commands import CompleteTask, FailTask
from actorflow.scheduling.rules import after_attempt
from actorflow.state import RunState, apply
from actorflow.state import events as ev
from actorflow.state.events import Event

__all__ = ["Left", "Taken", "take_finished"]


@dataclass(frozen=True, slots=True)
class Left:
    """An attempt that had finished, and of which nothing could be taken.

    Attributes:
        reason: why, for a person.
        events: what is to be recorded of it when its run is cancelled, and not before: its session, and that it is
            CANCELLED, with what it has cost; () when nothing is known of it.
    """

    reason: str
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of attempts that had finished.

    Attributes:
        state: after all of it.
        recorded: those whose outcome is recorded now.
        left: the others, which are open still.
    """

    state: RunState
    recorded: frozenset[AttemptKey] = frozenset()
    left: Mapping[AttemptKey, Left] = field(default_factory=dict)


async def take_finished(
    session: Session, found: Mapping[AttemptKey, Outliving], driver: ev.DriverStarted
) -> Taken:
    """Record how the attempts ended, one after the other, in the order of the workflow.

    Args:
        driver: who does so.
        found: attempts that are open in ``session.initial`` and have finished, as ``as_begun`` gives them.

    Raises:
        JournalFull: there is no room for one of them; it, and those after it, are as they were.
        JournalError: the storage failed.
    """
    state, recorded, left = session.initial, set[AttemptKey](), dict[AttemptKey, Left]()
    for key in sorted(found, key=lambda key: session.plan.tasks[key[0]].index):
        recorder = _Recorder()
        attempt = await _carried_out(session, state, found[key], recorder)
        if isinstance(attempt, str):
            left[key] = Left(attempt)
            continue
        assert attempt.outcome is not None  # noqa: S101 (narrows the type: its work is done)
        events = (*recorder.sessions, attempt.outcome)
        if attempt.left_because:
            left[key] = Left(attempt.left_because, events)
            continue
        state = await _record(session, state, key[0], events, driver=_with(driver, session, found))
        recorded.add(key)
    return Taken(state, frozenset(recorded), left)


async def _carried_out(
    session: Session, state: RunState, outliving: Outliving, recorder: _Recorder
) -> Attempt | str:
    """Return the attempt when it has ended; or why it cannot be known how: something that it rests on cannot be read."""
    durable, waits_for = trio.Event(), list[str]()
    durable.set()
    start = start_again(state.tasks[outliving.task])
    attempt = Attempt(session, start, state, recorder, durable=durable, outliving=outliving)

    def give_up() -> None:  # a driver would wait for room; nobody drives the run
        waits_for.append(session.room.reason)
        nursery.cancel_scope.cancel()

    async def give_up_with_storage() -> None:
        await session.ending.reached.wait()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        session.room.on_change = give_up
        nursery.start_soon(give_up_with_storage)
        await attempt.work()
        nursery.cancel_scope.cancel()
    if waits_for:
        raise JournalFull(waits_for[0], hint="nothing is lost: make room and try again")
    error, session.ending.error, session.ending.reached = session.ending.error, None, trio.Event()
    return attempt if error is None else error.message


async def _record(
    session: Session,
    state: RunState,
    task: TaskId,
    happened: Sequence[Event],
    *,
    driver: ev.DriverStarted,
) -> RunState:
    """Make durable how an attempt ended, and what follows for its task; return the state after it."""
    at = max(session.clock(), state.updated_at)
    events: list[Event] = []

    def take(*more: Event) -> None:
        nonlocal state
        for event in more:
            state = apply(state, event, at)
            events.append(event)

    if state is session.initial:
        take(driver)
    take(*happened)
    follows = after_attempt(session.facts, state, state.tasks[task], at)
    if isinstance(follows, CompleteTask | FailTask):
        take(*follows.events())
    await session.journal.append(records_of(events, at))
    return state


def _with(
    driver: ev.DriverStarted, session: Session, found: Mapping[AttemptKey, Outliving]
) -> ev.DriverStarted:
    """Return the driver with what it has taken over, in the order of the workflow."""
    tasks = {task_id for task_id, _ in found}
    return replace(driver, taken_over=tuple(task_id for task_id in session.plan.tasks if task_id in tasks))


class _Recorder:
    """Stands for the RunActor: keeps what is to be recorded with the outcome, which its attempt keeps."""

    is_alive = False  # nobody has to be told the outcome

    def __init__(self) -> None:
        self.sessions: list[ev.SessionOpened] = []

    def tell_nowait(self, message: object, *, reserved: bool = False) -> None:
        """Hear nothing."""

    async def ask(self, message: object, *, timeout_seconds: float) -> object:  # noqa: ARG002 - as an actor is asked
        """Keep the session that the agent has opened. It has ended, so nothing depends on its being durable before it goes on."""
        await trio.lowlevel.checkpoint()
        if isinstance(message, OpenSession):
            self.sessions.append(message.event)
        return None
