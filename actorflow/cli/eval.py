"""``actorflow eval``: try an expression or a template over data from a file.

The value is printed as JSON on stdout; what is wrong goes to stderr with the place and a hint, exit code 2.
Must not show a secret.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow.expressions import Environment

__all__ = ["eval_command"]


@click.command(
    "eval",
    short_help="Try an expression over data from a file.",
    context_settings={
        "help_option_names": ["-h", "--help"]
    },  # click keeps what the first use of a command had
)
@click.argument("expression", required=False)
@click.option(
    "-c",
    "--context",
    "context_file",
    metavar="FILE",
    help="A JSON file with the names and their values; - is stdin.",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="One more name; the value is JSON, or else text.",
)
@click.option(
    "-t", "--template", is_flag=True, help="The argument is a text with ${…} holes; text is printed as it is."
)
@click.option(
    "--explain",
    "explained",
    is_flag=True,
    help="Show the value of every part of the expression, innermost first.",
)
@click.option("--repl", is_flag=True, help="Read expressions line by line until the end of the input.")
def eval_command(
    *,
    expression: str | None,
    context_file: str | None,
    settings: tuple[str, ...],
    template: bool,
    explained: bool,
    repl: bool,
) -> None:
    """Try EXPRESSION over data from a file.

    Expressions are what conditions and ${…} holes of workflows are written in. The value is printed as JSON.
    """
    from actorflow.expressions import Environment, ExpressionFailure

    if (expression is None) is not repl:
        raise click.UsageError("give an expression, or --repl to read many")
    environment = Environment()
    context = _context(context_file, settings)
    if repl:
        _read_and_print(environment, context, template=template)
    elif expression is not None:
        try:
            for line in _lines(environment, expression, context, template=template, explained=explained):
                say(line)
        except ExpressionFailure as failure:
            say(str(failure), to_stderr=True)
            raise click.exceptions.Exit(2) from failure


def _lines(
    environment: Environment, source: str, context: dict[str, Any], *, template: bool, explained: bool
) -> Iterator[str]:
    from actorflow.expressions.explaining import explain

    if template:
        yield _written(environment, environment.template(source).render(context), text=True)
        return
    if explained:
        for part in explain(environment, source, context):
            yield f"{'  ' * part.depth}{part.source}  →  {part.value or part.failure}"
    yield _written(environment, environment.compile(source).evaluate(context), text=False)


def _written(environment: Environment, value: object, *, text: bool) -> str:
    from actorflow.expressions.explaining import shown

    if text and isinstance(value, str):
        return value
    return shown(environment, value, width=environment.limits.string)


def _context(file: str | None, settings: tuple[str, ...]) -> dict[str, Any]:
    context = _read(file) if file is not None else {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--set takes NAME=VALUE, not {setting!r}")
        context[name] = _value(value)
    return context


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # what is no JSON is text, as the help says


def _read(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        context = json.loads(text)
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{file} holds no JSON: {error}") from error
    if not isinstance(context, dict):
        raise click.UsageError(f"{file} holds no JSON object: the names of expressions are its keys")
    return context


def _read_and_print(environment: Environment, context: dict[str, Any], *, template: bool) -> None:
    """Evaluate line after line; ``name = expression`` keeps a value for the lines after it."""
    from actorflow.expressions import ExpressionFailure

    source = sys.stdin
    prompt = "> " if source.isatty() else ""
    while True:
        say(prompt, to_stderr=True, end="")
        line = source.readline()
        if not line:
            return
        if not line.strip():
            continue
        name, expression = _assignment(line.strip())
        try:
            for shown_line in _lines(environment, expression, context, template=template, explained=False):
                say(shown_line)
            if name:
                context[name] = environment.compile(expression).evaluate(context)
        except ExpressionFailure as failure:
            say(str(failure), to_stderr=True)


def _assignment(line: str) -> tuple[str, str]:
    """Return the name and the expression of ``name = expression``; no name for any other line."""
    name, equals, expression = line.partition("=")
    if equals and name.strip().isidentifier() and not expression.startswith("="):
        return name.strip(), expression.strip()
    return "", line
