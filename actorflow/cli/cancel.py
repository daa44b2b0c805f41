"""``actorflow cancel``: cancel a run from any terminal."""

from __future__ import annotations

from functools import partial

import click

from actorflow.cli.options import json_option, run_argument, settings_for, state_dir_option
from actorflow.cli.streams import say

__all__ = ["cancel_command"]


@click.command("cancel", short_help="Cancel a run, from any terminal.")
@run_argument
@json_option
@state_dir_option
def cancel_command(run: str, as_json: bool, state_dir: str | None) -> None:
    """Cancel a run, from any terminal.

    RUN is an id, the beginning of one, or 'last'. Returns when the run has taken it: its agents are being
    stopped then. Of a run whose driver has died, what has finished since is recorded, and what still
    runs is ended; nothing is started. A cancelled run can be resumed.
    """
    import trio

    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.views.escape import escape

    done = trio.run(partial(api.cancel, run, settings=settings_for(state_dir), by=_who()))
    if as_json:
        status = None if done.state.status is None else done.state.status.value
        report = {
            "run_id": done.run_id,
            "status": status,
            "answer": done.answer,
            "recorded": list(done.recorded),
            "ended": list(done.ended),
            "not_recorded": [{"task": task, "reason": reason} for task, reason in done.left.items()],
        }
        print_json(report)
    else:
        say(escape(done.answer))


def _who() -> str:
    import getpass
    import os

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        user = f"user {os.getuid()}"
    return f"{user} on {os.uname().nodename}"
