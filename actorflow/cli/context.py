"""``actorflow context``: what the expressions of a task could see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from actorflow.cli.options import json_option, last_run_argument, settings_for, state_dir_option, width_of
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.monitor.differences import Change

__all__ = ["change_lines", "context_command"]

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@click.command("context", short_help="Show what a task's expressions could see.")
@last_run_argument
@click.option(
    "--at", metavar="TASK", help="What this task saw when it started; TASK:2 is its second attempt."
)
@click.option(
    "--diff", "between", nargs=2, metavar="A B", help="How what task B saw differs from what task A saw."
)
@json_option
@state_dir_option
def context_command(
    *, run: str, at: str | None, between: tuple[str, str] | None, as_json: bool, state_dir: str | None
) -> None:
    """Show what expressions could see: the run, its inputs and variables, and the tasks before.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. Without --at it is
    the run as it is now, with all tasks that are done. Secrets are no part of a run: they are in no context.
    """
    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.monitor.differences import change_report
    from actorflow.views.escape import escape

    if at is not None and between is not None:
        raise click.UsageError("give --at or --diff, not both")
    settings = settings_for(state_dir)
    if between is not None:
        found = api.compare_contexts(run, *between, settings=settings)
        if as_json:
            shown = [change_report(change) for change in found.changes]
            print_json({"run_id": found.run_id, "first": between[0], "second": between[1], "changes": shown})
        else:
            say("\n".join(change_lines(found.changes)) or f"{between[0]} and {between[1]} saw the same")
        return
    seen = api.context(run, at, settings=settings)
    for problem in seen.problems:
        say(f"warning: {escape(problem)}", to_stderr=True)
    if as_json:
        print_json(_report(seen))
    else:
        say("\n".join(_lines(seen)))


def _report(seen: api.Context) -> dict[str, Any]:
    at = {"task": seen.task, "attempt": seen.attempt, "sequence": seen.sequence}
    return {"run_id": seen.run_id, "at": at, **seen.values}


def _lines(seen: api.Context) -> Iterator[str]:
    import sys

    from actorflow.views.escape import cut, escape

    who = "now" if seen.task is None else f"at {seen.task}"
    which = "" if seen.attempt is None else f", attempt {seen.attempt}"
    say(f"run {seen.run_id} {who}{which}, after event {seen.sequence}", to_stderr=True)
    width = max(40, width_of(sys.stdout))
    for group in ("run", "inputs", "vars"):
        for name, value in seen.values[group].items():
            yield cut(f"{group}.{name} = {_shown(value)}", width)
    for task, record in seen.values["tasks"].items():
        for name, value in record.items():
            if value is not None:
                yield cut(f"{escape(task)}.{name} = {_shown(value)}", width)


def change_lines(changes: Iterable[Change]) -> Iterator[str]:
    """Yield a line for each place where two values differ."""
    import sys

    from actorflow.views.escape import cut, escape

    width = max(40, width_of(sys.stdout))
    for change in changes:
        values = {
            "added": _shown(change.after),
            "removed": _shown(change.before),
            "changed": f"{cut(_shown(change.before), width // 3)} -> {cut(_shown(change.after), width // 3)}",
        }
        yield cut(f"{_SIGNS[change.kind]} {escape(change.path)}: {values[change.kind]}", width)


def _shown(value: object) -> str:
    from actorflow.views.escape import escape

    return escape(json.dumps(value, ensure_ascii=False)[:2000])
