"""Supervisor refs: what others hold of a supervisor, to start, stop and find its children.

Like a ``Ref`` it stays good while the supervisor is restarted. It gives no way to the supervisor itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final, overload

import trio

from actorflow.actors.actor_cell import ActorCell
from actorflow.actors.cell import Cell
from actorflow.actors.errors import NoSuchActor, StartFailed
from actorflow.actors.ref import Ref
from actorflow.actors.specs import ChildSpec, Exit, SupervisorSpec
from actorflow.actors.supervisor import SupervisorCell
from actorflow.actors.tree import ChildState, TreeNode
from actorflow.errors import InternalError

__all__ = ["SupervisorRef", "SupervisorStatistics", "make_supervisor_ref"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorStatistics:
    """The children of a supervisor at one moment.

    Attributes:
        children: all in the tree, finished ones included.
        running: those with an incarnation, be it starting or stopping.
        supervisors: those that are supervisors.
    """

    children: int
    running: int
    supervisors: int


@final
class SupervisorRef:
    """A handle on a supervisor. The runtime and ``Context.directory`` give it; there is no public constructor."""

    __slots__ = ("_cell",)

    _cell: SupervisorCell

    def __init__(self) -> None:
        raise TypeError("supervisor refs come from the runtime")

    @property
    def path(self) -> str:
        """Where the supervisor is in the tree."""
        return self._cell.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._cell.spec.name

    @overload
    async def start_child(self, spec: ChildSpec) -> Ref[Any]: ...
    @overload
    async def start_child(self, spec: SupervisorSpec) -> SupervisorRef: ...
    async def start_child(self, spec: ChildSpec | SupervisorSpec) -> Ref[Any] | SupervisorRef:
        """Start a child behind the others, and wait until it is up.

        1. It gets its place in the tree, with its mailbox: messages can be sent to it from here on.
        2. Its first incarnation is made and its ``on_start`` runs. In a group that is just recovering from a
          failure, this comes when all children before it are up; so do not wait for it in an ``on_start`` of
          the same group.
        3. If that fails, the child is taken out again and the caller is told; the restart intensity does not
          count it.

        A caller who is cancelled meanwhile leaves nothing behind. The child is dynamic: once it has ended and
        is not to be restarted it leaves the tree, and it does not come back when its supervisor is restarted.

        Raises:
            StartFailed: ``on_start`` failed, or the supervisor went down; the cause says why.
            NameTaken: there is a child of that name.
            SupervisorStopped: the supervisor is not running.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        cell = self._cell.add(spec, reports_start=True)
        try:
            await cell.wait_until(lambda: cell.has_started or cell.state is ChildState.FINISHED)
        finally:
            if not cell.has_started:
                self._cell.remove_soon(cell)
        if not cell.has_started:
            raise StartFailed(cell.path) from cell.error
        return _ref_of(cell)

    @overload
    def start_child_nowait(self, spec: ChildSpec) -> Ref[Any]: ...
    @overload
    def start_child_nowait(self, spec: SupervisorSpec) -> SupervisorRef: ...
    def start_child_nowait(self, spec: ChildSpec | SupervisorSpec) -> Ref[Any] | SupervisorRef:
        """Start a child behind the others without waiting: messages sent to it wait in its mailbox until it is up.

        A failed start is a crash like any other here: the restart type decides, and the intensity counts it.

        Raises:
            NameTaken: there is a child of that name.
            SupervisorStopped: the supervisor is not running.
        """
        return _ref_of(self._cell.add(spec))

    async def stop_child(self, name: str) -> None:
        """Stop a child in an orderly way and take it out of the tree; returns when it has ended.

        A caller who is cancelled stops waiting, but the child is still stopped. An actor ends itself with
        ``Context.stop_self``, not with this.

        Raises:
            NoSuchActor: there is no child of that name.
        """
        cell = self._find(name)
        self._cell.remove_soon(cell)
        await cell.wait_ended()
        await trio.lowlevel.checkpoint()

    async def wait_child(self, name: str) -> Exit:
        """Wait until a child has ended and is not going to be restarted by this supervisor; say how it ended.

        Raises:
            NoSuchActor: there is no child of that name (any more).
        """
        cell = self._find(name)
        await cell.wait_until(lambda: cell.state in (ChildState.FINISHED, ChildState.STOPPED))
        await trio.lowlevel.checkpoint()
        return cell.last_exit or Exit(path=cell.path, reason="stopped", error=None, will_restart=False)

    def child(self, name: str) -> Ref[Any] | None:
        """The child actor of that name, if there is one."""
        cell = self._cell.find(name)
        return cell.ref if isinstance(cell, ActorCell) else None

    def children(self) -> tuple[Ref[Any], ...]:
        """The child actors in start order, finished ones included."""
        return tuple(cell.ref for cell in self._cell.cells if isinstance(cell, ActorCell))

    def which(self) -> tuple[TreeNode, ...]:
        """All children in start order, as values."""
        return self._cell.node().children

    def statistics(self) -> SupervisorStatistics:
        """How many children there are, now."""
        cells = self._cell.cells
        return SupervisorStatistics(
            children=len(cells),
            running=sum(cell.is_running for cell in cells),
            supervisors=sum(isinstance(cell, SupervisorCell) for cell in cells),
        )

    def _find(self, name: str) -> Cell:
        cell = self._cell.find(name)
        if cell is None:
            raise NoSuchActor(f"{self.path}/{name}")
        return cell

    def __repr__(self) -> str:
        return f"<SupervisorRef {self.path}>"


def make_supervisor_ref(cell: SupervisorCell) -> SupervisorRef:
    """Make the ref of a supervisor. For this package only."""
    ref = object.__new__(SupervisorRef)
    ref._cell = cell
    return ref


def _ref_of(cell: Cell) -> Ref[Any] | SupervisorRef:
    if isinstance(cell, SupervisorCell):
        return make_supervisor_ref(cell)
    if isinstance(cell, ActorCell):
        return cell.ref
    raise InternalError(f"{cell.path} is neither an actor nor a supervisor")
