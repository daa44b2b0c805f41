"""``actorflow test``: plays the tests of workflows in memory and tells what differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from actorflow.cli.completing import complete_workflow
from actorflow.cli.options import json_option, settings_for
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.settings import Settings

__all__ = ["report_tests", "test_command"]


@click.command("test", short_help="Run the tests of workflows, in memory.")
@click.argument("paths", metavar="[PATH...]", nargs=-1, shell_complete=complete_workflow)
@click.option("-k", "only", metavar="TEXT", default="", help="Only tests with this in their names.")
@click.option("--coverage", "shows_branches", is_flag=True, help="List the branches that no test has taken.")
@click.option("--cover-all", is_flag=True, help="Fail when there is a branch that no test has taken.")
@click.option("--junit", "junit_file", metavar="FILE", help="Write the results as JUnit XML, too.")
@json_option
@click.pass_context
def test_command(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    only: str,
    shows_branches: bool,
    cover_all: bool,
    junit_file: str | None,
    as_json: bool,
) -> None:
    """Run the tests of workflows: in memory, on a virtual clock, with the real engine and no agent.

    PATH is a file of tests, a workflow (a path or a name) whose tests lie beside it, or a folder, in which
    all files called NAME.tests.yaml are found. Without PATH it is the working directory.

    The exit code is 1 when a test fails, and 2 when a file is not valid.
    """
    from actorflow import api
    from actorflow.errors import InputError

    settings = settings_for(None)
    files = [file for path in paths or (".",) for file in _files_of(path, settings)]
    if not files:
        raise InputError("there are no tests here", hint="they are in files called NAME.tests.yaml")
    results = list(api.run_tests(dict.fromkeys(files), settings=settings, only=only))
    if only and not any(result.cases or result.problems for result in results):
        raise InputError(f"no test has {only!r} in its name")
    shows = shows_branches or cover_all
    ctx.exit(report_tests(results, cover_all=cover_all, shows=shows, junit_file=junit_file, as_json=as_json))


def report_tests(
    results: list[api.FileResult], *, cover_all: bool, shows: bool, junit_file: str | None, as_json: bool
) -> int:
    """Tell how tests went; returns the exit code.

    Args:
        shows: list the branches that no test has taken.
    """
    from actorflow.cli.junit import junit_xml
    from actorflow.cli.testing_report import tests_json, tests_lines

    if junit_file is not None:
        Path(junit_file).write_text(junit_xml(results), encoding="utf-8")
    if as_json:
        from actorflow.cli.output import print_json

        print_json(tests_json(results, cover_all=cover_all))
    else:
        say("\n".join(tests_lines(results, shows_branches=shows)))
    if any(result.problems for result in results):
        return 2
    is_passed = all(result.is_passed and not (cover_all and result.never) for result in results)
    return 0 if is_passed else 1


def _files_of(path: str, settings: Settings) -> list[Path]:
    from actorflow import api
    from actorflow.cli.workflow_file import find_workflow

    given = Path(path)
    if given.is_dir():
        return api.find_test_files(given)
    if api.is_test_file(given.name) and given.is_file():
        return [given]
    return [api.tests_beside(find_workflow(path, settings))]
