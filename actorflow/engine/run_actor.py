"""RunActor: owns the state of the run and is the only one that decides.

Takes outcomes and requests from its mailbox, as many as are there; settles them with all their consequences;
commits that as one batch; then publishes the new state and acts on it. Invariant: nothing is acted upon
before the batch that records it is durable; what is no act is done while the disk writes. When it crashes, its successor folds the journal and tells every
TaskActor again what it is to do, so that running attempts are adopted and not lost. What a person has asked to
stop is stopped before this actor hears of it (``Drive.cancel``): it only records that. Must not wait for agents,
views or timers of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NoReturn

import trio

from actorflow.actors import Actor, ChildSpec, Context, Envelope, Ref, SupervisorRef
from actorflow.engine.attempts import AttemptHost
from actorflow.engine.folding import folded_again
from actorflow.engine.messages import (
    CancelRun,
    Carry,
    DeadlinePassed,
    Due,
    OpenSession,
    Outcome,
    PoolOpens,
    Recorded,
    Rejoined,
    RoomChanged,
    SupervisorRestarted,
    TaskMessage,
    WaitUntil,
)
from actorflow.engine.paths import TASKS, task_name
from actorflow.engine.recording import record
from actorflow.engine.requests import start_again
from actorflow.engine.run_clock import RunClock
from actorflow.engine.session import Session
from actorflow.engine.task_actor import TaskActor
from actorflow.engine.waiting import sleep_until
from actorflow.errors import InternalError, JournalError, StaleEpoch
from actorflow.ids import TaskId
from actorflow.journal.faults import stale_error
from actorflow.scheduling import Frontier, Settled, StartAttempt, settle
from actorflow.scheduling.rules import is_cancelled
from actorflow.scheduling.services import next_opening
from actorflow.state import RunState, RunStatus, TaskState, TaskStatus
from actorflow.state import events as ev
from actorflow.state.events import Event
from actorflow.state.parking import SHORT_WAIT_SECONDS, parked_by, parked_until

__all__ = ["RunActor"]

TASK_MAILBOX = 16
"""Room in a TaskActor's mailbox; it never holds more than one message of each kind for each of two attempts."""

LET_GO_SECONDS = 0.01
"""How long the actor of a finished task is kept if no other commit comes, during which it could be ended."""


