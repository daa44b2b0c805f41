"""What an agent is given to talk to while it works, and the clock of its attempt.

Takes what the agent reports and passes it on to the attempt; moves the deadline of the scope in which the agent is
called. Invariant: time in which our disk is waited for is never the agent's. Must not decide how an attempt ended.
"""

from __future__ import annotations

import math
from typing import Protocol

import trio

from actorflow.agents.interface import Progress

__all__ = ["DeadlineChannel"]


class Listener(Protocol):
    """The attempt, as far as its channel knows it."""

    def report(self, progress: Progress) -> None:
        """Pass progress on to whoever watches."""
        ...

    def wait_for_room(self, reason: str) -> None:
        """Say why something waits for room on the disk; "" when nothing does."""
        ...

    async def record_session(self, session_id: str) -> None:
        """Have the agent's session recorded durably."""
        ...

    def spent(self, cost_usd: float | None, tokens: int | None) -> None:
        """Remember what the attempt has cost up to now."""
        ...


class DeadlineChannel:
    """What the agent is given to talk to; keeps the attempt's deadline, which is the nearer of two limits.

    While something of the attempt waits for room on the disk, its time stands still: that is not the agent's fault.

    Args:
        attempt: hears what the agent says.
        scope: of the call; its deadline is moved.
        limit: seconds that the attempt may take, from the start of its process.
        idle: seconds that the agent may be silent.
        has_begun: whether its process has been started already, by another driver.
    """

    __slots__ = (
        "_attempt",
        "_ends_at",
        "_has_begun",
        "_idle",
        "_limit",
        "_scope",
        "_waiting",
        "_waits_since",
    )

    def __init__(
        self,
        attempt: Listener,
        scope: trio.CancelScope,
        limit: float,
        idle: float,
        *,
        has_begun: bool = False,
    ) -> None:
        self._attempt = attempt
        self._scope = scope
        self._has_begun = has_begun
        self._limit = limit
        self._idle = idle
        self._waiting: set[object] = set()
        self._waits_since = 0.0
        self._begin()

    def _begin(self) -> None:
        self._ends_at = trio.current_time() + self._limit
        self._heard()

    def _heard(self) -> None:
        if self._waiting:
            return
        deadline = min(self._ends_at, trio.current_time() + self._idle)
        if deadline != self._scope.deadline:  # most tasks have no limits
            self._scope.deadline = deadline

    @property
    def fell_silent(self) -> bool:
        """Whether the deadline is that of the agent's silence, and not that of the attempt."""
        return self._scope.deadline < self._ends_at

    def report(self, progress: Progress) -> None:
        """Show progress. The start of the agent's process is where its time begins."""
        if progress.kind == "started" and not self._has_begun:
            self._begin()
        self._heard()
        if progress.kind in ("no_room", "room_found"):
            self._wait_for_room(progress)
        elif progress.kind != "alive":
            self._attempt.report(progress)

    def _wait_for_room(self, progress: Progress) -> None:
        """Note that a stream begins, or ends, to wait."""
        now, stream, was_waiting = trio.current_time(), progress.data.get("stream"), bool(self._waiting)
        if progress.kind == "no_room":
            self._waiting.add(stream)
            self._waits_since = self._waits_since if was_waiting else now
            self._scope.deadline = math.inf
            self._attempt.wait_for_room(progress.text)
            return
        self._waiting.discard(stream)
        if was_waiting and not self._waiting:
            self._ends_at += now - self._waits_since
            self._heard()
            self._attempt.wait_for_room("")

    async def session_opened(self, session_id: str) -> None:
        """Record the agent's session durably; the time that our disk takes for it is not the agent's."""
        began = trio.current_time()
        self._scope.deadline = math.inf
        await self._attempt.record_session(session_id)
        self._ends_at += trio.current_time() - began
        self._heard()

    def spent(self, *, cost_usd: float | None = None, tokens: int | None = None) -> None:
        """Note what the attempt has cost and used up to now."""
        self._heard()
        self._attempt.spent(cost_usd, tokens)
