"""``actorflow diff``: what differs between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from actorflow.cli.completing import complete_run
from actorflow.cli.options import json_option, settings_for, state_dir_option
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow.monitor.differences import RunDifference

__all__ = ["diff_command"]

_MOST_TEXT_LINES = 60


@click.command("diff", short_help="Show what differs between two runs.")
@click.argument("first", metavar="RUN1", shell_complete=complete_run)
@click.argument("second", metavar="RUN2", shell_complete=complete_run)
@json_option
@state_dir_option
def diff_command(*, first: str, second: str, as_json: bool, state_dir: str | None) -> None:
    """Show what differs between two runs: their workflows, inputs and variables, and task by task how they went and what came out.

    RUN1 and RUN2 are ids, the beginnings of ids, or 'last'. Durations are shown and are no difference. The
    exit code does not tell whether there is one.
    """
    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.monitor.differences import difference_report

    found = api.diff(first, second, settings=settings_for(state_dir))
    if as_json:
        print_json(difference_report(found))
    else:
        say("\n".join(_lines(found)))


def _lines(found: RunDifference) -> Iterator[str]:
    from actorflow.cli.context import change_lines
    from actorflow.views.escape import escape

    yield f"{found.runs[0]} -> {found.runs[1]}{_took(found.durations)}"
    if found.text:
        yield "workflow:"
        yield from (f"  {escape(line)}" for line in found.text[:_MOST_TEXT_LINES])
        if len(found.text) > _MOST_TEXT_LINES:
            yield f"  ({len(found.text) - _MOST_TEXT_LINES} more lines)"
    yield from change_lines((*found.facts, *found.values))
    for task in found.tasks:
        if task.where != "both":
            yield f"{'-' if task.where == 'first' else '+'} {task.task}: only in {found.runs[task.where == 'second']}"
            continue
        yield f"{task.task}:{_took(task.durations)}"
        yield from (f"  {line}" for line in change_lines(task.changes))
    yield f"{found.same} task{'s are' if found.same != 1 else ' is'} the same"


def _took(durations: tuple[float | None, float | None]) -> str:
    from actorflow.monitor.times import duration_text

    if None in durations:
        return ""
    return "  " + " -> ".join(duration_text(seconds) for seconds in durations if seconds is not None)
