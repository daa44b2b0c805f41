"""Cells: one child's place in the tree. A cell stays while the incarnations that fill it come and go.

``Cell`` is what a supervisor handles, whether an actor or another supervisor is inside: start an incarnation,
ask it to stop, cancel it, wait, close it for good. Each incarnation is one trio task in the supervisor's
nursery, under a *shielded* cancel scope: a cancellation from outside must not tear the tree down in arbitrary
order, but reach the root, which stops its children one after the other. That is also what bounds the shield:
a stop cancels the scope itself at its deadline.

A cell decides nothing. What its end means is for its parent to say (``Parent.child_ended``), in the same step
of the event loop, so that nobody sees a state in between.
"""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, final

import trio

from actorflow.actors.actor import Directory
from actorflow.actors.dead_letters import DeadLetters
from actorflow.actors.specs import ChildSpec, Exit, Restarted, SupervisorSpec
from actorflow.actors.tree import ChildState, TreeNode

__all__ = ["Cell", "House", "Parent", "crash_of", "stop_together"]

_logger = logging.getLogger("actorflow.actors")


@final
@dataclass(frozen=True, slots=True)
class House:
    """What all cells of one tree share.

    Attributes:
        directory: finds others by path.
        dead_letters: where messages go that nobody will handle.
        on_restart: told of every restart, or None.
        chance: a number from 0 to 1 for the jitter of back-offs.
    """

    directory: Directory
    dead_letters: DeadLetters
    on_restart: Callable[[Restarted], None] | None
    chance: Callable[[], float]


class Parent(Protocol):
    """Whoever a cell belongs to: a supervisor, or the runtime for the root."""

    def child_ended(self, cell: Cell, error: Exception | None) -> None:
        """The incarnation is over; say what becomes of the cell."""
        ...


