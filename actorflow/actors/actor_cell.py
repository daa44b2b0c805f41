"""The cell of an actor: drives its incarnations and keeps its mailbox.

One incarnation is: make the actor, ``on_start``, ``run``, cancel and await the background tasks, ``on_stop``,
fail the questions it leaves unanswered. Whatever of it raises is collected, so that no failure hides another.
"""

from __future__ import annotations

from typing import Any, final

import trio

from actorflow.actors.actor import Actor, Context, Service
from actorflow.actors.background import BackgroundTasks
from actorflow.actors.cell import Cell, House, Parent, crash_of
from actorflow.actors.mailbox import Inbox, InboxEnded, Mailbox
from actorflow.actors.ref import Ref, make_ref
from actorflow.actors.specs import ChildSpec
from actorflow.actors.tree import TreeNode

__all__ = ["ActorCell"]


@final
class ActorCell(Cell):
    """An actor's place: its mailbox, its ref and its current incarnation.

    Attributes:
        ref: the same for the life of the cell.
    """

    __slots__ = ("_actor", "_background", "_inbox", "_mailbox", "ref")

    spec: ChildSpec

    def __init__(
        self, spec: ChildSpec, path: str, parent: Parent, house: House, *, is_dynamic: bool = False
    ) -> None:
        super().__init__(path, parent, house, is_dynamic=is_dynamic)
        self.spec = spec
        self._mailbox = Mailbox(path, spec.mailbox_capacity, house.dead_letters)
        self.ref: Ref[Any] = make_ref(self._mailbox)
        self._inbox = Inbox(self._mailbox)
        self._actor: Actor | None = None
        self._background: BackgroundTasks | None = None

    @property
    def shutdown_seconds(self) -> float:
        """How long an orderly stop may take before it is cancelled."""
        return self.spec.shutdown_seconds

    @property
    def stop_budget_seconds(self) -> float:
        """The time for the current message, for background tasks and for ``on_stop``, and a second to unwind."""
        return 1.0 + 3 * self.spec.shutdown_seconds

    def node(self) -> TreeNode:
        """This actor as a value."""
        return TreeNode(
            name=self.spec.name,
            path=self.path,
            kind="actor",
            state=self.state,
            restart=self.spec.restart,
            restarts=max(self.restarts, 0),
            mailbox_depth=len(self._mailbox),
            mailbox_capacity=self._mailbox.capacity,
        )

    def start(self, nursery: trio.Nursery) -> None:
        """Start the next incarnation, with an inbox of its own on the old mailbox."""
        self._inbox = Inbox(self._mailbox)
        self._background = BackgroundTasks(nursery, self.path, self.cancel)
        self._actor = None
        super().start(nursery)

    def request_stop(self, *, will_restart: bool = False) -> None:
        """Let the actor finish its message; a service, and an actor that is not up yet, are cancelled at once."""
        super().request_stop(will_restart=will_restart)
        self._inbox.end()
        if self._actor is None or isinstance(self._actor, Service):
            self.cancel()

    async def _live(self) -> Exception | None:
        background = self._background
        assert background is not None  # noqa: S101 (narrows the type; start() made it)
        errors: list[Exception] = []
        try:
            with self._scope:
                await self._work(background)
        except* InboxEnded:
            pass  # run() left its loop with it: an orderly end
        except* Exception as group:  # noqa: BLE001 - the actor boundary: a crash is data from here on
            errors.append(group)
        self.has_finished = not errors and not self.is_stop_requested and not background.has_failed
        self._inbox.end()
        background.cancel()
        if background.has_started:
            errors.extend(await background.stop(self.shutdown_seconds))
        if self._actor is not None and type(self._actor).on_stop is not Actor.on_stop:
            errors.extend(await self._stop_actor(self._actor))
        error = crash_of(errors)
        self._inbox.settle_unanswered(error)
        self._actor = self._background = (
            None  # they lead back here: without them no garbage has to be collected
        )
        return error

    async def _work(self, background: BackgroundTasks) -> None:
        actor = self.spec.factory()
        context = Context(
            name=self.spec.name,
            self_ref=self.ref,
            restarts=self.restarts,
            inbox=self._inbox,
            directory=self._house.directory,
            background=background,
        )
        await actor.on_start(context)
        self._actor = actor
        self._mark_started()
        if not self._inbox.is_ended:
            await actor.run(context)

    async def _stop_actor(self, actor: Actor) -> list[Exception]:
        errors: list[Exception] = []
        scope = trio.CancelScope(shield=True, deadline=trio.current_time() + self.shutdown_seconds)
        try:
            with scope:
                await actor.on_stop()
        except* Exception as group:  # noqa: BLE001 - the actor boundary
            errors.append(group)
        if scope.cancelled_caught:
            errors.append(trio.TooSlowError(f"on_stop of {self.path} took over {self.shutdown_seconds:g} s"))
        return errors

    def _abandon(self) -> None:
        self._inbox.end()
        if self._background is not None:
            self._background.cancel()

    def _close(self) -> None:
        self._mailbox.close()
