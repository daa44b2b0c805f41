"""``actorflow templates``: the workflows that ship with actorflow: list, show, copy, test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from actorflow.cli.options import json_option, settings_for
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from actorflow.values import Frozen

__all__ = ["templates_command"]


def _complete(ctx: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    del ctx, parameter
    from click.shell_completion import CompletionItem

    from actorflow.resources import data_folder

    names = sorted(path.stem for path in data_folder("templates").glob("*.yaml") if "." not in path.stem)
    return [CompletionItem(name) for name in names if name.startswith(text)]


_name = click.argument("name", metavar="TEMPLATE", shell_complete=_complete)


@click.group("templates", short_help="List, show, copy and test the workflows that ship with actorflow.")
def templates_command() -> None:
    """List, show, copy and test the workflows that ship with actorflow."""


@templates_command.command("list", short_help="List the templates.")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the templates, each with what it is for."""
    from actorflow import api
    from actorflow.cli.template_words import list_lines, template_json

    found = api.list_templates(settings=settings_for(None))
    if as_json:
        from actorflow.cli.output import print_json

        print_json([template_json(template) for template in found])
    else:
        say("\n".join(list_lines(found)))


@templates_command.command("show", short_help="Show a template.")
@_name
@click.option("--text", "shows_text", is_flag=True, help="Print the file itself.")
@json_option
def show_command(*, name: str, shows_text: bool, as_json: bool) -> None:
    """Show what a template is for, its inputs and its tasks."""
    from actorflow import api
    from actorflow.cli.template_words import show_lines, template_json

    found = api.read_template(name, settings=settings_for(None))
    if as_json:
        from actorflow.cli.output import print_json

        print_json({**template_json(found), "text": found.text})
    else:
        say(found.text if shows_text else "\n".join(show_lines(found)), end="" if shows_text else "\n")


@templates_command.command("new", short_help="Make a workflow of your own from a template.")
@_name
@click.argument("new_name", metavar="[NAME]", required=False)
@click.option(
    "--set",
    "assignments",
    metavar="INPUT=VALUE",
    multiple=True,
    help="The default of an input in the new workflow; may be repeated.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The new file.  [default: .claude/workflows/NAME.yaml in the project]",
)
@click.option("--here", is_flag=True, help="Write NAME.yaml into the working directory.")
@click.option("--no-tests", is_flag=True, help="Do not write the template's tests beside it.")
@click.option("--no-input", is_flag=True, help="Ask nothing, also on a terminal.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@json_option
def new_command(
    *,
    name: str,
    new_name: str | None,
    assignments: tuple[str, ...],
    output: str | None,
    here: bool,
    no_tests: bool,
    no_input: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make a workflow of your own from a template.

    On a terminal each input is asked for: an answer becomes its default, so that runs need not give it; an
    empty answer leaves it as it is. Elsewhere, and for those given by --set, nothing is asked.
    """
    import sys

    from actorflow import api
    from actorflow.library.copying import read_defaults

    if output and here:
        raise click.UsageError("--output and --here exclude each other")
    settings = settings_for(None)
    found = api.read_template(name, settings=settings)
    read_defaults(found.workflow, assignments)  # a mistake is told before anything is asked
    given = {text.partition("=")[0].strip() for text in assignments}
    asked: dict[str, Frozen] = {}
    if not (no_input or as_json) and sys.stdin.isatty() and sys.stderr.isatty():
        from actorflow.cli.asking import ask_defaults

        asked = ask_defaults(found.workflow, given=given)
    target = Path(output) if output else Path(f"{new_name or name}.yaml") if here else None
    copied = api.copy_template(
        found,
        settings=settings,
        name=new_name or "",
        target=target,
        assignments=assignments,
        defaults=asked,
        with_tests=not no_tests,
        force=force,
    )
    unknown = [
        spec.name for spec in found.workflow.inputs if spec.required and spec.name not in {*given, *asked}
    ]
    _tell(copied, unknown, as_json=as_json)


def _tell(copied: object, unknown: list[str], *, as_json: bool) -> None:
    import shlex

    from actorflow import api

    assert isinstance(copied, api.Copied)  # noqa: S101 (narrows the type, which help must not import)
    workflow, tests = str(copied.workflow), None if copied.tests is None else str(copied.tests)
    if as_json:
        from actorflow.cli.output import print_json

        print_json({"workflow": workflow, "tests": tests})
        return
    say(workflow)
    if tests is not None:
        say(tests)
    is_found_by_name = copied.workflow.parent.parts[-2:] == (".claude", "workflows")
    called = copied.workflow.stem if is_found_by_name else workflow
    needed = "".join(f" --set {name}=…" for name in unknown)
    say(f"try it: actorflow run {shlex.quote(called)} --rehearse{needed}", to_stderr=True)


@templates_command.command("test", short_help="Run the tests of templates.")
@click.argument("names", metavar="[TEMPLATE...]", nargs=-1, shell_complete=_complete)
@json_option
@click.pass_context
def test_command(ctx: click.Context, *, names: tuple[str, ...], as_json: bool) -> None:
    """Run the tests of templates, in memory; every branch of a template must be taken by one of them."""
    from actorflow import api
    from actorflow.cli.test import report_tests

    settings = settings_for(None)
    found = (
        [api.read_template(name, settings=settings) for name in names]
        if names
        else api.list_templates(settings=settings)
    )
    results = list(api.run_tests([template.tests for template in found], settings=settings))
    ctx.exit(report_tests(results, cover_all=True, shows=True, junit_file=None, as_json=as_json))