class Cell(ABC):
    """A child's place.

    Attributes:
        spec: how to start, restart and stop it.
        path: its place in the tree.
        state: where it is in its life; written by the supervisor and by the incarnation's own task.
        restarts: how often it has been started again.
        is_dynamic: whether it was started with ``start_child``, not listed in its supervisor's spec.
        reports_start: whether a caller waits for its first start, who is then told of a failure instead of
            the supervisor.
        is_awaited: whether its supervisor waits for its start, and so handles a failure of it in place.
        has_started: whether any incarnation ever came up.
        has_finished: whether the incarnation's work ended by itself and well, though it may still be cleaning
            up.
        will_restart: what becomes of it after the stop that is under way.
        last_exit: how the latest incarnation ended; None before.
        error: why the latest incarnation ended; None if by itself.
    """

    __slots__ = (
        "_changed",
        "_failures",
        "_house",
        "_is_stop_requested",
        "_parent",
        "_scope",
        "_started_at",
        "error",
        "has_finished",
        "has_started",
        "is_awaited",
        "is_dynamic",
        "last_exit",
        "path",
        "reports_start",
        "restarts",
        "spec",
        "state",
        "will_restart",
    )

    spec: ChildSpec | SupervisorSpec

    def __init__(self, path: str, parent: Parent, house: House, *, is_dynamic: bool) -> None:
        self.path = path
        self.state = ChildState.WAITING
        self.restarts = -1  # the first start makes it 0
        self.is_dynamic = is_dynamic
        self.reports_start = False
        self.is_awaited = False
        self.has_started = False
        self.has_finished = False
        self.will_restart = False
        self.last_exit: Exit | None = None
        self.error: Exception | None = None
        self._parent = parent
        self._house = house
        self._is_stop_requested = False
        self._scope = trio.CancelScope(shield=True)
        self._changed: trio.lowlevel.ParkingLot | None = (
            None  # made for the first who waits: most cells have none
        )
        self._failures = 0
        self._started_at = math.inf

    @property
    def is_running(self) -> bool:
        """Whether an incarnation is there, be it starting or stopping."""
        return self.state in _ALIVE

    @property
    def is_stop_requested(self) -> bool:
        """Whether the incarnation was asked to stop by its supervisor."""
        return self._is_stop_requested

    @property
    @abstractmethod
    def shutdown_seconds(self) -> float:
        """How long an orderly stop may take before it is cancelled."""

    @property
    @abstractmethod
    def stop_budget_seconds(self) -> float:
        """How long a stop can take altogether, when nobody shields themselves for longer."""

    @abstractmethod
    def node(self) -> TreeNode:
        """This cell and what is below it, as a value."""

    @abstractmethod
    async def _live(self) -> Exception | None:
        """Be one incarnation, from its start to after its clean-up; return what it crashed with."""

    @abstractmethod
    def _abandon(self) -> None:
        """Let go of what the incarnation started, as its task is torn down by a ``KeyboardInterrupt`` or the like."""

    @abstractmethod
    def _close(self) -> None:
        """Give up what survives restarts."""

    def start(self, nursery: trio.Nursery) -> None:
        """Start the next incarnation as a task of this nursery."""
        self.restarts += 1
        self.error = None
        self.has_finished = False
        self._is_stop_requested = False
        self._started_at = math.inf  # one that does not come up has not lived long
        self._scope = trio.CancelScope(shield=True)
        self._set_state(ChildState.STARTING)
        nursery.start_soon(self._run, name=self.path)

    def request_stop(self, *, will_restart: bool = False) -> None:
        """Ask the incarnation to come to an orderly end, if there is one. Returns at once; asking twice is asking once.

        Args:
            will_restart: whether the cell shall be started again afterwards. If two disagree, it is not.
        """
        if not self.is_running:
            return
        self.will_restart = will_restart and (self.will_restart or not self._is_stop_requested)
        self._is_stop_requested = True
        self._set_state(ChildState.STOPPING)

    def cancel(self) -> None:
        """Cut the incarnation short, all but its ``on_stop``."""
        self._scope.cancel()

    def close(self) -> None:
        """Be gone for good: nothing survives, and whoever waits for this cell goes on."""
        if self.state is not ChildState.FINISHED:
            self._set_state(ChildState.FINISHED)
            self._close()

    def make_ready(self) -> None:
        """Mark a cell that has ended as to be started again."""
        if self.state is not ChildState.FINISHED:
            self._set_state(ChildState.WAITING)

    def settle_end(self, state: ChildState) -> None:
        """Take the state that the supervisor has decided on after an end."""
        if state is ChildState.FINISHED:
            self.close()
        elif self.state is not ChildState.FINISHED:
            self._set_state(state)

    def report_exit(self, reason: Literal["finished", "crashed", "stopped"], *, will_restart: bool) -> None:
        """Tell the spec's observer how the latest incarnation ended. What the observer raises is logged."""
        self.last_exit = Exit(path=self.path, reason=reason, error=self.error, will_restart=will_restart)
        if self.spec.on_exit is not None:
            try:
                self.spec.on_exit(self.last_exit)
            except Exception:
                _logger.exception("on_exit of %s failed", self.path)

    def count_failure(self, within_seconds: float) -> int:
        """Count one more failure in a row, and say how many that makes; a long life before it starts the count anew."""
        if trio.current_time() - self._started_at > within_seconds:
            self._failures = 0
        self._failures += 1
        return self._failures

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Sleep until a condition on this cell holds; it is looked at after every change of state."""
        while not condition():
            if self._changed is None:
                self._changed = trio.lowlevel.ParkingLot()
            await self._changed.park()

    async def wait_start_over(self) -> None:
        """Sleep until the incarnation is up, or has ended instead."""
        await self.wait_until(lambda: self.state is ChildState.RUNNING or not self.is_running)

    async def wait_ended(self) -> None:
        """Sleep until no incarnation is there."""
        await self.wait_until(lambda: not self.is_running)

    def _mark_started(self) -> None:
        """Say that the incarnation is up, from inside it."""
        self.has_started = True
        self._started_at = trio.current_time()
        if not self._is_stop_requested:
            self._set_state(ChildState.RUNNING)

    async def _run(self) -> None:
        is_whole = False
        try:
            self.error = None if self._is_stop_requested else await self._live()
            is_whole = True
        finally:
            # A KeyboardInterrupt passes through, but nobody may wait for ever for what is not there any more.
            if not is_whole:
                self._abandon()
                self._set_state(ChildState.STOPPED)
        self._parent.child_ended(self, self.error)

    def _set_state(self, state: ChildState) -> None:
        self.state = state
        if self._changed:
            self._changed.unpark_all()


_ALIVE = frozenset((ChildState.STARTING, ChildState.RUNNING, ChildState.STOPPING))


def crash_of(errors: list[Exception]) -> Exception | None:
    """One exception for what an incarnation crashed with: bare if it is alone, however deep in groups."""
    if not errors:
        return None
    error = errors[0] if len(errors) == 1 else ExceptionGroup("an actor failed in several places", errors)
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def stop_together(cells: Sequence[Cell], *, will_restart: bool = False) -> None:
    """Ask all to stop, in this order; cancel each at its own deadline; wait until all have ended."""
    asked_at = trio.current_time()
    for cell in cells:
        cell.request_stop(will_restart=will_restart)
    for cell in sorted(cells, key=lambda cell: cell.shutdown_seconds):
        if cell.is_running:
            with trio.move_on_at(asked_at + cell.shutdown_seconds):
                await cell.wait_ended()
            if cell.is_running:
                cell.cancel()
    for cell in cells:
        await cell.wait_ended()
