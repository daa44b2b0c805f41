"""``actorflow validate``: every problem of workflow files, at once, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from actorflow.cli.completing import complete_workflow
from actorflow.cli.options import json_option, settings_for
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.errors import InputError
    from actorflow.settings import Settings
    from actorflow.workflow.model import InputSpec

__all__ = ["input_json", "validate_command"]


@click.command("validate", short_help="Check workflow files without running them.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_workflow)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@json_option
@click.pass_context
def validate_command(ctx: click.Context, *, files: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Check workflow files without running them.

    Each FILE is a path, or the name of a workflow: in .claude/workflows/ of the project or of the user, or
    else a template. All problems of all files are printed on stdout, each as file:line:column; the exit code is 2
    when one of the files is not valid, or is not there.
    """
    from actorflow.errors import InputError

    settings = settings_for(None)
    results: list[_Result] = []
    for file in files:
        try:
            results.append(_check(file, settings))
        except InputError as error:
            if len(files) == 1:
                raise
            results.append(_Result(file, None, error))
    if as_json:
        _print_json(results, strict)
    else:
        for result in results:
            _print_words(result, strict)
    ctx.exit(0 if all(_is_valid(result, strict) for result in results) else 2)


@dataclass(frozen=True, slots=True)
class _Result:
    """What is found out about one FILE: ``checked``, or why it could not be read."""

    file: str
    checked: api.Checked | None
    error: InputError | None = None


def _check(file: str, settings: Settings) -> _Result:
    from actorflow import api
    from actorflow.cli.workflow_file import find_workflow

    path = find_workflow(file, settings)
    return _Result(str(path), api.validate(path, settings=settings))


def _is_valid(result: _Result, strict: bool) -> bool:
    checked = result.checked
    return checked is not None and checked.workflow is not None and not (strict and checked.problems)


def _print_json(results: list[_Result], strict: bool) -> None:
    from actorflow.cli.output import print_json

    reports = [_report(result, strict) for result in results]
    if len(reports) == 1:
        print_json(reports[0])
    else:
        print_json([{"file": r.file, **report} for r, report in zip(results, reports, strict=True)])


def _report(result: _Result, strict: bool) -> dict[str, Any]:
    from actorflow.cli.failing import error_report

    checked = result.checked
    inputs = () if checked is None or checked.workflow is None else checked.workflow.inputs
    return {
        "valid": _is_valid(result, strict),
        "inputs": [input_json(spec) for spec in inputs],
        "problems": [] if checked is None else [problem.as_json() for problem in checked.problems],
        **({} if result.error is None else {"error": error_report(result.error)}),
    }


def input_json(spec: InputSpec) -> dict[str, Any]:
    """Return an input as ``--json`` gives it."""
    from actorflow.values import thaw

    return {
        "name": spec.name,
        "type": spec.type.value,
        "required": spec.required,
        "default": thaw(spec.default),
        "enum": thaw(spec.enum) if spec.enum else None,
        "description": spec.description,
    }


def _print_words(result: _Result, strict: bool) -> None:
    from actorflow.views.escape import escape, escape_lines

    file, checked = escape(result.file), result.checked
    if checked is None:
        error = result.error
        told = "" if error is None else "\n  ".join([f": {error.message}", *error.hint.splitlines()])
        say(f"{file}: not valid{escape_lines(told)}", to_stderr=True)
        return
    for problem in checked.problems:
        say(escape_lines(str(problem)))
    errors = sum(problem.severity == "error" for problem in checked.problems)
    warnings = len(checked.problems) - errors
    counts = ", ".join(_count(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n)
    if checked.workflow is not None and _is_valid(result, strict):
        tasks = _count(len(checked.workflow.tasks), "task")
        say(f"{file}: valid, {tasks}{f' ({counts})' if counts else ''}")
    else:
        say(f"{file}: not valid: {counts}", to_stderr=True)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
