"""``actorflow resume``: go on with a run."""

from __future__ import annotations

import os
from functools import partial

import click

from actorflow.cli.options import (
    detach_option,
    json_option,
    last_run_argument,
    max_parallel_option,
    quiet_option,
    repeat_options,
    settings_for,
    state_dir_option,
    view_option,
)
from actorflow.cli.streams import say

__all__ = ["resume_command"]


@click.command("resume", short_help="Go on with a run that has not succeeded.")
@last_run_argument
@max_parallel_option
@detach_option
@view_option
@quiet_option
@json_option
@state_dir_option
@click.pass_context
def resume_command(
    ctx: click.Context,
    *,
    run: str,
    max_parallel: int | None,
    background: bool,
    view: str,
    quiet: bool,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Go on with a run that was interrupted, failed, was cancelled or has paused.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out.

    What succeeded is not run again. What failed, was cancelled or was lost runs again, and everything that
    waits for it. Inputs are what they were.
    """
    from actorflow.cli.detaching import detach, is_detached

    detached = is_detached(os.environ)
    if background and not detached:
        ctx.exit(detach(ctx, options=repeat_options(state_dir), as_json=as_json))

    from actorflow import api
    from actorflow.cli.driving import Driving
    from actorflow.monitor.limits import limits_in
    from actorflow.monitor.order import declared_order
    from actorflow.state.status import RunStatus

    settings = settings_for(state_dir)
    seen = api.inspect(run, settings=settings)
    if seen.state.status is RunStatus.SUCCESS and not quiet:
        say(f"run {seen.run_id} has succeeded already: there is nothing to do", to_stderr=True)
    driving = Driving(
        settings=settings,
        state_dir=state_dir,
        as_json=as_json,
        quiet=quiet,
        is_detached=detached,
        is_outline=view == "tree",
        order=declared_order(seen.events),
        limits=limits_in(seen.events),
    )
    ctx.exit(driving.drive(partial(api.resume, seen.run_id, max_parallel=max_parallel)))
