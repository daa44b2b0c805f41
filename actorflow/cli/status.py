"""``actorflow status``: where a run stands, read from its journal; works while it is driven, after a crash, and for any past run."""

from __future__ import annotations

import click

from actorflow.cli.options import (
    json_option,
    last_run_argument,
    local_zone,
    repeat_options,
    settings_for,
    state_dir_option,
    width_of,
)
from actorflow.cli.streams import say

__all__ = ["status_command"]


@click.command("status", short_help="Show where a run stands.")
@last_run_argument
@json_option
@state_dir_option
def status_command(run: str, as_json: bool, state_dir: str | None) -> None:
    """Show where a run stands: its tasks, what failed and why, who drives it, and how to go on.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. A run that should
    be running and that no process drives any more is 'interrupted'; one whose driver is there and has not been
    heard of for 15 seconds, because it is stopped or stuck, is 'silent'.
    """
    from actorflow import api

    seen = api.glance(run, settings=settings_for(state_dir))
    if as_json:
        from actorflow.cli.output import print_json
        from actorflow.cli.outputs import report_of

        print_json(report_of(seen, order=seen.order))
        return
    import os
    import sys
    import time

    from actorflow.views.style import look_of
    from actorflow.views.summary import Told, status_lines, worth_showing

    now = time.time()
    outliving = seen.outliving()
    shown = [task.id for task in worth_showing(seen.state, seen.order)]
    told = Told(
        order=seen.order,
        now=now,
        folder=str(seen.folder),
        look=look_of(sys.stdout, os.environ, zone=local_zone()),
        width=width_of(sys.stdout),
        options=repeat_options(state_dir),
        status=seen.standing.word,
        limits=seen.limits,
        shown=shown,
        driver="" if seen.driver is None else str(seen.driver),
        silent_since=seen.standing.silent_since,
        outliving=[(found.task, found.pid, found.has_finished) for found in outliving],
        ends=seen.open_ends(now, outliving),
    )
    say("\n".join(status_lines(seen.with_outputs(shown), told)))
