"""``actorflow run``: from a file and inputs to a finished run."""

from __future__ import annotations

from functools import partial

import click

from actorflow.cli.options import (
    json_option,
    max_parallel_option,
    quiet_option,
    settings_for,
    state_dir_option,
)

__all__ = ["run_command"]


@click.command("run", short_help="Run a workflow to its end.")
@click.argument("file", metavar="FILE")
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
    quiet: bool,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Run a workflow to its end.

    FILE is a path, or the name of a workflow in .claude/workflows/ of the project.

    The run's id is printed on stdout as soon as the run is durable; progress goes to stderr. Ctrl-C cancels
    the run, a second one ends its agents at once. Whatever happens, 'actorflow resume' goes on where it
    stopped.
    """
    from actorflow.cli.inputs_file import read_inputs_file
    from actorflow.cli.workflow_file import find_workflow

    settings = settings_for(state_dir)
    path = find_workflow(file, settings.project_root)
    given = {} if inputs_file is None else read_inputs_file(inputs_file)

    from actorflow import api
    from actorflow.cli.driving import Driving

    driving = Driving(settings=settings, state_dir=state_dir, as_json=as_json, quiet=quiet)
    start = partial(api.run, path, assignments=assignments, given=given, max_parallel=max_parallel)
    ctx.exit(driving.drive(start))
