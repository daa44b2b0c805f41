"""TaskActor: carries out what was decided about one task, from the start of its first attempt to its end.

Begins attempts in the host, waits out back-offs, and lets go of what is recorded. It decides
nothing and holds nothing that its successor cannot ask for again, so a crash costs no attempt: the attempt
goes on in the host and tells the RunActor itself how it ended. It gets an attempt ready a moment before its
start is durable; the attempt itself waits for that.
"""

from __future__ import annotations

import trio

from actorflow.actors import Actor, Context, Ref
from actorflow.engine.attempts import AttemptHost
from actorflow.engine.messages import (
    Carry,
    Due,
    Recorded,
    Rejoined,
    WaitUntil,
)
from actorflow.engine.session import Session
from actorflow.engine.waiting import sleep_until
from actorflow.errors import InternalError
from actorflow.ids import TaskId

__all__ = ["TaskActor"]


class TaskActor(Actor):
    """The actor of one started task.

    Args:
        driver: the RunActor.
    """

    def __init__(self, session: Session, host: AttemptHost, driver: Ref[object], task_id: TaskId) -> None:
        self._session = session
        self._host = host
        self._driver = driver
        self._task = task_id
        self._wait: trio.CancelScope | None = None
        self._ctx: Context

    async def on_start(self, ctx: Context) -> None:
        """After a crash, ask what there is to do."""
        self._ctx = ctx
        if ctx.restarts:
            self._driver.tell_nowait(Rejoined(self._task), reserved=True)

    async def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Carry():
                self._carry(message)
            case Recorded(attempt, is_final):
                self._recorded(attempt, is_final=is_final)
            case WaitUntil(due_at):
                self._stop_waiting()
                self._wait = trio.CancelScope()
                self._ctx.start_soon(self._wait_until, due_at, self._wait)
            case _:
                raise InternalError(f"TaskActor got {message!r}")

    def _carry(self, message: Carry) -> None:
        """Begin the attempt, unless it has been begun already: then have it say again how it ended, if it has."""
        attempt = self._host.find(self._task, message.start.attempt)
        if attempt is None or not attempt.has_begun:
            self._host.begin(message.start, message.state, self._driver, durable=message.durable)
        else:
            attempt.tell()

    def _recorded(self, attempt: int, *, is_final: bool) -> None:
        self._host.forget(self._task, attempt)
        if is_final:
            self._stop_waiting()
            self._ctx.stop_self()

    def _stop_waiting(self) -> None:
        if self._wait is not None:
            self._wait.cancel()

    async def _wait_until(self, due_at: float, scope: trio.CancelScope) -> None:
        with scope:
            await sleep_until(due_at, self._session.clock)
            self._driver.tell_nowait(Due(self._task, due_at), reserved=True)
