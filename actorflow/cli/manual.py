"""Writes docs/man/actorflow.1, the page that ``man actorflow`` shows, from the commands themselves.

``python -m actorflow.cli.manual > docs/man/actorflow.1``; a wheel brings the page to ``share/man``. Takes what
click knows of each command, gives roff with the ``man`` macros only, so that any ``man`` can read it. A test
compares the page with what this gives. Nothing of a user's data is ever in it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator

import click

from actorflow import __version__
from actorflow.cli.reference import every_command

__all__ = ["manual_page"]

_EXITS = (
    ("0", "Success."),
    ("1", "The run failed."),
    ("2", "Wrong usage, an invalid workflow, wrong inputs, an unknown run."),
    ("3", "Configuration: an agent, a program or a secret is not there."),
    ("74", "Storage: the state folder cannot be read or written."),
    ("75", "The run has paused or waits, or another process drives it."),
    ("124", "The run timed out."),
    ("130", "Cancelled."),
)

_VARIABLES = (
    ("ACTORFLOW_STATE_DIR", "Where runs are kept; --state-dir wins."),
    ("ACTORFLOW_DEBUG", "Not empty: errors come with a traceback."),
    ("NO_COLOR", "Not empty: no colours."),
)

_FILES = (
    (".claude/workflows/", "The project's workflows, which can be run by name."),
    (".claude/agents/", "Agents that the project defines."),
    (
        ".claude/workflow-state/runs/RUN/",
        "Everything about one run; to delete the run, delete the folder.",
    ),
)


def manual_page() -> str:
    """Return the page."""
    commands = list(every_command(80))
    return "\n".join(
        [
            f'.TH ACTORFLOW 1 "" "actorflow {__version__}" "User Commands"',
            ".SH NAME",
            r"actorflow \- run workflows of agents, shell commands and Python, durably",
            ".SH SYNOPSIS",
            r".B actorflow",
            r".I COMMAND",
            r"[\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
            ".SH DESCRIPTION",
            *_prose(commands[0][1].command.help or ""),
            *_options(commands[0][1]),
            ".SH COMMANDS",
            *(line for words, ctx in commands[1:] for line in _command(words, ctx)),
            ".SH EXIT STATUS",
            *_entries(_EXITS),
            ".SH ENVIRONMENT",
            *_entries(_VARIABLES),
            ".SH FILES",
            *_entries(_FILES),
            "",
        ]
    )


def _command(words: str, ctx: click.Context) -> Iterator[str]:
    command = ctx.command
    usage = " ".join(command.collect_usage_pieces(ctx))
    yield f".SS {_text(f'{words} {usage}'.strip())}"
    yield from _prose(command.help or "")
    yield from _options(ctx)


def _options(ctx: click.Context) -> Iterator[str]:
    for parameter in ctx.command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and record[1] and "--help" not in parameter.opts:
            yield from _entries([record])


def _entries(
    entries: Iterable[tuple[str, str]],
) -> Iterator[str]:
    for term, meaning in entries:
        yield ".TP"
        yield rf"\fB{_text(term)}\fR"
        yield _text(" ".join(meaning.split()))


def _prose(help_text: str) -> Iterator[str]:
    """Yield a help text as paragraphs; one that begins with click's mark for that is kept as it stands."""
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0].strip() == "\b":
            yield from [".PP", ".nf", *(_text(line) for line in lines[1:]), ".fi"]
        else:
            yield from [".PP", _text(" ".join(paragraph.split()))]


def _text(text: str) -> str:
    """Return text as roff shows it: no escape, no request, hyphens that can be searched for and copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    ascii_only = re.sub(r"[^ -~]", lambda found: rf"\[u{ord(found[0]):04X}]", escaped)
    return re.sub(r"^([.'])", r"\\&\1", ascii_only)


if __name__ == "__main__":
    click.echo(manual_page(), nl=False)
