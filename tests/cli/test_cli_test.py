"""``actorflow test``, as a user meets it; and the how-to page about it, followed."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

WORKFLOW = """\
name: review
inputs: {file: {type: string}}
tasks:
  - id: review
    agent: planner
    parameters: {task: "Review ${file}"}
    output_schema: {type: object, required: [found], properties: {found: {type: boolean}}}
  - id: fix
    agent: coder
    dependencies: [review]
    parameters: {task: fix}
    condition: review.output.found
"""
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "test-a-workflow.md").read_text(encoding="utf-8")
TESTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture
def review(project: Path) -> Path:
    (project / "review.yaml").write_text(WORKFLOW, encoding="utf-8")
    (project / "review.tests.yaml").write_text(TESTS, encoding="utf-8")
    return project


def shown(text: str) -> str:
    """Return a page's or a command's words without what differs each time."""
    return re.sub(r"in [\d.]+ m?s\b", "in TIME", text.strip())


def test_the_page_shows_what_is_printed(call, review: Path) -> None:
    passed, failed, covered = re.findall(r"```console\n\$ actorflow test.*?\n(.*?)```", PAGE, re.DOTALL)

    done = call("test")
    assert (done.exit_code, shown(done.stdout)) == (0, shown(passed))

    (review / "review.yaml").write_text(WORKFLOW.replace("condition: review.output.found", "condition: true"))
    done = call("test")
    assert done.exit_code == 1
    assert shown(failed) in shown(done.stdout)

    (review / "review.yaml").write_text(WORKFLOW)
    (review / "review.tests.yaml").write_text(TESTS.partition("\n  - name: nothing")[0] + "\n")
    done = call("test", "--coverage")
    assert done.exit_code == 0
    assert covered.partition("…\n")[2] in done.stdout


@pytest.mark.parametrize("path", [".", "review.yaml", "review.tests.yaml"])
def test_what_to_test_can_be_said(call, review: Path, path: str) -> None:
    assert "2 passed" in call("test", path).stdout


def test_a_workflow_by_name(call, review: Path) -> None:
    folder = review / ".claude" / "workflows"
    folder.mkdir()
    for name in ("review.yaml", "review.tests.yaml"):
        (review / name).rename(folder / name)

    assert "2 passed" in call("test", "review").stdout
    assert "2 passed" in call("test").stdout


def test_everything_must_be_covered_when_that_is_asked_for(call, review: Path) -> None:
    (review / "review.tests.yaml").write_text(TESTS.partition("\n  - name: nothing")[0] + "\n")

    done = call("test", "--cover-all")

    assert done.exit_code == 1
    assert "review.yaml:12:16: never: the condition of fix was false" in done.stdout


def test_the_json_has_all_of_it_and_keeps_the_contract(call, review: Path, fits) -> None:
    (review / "review.yaml").write_text(WORKFLOW.replace("condition: review.output.found", "condition: true"))

    done = call("test", "--json")

    report = fits("tests", json.loads(done.stdout))
    assert (done.exit_code, report["passed"]) == (1, False)
    (file,) = report["files"]
    assert [test["passed"] for test in file["tests"]] == [True, False]
    difference = file["tests"][1]["differences"][0]
    assert (difference["line"], difference["message"]) == (19, "fix: expected status skipped, got success")


def test_junit_for_ci(call, review: Path) -> None:
    (review / "review.yaml").write_text(WORKFLOW.replace("condition: review.output.found", "condition: true"))
    (review / "bad.tests.yaml").write_text('tests: [{name: "<&\\u0007"}]', encoding="utf-8")

    assert call("test", "--junit", "out.xml").exit_code == 2

    suites = ET.fromstring((review / "out.xml").read_text(encoding="utf-8"))
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("bad.tests.yaml", "1", "1"),
        ("review.tests.yaml", "2", "1"),
    ]
    message = suites.find(".//testcase[@classname='review.tests.yaml']/failure").get("message")
    assert "review.tests.yaml:19:23: fix: expected status skipped" in message


def test_one_bad_file_does_not_hide_the_others(call, review: Path, fits) -> None:
    (review / "a.tests.yaml").write_text("tests: 1")

    done = call("test")
    report = fits("tests", json.loads(call("test", "--json").stdout))

    assert done.exit_code == 2
    assert "a.tests.yaml:1:8: error[E601]" in done.stdout
    assert "2 passed, 1 file not valid" in done.stdout
    assert [len(file["problems"]) for file in report["files"]] == [1, 0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "there are no tests here"),
        (("w.yaml",), "w.tests.yaml"),
        (("nope",), "no workflow file and no workflow named 'nope'"),
    ],
)
def test_nothing_to_test_is_a_mistake(call, workflow, project: Path, arguments, words: str) -> None:
    (project / "w.yaml").write_text(WORKFLOW)

    done = call("test", *arguments)

    assert done.exit_code == 2
    assert words in done.stderr


def test_a_name_that_no_test_has(call, review: Path) -> None:
    assert "1 passed" in call("test", "-k", "NOTHING IS").stdout
    assert call("test", "-k", "nope").exit_code == 2
