"""What the README shows is true: its workflow is valid, the commands are there, what can be tried offline works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from actorflow.cli import cli
from actorflow.cli.group import COMMANDS
from actorflow.cli.reference import every_command

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".claude").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ACTORFLOW_STATE_DIR", raising=False)
    return tmp_path


def test_its_workflow_is_valid(project: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert found is not None
    (project / "feature.yaml").write_text(found.group(1), encoding="utf-8")

    done = CliRunner().invoke(cli, ["validate", "feature.yaml", "--strict"])

    assert done.exit_code == 0, done.output


def test_it_names_every_command_and_no_other() -> None:
    table = README[README.index("| command |") : README.index("`FILE` is a path")]
    named = {
        word
        for cell in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
        for word in re.findall(r"[a-z]+", cell)
    }

    assert set(COMMANDS) <= named


def test_every_option_in_its_table_exists() -> None:
    table = README[README.index("| command |") : README.index("`FILE` is a path")]
    options = {
        option for _, ctx in every_command(80) for p in ctx.command.get_params(ctx) for option in p.opts
    }

    assert set(re.findall(r"(?<=[` ])--[a-z][a-z-]+", table)) <= options


@pytest.mark.slow
def test_what_it_says_to_try_offline_works(project: Path) -> None:
    lines = [line.partition("#")[0] for line in README.splitlines() if line.startswith("actorflow ")]
    offline = [line for line in lines if "templates" in line or "--dry-run" in line or "--rehearse" in line]
    assert len(offline) == 3

    for line in offline:
        done = CliRunner().invoke(cli, shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output)
