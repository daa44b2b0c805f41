"""``actorflow validate``: every problem of workflow files, at once, for people and for machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actorflow.cli.completing import complete_workflow
from actorflow.cli.options import json_option, settings_for
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
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
    else a template. All problems are printed on stdout, each as file:line:column; the exit code is 2 when one
    of the files is not valid.
    """
    from actorflow import api
    from actorflow.cli.workflow_file import find_workflow

    settings = settings_for(None)
    paths = [find_workflow(file, settings) for file in files]
    checked = [(path, api.validate(path, settings=settings)) for path in paths]
    if as_json:
        _print_json(checked, strict)
    else:
        for path, result in checked:
            _print_words(path, result, strict)
    ctx.exit(0 if all(_is_valid(result, strict) for _, result in checked) else 2)


def _is_valid(checked: api.Checked, strict: bool) -> bool:
    return checked.workflow is not None and not (strict and checked.problems)


def _print_json(checked: list[tuple[Path, api.Checked]], strict: bool) -> None:
    from actorflow.cli.output import print_json

    reports = [_report(result, strict) for _, result in checked]
    if len(reports) == 1:
        print_json(reports[0])
    else:
        print_json(
            [{"file": str(path), **report} for (path, _), report in zip(checked, reports, strict=True)]
        )


def _report(checked: api.Checked, strict: bool) -> dict[str, Any]:
    inputs = () if checked.workflow is None else checked.workflow.inputs
    return {
        "valid": _is_valid(checked, strict),
        "inputs": [input_json(spec) for spec in inputs],
        "problems": [problem.as_json() for problem in checked.problems],
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


def _print_words(path: Path, checked: api.Checked, strict: bool) -> None:
    from actorflow.views.escape import escape, escape_lines

    for problem in checked.problems:
        say(escape_lines(str(problem)))
    errors = sum(problem.severity == "error" for problem in checked.problems)
    warnings = len(checked.problems) - errors
    counts = ", ".join(_count(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n)
    if checked.workflow is not None and _is_valid(checked, strict):
        tasks = _count(len(checked.workflow.tasks), "task")
        say(f"{escape(str(path))}: valid, {tasks}{f' ({counts})' if counts else ''}")
    else:
        say(f"{escape(str(path))}: not valid: {counts}", to_stderr=True)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
