"""``actorflow templates``, and workflows by name."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from actorflow.resources import data_folder

NAMES = sorted(path.stem for path in data_folder("templates").glob("*.yaml") if "." not in path.stem)


def test_every_template_is_listed_with_what_it_is_for(call, fits) -> None:
    lines = call("templates", "list").stdout.splitlines()
    found = fits("templates", json.loads(call("templates", "list", "--json").stdout))

    assert [line.split()[0] for line in lines] == [template["name"] for template in found] == NAMES
    assert {"bug-fix", "full-stack-feature"} <= set(NAMES)
    assert all(template["description"] for template in found)
    assert all(spec["description"] for template in found for spec in template["inputs"])


def test_a_template_is_shown(call, fits) -> None:
    shown = call("templates", "show", "full-stack-feature").stdout

    assert "  feature_name  string, required: what the feature is called" in shown
    assert "  integrate  coder     after api, ui" in shown
    assert "actorflow run full-stack-feature --set feature_name=…" in shown
    text = (data_folder("templates") / "full-stack-feature.yaml").read_text(encoding="utf-8")
    assert call("templates", "show", "full-stack-feature", "--text").stdout == text
    assert (
        fits("template", json.loads(call("templates", "show", "bug-fix", "--json").stdout))["name"]
        == "bug-fix"
    )


@pytest.mark.parametrize("command", ["show", "new", "test"])
def test_a_template_that_is_not_there(call, command: str) -> None:
    done = call("templates", command, "bugfix")

    assert (done.exit_code, "did you mean 'bug-fix'?" in done.stderr) == (2, True)


@pytest.mark.slow
def test_the_tests_of_all_templates_pass_and_take_every_branch(call, fits) -> None:
    done = call("templates", "test")
    report = fits("tests", json.loads(call("templates", "test", "--json").stdout))

    assert done.exit_code == 0, done.stdout
    assert (report["passed"], [file["never"] for file in report["files"]]) == (True, [[]] * len(NAMES))
    assert all(test["duration"] < 1 for file in report["files"] for test in file["tests"])


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_valid_without_a_warning_and_can_be_rehearsed(call, name: str) -> None:
    validated = call("validate", "--strict", name)
    assert validated.exit_code == 0, validated.stdout
    needs = {"bug-fix": ["bug_description=x"], "full-stack-feature": ["feature_name=x"], "release-notes": ["version=1"],
             "refactor-with-tests": ["target=x", "goal=x", "test_command=x"]}.get(name, [])  # fmt: skip

    done = call("run", name, "--rehearse", *(word for text in needs for word in ("--set", text)), "-q")

    assert done.exit_code == 0, done.output
    assert f"{name} is a template; 'actorflow templates new {name}' makes it yours" in done.stderr


def test_stubs_of_a_template_are_written_where_one_is(call, project: Path) -> None:
    done = call("run", "bug-fix", "--rehearse-init")

    assert done.stdout == "bug-fix.stubs.yaml\n"
    assert "actorflow run bug-fix --rehearse bug-fix.stubs.yaml" in done.stderr
    assert (
        "rehearsed from bug-fix.stubs.yaml"
        in call("run", "bug-fix", "--rehearse", "--set", "bug_description=x").stderr
    )
    assert not (data_folder("templates") / "bug-fix.stubs.yaml").exists()


def test_a_workflow_of_ones_own_is_made(call, project: Path, fits) -> None:
    done = call("templates", "new", "bug-fix", "crash-fix", "--set", 'test_command=npm test "x"', "--json")
    made = fits("new_workflow", json.loads(done.stdout))

    workflow = project / ".claude" / "workflows" / "crash-fix.yaml"
    assert made == {"workflow": str(workflow), "tests": str(workflow.with_name("crash-fix.tests.yaml"))}
    text = workflow.read_text(encoding="utf-8")
    assert "\nname: crash-fix\n" in text
    assert "#     actorflow run crash-fix --set" in text
    assert '  test_command: {type: string, default: "npm test \\"x\\"", description: "a shell' in text
    original = (data_folder("templates") / "bug-fix.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) == len(original.splitlines())
    assert call("test", "crash-fix", "--cover-all").exit_code == 0
    assert call("run", "crash-fix", "--rehearse", "--set", "bug_description=x", "-q").exit_code == 0


def test_what_is_to_be_tried_next_is_a_command_that_works(call, project: Path) -> None:
    missing = call("templates", "new", "bug-fix")
    given = call("templates", "new", "bug-fix", "mine", "--set", "bug_description=it's broken")

    assert missing.stderr == "try it: actorflow run bug-fix --rehearse --set bug_description=…\n"
    assert given.stderr == "try it: actorflow run mine --rehearse\n"
    assert call("run", "mine", "--rehearse", "-q").exit_code == 0


def test_required_inputs_can_be_given_a_default_too(call, project: Path) -> None:
    call(
        "templates",
        "new",
        "refactor-with-tests",
        "--here",
        "--no-tests",
        "--set",
        "test_command=make",
        "--set",
        "target=a: b",
    )

    assert sorted(path.name for path in project.iterdir()) == [".claude", "refactor-with-tests.yaml"]
    checked = json.loads(call("validate", "refactor-with-tests.yaml", "--json").stdout)
    assert {spec["name"]: spec["default"] for spec in checked["inputs"]} == {
        "target": "a: b",
        "goal": None,
        "test_command": "make",
    }


def test_nothing_is_written_over(call, project: Path) -> None:
    target = project / "mine.yaml"
    target.write_text("mine")

    done = call("templates", "new", "bug-fix", "-o", "mine.yaml")

    assert (done.exit_code, target.read_text()) == (2, "mine")
    assert not (project / "mine.tests.yaml").exists()
    assert call("templates", "new", "bug-fix", "-o", "mine.yaml", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "nope=1"), "nope"),
        (("../x",), "cannot be the name of a workflow"),
        (("--here", "-o", "x.yaml"), "exclude each other"),
        (("-o", "bug-fix.yaml/x.yaml"), "cannot be written"),
    ],
)
def test_what_cannot_be_made_is_told(call, project: Path, arguments: tuple[str, ...], words: str) -> None:
    (project / "bug-fix.yaml").touch()

    done = call("templates", "new", "bug-fix", *arguments)

    assert done.exit_code in (2, 3)
    assert words in done.stderr


@pytest.mark.slow
def test_on_a_terminal_inputs_are_asked_for_until_they_fit(project: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "actorflow", "templates", "new", "pr-review", "--set", "base=trunk"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, cwd=project,
        env={**os.environ, "HOME": str(project), "LANG": "C.UTF-8", "TERM": "dumb"},
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"\nperhaps\ntrue\n")  # about: left as it is; fail_on_changes: no boolean, then one
    out, _ = process.communicate(timeout=60)
    said = os.read(ours, 65536).decode()
    os.close(ours)

    assert process.returncode == 0, said
    assert out.decode().splitlines()[0].endswith(".claude/workflows/pr-review.yaml")
    assert "base:" not in said
    assert "fail_on_changes: boolean, default false" in said
    text = (project / ".claude" / "workflows" / "pr-review.yaml").read_text()
    assert 'base: {type: string, default: "trunk"' in text
    assert 'about: {type: string, default: ""' in text
    assert "fail_on_changes: {type: boolean, default: true" in text


def test_a_planted_mistake_in_a_template_shows_where(call, project: Path) -> None:
    call("templates", "new", "bug-fix")
    file = project / ".claude" / "workflows" / "bug-fix.yaml"
    file.write_text(
        file.read_text().replace('condition: "!verify.output.fixed"', "condition: verify.output.fixed")
    )

    done = call("test", "bug-fix")

    assert done.exit_code == 1
    assert (
        ".claude/workflows/bug-fix.tests.yaml:20:26: rework: expected status skipped, got success"
        in done.stdout
    )
