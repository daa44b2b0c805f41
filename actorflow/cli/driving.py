"""What ``run`` and ``resume`` share: drive, show progress, tell the end.

stdout gets the run's id as soon as the run is durable, or, with ``--json``, one report at the end; everything
else goes to stderr. A reader of either that goes away does not stop the run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import click
import trio

from actorflow import api
from actorflow.cli.failing import RUN_KEY
from actorflow.cli.options import local_zone, repeat_options, width_of
from actorflow.cli.output import print_json
from actorflow.cli.outputs import report_of
from actorflow.cli.showing import screen_for, show_run
from actorflow.cli.streams import say
from actorflow.ids import RunId, TaskId
from actorflow.monitor.feed import UpdateOfRun
from actorflow.monitor.limits import attempt_limits
from actorflow.monitor.order import declared_order
from actorflow.settings import Settings
from actorflow.state.events import RunAccepted, SpecChanged
from actorflow.views.style import Look, look_of
from actorflow.views.summary import Told, end_lines
from actorflow.views.watching import Screen

__all__ = ["Driving"]


@dataclass(slots=True, kw_only=True)
class Driving:
    """One call of ``run`` or ``resume``.

    Attributes:
        state_dir: what ``--state-dir`` said, to be repeated in suggested commands.
        is_detached: whether this process drives in the background: the id is told in any case, then the streams
            are turned to the run's own log.
        is_outline: whether the live view shows tasks below those that they wait for.
        order: all tasks as the workflow declares them; learned from the run's first event when it is not
            known before.
        limits: task -> its greatest number of attempts; learned in the same way.
    """

    settings: Settings
    state_dir: str | None
    as_json: bool
    quiet: bool
    is_detached: bool = False
    is_outline: bool = False
    order: tuple[TaskId, ...] = ()
    limits: dict[TaskId, int] = field(default_factory=dict)
    run_id: str = ""
    meta: dict[str, Any] = field(default_factory=lambda: click.get_current_context().meta)

    def drive(self, start: Callable[..., Awaitable[api.Finished]]) -> int:
        """Drive a run to its end and tell how it ended; returns the exit code.

        Args:
            start: ``api.run`` or ``api.resume``, given everything but ``settings`` and ``watch``.
        """
        look = look_of(sys.stderr, os.environ, zone=local_zone())
        watch = partial(self._watch, screen=self._screen(look))
        finished = trio.run(partial(start, settings=self.settings, watch=watch))
        self._announce(finished.run_id)
        if not self.order:
            self.order = declared_order(api.inspect(finished.run_id, settings=self.settings).events)
        self._tell_end(finished, look)
        return finished.exit_code

    async def _watch(self, feed: AsyncIterable[UpdateOfRun], *, screen: Screen[Any]) -> None:
        await show_run(feed, screen, settings=self.settings, on_first=self._first)

    async def _first(self, update: UpdateOfRun) -> None:
        self._announce(update.state.run_id)
        for recorded in update.events:
            if isinstance(recorded.event, RunAccepted | SpecChanged):
                self.order = declared_order([recorded])
                self.limits |= attempt_limits(recorded.event)

    def _announce(self, run_id: str) -> None:
        """Give the run's id, once: from now on the run is durable."""
        if self.run_id:
            return
        self.run_id = self.meta[RUN_KEY] = run_id
        if self.is_detached:
            self._leave_terminal(run_id)
        elif not self.as_json:
            _say(run_id)

    def _leave_terminal(self, run_id: str) -> None:
        from actorflow.cli.detaching import leave_terminal
        from actorflow.journal import RunStore

        _say(run_id)
        leave_terminal(RunStore(self.settings.state_dir).open(RunId(run_id)).path)

    def _screen(self, look: Look) -> Screen[Any]:
        return screen_for(
            look,
            is_quiet=self.quiet,
            is_outline=self.is_outline,
            order=self.order,
            limits=self.limits,
        )

    def _tell_end(self, finished: api.Finished, look: Look) -> None:
        if not self.quiet or finished.exit_code:
            told = Told(
                order=self.order,
                now=time.time(),
                folder=str(finished.folder),
                look=look,
                width=width_of(sys.stderr),
                options=repeat_options(self.state_dir),
                limits=self.limits,
            )
            _say("\n".join(end_lines(finished.state, told)), to_stderr=True)
        if self.as_json and not self.is_detached:
            seen = api.Inspection(finished.run_id, finished.folder, finished.state, (), None)
            print_json(report_of(seen, order=self.order, is_over=True))


def _say(text: str, *, to_stderr: bool = False) -> None:
    """Print; when whoever reads it has gone, the run and its exit code do not depend on them."""
    try:
        say(text, to_stderr=to_stderr)
    except OSError:  # a pipe without a reader, or a terminal that has hung up
        return
