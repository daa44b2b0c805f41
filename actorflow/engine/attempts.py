"""Attempts: one call of an agent each, and the host in which they live.

An attempt renders its request, calls the agent under the task's time limits, and turns whatever comes back
into one outcome event. It lives in the ``AttemptHost``, beside the actor of its task and not inside it, so
that a crash of that actor does not end work that is paid for. It gets ready while the disk still writes that it
starts, and calls its agent when that is durable. The host keeps an attempt until it is told to forget it: that it
is there and its start durable is what says that it has begun, so none is ever carried out twice. An attempt
that has outlived an earlier driver is gone on with instead, once. Stopping one waits for nobody, neither for an
actor nor for the disk. Every exception of an agent becomes a failed attempt; only trio's cancellation goes through.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import msgspec
import trio

from actorflow.actors import AskFailed, Context
from actorflow.agents.interface import Agent, AgentRequest, AgentResult, Progress, Reattaches
from actorflow.agents.remains import ended_at
from actorflow.engine.attempt_channel import DeadlineChannel
from actorflow.engine.begun import note_begun
from actorflow.engine.fingerprints import fingerprint_of
from actorflow.engine.messages import OpenSession, Outcome, OutcomeEvent, Recorder
from actorflow.engine.outcomes import close_attempt, event_of_error, event_of_result
from actorflow.engine.outliving import LOST, Outliving
from actorflow.engine.recovery import AttemptKey
from actorflow.engine.requests import build_request
from actorflow.engine.secrets import marks_of
from actorflow.engine.session import Session
from actorflow.engine.spend import Spend
from actorflow.errors import AgentError, InternalError, JournalError, JournalFull
from actorflow.ids import TaskId
from actorflow.scheduling import StartAttempt
from actorflow.state import RunState
from actorflow.state import events as ev
from actorflow.values import FrozenDict

__all__ = ["Attempt", "AttemptHost"]

_MAY_HAVE_ENDED_BEFORE = (ev.AttemptSucceeded, ev.AttemptFailed, ev.AttemptRequeued)


class AttemptHost:
    """The attempts of a run that are running, or have ended and are not recorded yet.

    Args:
        session: what they work with.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._attempts: dict[AttemptKey, Attempt] = {}
        self._stopped: set[AttemptKey] = set()
        self._outliving = dict(session.outliving)
        self._nursery: trio.Nursery | None = None

    async def serve(self, ctx: Context) -> None:  # noqa: ARG002 (a service is given its context)
        """Be the place where attempts run, until cancelled. A service actor; what it held before a restart is gone."""
        self._attempts.clear()
        self._stopped.clear()
        async with trio.open_nursery() as self._nursery:
            await trio.sleep_forever()

    def find(self, task: TaskId, attempt: int) -> Attempt | None:
        """Return an attempt that was begun and is not forgotten."""
        return self._attempts.get((task, attempt))

    def has_outlived(self, task: TaskId, attempt: int) -> bool:
        """Whether an attempt has outlived its driver and waits here to be gone on with."""
        return (task, attempt) in self._outliving

    def begin(self, start: StartAttempt, state: RunState, driver: Recorder, *, durable: trio.Event) -> None:
        """Begin an attempt, or go on with one that has outlived its driver. One that has been stopped before, or while somebody asks the run to stop, ends without a call of its agent.

        One that still waits for its start to become durable is replaced: who was to tell it has crashed, and it
        goes on waiting, for nothing.

        Args:
            state: the state in which it was started.
            driver: is told how it ended, and records what the agent wants recorded meanwhile.
            durable: is set when the start is durable; until then nothing is done that could be noticed.
        """
        before = self.find(start.task, start.attempt)
        if self._nursery is None or (before is not None and before.has_begun):
            raise InternalError(f"attempt {start.attempt} of {start.task} cannot begin here and now")
        outliving = self._outliving.pop((start.task, start.attempt), None)
        attempt = Attempt(self._session, start, state, driver, durable=durable, outliving=outliving)
        self._attempts[start.task, start.attempt] = attempt
        if (start.task, start.attempt) in self._stopped:
            attempt.stop()
        self._nursery.start_soon(attempt.work, name=f"attempt:{start.task}:{start.attempt}")

    def stop(self, task: TaskId, attempt: int) -> None:
        """Stop an attempt, also one that its actor has not begun yet."""
        self._stopped.add((task, attempt))
        if (begun := self.find(task, attempt)) is not None:
            begun.stop()

    def stop_all(self) -> None:
        """Stop every attempt that is there."""
        for attempt in self._attempts.values():
            attempt.stop()

    def forget(self, task: TaskId, attempt: int) -> None:
        """Let go of an attempt whose outcome is durable."""
        self._attempts.pop((task, attempt), None)
        self._stopped.discard((task, attempt))

    def running(self) -> list[str]:
        """Name the attempts that have not ended."""
        return [
            f"{task} (attempt {n})"
            for (task, n), attempt in self._attempts.items()
            if attempt.has_begun and attempt.outcome is None
        ]


