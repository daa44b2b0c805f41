"""``actorflow logs``: what the agents of a run have written, attempt by attempt, or as it comes."""

from __future__ import annotations

import click

from actorflow.cli.completing import complete_run, complete_task
from actorflow.cli.options import repeat_options, settings_for, state_dir_option
from actorflow.cli.streams import say
from actorflow.errors import InputError
from actorflow.ids import TASK_ID

__all__ = ["logs_command"]


@click.command("logs", short_help="Print what the agents of a run have written.")
@click.argument("run", metavar="[RUN]", default="last", shell_complete=complete_run)
@click.argument("task", metavar="[TASK]", required=False, shell_complete=complete_task)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends, or nothing of it is at work.")
@click.option("--stdout", "streams", flag_value="stdout", help="Only what was written to stdout.")
@click.option("--stderr", "streams", flag_value="stderr", help="Only what was written to stderr.")
@click.option(
    "--raw", is_flag=True, help="The bytes as they are: no headers, control characters not escaped."
)
@state_dir_option
def logs_command(
    *, run: str, task: str | None, follow: bool, streams: str | None, raw: bool, state_dir: str | None
) -> None:
    """Print what the agents of a run have written.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out; TASK alone means a
    task of the last run. Attempts come in the order in which they started, each under a header.
    """
    from actorflow import api
    from actorflow.cli.following import Logs, follow_logs

    # Ids of runs begin with a digit, ids of tasks never.
    if task is None and run != "last" and TASK_ID.fullmatch(run):
        run, task = "last", run
    settings = settings_for(state_dir)
    seen = api.inspect(run, settings=settings)
    if task is not None and task not in seen.state.tasks:
        raise InputError(
            f"run {seen.run_id} has no task {task!r}",
            hint=f"its tasks are: {', '.join(sorted(seen.state.tasks))}",
        )
    logs = Logs(seen.folder, task=task, streams=(streams,) if streams else ("stdout", "stderr"), raw=raw)
    if follow:
        options = repeat_options(state_dir)
        follow_logs(logs, seen, settings, options=f" {options}" if options else "")
    else:
        logs.print_new(seen)
    logs.close()
    if logs.refused is not None:
        raise logs.refused
    if not logs.has_printed:
        why = ": it is a rehearsal, no agent was called" if seen.state.is_rehearsal else ""
        say(
            f"the agents of run {seen.run_id} have written nothing{f' for {task}' if task else ''}{why}",
            to_stderr=True,
        )
