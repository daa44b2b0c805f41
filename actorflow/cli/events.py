"""``actorflow events``: every event of a run, once or as they come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import click

from actorflow.cli.options import json_option, last_run_argument, local_zone, settings_for, state_dir_option
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api

__all__ = ["events_command"]


@click.command("events", short_help="Print every event of a run.")
@last_run_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option(
    "--task", "tasks", metavar="TASK", multiple=True, help="Only events about this task; may be repeated."
)
@click.option(
    "--type", "types", metavar="TYPE", multiple=True, help="Only events of this type; may be repeated."
)
@click.option(
    "--after", type=click.IntRange(min=0), default=0, metavar="N", help="Only events after number N."
)
@json_option
@state_dir_option
def events_command(
    *,
    run: str,
    follow: bool,
    tasks: tuple[str, ...],
    types: tuple[str, ...],
    after: int,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Print every event of a run, as its journal has them: everything else that is said of a run is made from these.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. With --json each
    event is one JSON object on a line of its own.
    """
    from actorflow import api
    from actorflow.state import events as ev

    known = {kind.__name__ for kind in ev.Event.__args__}
    if unknown := [name for name in types if name not in known]:
        raise click.BadParameter(
            f"{unknown[0]!r} is none of: {', '.join(sorted(known))}", param_hint="'--type'"
        )
    with api.open_tail(run, settings=settings_for(state_dir), after=after, tasks=tasks) as tail:
        batches = api.follow_events(tail) if follow else [tail.read()]
        for batch in batches:
            _print([r for r in batch if _is_wanted(r, tasks, types)], run_id=tail.run_id, as_json=as_json)


def _is_wanted(recorded: api.Recorded, tasks: Collection[str], types: Collection[str]) -> bool:
    from actorflow.monitor.exported import task_of
    from actorflow.state.events import kind_of

    return (not tasks or task_of(recorded.event) in tasks) and (not types or kind_of(recorded.event) in types)


def _print(events: Iterable[api.Recorded], *, run_id: str, as_json: bool) -> None:
    from actorflow.cli.output import print_json_lines
    from actorflow.monitor.exported import event_line, event_object
    from actorflow.views.escape import escape

    if as_json:
        print_json_lines(event_object(recorded, run_id=run_id) for recorded in events)
    else:
        zone = local_zone()
        say("".join(f"{escape(event_line(recorded, zone))}\n" for recorded in events), end="")
