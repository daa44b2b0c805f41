"""The table of commands: what it says is what the commands are, and help costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from actorflow import __version__
from actorflow.cli import cli
from actorflow.cli.group import COMMANDS
from actorflow.cli.reference import reference_page

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_of_the_table_is_the_commands_own(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=100) == COMMANDS[name][1]


def test_help_lists_every_command_in_the_order_of_use() -> None:
    text = CliRunner().invoke(cli, ["--help"]).stdout

    places = [text.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(cli, ["--version"]).stdout == f"actorflow {__version__}\n"


def test_a_command_that_is_almost_one_is_told_which() -> None:
    done = CliRunner().invoke(cli, ["statu"])

    assert done.exit_code == 2
    assert "Did you mean 'status'?" in done.stderr


def test_the_page_about_the_command_line_is_not_stale() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")

    assert page == reference_page(), "run: python -m actorflow.cli.reference > docs/reference/cli.md"


def loaded_by(*arguments: str, cwd: Path) -> set[str]:
    """Return the modules that a command has imported when it is over, in a process of its own."""
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from actorflow.__main__ import main\n"
        f"sys.argv = ['actorflow', *{arguments!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as leaving:\n    assert not leaving.code, leaving.code\n"
        "print('LOADED', *sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("logs", "--help")])
def test_help_imports_click_and_nothing_heavier(arguments: tuple[str, ...], tmp_path: Path) -> None:
    loaded = loaded_by(*arguments, cwd=tmp_path)

    assert "click" in loaded
    heavy = "trio rich lark msgspec pyrsistent yaml sqlite3 re2 graphviz json asyncio".split()
    assert not loaded & set(heavy)
    ours = {name for name in loaded if name.startswith("actorflow.")}
    allowed = "__main__ cli errors ids settings views".split()
    assert {name.split(".")[1] for name in ours} <= set(allowed)


@pytest.mark.slow
def test_looking_at_a_run_loads_neither_yaml_nor_the_language_of_expressions(tmp_path: Path) -> None:
    text = 'name: one\ntasks: [{id: a, agent: shell, parameters: {command: "true"}, resources: {p: 1}}]\nsettings: {resources: {p: 1}}\n'
    (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    loaded_by("run", "one.yaml", "--rehearse", "--quiet", cwd=tmp_path)

    for command in (("status",), ("explain",), ("explain", "a")):
        loaded = loaded_by(*command, cwd=tmp_path)

        assert not loaded & {"trio", "lark", "yaml", "asyncio", "actorflow.expressions"}, command


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("history", "--json"), ("schema",), ("status", "--json")])
def test_a_stdout_that_is_full_is_told_without_a_traceback(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "actorflow", *arguments],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )

    assert done.returncode == 74
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
