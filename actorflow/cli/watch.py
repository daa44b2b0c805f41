"""``actorflow watch``: the live view of a run, from any terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actorflow.cli.options import (
    json_option,
    last_run_argument,
    local_zone,
    quiet_option,
    repeat_options,
    settings_for,
    state_dir_option,
    view_option,
    width_of,
)
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.monitor.feed import UpdateOfRun
    from actorflow.settings import Settings
    from actorflow.views.style import Look
    from actorflow.views.watching import Screen

__all__ = ["watch_command"]


@click.command("watch", short_help="Watch a run, from any terminal.")
@last_run_argument
@click.option("--exit-code", is_flag=True, help="Exit as the run does, and not with 0.")
@view_option
@quiet_option
@json_option
@state_dir_option
@click.pass_context
def watch_command(
    ctx: click.Context,
    *,
    run: str,
    exit_code: bool,
    view: str,
    quiet: bool,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Watch a run, from any terminal, until it ends or nobody drives it any more; of a run that has ended, show how it went.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. Watching never
    slows a run, and Ctrl-C ends only the watching.
    """
    import os
    import sys

    import trio

    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.cli.outputs import report_of
    from actorflow.cli.showing import screen_for
    from actorflow.monitor.limits import limits_in
    from actorflow.monitor.order import order_of
    from actorflow.views.style import look_of

    settings = settings_for(state_dir)
    look = look_of(sys.stderr, os.environ, zone=local_zone())
    with api.open_tail(run, settings=settings) as tail:
        limits: dict[Any, int] = {}
        screen = screen_for(look, is_quiet=quiet, is_outline=view == "tree", limits=limits)
        trio.run(_watch, tail, screen, limits, settings)
    seen = api.inspect(tail.run_id, settings=settings)
    order = order_of(seen.state, seen.events)
    if as_json:
        print_json(report_of(seen, order=order))
    elif not quiet:
        _tell_end(seen, look, repeat_options(state_dir), limits_in(seen.events))
    if exit_code:
        from actorflow.api.running import exit_code_of

        ctx.exit(exit_code_of(seen.state))


async def _watch(
    tail: api.JournalTail, screen: Screen[Any], limits: dict[Any, int], settings: Settings
) -> None:
    from actorflow import api
    from actorflow.cli.showing import show_run
    from actorflow.monitor.limits import limits_in

    async def learn(update: UpdateOfRun) -> None:
        limits.update(limits_in(update.events))

    await show_run(api.follow(tail), screen, settings=settings, on_first=learn)


def _tell_end(seen: api.Inspection, look: Look, options: str, limits: dict[Any, int]) -> None:
    import sys
    import time

    from actorflow.monitor.order import order_of
    from actorflow.views.summary import Told, end_lines

    told = Told(
        order=order_of(seen.state, seen.events),
        now=time.time(),
        folder=str(seen.folder),
        look=look,
        width=width_of(sys.stderr),
        options=options,
        status=seen.standing.word,
        limits=limits,
    )
    say("\n".join(end_lines(seen.state, told)), to_stderr=True)
