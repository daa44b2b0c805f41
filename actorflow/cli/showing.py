"""How ``run``, ``resume`` and ``watch`` show a run while it goes on: which screen, and what earlier runs let one expect.

Takes a feed of updates; the run is never held up by what is shown. Earlier runs are read in a thread, after the
first update, and only for a live view: when they cannot be read, nothing is expected.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import trio

from actorflow import api
from actorflow.errors import ActorflowError
from actorflow.ids import TaskId
from actorflow.monitor.feed import UpdateOfRun
from actorflow.settings import Settings
from actorflow.views.style import Look
from actorflow.views.watching import Screen, show

__all__ = ["screen_for", "show_run"]


def screen_for(
    look: Look,
    *,
    is_quiet: bool,
    is_outline: bool = False,
    order: Iterable[TaskId] = (),
    limits: Mapping[TaskId, int] | None = None,
) -> Screen[Any]:
    """Return the screen for stderr as it is.

    Args:
        is_outline: whether a live view shows tasks below those that they wait for.
        order: all tasks as the workflow declares them, if that is known already.
        limits: task -> its greatest number of attempts; may be filled later.
    """
    if is_quiet:
        from actorflow.views.silent import SilentScreen

        return SilentScreen()
    if look.is_live:
        from actorflow.views.terminal import LiveScreen

        return LiveScreen(
            sys.stderr, look, clock=time.time, order=order, limits=limits, is_outline=is_outline
        )
    from actorflow.views.plain import PlainScreen

    return PlainScreen(sys.stderr, look, limits=limits)


async def show_run(
    feed: AsyncIterable[UpdateOfRun],
    screen: Screen[Any],
    *,
    settings: Settings,
    on_first: Callable[[UpdateOfRun], Awaitable[None]],
) -> None:
    """Show a run until its feed ends; see ``views.watching.show``."""
    async with trio.open_nursery() as nursery:

        async def first(update: UpdateOfRun) -> None:
            await on_first(update)
            if screen.wants_estimate:
                nursery.start_soon(_expect, screen, update.state.workflow, update.state.run_id, settings)

        await show(feed, screen, on_first=first)
        nursery.cancel_scope.cancel()


async def _expect(screen: Screen[Any], workflow: str, run_id: str, settings: Settings) -> None:
    with suppress(ActorflowError, OSError):
        estimate = await trio.to_thread.run_sync(
            lambda: api.estimate(workflow, settings=settings, leave_out=run_id), abandon_on_cancel=True
        )
        if estimate is not None:
            screen.expect(estimate)
