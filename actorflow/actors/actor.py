"""Actors: what users write. A subclass of ``Actor`` handles one message at a time and owns its state alone.

A supervisor makes an instance from a factory for each incarnation, and drives it: ``on_start``, ``run``
(which takes the messages and calls ``receive``), ``on_stop``. An exception that leaves ``on_start``, ``run``
or a background task is a crash: this incarnation ends, and the supervisor decides what happens next. Actors
do not catch what they cannot repair.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, final

from actorflow.actors.mailbox import Inbox
from actorflow.actors.ref import Ref

if TYPE_CHECKING:  # the supervisor's side of the tree is built on actors
    from actorflow.actors.supervisor_ref import SupervisorRef

__all__ = ["Actor", "Context", "Directory", "Service", "service"]


class Directory(Protocol):
    """Finds what is in the tree by path. Paths start with the root's name: ``run/attempts/task:api``."""

    def ref(self, path: str) -> Ref[Any]:
        """The actor at a path.

        Raises:
            NoSuchActor: there is no actor.
        """
        ...

    def supervisor(self, path: str) -> SupervisorRef:
        """The supervisor at a path.

        Raises:
            NoSuchActor: there is no supervisor.
        """
        ...


class BackgroundTasks(Protocol):
    """Starts tasks that live no longer than the incarnation they belong to."""

    def start_soon(self, fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Start ``fn(*args)``."""
        ...


@final
class Context:
    """What an incarnation of an actor knows of its place, and can ask of it.

    Attributes:
        self_ref: the actor's own ref, to give to others. (An actor that asks itself waits until the
            deadline.)
        name: its name among its siblings.
        path: its place in the tree, as ``run/attempts/task:api``.
        restarts: how often it has been restarted; 0 in the first incarnation.
        inbox: the messages for it.
        directory: finds other actors and supervisors by path.
    """

    __slots__ = ("_background", "directory", "inbox", "name", "path", "restarts", "self_ref")

    def __init__(
        self,
        *,
        name: str,
        self_ref: Ref[Any],
        restarts: int,
        inbox: Inbox,
        directory: Directory,
        background: BackgroundTasks,
    ) -> None:
        self.name = name
        self.path = self_ref.path
        self.self_ref = self_ref
        self.restarts = restarts
        self.inbox = inbox
        self.directory = directory
        self._background = background

    @property
    def is_stopping(self) -> bool:
        """Whether the actor has been asked to stop, by its supervisor or itself."""
        return self.inbox.is_ended

    def start_soon(self, fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Start ``fn(*args)`` as a background task of this incarnation.

        What it raises crashes the actor. It is cancelled when the actor's ``run`` has ended, and has ended
        itself before ``on_stop`` is called.
        """
        self._background.start_soon(fn, *args)

    def stop_self(self) -> None:
        """End normally after the current message. A permanent actor is then restarted, a transient or temporary one is not."""
        self.inbox.end()


class Actor:
    """The base of all actors. Override ``receive``, or ``run`` to take messages in your own way."""

    async def on_start(self, ctx: Context) -> None:
        """Get ready; called before the first message.

        An exception here is a failed start. A stop in the meantime cancels it. Either way ``on_stop`` is not
        called: what was opened halfway is for ``finally`` here to close.
        """

    async def receive(self, message: Any) -> object:
        """Handle one message; what it returns answers an ``ask``. An exception crashes the actor and fails the ``ask``."""
        raise NotImplementedError(f"{type(self).__name__} takes no messages, but got {message!r}")

    async def on_stop(self) -> None:
        """Clean up, after an orderly stop and after a crash alike.

        It runs shielded from cancellation, and is cancelled after the spec's ``shutdown_seconds``. It is not
        called when ``on_start`` did not complete.
        """

    async def run(self, ctx: Context) -> None:
        """Take messages until asked to stop; returning ends the actor normally.

        An override reads ``ctx.inbox`` in whatever way it likes, and may keep an envelope to answer it later.
        A question that the incarnation has taken and not answered when it ends, fails.
        """
        inbox = ctx.inbox
        while not inbox.is_ended:
            envelope = await inbox.get()
            envelope.reply(await self.receive(envelope.message))


@final
class Service(Actor):
    """An actor made of one function; see ``service``."""

    def __init__(self, fn: Callable[..., Awaitable[object]], args: tuple[object, ...]) -> None:
        self._fn = fn
        self._args = args

    async def run(self, ctx: Context) -> None:
        """Run the function once; its return is the actor's normal end."""
        await self._fn(ctx, *self._args)


def service(fn: Callable[..., Awaitable[object]], *args: object) -> Callable[[], Actor]:
    """Make an actor factory of an async function, called as ``fn(ctx, *args)`` in each incarnation.

    For loops that mostly wait for something other than messages. A stop cancels the function at once: it need
    not look whether it is asked to stop, and cleans up with ``finally``.
    """
    return lambda: Service(fn, args)
