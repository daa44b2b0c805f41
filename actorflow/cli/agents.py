"""``actorflow agents``: the agents that workflows can name: list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actorflow.cli.options import json_option, settings_for
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["agents_command"]


def _complete(ctx: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    del ctx, parameter
    from click.shell_completion import CompletionItem

    from actorflow.api.checking import registry_of

    try:
        entries = registry_of(settings_for(None)).entries()
    except Exception:  # noqa: BLE001 - nothing is ever an error while somebody types
        return []
    return [CompletionItem(entry.name, help=entry.origin) for entry in entries if entry.name.startswith(text)]


@click.group("agents", short_help="List and show the agents that workflows can name.")
def agents_command() -> None:
    """List and show the agents that workflows can name.

    They are built in, defined by files in .claude/agents/ of the project or of the user, brought by installed
    packages, or shipped with actorflow.
    """


@agents_command.command("list", short_help="List the agents.")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the agents, each with what it is for and where it comes from.

    One that is marked '-' cannot run here, one that is marked '!' is defined by a file that is broken: below
    the list stands why.
    """
    from actorflow import api
    from actorflow.cli.agent_words import agent_json, list_lines, overruled_lines

    found = api.agents(settings=settings_for(None))
    for line in overruled_lines(found):
        say(line, to_stderr=True)
    if as_json:
        from actorflow.cli.output import print_json

        print_json([agent_json(known) for known in found])
    else:
        say("\n".join(list_lines(found)))


@agents_command.command("show", short_help="Show an agent.")
@click.argument("name", metavar="AGENT", shell_complete=_complete)
@json_option
@click.pass_context
def show_command(ctx: click.Context, *, name: str, as_json: bool) -> None:
    """Show where an agent comes from, what it may do, what of its file has no effect, and what it is told.

    When its file is broken, everything that is wrong with it is told, and the exit code is 2.
    """
    from actorflow import api
    from actorflow.cli.agent_words import show_json, show_lines

    found = api.agent(name, settings=settings_for(None))
    if as_json:
        from actorflow.cli.output import print_json

        print_json(show_json(found))
    else:
        say("\n".join(show_lines(found)))
    ctx.exit(2 if found.is_broken else 0)
