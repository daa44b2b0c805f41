"""``actorflow run``: from a file and inputs to a finished run."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any

import click

from actorflow.cli.completing import complete_workflow
from actorflow.cli.options import (
    detach_option,
    json_option,
    max_parallel_option,
    quiet_option,
    repeat_options,
    settings_for,
    state_dir_option,
    terms_options,
    view_option,
)

__all__ = ["run_command"]

_MODES = ("plan", "default", "dontAsk", "acceptEdits", "auto", "bypassPermissions")


@click.command("run", short_help="Run a workflow to its end.")
@click.argument("file", metavar="FILE", required=False, shell_complete=complete_workflow)
@click.option(
    "--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Give an input; may be repeated."
)
@click.option(
    "--inputs",
    "inputs_file",
    metavar="FILE",
    help="Inputs as a JSON or YAML mapping; - is stdin. --set wins.",
)
@click.option(
    "--rehearse",
    "stubs",
    metavar="[STUBS]",
    is_flag=False,
    flag_value="",
    help="Call no agent: play all of them from this file. Without it, from NAME.stubs.yaml beside the workflow if that is there, else outputs are made up.",
)
@click.option(
    "--rehearse-init",
    "new_stubs",
    metavar="[STUBS]",
    is_flag=False,
    flag_value="",
    help="Write a file of stubs to begin with, and run nothing.  [default: NAME.stubs.yaml beside the workflow]",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what a run would do, and run nothing.")
@click.option("--force", is_flag=True, help="With --rehearse-init: write over a file that is there.")
@click.option(
    "--permission-mode",
    type=click.Choice(_MODES),
    metavar="MODE",
    help="What agents that Claude Code runs may do in this run, whatever the workflow says: plan, default, dontAsk, acceptEdits, auto, bypassPermissions.",
)
@max_parallel_option
@terms_options
@detach_option
@view_option
@quiet_option
@json_option
@state_dir_option
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    *,
    file: str | None,
    assignments: tuple[str, ...],
    inputs_file: str | None,
    stubs: str | None,
    new_stubs: str | None,
    is_dry: bool,
    force: bool,
    permission_mode: str | None,
    max_parallel: int | None,
    background: bool,
    view: str,
    quiet: bool,
    as_json: bool,
    state_dir: str | None,
    **terms: Any,
) -> None:
    """Run a workflow to its end.

    FILE is a path, or the name of a workflow: in .claude/workflows/ of the project or of the user, or else a
    template.

    The run's id is printed on stdout as soon as the run is durable; progress goes to stderr. Ctrl-C cancels
    the run, a second one ends its agents at once. Whatever happens, 'actorflow resume' goes on where it
    stopped. With --detach it goes on in the background, whatever becomes of the terminal: 'actorflow watch',
    'logs -f' and 'cancel' find it.

    A run that reaches its budget pauses and exits with 75. One of which nothing can go on before a service
    lifts a limit is PARKED; it waits, unless --exit-when-parked is given.

    A rehearsal (--rehearse) is a run of its own, recorded, shown and resumed like any other and marked
    everywhere; conditions, retries, timeouts and hooks are real, only the agents are not called.
    """
    from actorflow.cli.detaching import detach, is_detached
    from actorflow.cli.rehearse import sorted_out, write_stubs

    asked = sorted_out(file, stubs, new_stubs)
    if is_dry and (asked.stubs is not None or asked.new_stubs is not None):
        raise click.UsageError("--dry-run runs nothing, so there is nothing to rehearse")
    detached = is_detached(os.environ)
    if background and not detached and asked.new_stubs is None and not is_dry:
        options = repeat_options(state_dir)
        ctx.exit(detach(ctx, options=options, as_json=as_json, reads_stdin=inputs_file == "-"))

    from actorflow.cli.inputs_file import read_inputs_file
    from actorflow.cli.workflow_file import located

    settings = replace(settings_for(state_dir), permission_mode=permission_mode or "")
    found = located(asked.file, settings)
    path = found.path
    if asked.new_stubs is not None:
        write_stubs(found, asked, settings=settings, force=force, as_json=as_json)
        return
    if force:
        raise click.UsageError("--force belongs to --rehearse-init")
    given = {} if inputs_file is None else read_inputs_file(inputs_file)

    from actorflow import api

    if is_dry:
        from actorflow.cli.dry_run import tell_dry_run

        plan = api.dry_run(
            path, settings=settings, assignments=assignments, given=given, max_parallel=max_parallel
        )
        tell_dry_run(plan, as_json=as_json)
        return
    from actorflow.cli.driving import Driving

    driving = Driving(
        settings=settings,
        state_dir=state_dir,
        as_json=as_json,
        quiet=quiet,
        is_detached=detached,
        is_outline=view == "tree",
    )
    rehearsal = asked.rehearsal(found)
    start = partial(
        api.run,
        path,
        assignments=assignments,
        given=given,
        max_parallel=max_parallel,
        rehearsal=rehearsal,
        terms=api.Terms(**terms),
    )
    ctx.exit(driving.drive(start))
