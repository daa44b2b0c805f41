"""``validate`` and ``schema``: all problems, for people and machines, without the machinery of running."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_cli_group import loaded_by

GOOD = "name: good\ninputs: {who: {type: string, default: x, enum: [x, y]}}\ntasks: [{id: a, agent: echo, parameters: {w: '${who}'}}]\n"
BAD = "name: bad\ntasks:\n  - {id: a, agent: echo, dependencies: [b]}\n  - {id: c, agent: nobody}\n"
WARNS = "name: warns\ncontext: {secrets: {TOKEN: plain-text-secret}}\ntasks: [{id: a, agent: shell, parameters: {command: 'true'}, env: {T: '${secrets.TOKEN}'}}]\n"


@pytest.fixture
def files(project: Path) -> Path:
    for name, text in {"good": GOOD, "bad": BAD, "warns": WARNS}.items():
        (project / f"{name}.yaml").write_text(text)
    return project


def test_a_valid_file_is_said_to_be_valid(files: Path, call) -> None:
    done = call("validate", "good.yaml")

    assert (done.exit_code, done.stdout, done.stderr) == (0, "good.yaml: valid, 1 task\n", "")


def test_all_problems_are_printed_with_their_places_and_the_exit_code_is_2(files: Path, call) -> None:
    done = call("validate", "bad.yaml")

    assert done.exit_code == 2
    assert "bad.yaml:3:" in done.stdout
    assert "bad.yaml:4:" in done.stdout
    assert done.stderr == "bad.yaml: not valid: 2 errors\n"


def test_the_json_of_one_file_keeps_the_contract(files: Path, call, fits) -> None:
    good = fits("validation", json.loads(call("validate", "good.yaml", "--json").stdout))
    bad = fits("validation", json.loads(call("validate", "bad.yaml", "--json").stdout))

    assert good == {
        "valid": True,
        "inputs": [
            {
                "name": "who",
                "type": "string",
                "required": False,
                "default": "x",
                "enum": ["x", "y"],
                "description": "",
            }
        ],
        "problems": [],
    }
    assert not bad["valid"]
    assert [(problem["file"], problem["line"]) for problem in bad["problems"]] == [
        ("bad.yaml", 3),
        ("bad.yaml", 4),
    ]


def test_several_files_are_checked_at_once_and_each_is_named(files: Path, call, fits) -> None:
    plain = call("validate", "good.yaml", "bad.yaml")
    machine = call("validate", "good.yaml", "bad.yaml", "--json")

    assert plain.exit_code == machine.exit_code == 2
    assert "good.yaml: valid" in plain.stdout
    reports = fits("validations", json.loads(machine.stdout))
    assert [(report["file"], report["valid"]) for report in reports] == [
        ("good.yaml", True),
        ("bad.yaml", False),
    ]


def test_what_cannot_be_read_keeps_no_other_file_from_being_checked(files: Path, call, fits) -> None:
    Path("folder").mkdir()
    named = ["folder", "good.yaml", "none.yaml", "bad.yaml"]
    plain, machine = call("validate", *named), call("validate", *named, "--json")

    assert plain.exit_code == machine.exit_code == 2
    assert "good.yaml: valid" in plain.stdout
    assert "bad.yaml:3" in plain.stdout
    assert re.search(r"^folder: not valid: .*folder", plain.stderr, re.MULTILINE)
    assert "none.yaml: not valid: no workflow file" in plain.stderr
    reports = fits("validations", json.loads(machine.stdout))
    assert [(report["file"], report["valid"], "error" in report) for report in reports] == [
        ("folder", False, True),
        ("good.yaml", True, False),
        ("none.yaml", False, True),
        ("bad.yaml", False, False),
    ]
    assert reports[0]["error"]["kind"] == "input_error"


def test_a_warning_fails_only_a_strict_check(files: Path, call) -> None:
    relaxed, strict = call("validate", "warns.yaml"), call("validate", "warns.yaml", "--strict")

    assert (relaxed.exit_code, strict.exit_code) == (0, 2)
    assert "warning[" in relaxed.stdout
    assert "valid, 1 task (1 warning)" in relaxed.stdout
    assert strict.stderr == "warns.yaml: not valid: 1 warning\n"
    assert json.loads(call("validate", "warns.yaml", "--json", "--strict").stdout)["valid"] is False


def test_a_file_that_is_not_there_exits_2(files: Path, call, fits) -> None:
    done = call("validate", "none.yaml", "--json")

    assert done.exit_code == 2
    assert fits("failure", json.loads(done.stdout))["error"]["kind"] == "input_error"


def test_the_schema_is_a_json_schema_that_takes_a_valid_file(call) -> None:
    schema = json.loads(call("schema").stdout)

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate({"name": "w", "tasks": [{"id": "a", "agent": "echo"}]})


@pytest.mark.slow
@pytest.mark.parametrize("command", [("validate", "good.yaml"), ("schema",)])
def test_checking_imports_neither_trio_nor_rich_nor_the_engine(files: Path, command: tuple[str, ...]) -> None:
    loaded = loaded_by(*command, cwd=files)

    assert not loaded & {"trio", "rich", "sqlite3", "actorflow.engine", "actorflow.journal"}


@pytest.mark.slow
def test_looking_at_runs_imports_neither_trio_nor_rich(files: Path, call) -> None:
    call("run", "good.yaml", "--quiet")

    assert not loaded_by("status", cwd=files) & {"trio", "rich"}
    assert not loaded_by("logs", cwd=files) & {"trio", "rich"}