class Attempt:
    """One attempt of one task.

    Attributes:
        outcome: how it ended; None while it runs.
        left_because: why nothing could be taken of one that has finished, where nothing else is done than that.
    """

    __slots__ = (
        "_asked",
        "_channel",
        "_driver",
        "_durable",
        "_outliving",
        "_request",
        "_scope",
        "_session",
        "_spec",
        "_spend",
        "_start",
        "_state",
        "_stopped",
        "_waits_for_room",
        "left_because",
        "outcome",
    )

    def __init__(
        self,
        session: Session,
        start: StartAttempt,
        state: RunState,
        driver: Recorder,
        *,
        durable: trio.Event,
        outliving: Outliving | None = None,
    ) -> None:
        self.outcome: OutcomeEvent | None = None
        self.left_because = ""
        self._outliving = outliving
        self._asked = None if outliving is None else outliving.asked
        self._session = session
        self._start = (
            start if outliving is None else msgspec.structs.replace(start, session=outliving.session)
        )
        self._state = state
        self._driver = driver
        self._durable = durable
        self._request: AgentRequest | None = None
        self._spec = session.plan.tasks[start.task].spec
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()
        self._waits_for_room = False
        self._spend = Spend()
        self._channel: DeadlineChannel | None = None

    @property
    def has_begun(self) -> bool:
        """Whether its start is durable, so that it has begun, or does so in a moment."""
        return self._durable.is_set()

    def stop(self) -> None:
        """End it: the agent is cancelled and cleans up. Returns at once."""
        self._stopped.set()
        self._scope.cancel()

    async def work(self) -> None:
        """Wait until the start is durable, carry it out and say how it ended."""
        try:
            self.outcome = await self._carry_out() if self._outliving is None else await self._go_on()
        finally:
            self.wait_for_room("")
            self._channel = None  # it leads back here: without it no garbage has to be collected
            if self._session.secrets and self.has_begun:
                await close_attempt(self._session, self._start, self._stopped)
        self.tell()

    def tell(self) -> None:
        """Tell the RunActor how it ended, if it has; telling it twice does no harm."""
        if self.outcome is not None and self._driver.is_alive:
            self._driver.tell_nowait(Outcome(self.outcome), reserved=True)

    async def _go_on(self) -> OutcomeEvent:
        """Return how an attempt ended that another driver began; nothing of it is left.

        Its agent sees to that, unless it never came to it, or cannot know. What it has left of a result that is to be
        recorded stays as it is until then: if we die before, our successor finds it there.
        """
        outcome = await self._carry_out()
        if self._channel is not None and not isinstance(outcome, ev.AttemptLost):
            return self._ended_when_it_did(outcome)
        try:
            await self._session.end_survivors(self._start.task, self._start.attempt)
        except AgentError as error:
            return self._failed(error)
        return outcome

    def _ended_when_it_did(self, outcome: OutcomeEvent) -> OutcomeEvent:
        """Return the outcome with the moment at which the attempt ended, if that was while nobody drove the run."""
        has_finished = self._outliving is not None and self._outliving.has_finished
        if not has_finished or not isinstance(outcome, _MAY_HAVE_ENDED_BEFORE):
            return outcome
        try:
            folder = self._session.attempt_folder(self._start.task, self._start.attempt)
        except JournalError:
            return outcome
        # Looked up now: an agent may have had something else to do since, such as a verify.
        return msgspec.structs.replace(outcome, ended_at=ended_at(folder))

    async def _carry_out(self) -> OutcomeEvent:
        """Return how the attempt ended, whatever the agent does."""
        session, start = self._session, self._start
        try:
            result: AgentResult | None = None
            with self._scope:  # entered while the disk still writes, as that takes its time, too
                self._get_ready()
                await self._durable.wait()
                self._heed()
                if self._stopped.is_set():
                    return self._interrupted()
                if self._request is None:
                    self._request = await session.room.insist(self._build_request, stop=self._stopped)
                result = await self._call_agent(self._request)
            if self._scope.cancelled_caught:
                await (
                    self._durable.wait()
                )  # of one that was stopped before it began nothing is said until then
                return self._interrupted()
            if not isinstance(result, AgentResult):
                raise TypeError(f"it gave {type(result).__name__} instead of a result")
            return await event_of_result(
                session,
                start,
                result,
                self._spend,
                state=self._state,
                stop=self._stopped,
                fingerprint=self._asked or "",
            )
        except JournalFull:
            return self._cancelled()  # it was stopped while there was no room for its files
        except JournalError as error:
            # Not the agent's fault: the drive ends, a resume runs the attempt again.
            session.ending.fail(error)
            await trio.sleep_forever()
        except AgentError as error:
            return self._ended_by(error)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever an agent raises fails its attempt and nothing else
            return self._failed(AgentError("crashed", f"the agent crashed: {type(error).__name__}: {error}"))

    def _heed(self) -> None:
        """Stop if somebody asks the run to stop and that is not recorded yet.

        Asked when the start is durable, not before: a hook of the end starts in the batch that records the wish.
        """
        if self._session.room.asked_to_stop:
            self.stop()

    def _get_ready(self) -> None:
        """Make the request while the disk writes, if that leaves no trace; what cannot be made now, fails when it is time."""
        if not self._session.agents[self._start.agent].traits.needs_folder:
            with suppress(Exception):
                self._request = self._make_request()

    async def _build_request(self) -> AgentRequest:
        try:
            return self._make_request()
        except AgentError as error:
            if self._outliving is None:
                error.cost_usd, error.tokens = 0.0, 0  # no agent was called
            raise

    def _make_request(self) -> AgentRequest:
        """Return the request, and keep its fingerprint, unless that of an earlier driver is known."""
        session = self._session
        has_begun = self._outliving is not None
        request = build_request(session, self._state, self._start, has_begun=has_begun)
        if self._asked is None:
            masker = session.masker if session.secrets else None
            self._asked = fingerprint_of(request, session.agents[self._start.agent], masker)
        return request

    def _ended_by(self, error: AgentError) -> OutcomeEvent:
        """Return how the attempt ended, of which the agent, or what comes before it, says this."""
        if self._stopped.is_set():
            return self._cancelled(error)
        is_lost = self._outliving is not None and error.kind == LOST
        if self._session.takes_only and (is_lost or self._channel is None):
            self.left_because = self._session.masker.text(error.message)
            return self._cancelled(error)  # what it has cost is known all the same
        return ev.AttemptLost(self._start.task, self._start.attempt) if is_lost else self._failed(error)

    def _failed(self, error: AgentError) -> OutcomeEvent:
        return event_of_error(self._session, self._start, error, self._spend, self._state)

    def _cancelled(self, error: AgentError | None = None) -> OutcomeEvent:
        spend = self._spend if error is None else self._spend.of(error)
        return ev.AttemptCancelled(self._start.task, self._start.attempt, spend.cost_usd, spend.tokens)

    async def _call_agent(self, request: AgentRequest) -> AgentResult:
        """Call the agent. Its time begins here."""
        agent = self._session.agents[self._start.agent]
        limit, idle = self._spec.effective_timeout, self._spec.idle_timeout_seconds or math.inf
        if self._outliving is not None:
            return await self._call_again(agent, request, limit, idle)
        if agent.traits.needs_folder and isinstance(agent, Reattaches):
            session = self._session
            note_begun(
                request.folder,
                self._asked or "",
                marks_of(session.run_id, session.secrets),
                at=session.clock(),
            )
        channel = self._channel = DeadlineChannel(self, self._scope, limit, idle)
        return await agent.run(request, channel)

    async def _call_again(
        self, agent: Agent, request: AgentRequest, limit: float, idle: float
    ) -> AgentResult:
        """Have the agent go on. Its time counts from when it was called, or else from its recorded start; what has ended by itself has not taken too long."""
        if not isinstance(agent, Reattaches):
            raise AgentError(LOST, f"{self._start.agent} cannot go on with an attempt of another driver")
        outliving = self._outliving
        if outliving is None or outliving.has_finished:
            limit = idle = math.inf
        began = None if outliving is None else outliving.began_at
        if began is None:
            began = self._state.tasks[self._start.task].attempt_started_at
        now = self._session.clock()
        left = limit - max(0.0, now - (now if began is None else began))
        channel = self._channel = DeadlineChannel(self, self._scope, left, idle, has_begun=True)
        return await agent.reattach(replace(request, takes_only=self._session.takes_only), channel)

    def _interrupted(self) -> OutcomeEvent:
        if self._stopped.is_set():
            return self._cancelled()
        if self._channel is not None and self._channel.fell_silent:
            message = f"nothing was heard from the agent for {self._spec.idle_timeout_seconds:g} s"
            hint = "raise idle_timeout if that is normal"
        else:
            message = f"the attempt took longer than {self._spec.effective_timeout:g} s"
            hint = "raise timeout if it needs longer"
        return self._failed(AgentError("timeout", message, hint=hint))

    def report(self, progress: Progress) -> None:
        """Pass progress on to whoever watches, without secrets."""
        masker = self._session.masker
        data = FrozenDict({key: masker.value(item) for key, item in progress.data.items()})
        masked = Progress(kind=progress.kind, text=masker.text(progress.text), data=data)
        self._session.hub.report(self._start.task, self._start.attempt, masked)

    def spent(self, cost_usd: float | None, tokens: int | None) -> None:
        """Remember what it has cost up to now, for when it ends without a word."""
        self._spend = self._spend.updated(cost_usd, tokens)

    def wait_for_room(self, reason: str) -> None:
        """Say why the agent's output waits for room on the disk; "" when it does not."""
        if reason and not self._waits_for_room:
            self._session.room.begin(reason)
        elif not reason and self._waits_for_room:
            self._session.room.end()
        self._waits_for_room = bool(reason)

    async def record_session(self, session_id: str) -> None:
        """Have the agent's session id recorded, and wait until it is durable, as long as the disk takes.

        A RunActor that crashes over it is asked again.
        """
        question = OpenSession(ev.SessionOpened(self._start.task, self._start.attempt, session_id))
        while True:
            try:
                await self._driver.ask(question, timeout_seconds=math.inf)
                return
            except AskFailed:  # its supervisor ends this when that happens again and again
                await trio.lowlevel.checkpoint()
