"""``actorflow timeline``: when the tasks of a run worked and waited, drawn from its journal as an SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from actorflow.cli.options import last_run_argument, local_zone, settings_for, state_dir_option
from actorflow.cli.pictures import deliver, open_option, output_option, seen_until, theme_option

if TYPE_CHECKING:
    from actorflow.monitor.palette import Theme

__all__ = ["timeline_command"]


@click.command("timeline", short_help="Draw when the tasks of a run worked and waited.")
@last_run_argument
@output_option
@theme_option
@open_option
@state_dir_option
def timeline_command(
    *, run: str, output: str | None, theme: Theme, is_opened: bool, state_dir: str | None
) -> None:
    """Draw a run over time, as an SVG: every attempt, every wait, the times without a driver, and how many tasks ran at once.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. It is drawn from
    the journal: while the run is driven, after a crash, and when it is long over.
    """
    import time

    from actorflow import api
    from actorflow.errors import InputError
    from actorflow.monitor.timeline import timeline_of
    from actorflow.views.pictures_timeline import timeline_svg

    if output not in (None, "-") and Path(str(output)).suffix.lower() in (".png", ".pdf", ".dot", ".mmd"):
        raise InputError(f"{output}: a timeline is an SVG", hint="use the ending .svg; any browser shows it")
    seen = api.inspect(run, settings=settings_for(state_dir))
    now = time.time()
    timeline = timeline_of(seen.events, seen.state, until=seen_until(seen, now), ends=seen.open_ends(now))
    drawn = timeline_svg(timeline, status=seen.standing.word, theme=theme, zone=local_zone())
    deliver(drawn.encode(), output, name="timeline.svg", is_opened=is_opened)
