"""Writes docs/reference/cli.md from the commands themselves: ``python -m actorflow.cli.reference > docs/reference/cli.md``.

Takes the table of commands, gives Markdown. A test compares the page with what this gives, so that the page
cannot become stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from actorflow.cli.group import cli

__all__ = ["every_command", "reference_page"]

_WIDTH = 100

_HEAD = """\
# The command line

<!-- Generated: python -m actorflow.cli.reference > docs/reference/cli.md -->

stdout is data, stderr is talk: with `--json` stdout holds exactly one JSON document
([machine output](machine-output.md)); without it, `run` and `resume` print the run's id on stdout, as soon as the run
is durable, and everything else on stderr. Progress is drawn in place on a terminal and is one plain line per change
otherwise (in a pipe, with `TERM=dumb`). Text from agents is shown with control characters escaped.

RUN is the id of a run, the beginning of exactly one id, or `last`.

## Exit codes

| code | meaning |
|---|---|
| 0 | success |
| 1 | the run failed (or actorflow itself did: then the message says so) |
| 2 | wrong usage, an invalid workflow, wrong inputs, an unknown run |
| 3 | configuration: an agent, a program or a secret is not there |
| 74 | storage: the state folder cannot be read or written |
| 75 | the run has paused, or another process drives it |
| 124 | the run timed out |
| 130 | cancelled |
| 141 | whoever read the output has gone |

## Environment

| variable | meaning |
|---|---|
| `ACTORFLOW_STATE_DIR` | where runs are kept; `--state-dir` wins |
| `ACTORFLOW_DEBUG` | not empty: errors come with a traceback |
| `NO_COLOR` | not empty: no colours |
| `TERM` | `dumb` or unset: plain lines instead of the live view |
"""


def reference_page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(_section(words, ctx) for words, ctx in every_command(_WIDTH))])


def every_command(width: int) -> Iterator[tuple[str, click.Context]]:
    """Yield each command with the words that call it, groups before what is in them.

    Args:
        width: of the help that the contexts give.
    """
    settings: dict[str, Any] = {**cli.context_settings, "terminal_width": width}
    yield from _with_those_below("actorflow", click.Context(cli, info_name="actorflow", **settings))


def _with_those_below(words: str, ctx: click.Context) -> Iterator[tuple[str, click.Context]]:
    yield words, ctx
    group = ctx.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command is not None and not command.hidden:
            below = click.Context(command, info_name=name, parent=ctx, terminal_width=ctx.terminal_width)
            yield from _with_those_below(f"{words} {name}", below)


def _section(title: str, ctx: click.Context) -> str:
    return f"## {title}\n\n```text\n{ctx.get_help()}\n```\n"


if __name__ == "__main__":
    click.echo(reference_page(), nl=False)
