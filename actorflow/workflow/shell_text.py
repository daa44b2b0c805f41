"""Holes in shell text become variables: a value never becomes part of a command.

Takes a compiled template of command text; gives a ``ShellCommand``, in which each hole reads a variable
(``"${AF_1}"`` outside quotes, ``${AF_1}`` inside double quotes), and what is wrong: a hole where no quoting
can keep its value from being run. ``shell_environment`` gives the variables their values for one attempt. The
invariant: the text that the shell reads does not depend on any value. Must not run anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from actorflow import expressions as ex
from actorflow.errors import ExpressionError
from actorflow.workflow.plan import ShellCommand
from actorflow.workflow.shell_lexer import lex
from actorflow.workflow.shell_parts import HOLE, Refusal, Tangled
from actorflow.workflow.shell_rules import judge
from actorflow.workflow.templates import InterpolationError, interpolation_error, text_of

__all__ = ["MAX_VALUE_BYTES", "ShellProblem", "compile_shell", "shell_environment"]

MAX_VALUE_BYTES = 100 * 1024
"""The longest value of one variable. Linux takes 128 KiB for one string of the environment, the name
included."""

_MAX_ALL_BYTES = 1024 * 1024
"""The longest values of one command together; macOS takes 1 MiB for all arguments and the environment."""

_SAFE_WAYS = 'pass it by env: and write "$NAME", by stdin:, or give the command as a list'
_STDIN = "pass it by stdin: instead"


@dataclass(frozen=True, slots=True)
class ShellProblem:
    """A hole that cannot stand where it stands: offsets in the template's source, code, message and hint."""

    start: int
    end: int
    code: str
    message: str
    hint: str


def compile_shell(
    template: ex.Template, *, taken: Collection[str] = ()
) -> tuple[ShellCommand, tuple[ShellProblem, ...]]:
    """Turn the holes of a command's text into variables.

    Args:
        template: the compiled text.
        taken: names of variables that the command gets in another way (the task's ``env:``).

    Returns:
        The command, and what forbids using it; with a problem the command must not be run.
    """
    holes = template.holes
    text = "".join(segment if isinstance(segment, str) else HOLE for segment in template.segments)
    if not holes:
        return ShellCommand(text), ()
    try:
        if text.count(HOLE) != len(holes):
            raise Tangled("it contains a NUL character")
        lexed = lex(text)
    except Tangled as tangled:
        return ShellCommand(""), (_unreadable(holes[0], tangled.reason),)
    refused = judge(lexed)
    refused.update((i, place) for i, place in enumerate(lexed.places) if isinstance(place, Refusal))
    problems = tuple(_problem(holes[i], refused[i]) for i in sorted(refused))
    if problems:
        return ShellCommand(""), problems
    return _with_variables(
        template, ["bare" if place == "bare" else "quoted" for place in lexed.places], text, taken
    ), ()


def shell_environment(command: ShellCommand, snapshot: Mapping[str, object]) -> dict[str, str]:
    """Return the command's variables with their values.

    Raises:
        InterpolationError: a hole cannot be evaluated, is null or secret, or its value cannot be an
            environment variable.
    """
    values: dict[str, str] = {}
    total = 0
    for name, expression in command.variables:
        try:
            value = text_of(expression.evaluate(snapshot))
        except ExpressionError as failure:
            raise interpolation_error(f"${{{expression.source}}}", failure) from failure
        total += _measured(expression.source, value)
        values[name] = value
    if total > _MAX_ALL_BYTES:
        raise InterpolationError("command", "its values are longer than 1 MiB together", hint=_STDIN)
    return values


def _measured(source: str, value: str) -> int:
    """Return the size of ``value`` in bytes, if it can be an environment variable."""
    if "\x00" in value:
        raise InterpolationError(f"${{{source}}}", "the value contains a NUL character", hint=_STDIN)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InterpolationError(f"${{{source}}}", "the value is not valid Unicode text") from None
    if size > MAX_VALUE_BYTES:
        raise InterpolationError(
            f"${{{source}}}", f"the value is longer than {MAX_VALUE_BYTES // 1024} KiB", hint=_STDIN
        )
    return size


def _with_variables(
    template: ex.Template, places: list[str], text: str, taken: Collection[str]
) -> ShellCommand:
    prefix = _free_prefix(text, taken)
    names: dict[str, tuple[str, ex.Expression]] = {}
    written: list[str] = []
    remaining = iter(places)
    for segment in template.segments:
        if isinstance(segment, str):
            written.append(segment)
            continue
        expression = segment.expression
        name, _ = names.setdefault(expression.source, (f"{prefix}{len(names) + 1}", expression))
        written.append(f'"${{{name}}}"' if next(remaining) == "bare" else f"${{{name}}}")
    return ShellCommand("".join(written), tuple(names.values()))


def _free_prefix(text: str, taken: Collection[str]) -> str:
    """Return ``AF_``, or something like it that neither the text nor the task's own variables use."""
    prefix, number = "AF_", 0
    while prefix in text or any(name.startswith(prefix) for name in taken):
        number += 1
        prefix = f"AF{number}_"
    return prefix


def _problem(hole: ex.Hole, refusal: Refusal) -> ShellProblem:
    return ShellProblem(
        hole.start, hole.end, refusal.code, f"a hole cannot stand here: {refusal.reason}", _SAFE_WAYS
    )


def _unreadable(hole: ex.Hole, reason: str) -> ShellProblem:
    message = f"a command with holes whose quoting cannot be followed: {reason}"
    return ShellProblem(hole.start, hole.end, "E917", message, f"write it in a simpler way, or {_SAFE_WAYS}")
