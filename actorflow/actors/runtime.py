"""The runtime: a tree of actors as an ``async with`` block.

Entering starts the root supervisor and waits until all its children are up. Leaving, in whatever way, stops
them in the reverse order; a cancellation from outside waits for that, for as long as the specs'
``shutdown_seconds`` allow. When the root gives up, the block is cancelled and ``SupervisorFailed`` comes out
of it.

What the block itself raises comes out as it is, not in an exception group.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, final

import trio

from actorflow.actors.actor_cell import ActorCell
from actorflow.actors.cell import Cell, House
from actorflow.actors.dead_letters import DeadLetter, DeadLetters
from actorflow.actors.errors import NoSuchActor
from actorflow.actors.ref import Ref
from actorflow.actors.specs import Restarted, SupervisorSpec
from actorflow.actors.supervisor import SupervisorCell
from actorflow.actors.supervisor_ref import SupervisorRef, make_supervisor_ref
from actorflow.actors.tree import ChildState, TreeNode

__all__ = ["Runtime", "open_runtime"]


def open_runtime(
    root: SupervisorSpec,
    *,
    on_dead_letter: Callable[[DeadLetter], None] | None = None,
    on_restart: Callable[[Restarted], None] | None = None,
    dead_letter_capacity: int = 256,
    chance: Callable[[], float] = random.random,
) -> AbstractAsyncContextManager[Runtime]:
    """Run a tree of actors for the length of an ``async with`` block.

    Args:
        root: the supervisor at the top. Its ``restart`` has no meaning: there is nobody above to restart it.
        on_dead_letter: called with each message that nobody handles; what it raises is logged.
        on_restart: called when a supervisor starts a child again; what it raises is logged.
        dead_letter_capacity: how many dead letters are kept to look at.
        chance: a number from 0 to 1 for the jitter of back-offs; for tests.

    Raises:
        SupervisorFailed: the root gave up, at the start or later; its chain of causes leads to the actor's
            exception.
    """
    return _RuntimeBlock(root, DeadLetters(dead_letter_capacity, on_dead_letter), on_restart, chance)


@final
class Runtime:
    """A running tree. ``open_runtime`` makes it.

    Attributes:
        dead_letters: what nobody handled; also readable after the block.
    """

    __slots__ = ("_root", "dead_letters")

    _root: SupervisorCell
    dead_letters: DeadLetters

    def __init__(self) -> None:
        raise TypeError("open_runtime makes runtimes")

    @property
    def root(self) -> SupervisorRef:
        """The supervisor at the top."""
        return make_supervisor_ref(self._root)

    def ref(self, path: str) -> Ref[Any]:
        """The actor at a path; paths start with the root's name: ``run/attempts/task:api``.

        Raises:
            NoSuchActor: there is no actor.
        """
        cell = self._find(path)
        if not isinstance(cell, ActorCell):
            raise NoSuchActor(path)
        return cell.ref

    def supervisor(self, path: str) -> SupervisorRef:
        """The supervisor at a path.

        Raises:
            NoSuchActor: there is no supervisor.
        """
        cell = self._find(path)
        if not isinstance(cell, SupervisorCell):
            raise NoSuchActor(path)
        return make_supervisor_ref(cell)

    def tree(self) -> TreeNode:
        """The whole tree as a value; ``format_tree`` draws it."""
        return self._root.node()

    def _find(self, path: str) -> Cell | None:
        first, *names = path.split("/")
        cell: Cell | None = self._root if first == self._root.path else None
        for name in names:
            cell = cell.find(name) if isinstance(cell, SupervisorCell) else None
        return cell


@final
class _RuntimeBlock(AbstractAsyncContextManager[Runtime]):
    """The block itself. A class and not a generator, so that the block's own exception can pass by the nursery."""

    def __init__(
        self,
        root: SupervisorSpec,
        dead_letters: DeadLetters,
        on_restart: Callable[[Restarted], None] | None,
        chance: Callable[[], float],
    ) -> None:
        self._runtime = object.__new__(Runtime)
        self._runtime.dead_letters = dead_letters
        house = House(
            directory=self._runtime, dead_letters=dead_letters, on_restart=on_restart, chance=chance
        )
        self._root = self._runtime._root = SupervisorCell(root, root.name, self, house)  # noqa: SLF001 - no constructor
        self._nursery_block = trio.open_nursery()
        self._body = trio.CancelScope()
        self._failure: Exception | None = None

    async def __aenter__(self) -> Runtime:
        nursery = await self._nursery_block.__aenter__()
        self._body.__enter__()
        self._root.start(nursery)
        is_up = False
        try:
            await self._root.wait_start_over()
            is_up = self._root.has_started
        finally:
            if not is_up:  # also when a cancellation arrives in the very tick in which the root comes up
                await self._leave(sys.exc_info()[1])
        return self._runtime

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        return await self._leave(exc)

    def child_ended(self, cell: Cell, error: Exception | None) -> None:
        """Take note of the root's end; if nobody asked for it, the block is over as well."""
        cell.settle_end(ChildState.STOPPED)
        cell.report_exit("stopped" if cell.is_stop_requested else "crashed", will_restart=False)
        self._failure = error
        self._body.cancel()

    async def _leave(self, exc: BaseException | None) -> bool:
        """Stop the tree and close the block over this exception; say whether that has dealt with the exception."""
        await self._stop_root()
        is_cancellation = _is_cancellation(exc)
        # What the scopes are to absorb; anything else passes by them.
        passed = exc if is_cancellation else None
        is_absorbed = self._body.__exit__(*_triple(passed)) is True
        passed = None if is_absorbed else passed
        is_absorbed = bool(await self._nursery_block.__aexit__(*_triple(passed))) or is_absorbed
        if self._failure is not None and (exc is None or is_cancellation or isinstance(exc, Exception)):
            raise self._failure
        return is_cancellation and is_absorbed

    async def _stop_root(self) -> None:
        self._root.request_stop()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + self._root.stop_budget_seconds):
            await self._root.wait_ended()
        self._root.cancel()
        self._root.close()


def _is_cancellation(exc: BaseException | None) -> bool:
    if isinstance(exc, BaseExceptionGroup):
        return exc.subgroup(trio.Cancelled) is not None
    return isinstance(exc, trio.Cancelled)


def _triple(
    exc: BaseException | None,
) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    return (None, None, None) if exc is None else (type(exc), exc, exc.__traceback__)
