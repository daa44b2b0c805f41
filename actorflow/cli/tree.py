"""``actorflow tree``: the supervision tree of a run, asked from its driver."""

from __future__ import annotations

from functools import partial

import click

from actorflow.cli.options import json_option, last_run_argument, settings_for, state_dir_option
from actorflow.cli.streams import say

__all__ = ["tree_command"]


@click.command("tree", short_help="Print the supervision tree of a run.")
@last_run_argument
@json_option
@state_dir_option
def tree_command(run: str, as_json: bool, state_dir: str | None) -> None:
    """Print the supervision tree of a run: its actors, and how often each was restarted.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. Of a run that
    nobody drives, the restarts that its journal tells of are printed.
    """
    import trio

    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.views.escape import escape_lines

    text = trio.run(partial(api.tree, run, settings=settings_for(state_dir)))
    if as_json:
        print_json({"tree": text.splitlines()})
    else:
        say(escape_lines(text))
