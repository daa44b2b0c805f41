"""The ``actorflow`` command: the table of its commands, loaded on first use, and the one place where errors become words and exit codes.

``actorflow --help`` must import click only, so that the table carries each command's short help; a test
compares them with the commands' own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from actorflow import __version__
from actorflow.cli.failing import ARGUMENTS_KEY, exit_code_for

__all__ = ["COMMANDS", "cli"]

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("actorflow.cli.run:run_command", "Run a workflow to its end."),
    "validate": ("actorflow.cli.validate:validate_command", "Check workflow files without running them."),
    "test": ("actorflow.cli.test:test_command", "Run the tests of workflows, in memory."),
    "templates": (
        "actorflow.cli.templates:templates_command",
        "List, show, copy and test the workflows that ship with actorflow.",
    ),
    "agents": ("actorflow.cli.agents:agents_command", "List and show the agents that workflows can name."),
    "status": ("actorflow.cli.status:status_command", "Show where a run stands."),
    "logs": ("actorflow.cli.logs:logs_command", "Print what the agents of a run have written."),
    "watch": ("actorflow.cli.watch:watch_command", "Watch a run, from any terminal."),
    "history": ("actorflow.cli.history:history_command", "List the runs, newest first."),
    "explain": ("actorflow.cli.explain:explain_command", "Say why a run, or a task of it, is as it is."),
    "resume": ("actorflow.cli.resume:resume_command", "Go on with a run, or run a part of it again."),
    "cancel": ("actorflow.cli.cancel:cancel_command", "Cancel a run, from any terminal."),
    "graph": ("actorflow.cli.graph:graph_command", "Draw a workflow or a run."),
    "timeline": (
        "actorflow.cli.timeline:timeline_command",
        "Draw when the tasks of a run worked and waited.",
    ),
    "tree": ("actorflow.cli.tree:tree_command", "Print the supervision tree of a run."),
    "events": ("actorflow.cli.events:events_command", "Print every event of a run."),
    "context": ("actorflow.cli.context:context_command", "Show what a task's expressions could see."),
    "diff": ("actorflow.cli.diff:diff_command", "Show what differs between two runs."),
    "stats": (
        "actorflow.cli.stats:stats_command",
        "Show how long the tasks of a workflow take, and how often they fail.",
    ),
    "doctor": (
        "actorflow.cli.doctor:doctor_command",
        "Check this place, or a run, and save what a damaged run still has.",
    ),
    "clean": ("actorflow.cli.clean:clean_command", "Remove old runs, and what crashes have left behind."),
    "export": ("actorflow.cli.export:export_command", "Write a run as lines of JSON."),
    "eval": ("actorflow.cli.eval:eval_command", "Try an expression over data from a file."),
    "completion": (
        "actorflow.cli.completion:completion_command",
        "Print the script for completion in a shell.",
    ),
    "schema": ("actorflow.cli.schema:schema_command", "Print the JSON Schema of workflow files."),
}
"""Command -> (where it is, its short help), in the order of ``--help``."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Keep the words as they were typed, for a command that starts itself again in the background."""
        words = tuple(args)
        ctx = super().make_context(info_name, args, parent, **extra)
        ctx.meta[ARGUMENTS_KEY] = words
        return ctx

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands, the most used first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or say which one was meant."""
        if args and args[0] not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if close:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what it raises becomes a message and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            ctx.exit(130)
        except Exception as error:  # noqa: BLE001 (the rim: every error ends as words and an exit code)
            ctx.exit(exit_code_for(error, ctx))
        except BaseExceptionGroup as group:  # an interrupt that arrived inside a nursery
            if group.subgroup(KeyboardInterrupt) is None:
                raise
            ctx.exit(130)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 success, 1 the run failed, 2 wrong usage or invalid workflow, 3 configuration, 74 storage, "
    "75 paused or driven by another process, 124 timed out, 130 cancelled.",
)
@click.version_option(__version__, "-V", "--version", prog_name="actorflow", message="%(prog)s %(version)s")
def cli() -> None:
    """Run workflows of agents, shell commands and Python, durably.

    A run is recorded step by step: it can be watched, cancelled and resumed from any terminal, and nothing
    that is done is done again.
    """
