"""From an error to words on stderr, an exit code, and, for ``--json``, one object on stdout.

Never a traceback, unless ``ACTORFLOW_DEBUG`` asks for it. Text in messages may come from files and agents, so
it is escaped. A reader of ours that has gone away is no error to talk about.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import click

from actorflow.cli.streams import say
from actorflow.errors import ActorflowError, InternalError, SpecDiffers, SpecErrors
from actorflow.views.escape import escape_lines

__all__ = ["ARGUMENTS_KEY", "BROKEN_PIPE", "JSON_KEY", "RUN_KEY", "error_report", "exit_code_for"]

JSON_KEY = "actorflow.json"
"""In a click context's ``meta``: whether the command was asked for JSON."""

ARGUMENTS_KEY = "actorflow.arguments"
"""In a click context's ``meta``: the words of the command line, as they were typed."""

RUN_KEY = "actorflow.run_id"
"""In a click context's ``meta``: the run that the command has begun, if any."""

_RUNNING = frozenset({"run", "resume"})
"""Commands of which one wants to know that they have not begun."""

BROKEN_PIPE = 141
"""The exit code when whoever read our output has gone: what a shell gives for SIGPIPE."""


def exit_code_for(error: Exception, ctx: click.Context) -> int:
    """Tell the user about an error; returns the exit code."""
    cause = _cause(error)
    if isinstance(cause, BrokenPipeError):
        return BROKEN_PIPE
    known = _known(cause)
    if os.environ.get("ACTORFLOW_DEBUG"):
        import traceback  # most commands do not fail, and fewer are asked where

        traceback.print_exception(error, file=sys.stderr)
    run_id = ctx.meta.get(RUN_KEY)
    if ctx.meta.get(JSON_KEY):
        from actorflow.cli.output import print_json

        print_json({"error": error_report(known)} | ({"run_id": run_id} if run_id else {}))
    say(_words(known, is_run=ctx.invoked_subcommand in _RUNNING), to_stderr=True)
    if run_id:
        say(f"what run {run_id} has recorded is kept; go on with: actorflow resume {run_id}", to_stderr=True)
    return known.exit_code


def error_report(error: ActorflowError) -> dict[str, Any]:
    """Return an error as ``--json`` gives it."""
    report: dict[str, Any] = {
        "kind": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower(),
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    if isinstance(error, SpecErrors):
        from actorflow.workflow.problems import Problem

        report["message"] = count_text(error)
        report["problems"] = [p.as_json() for p in error.problems if isinstance(p, Problem)]
    if isinstance(error, SpecDiffers):
        report["changes"] = {"tasks": list(error.tasks), "elsewhere": list(error.elsewhere)}
        report["difference"] = list(error.difference)
    return report


def count_text(errors: SpecErrors) -> str:
    """Return ``2 problems``."""
    count = len(errors.problems)
    return f"{count} problem{'s' if count != 1 else ''}"


def _cause(error: Exception) -> Exception:
    """Return what went wrong inside groups: an error of ours if there is one, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    causes = [_cause(inner) for inner in error.exceptions]
    ours = [cause for cause in causes if isinstance(cause, ActorflowError)]
    return (ours or causes)[0]


class _OutputFailed(ActorflowError):
    """Our own output, or a file that a command reads, failed in a way that only the system knows."""

    exit_code = 74


def _known(error: Exception) -> ActorflowError:
    if isinstance(error, ActorflowError):
        return error
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return _OutputFailed(f"{place}{error.strerror or type(error).__name__}")
    detail = f": {error}" if str(error) else ""
    return InternalError(f"internal error: {type(error).__name__}{detail}")


def _words(error: ActorflowError, *, is_run: bool) -> str:
    if isinstance(error, SpecErrors):
        end = "; nothing was run" if is_run else ""
        return escape_lines("\n".join([*map(str, error.problems), f"error: {count_text(error)}{end}"]))
    lines = [f"error: {error.message}", *(f"  {line}" for line in error.hint.splitlines())]
    if isinstance(error, InternalError) and not os.environ.get("ACTORFLOW_DEBUG"):
        lines.append("  ACTORFLOW_DEBUG=1 shows where it happened")
    return escape_lines("\n".join(lines))
