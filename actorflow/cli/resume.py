"""``actorflow resume``: go on with a run, or say what that would do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

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
    terms_options,
    view_option,
    width_of,
)
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow.errors import SpecDiffers
    from actorflow.monitor.resume_decisions import ResumeDecisions
    from actorflow.settings import Settings

__all__ = ["resume_command"]

_MOST_TASKS = 200
_MOST_LINES = 80
_COUNTED = {"run": "to run", "wait": "to wait for", "take": "to take the result of", "reuse": "reused"}
_ALWAYS_TOLD = ("to run", "reused")


@click.command("resume", short_help="Go on with a run, or run a part of it again.")
@last_run_argument
@click.option(
    "--from",
    "from_tasks",
    metavar="TASK",
    multiple=True,
    help="Run TASK again, and all that comes after it, also when it succeeded; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Only say for each task whether it would run, and why.")
@click.option(
    "--use-current-spec",
    "spec",
    flag_value="current",
    help="Follow the workflow file as it is now; what it asks differently runs again.",
)
@click.option(
    "--use-pinned-spec",
    "spec",
    flag_value="pinned",
    help="Follow what the run began with, although its file has changed.",
)
@click.option(
    "--try-now", is_flag=True, help="Take limits that were met before to be lifted, and try at once."
)
@click.option("--when-ready", is_flag=True, help="Wait until a limit is lifted that the run is parked at.")
@max_parallel_option
@terms_options
@detach_option
@view_option
@quiet_option
@json_option
@state_dir_option
@click.pass_context
def resume_command(
    ctx: click.Context,
    /,
    *,
    run: str,
    from_tasks: tuple[str, ...],
    dry_run: bool,
    spec: Literal["current", "pinned"] | None,
    max_parallel: int | None,
    background: bool,
    view: str,
    quiet: bool,
    as_json: bool,
    state_dir: str | None,
    **terms: Any,
) -> None:
    """Go on with a run that was interrupted, failed, was cancelled or has paused.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out.

    What succeeded is not run again. What still runs, because it has outlived the process that drove the run, is
    waited for; what has finished meanwhile is taken. What failed, was cancelled or was lost runs again, and everything
    that waits for it. Inputs are what they were. --from runs a part again that succeeded.

    A run that has paused at its budget goes on with a larger one (--budget-usd 20), which is recorded. One that
    is parked for more than a minute is left alone, with exit code 75, unless --when-ready says to wait, or
    --try-now that the limit is lifted already.

    A run keeps the text of its workflow. When the file says something else by now, the difference is shown
    and nothing is run (exit code 2) until --use-current-spec or --use-pinned-spec says which of them counts.
    """
    from actorflow.cli.detaching import detach, is_detached

    detached = is_detached(os.environ)
    if background and not detached and not dry_run:
        ctx.exit(detach(ctx, options=repeat_options(state_dir), as_json=as_json))

    from actorflow import api
    from actorflow.cli.driving import Driving
    from actorflow.errors import SpecDiffers
    from actorflow.state.status import RunStatus

    settings = settings_for(state_dir)
    if dry_run:
        _tell_plan(run, settings, from_tasks, spec, as_json=as_json)
        return
    seen = api.glance(run, settings=settings)
    driving = Driving(
        settings=settings,
        state_dir=state_dir,
        as_json=as_json,
        quiet=quiet,
        is_detached=detached,
        is_outline=view == "tree",
        order=seen.order,
        limits=dict(seen.limits),
    )
    start = partial(
        api.resume,
        seen.run_id,
        max_parallel=max_parallel,
        from_tasks=from_tasks,
        spec=spec or "ask",
        terms=api.Terms(**terms),
    )
    has_succeeded = seen.state.status is RunStatus.SUCCESS and not from_tasks
    if has_succeeded and spec != "current" and not quiet:
        say(f"run {seen.run_id} has succeeded already: there is nothing to do", to_stderr=True)
    try:
        code = driving.drive(start)
    except SpecDiffers as differs:
        say("\n".join(_difference(differs)), to_stderr=True)
        raise
    if has_succeeded and spec == "current" and not quiet:
        after = api.glance(seen.run_id, settings=settings)
        if after.state.sequence == seen.state.sequence:
            say("all tasks are asked what they were asked before: there was nothing to do", to_stderr=True)
    ctx.exit(code)


def _tell_plan(
    run: str,
    settings: Settings,
    from_tasks: tuple[str, ...],
    spec: Literal["current", "pinned"] | None,
    *,
    as_json: bool,
) -> None:
    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.monitor.resume_decisions import decisions_report
    from actorflow.views.escape import escape

    found = api.plan_resume(run, settings=settings, from_tasks=from_tasks, spec=spec or "ask")
    for warning in found.warnings:
        say(f"warning: {escape(warning)}", to_stderr=True)
    if as_json:
        print_json(decisions_report(found))
    else:
        say("\n".join(_plan_lines(found)))


def _plan_lines(found: ResumeDecisions) -> Iterator[str]:
    import sys

    from actorflow.views.escape import cut, escape

    width = max(40, width_of(sys.stdout))
    if found.is_nothing_to_do:
        told = "there is nothing to do"
    else:
        counts = ((found.count(action), word) for action, word in _COUNTED.items())
        told = ", ".join(f"{count} {word}" for count, word in counts if count or word in _ALWAYS_TOLD)
    spec = " with the current file" if found.spec == "current" else ""
    yield f"run {found.run_id}  {escape(found.workflow)}  {found.status}{spec}: {told}"
    names = max((len(decision.task) for decision in found.tasks), default=0)
    for decision in found.tasks[:_MOST_TASKS]:
        yield cut(f"  {decision.action:<6} {decision.task:<{names}}  {escape(decision.reason)}", width)
    if len(found.tasks) > _MOST_TASKS:
        yield f"  and {len(found.tasks) - _MOST_TASKS} more: --json has them all"
    yield from (f"  gone   {task:<{names}}  the workflow has it no more" for task in found.removed)
    if found.elsewhere:
        yield f"  also changed: {escape(', '.join(found.elsewhere))}"


def _difference(differs: SpecDiffers) -> Iterator[str]:
    from actorflow.views.escape import escape

    signs = {"added": "+", "removed": "-", "changed": "~"}
    for task in differs.tasks:
        keys = task["keys"]
        shown = f": {', '.join(map(str, keys))}" if isinstance(keys, list) and keys else ""
        yield f"{signs[str(task['kind'])]} {escape(str(task['task']) + shown)}"
    if differs.elsewhere:
        yield f"~ {escape(', '.join(differs.elsewhere))}"
    yield from (escape(line) for line in differs.difference[:_MOST_LINES])
    if len(differs.difference) > _MOST_LINES:
        yield f"({len(differs.difference) - _MOST_LINES} more lines)"
