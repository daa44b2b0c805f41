"""``actorflow history``: the runs of a state folder, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from actorflow.cli.options import json_option, local_zone, settings_for, state_dir_option, width_of
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow.monitor.history import PastRun

__all__ = ["history_command"]

_STATUSES: Final = (
    *("pending", "running", "paused", "success", "failed", "cancelled"),
    *("interrupted", "silent", "damaged", "unreadable", "never_begun"),
)
_AGO = re.compile(r"([0-9]+)([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class _Moment(click.ParamType[float]):
    """A date, a date and time, or how long ago; gives Unix seconds."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read ``2d``, ``2026-11-22`` or ``2026-11-22T18:48``, in the zone of this machine unless it says another one."""
        import time

        text = str(value)
        try:
            if ago := _AGO.fullmatch(text):
                return time.time() - int(ago[1]) * _UNITS[ago[2]]
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=local_zone())).timestamp()
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is no moment: write 2026-11-22, 2026-11-22T18:48, or 2d for two days ago",
                param,
                ctx,
            )


@click.command("history", short_help="List the runs, newest first.")
@click.option("--workflow", metavar="NAME", help="Only runs of this workflow.")
@click.option(
    "--status", "statuses", type=click.Choice(_STATUSES), multiple=True, help="Only these; may be repeated."
)
@click.option(
    "--mode",
    type=click.Choice(("live", "rehearsal")),
    help="Only runs that called their agents, or only rehearsals.",
)
@click.option(
    "--since",
    type=_Moment(),
    metavar="WHEN",
    help="Only runs begun then or later: a date, or 2d for two days ago.",
)
@click.option("--until", type=_Moment(), metavar="WHEN", help="Only runs begun before that.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="At most N runs, the newest.")
@json_option
@state_dir_option
def history_command(
    *,
    workflow: str | None,
    statuses: tuple[str, ...],
    mode: str | None,
    since: float | None,
    until: float | None,
    limit: int | None,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """List the runs of the project, newest first, and how each of them ended.

    Every run is told from its journal, so this works while runs go on, and after a crash. A run that should
    be running and that no process drives is 'interrupted', one whose driver is there and not heard of is
    'silent'; one whose journal is damaged or cannot be read is listed as that.
    """
    import time

    from actorflow import api
    from actorflow.monitor.history import past_run_report

    settings = settings_for(state_dir)
    wanted = api.Wanted(workflow=workflow, mode=mode, statuses=statuses, since=since, until=until)
    runs = list(islice(api.history(settings=settings, wanted=wanted), limit))
    if as_json:
        from actorflow.cli.output import print_json

        print_json([past_run_report(run, now=time.time()) for run in runs])
        _warn(runs)
    elif runs:
        say("\n".join(_table(runs, time.time())))
    else:
        say(
            f"no runs {'are like that ' if wanted != api.Wanted() else ''}in {settings.state_dir}",
            to_stderr=True,
        )


def _warn(runs: Iterable[PastRun]) -> None:
    from actorflow.views.escape import escape

    for run in runs:
        if run.problem:
            say(f"warning: run {run.run_id}: {escape(run.problem)}", to_stderr=True)


def _table(runs: list[PastRun], now: float) -> Iterable[str]:
    import os
    import sys

    from actorflow.monitor.services import money_text
    from actorflow.monitor.times import duration_text, moment_text
    from actorflow.monitor.words import mode_mark
    from actorflow.views.escape import cut, escape
    from actorflow.views.style import COLOURS, look_of, paint, symbol

    look = look_of(sys.stdout, os.environ, zone=local_zone())
    width = width_of(sys.stdout)
    costs = max((len(money_text(run.cost_usd)) for run in runs if run.cost_usd is not None), default=0)
    for run in runs:
        mark = paint(symbol(run.word, look), COLOURS.get(run.word, ""), look)
        at = run.started_at if run.started_at is not None else run.accepted_at
        began = "" if at is None else moment_text(at, look.zone)
        seconds = run.duration_seconds(now)
        took = "" if seconds is None else duration_text(seconds)
        cost = "" if run.cost_usd is None else money_text(run.cost_usd)
        spent = f"{cost:>{costs}}  " if costs else ""
        line = f"{run.run_id}  {run.word:<11}  {began:<19}  {took:>9}  {spent}{escape(run.workflow or run.problem)}{mode_mark(run.mode)}"
        yield f"{mark} {cut(line, max(22, width - 2))}".rstrip()
