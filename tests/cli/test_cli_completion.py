"""Completion in shells, and the manual page: what they offer and say is what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete, ShellComplete
from click.testing import CliRunner

from actorflow.cli import cli
from actorflow.cli.manual import manual_page
from actorflow.cli.reference import every_command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def offered(project):
    """What is offered for the last word of a command line."""

    def offered(*words: str) -> list[str]:
        completion = ShellComplete(cli, {}, "actorflow", "_ACTORFLOW_COMPLETE")
        return [item.value for item in completion.get_completions(list(words[:-1]), words[-1])]

    return offered


@pytest.fixture
def ran(call, workflow) -> str:
    """The id of a run of two tasks."""
    return call("run", workflow(build="true", deploy=["build", "true"])).stdout.strip()


def test_commands_and_options_are_offered(offered) -> None:
    assert "resume" in offered("re")
    assert "--max-parallel" in offered("run", "--ma")


def test_runs_are_offered_newest_first_and_last_is_one_of_them(offered, call, workflow) -> None:
    first = call("run", workflow(a="true")).stdout.strip()
    second = call("run", workflow(a="true")).stdout.strip()

    assert offered("status", "") == ["last", *sorted([second, first], reverse=True)]
    assert offered("status", first[:-2]) == [first]


def test_tasks_are_those_of_the_run_that_was_typed(offered, ran) -> None:
    assert offered("logs", ran, "") == ["build", "deploy"]
    assert offered("explain", "last", "de") == ["deploy"]


def test_workflows_are_offered_by_name_and_files_too(offered, project) -> None:
    folder = project / ".claude" / "workflows"
    folder.mkdir()
    (folder / "release.yaml").write_text("tasks: []", encoding="utf-8")

    completion = ShellComplete(cli, {}, "actorflow", "_ACTORFLOW_COMPLETE")
    items = completion.get_completions(["run"], "re")

    offered_now = [(item.value, item.type) for item in items]
    assert offered_now[0] == ("release", "plain")
    assert ("release-notes", "plain") in offered_now  # a template
    assert offered_now[-1] == ("re", "file")


def test_where_nothing_can_be_read_nothing_is_offered(offered, project) -> None:
    (project / ".claude" / "workflow-state").write_text("no folder", encoding="utf-8")

    assert offered("status", "") == ["last"]
    assert offered("logs", "last", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_calls_us_back(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BashComplete, "_check_version", staticmethod(lambda: None))

    named = CliRunner().invoke(cli, ["completion", shell])
    known = CliRunner().invoke(cli, ["completion"], env={"SHELL": f"/usr/bin/{shell}"})

    assert named.exit_code == 0
    assert f"_ACTORFLOW_COMPLETE={shell}_complete" in named.stdout
    assert known.stdout == named.stdout


def test_a_shell_that_cannot_be_taught_is_told() -> None:
    done = CliRunner().invoke(cli, ["completion"], env={"SHELL": "/bin/tcsh"})

    assert done.exit_code == 2
    assert "actorflow completion bash" in done.stderr


def test_the_manual_is_not_stale() -> None:
    page = (ROOT / "docs" / "man" / "actorflow.1").read_text(encoding="utf-8")

    assert page == manual_page(), "run: make docs"


def test_the_manual_has_every_command_and_option() -> None:
    page = manual_page().replace("\\-", "-")

    for words, ctx in every_command(80):
        assert words in page
        for parameter in ctx.command.get_params(ctx):
            if (
                isinstance(parameter, click.Option)
                and "--help" not in parameter.opts
                and not parameter.hidden
            ):
                assert parameter.opts[-1] in page, (words, parameter.opts)


def test_the_manual_is_plain_roff() -> None:
    macros = {"TH", "SH", "SS", "PP", "TP", "B", "I", "nf", "fi"}

    for line in manual_page().splitlines():
        assert line.isascii()
        if line.startswith((".", "'")):
            assert line[1:].split(" ")[0] in macros, line
        assert not re.search(r"\\(?![-&e]|f[BIR]|\[u[0-9A-F]{4,6}\])", line), line


def test_a_program_that_formats_manuals_has_no_complaint() -> None:
    groff = shutil.which("groff")
    formatter = [groff, "-man", "-ww", "-z"] if groff else ["cat"]

    done = subprocess.run([*formatter, ROOT / "docs" / "man" / "actorflow.1"], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
