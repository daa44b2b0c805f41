"""``actorflow run``: from a file and inputs to a finished run."""

from __future__ import annotations

import os
from functools import partial

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
)

__all__ = ["run_command"]


@click.command("run", short_help="Run a workflow to its end.")
@click.argument("file", metavar="FILE", shell_complete=complete_workflow)
@click.option(
    "--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Give an input; may be repeated."
)
@click.option(
    "--inputs",
    "inputs_file",
    metavar="FILE",
    help="Inputs as a JSON or YAML mapping; - is stdin. --set wins.",
)
@max_parallel_option
@detach_option
@quiet_option
@json_option
@state_dir_option
@click.pass_context
def run_command(
    ctx: click.Context,
    *,
    file: str,
    assignments: tuple[str, ...],
    inputs_file: str | None,
    max_parallel: int | None,
    background: bool,
    quiet: bool,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Run a workflow to its end.

    FILE is a path, or the name of a workflow in .claude/workflows/ of the project.

    The run's id is printed on stdout as soon as the run is durable; progress goes to stderr. Ctrl-C cancels
    the run, a second one ends its agents at once. Whatever happens, 'actorflow resume' goes on where it
    stopped. With --detach it goes on in the background, whatever becomes of the terminal: 'actorflow watch',
    'logs -f' and 'cancel' find it.
    """
    from actorflow.cli.detaching import detach, is_detached

    detached = is_detached(os.environ)
    if background and not detached:
        options = repeat_options(state_dir)
        ctx.exit(detach(ctx, options=options, as_json=as_json, reads_stdin=inputs_file == "-"))

    from actorflow.cli.inputs_file import read_inputs_file
    from actorflow.cli.workflow_file import find_workflow

    settings = settings_for(state_dir)
    path = find_workflow(file, settings.project_root)
    given = {} if inputs_file is None else read_inputs_file(inputs_file)

    from actorflow import api
    from actorflow.cli.driving import Driving

    driving = Driving(
        settings=settings, state_dir=state_dir, as_json=as_json, quiet=quiet, is_detached=detached
    )
    start = partial(api.run, path, assignments=assignments, given=given, max_parallel=max_parallel)
    ctx.exit(driving.drive(start))
