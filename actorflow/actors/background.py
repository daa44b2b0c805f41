"""Background tasks: what an incarnation of an actor started with ``Context.start_soon``.

They live in a nursery in a task of its own, opened for the first of them only: an incarnation without any
pays nothing, and a nursery in each would cost about as much as the rest of the actor. One that raises ends
them all and crashes the actor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import final

import trio

__all__ = ["BackgroundTasks"]


@final
class BackgroundTasks:
    """The background tasks of one incarnation.

    Args:
        nursery: where their common task is started.
        path: the actor, for the names of tasks and for messages.
        on_failure: called when one of them has raised, after all have ended.
    """

    __slots__ = (
        "_early",
        "_ended",
        "_errors",
        "_home",
        "_is_over",
        "_nursery",
        "_on_failure",
        "_path",
        "_scope",
    )

    def __init__(self, nursery: trio.Nursery, path: str, on_failure: Callable[[], None]) -> None:
        self._home = nursery
        self._path = path
        self._on_failure = on_failure
        self._is_over = False
        self._scope: trio.CancelScope | None = None
        self._nursery: trio.Nursery | None = None
        self._ended: trio.Event | None = None
        self._early: list[tuple[Callable[..., Awaitable[object]], tuple[object, ...]]] = []
        self._errors: list[Exception] = []

    @property
    def has_started(self) -> bool:
        """Whether there have been any."""
        return self._scope is not None

    @property
    def has_failed(self) -> bool:
        """Whether one of them has raised, and all have ended because of it."""
        return bool(self._errors)

    def start_soon(self, fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Start ``fn(*args)``.

        Raises:
            RuntimeError: the incarnation has ended.
        """
        if self._is_over:
            raise RuntimeError(f"{self._path} has ended: it starts no more background tasks")
        if self._nursery is not None:
            self._nursery.start_soon(fn, *args)
            return
        self._early.append((fn, args))
        if self._scope is None:
            # stop() cancels it at the end of the incarnation; that is the shield's deadline.
            self._scope = trio.CancelScope(shield=True)
            self._ended = trio.Event()
            self._home.start_soon(self._run, self._scope, self._ended, name=f"{self._path} background")

    def cancel(self) -> None:
        """Cancel what there is, and start nothing more. Returns at once."""
        self._is_over = True
        if self._scope is not None:
            self._scope.cancel()

    async def stop(self, patience_seconds: float) -> list[Exception]:
        """Cancel them and wait for their end; return what they raised.

        Tasks that shield themselves for longer than the patience are left behind, and reported as
        ``trio.TooSlowError``.
        """
        self.cancel()
        if self._ended is None or self._ended.is_set():
            return self._errors
        with trio.CancelScope(shield=True, deadline=trio.current_time() + patience_seconds):
            await self._ended.wait()
        if not self._ended.is_set():
            late = trio.TooSlowError(
                f"background tasks of {self._path} took over {patience_seconds:g} s to end"
            )
            return [*self._errors, late]
        return self._errors

    async def _run(self, scope: trio.CancelScope, ended: trio.Event) -> None:
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    for fn, args in self._early:
                        nursery.start_soon(fn, *args)
                    await trio.sleep_forever()
        except* Exception as group:  # noqa: BLE001 - the actor boundary
            self._errors.append(group)
            self._is_over = True
            self._on_failure()
        finally:
            ended.set()