class RunActor(Actor):
    """The actor that drives one run."""

    def __init__(self, session: Session, host: AttemptHost) -> None:
        self._session = session
        self._host = host
        self._state: RunState = session.initial
        self._frontier: Frontier
        self._clock = RunClock(session.plan.workflow.settings.timeout_seconds)
        self._opens_at: float | None = None
        self._opening: trio.CancelScope | None = None
        self._carried: Settled | None = None
        self._finished: list[TaskId] = []
        self._has_finished = trio.Event()
        self._ctx: Context
        self._tasks: SupervisorRef

    async def on_start(self, ctx: Context) -> None:
        """Take up the run where the journal says it is."""
        self._ctx = ctx
        self._tasks = ctx.directory.supervisor(TASKS)
        self._session.room.on_change = self._room_changed
        if ctx.restarts:
            try:
                self._state = await folded_again(self._session)
            except StaleEpoch as error:
                await self._give_up(error)
        self._frontier = await self._new_frontier(is_beside_loop=bool(ctx.restarts))

    async def _new_frontier(self, *, is_beside_loop: bool) -> Frontier:
        """Return the frontier of the state; of many tasks it takes a while, during which running attempts are to go on."""
        if is_beside_loop:
            frontier: Frontier = await self._session.offload(Frontier, self._session.facts, self._state)
            return frontier
        return Frontier(self._session.facts, self._state)

    async def run(self, ctx: Context) -> None:
        """Drive the run to its end."""
        ctx.start_soon(self._watch_deadline)
        ctx.start_soon(self._let_go_soon)
        if ctx.restarts and self._state.epoch != self._session.journal.epoch:
            # Another driver has taken the run over: the attempts that the journal shows are its, not ours.
            await self._give_up(stale_error(self._session.journal.epoch, self._state.epoch))
        await self._take_up()
        await self._leave_if_parked()
        while not self._is_over:
            first = await ctx.inbox.get()
            await self._turn([first, *ctx.inbox.drain_nowait()])
            await self._leave_if_parked()
        self._session.ending.reached.set()

    @property
    def _is_over(self) -> bool:
        status = self._state.status
        return status is not None and (status.is_terminal or status is RunStatus.PAUSED)

    async def _take_up(self) -> None:
        """Say again what is under way, and see what can start.

        An open attempt that nobody knows of was perhaps begun and perhaps not: it is LOST, so that it is
        never carried out twice.
        """
        self._session.hub.publish(self._state, ())
        tasks = [self._state.tasks[task_id] for task_id in self._session.plan.tasks]
        started = [task for task in tasks if task.status is TaskStatus.RUNNING]
        for task in started:
            self._stop_if_cancelled(task)
        lost = [
            ev.AttemptLost(t.id, t.attempts) for t in started if t.is_attempt_open and not self._is_known(t)
        ]
        await self._commit(await self._settle([*lost, *self._room_events()]), [])
        for task in started:
            self._instruct(task.id)
        if self._ctx.restarts:  # whom the predecessor had not let go of yet
            for task in tasks:
                if task.status.is_terminal and self._child(task.id) is not None:
                    self._confirm(task.id, task.attempts)

    def _is_known(self, task: TaskState) -> bool:
        """Whether the task's actor is there, or at least its attempt: that goes on also when the actors' supervisor was replaced; or it is another driver's, to be gone on with."""
        host = self._host
        is_ours = self._child(task.id) is not None or host.find(task.id, task.attempts) is not None
        return is_ours or host.has_outlived(task.id, task.attempts)

    # --- one turn ------------------------------------------------------------------------------------------------

    async def _turn(self, envelopes: list[Envelope]) -> None:
        events = self._events_of_turn([envelope.message for envelope in envelopes])
        waited = [e.message.due_at for e in envelopes if isinstance(e.message, Due | PoolOpens)]
        now = max([self._session.clock(), *waited])
        await self._commit(await self._settle(events, now), envelopes)
        for envelope in envelopes:
            if type(envelope.message) is Rejoined:
                self._instruct(envelope.message.task)

    def _events_of_turn(self, messages: Iterable[object]) -> list[Event]:
        """Give the events of all messages; what is said of an attempt after its outcome, such as the outcome once more, is dropped."""
        events: list[Event] = []
        ended: set[tuple[TaskId, int]] = set()
        # First the wish to cancel: whom it has stopped may have said so before it was told again to us.
        for message in sorted(messages, key=lambda message: type(message) is not CancelRun):
            if isinstance(message, Outcome | OpenSession):
                attempt = message.event.task, message.event.attempt
                if attempt in ended:
                    continue
                if type(message) is Outcome:
                    ended.add(attempt)
            events += self._events_of(message)
        return events

    def _events_of(self, message: object) -> list[Event]:
        match message:
            case Outcome(event) if self._is_open(event.task, event.attempt):
                return [event]
            case OpenSession(event) if self._is_open(event.task, event.attempt):
                return [event]
            case CancelRun(by, request_id):
                answered: list[Event] = [ev.ControlAnswered(request_id, "cancelling")] if request_id else []
                return [ev.RunCancelRequested(by), *answered]
            case DeadlinePassed() if self._state.outcome is None and not self._state.timed_out:
                return [ev.RunTimedOut(self._session.plan.workflow.settings.timeout_seconds)]
            case SupervisorRestarted(event):
                return [event]
            case RoomChanged():
                return self._room_events()
            case Outcome() | OpenSession() | DeadlinePassed() | Due() | PoolOpens() | Rejoined():
                return []  # said twice because its sender could not know better, or only a wake-up
        raise InternalError(f"RunActor got {message!r}")

    def _room_changed(self) -> None:
        if self._ctx.self_ref.is_alive:
            self._ctx.self_ref.tell_nowait(RoomChanged(), reserved=True)

    def _room_events(self) -> list[Event]:
        """Give what is to be recorded so that the journal says whether somebody waits for room."""
        room = self._session.room
        if bool(room.reason) == bool(self._state.no_room):
            return []
        return [ev.RoomRanOut(room.reason) if room.reason else ev.RoomFound(room.waited_seconds)]

    def _is_open(self, task_id: TaskId, attempt: int) -> bool:
        task = self._state.tasks[task_id]
        return task.is_attempt_open and task.attempts == attempt

    async def _settle(self, events: Iterable[Event], now: float | None = None) -> Settled:
        at = self._session.clock() if now is None else now
        frontier = self._frontier
        try:
            return settle(self._state, events, at, commands=frontier.commands, advance=frontier.advance)
        except JournalError as error:  # an output that a condition reads is missing or damaged
            await self._give_up(error)

    async def _give_up(self, error: JournalError) -> NoReturn:
        """End the drive because of the storage, and do nothing any more."""
        self._session.ending.fail(error)
        while True:
            await self._ctx.inbox.get()  # until it raises, because we are stopped

    # --- commit, then act ----------------------------------------------------------------------------------------

    async def _commit(self, settled: Settled, envelopes: list[Envelope]) -> None:
        durable = trio.Event()
        if settled.events:
            try:
                meanwhile = partial(self._meanwhile, settled, durable)
                self._state = await record(self._session, self._state, settled, meanwhile)
            except JournalError as error:
                await self._give_up(error)  # what was decided is not known to be durable: nothing may follow
            self._clock.note(self._state, settled.state.updated_at)
        self._act(settled, durable)
        if self._state.limits or self._opens_at is not None:
            self._watch_limits()
        self._keep()
        for envelope in envelopes:
            if type(envelope.message) is Outcome:
                self._confirm(envelope.message.event.task, envelope.message.event.attempt)
            envelope.reply(None)

    def _keep(self) -> None:
        """Have a snapshot made, off the way, when one is due."""
        keeper = self._session.keeper
        if keeper is not None and keeper.is_due(self._state):
            self._ctx.start_soon(self._session.offload, keeper.save, self._state)

    def _act(self, settled: Settled, durable: trio.Event) -> None:
        durable.set()
        if self._carried is not settled:  # the batch could not be written at first
            self._carry_all(settled, durable)
        cancelling = False
        for event in settled.events:
            if type(event) is ev.RetryScheduled:
                self._tell_task(event.task, WaitUntil(event.due_at))
            elif type(event) is ev.TaskCancelled:
                self._confirm(event.task, self._state.tasks[event.task].attempts)
            cancelling = cancelling or type(event) in (ev.RunCancelRequested, ev.RunTimedOut)
        if cancelling:
            for task in self._state.tasks.values():
                self._stop_if_cancelled(task)

    def _stop_if_cancelled(self, task: TaskState) -> None:
        if task.is_attempt_open and is_cancelled(self._state, task):
            self._host.stop(task.id, task.attempts)

    def _carry_all(self, settled: Settled, durable: trio.Event) -> None:
        for start in settled.starts:
            self._carry(start, settled.state, durable)
        self._carried = settled

    def _carry(self, start: StartAttempt, state: RunState, durable: trio.Event) -> None:
        self._tell_task(start.task, Carry(start, state, durable))

    def _confirm(self, task_id: TaskId, attempt: int) -> None:
        """Tell the task's actor, if it is there, that the outcome of its attempt is durable; if the task is done, a little later."""
        if self._state.tasks[task_id].status.is_terminal:
            self._finished.append(task_id)
            self._has_finished.set()
        else:
            self._tell_recorded(task_id, attempt, is_final=False)

    def _let_go(self) -> None:
        """Tell the actors of finished tasks that all of it is durable: they end, which the next commit hides."""
        finished, self._finished = self._finished, []
        for task_id in finished:
            self._tell_recorded(task_id, self._state.tasks[task_id].attempts, is_final=True)

    async def _let_go_soon(self) -> None:
        """Let go of what no other commit has come for."""
        while True:
            await self._has_finished.wait()
            await trio.sleep(LET_GO_SECONDS)
            self._let_go()
            self._has_finished = trio.Event()

    def _tell_recorded(self, task_id: TaskId, attempt: int, *, is_final: bool) -> None:
        if (child := self._child(task_id)) is not None:
            child.tell_nowait(Recorded(attempt, is_final))

    def _child(self, task_id: TaskId) -> Ref[object] | None:
        child = self._tasks.child(task_name(task_id))
        return child if child is not None and child.is_alive else None

    def _instruct(self, task_id: TaskId) -> None:
        """Tell a task's actor all that it is to do, whatever it knows already."""
        task = self._state.tasks[task_id]
        if task.status is TaskStatus.RUNNING:
            self._instruct_running(task)
        elif task.attempts:
            self._tell_recorded(task_id, task.attempts, is_final=True)

    def _instruct_running(self, task: TaskState) -> None:
        if task.is_attempt_open:
            self._carry(start_again(task), self._state, _set_event())
        elif task.due_at is not None:
            self._tell_task(task.id, WaitUntil(task.due_at))

    def _meanwhile(self, settled: Settled, durable: trio.Event) -> None:
        """What needs no durable batch: let go of what is done, and have everything ready that the batch starts."""
        self._let_go()
        self._carry_all(settled, durable)

    def _tell_task(self, task_id: TaskId, message: TaskMessage) -> None:
        """Tell a task's actor something; it is started for it when there is none."""
        self._actor_of(task_id).tell_nowait(message)

    def _actor_of(self, task_id: TaskId) -> Ref[object]:
        child = self._child(task_id)
        if child is not None:
            return child
        session, host, driver = self._session, self._host, self._ctx.self_ref
        return self._tasks.start_child_nowait(
            ChildSpec(
                task_name(task_id),
                lambda: TaskActor(session, host, driver, task_id),
                restart="transient",
                mailbox_capacity=TASK_MAILBOX,
            )
        )

    # --- limits and the run's timeout ---------------------------------------------------------------------------------------

    async def _watch_deadline(self) -> None:
        """Say when the run's time is up; time in which everything was parked does not count."""
        self._clock.start(self._state, self._session.clock())
        while (left := self._clock.seconds_left(self._session.clock())) > 0:  # noqa: ASYNC110 (what is waited for is time)
            await trio.sleep(left)
        self._ctx.self_ref.tell_nowait(DeadlinePassed(), reserved=True)

    async def _leave_if_parked(self) -> None:
        """Pause the run when nobody is to wait for a limit with it."""
        if not self._session.leaves_when_parked or self._state.status is not RunStatus.RUNNING:
            return
        until = parked_until(self._state)
        if until is not None and until - self._session.clock() > SHORT_WAIT_SECONDS:
            account, why = self._state.account, parked_by(self._state, until)
            paused = ev.RunPaused(f"parked by the {why}", "parked", until, account.cost_usd, account.tokens)
            await self._commit(await self._settle([paused]), [])

    def _watch_limits(self) -> None:
        """Wake up when the next closed pool opens: tasks that have not begun have no actor that would wait for it."""
        opens_at = next_opening(self._state, self._session.clock())
        if opens_at == self._opens_at:
            return
        self._opens_at = opens_at
        if self._opening is not None:
            self._opening.cancel()
        if opens_at is not None:
            self._opening = trio.CancelScope()
            self._ctx.start_soon(self._wait_opening, opens_at, self._opening)

    async def _wait_opening(self, opens_at: float, scope: trio.CancelScope) -> None:
        with scope:
            await sleep_until(opens_at, self._session.clock)
            self._opens_at = None
            self._ctx.self_ref.tell_nowait(PoolOpens(opens_at), reserved=True)


def _set_event() -> trio.Event:
    event = trio.Event()
    event.set()
    return event
