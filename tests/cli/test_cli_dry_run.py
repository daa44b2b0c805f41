"""``run --dry-run``, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

WORKFLOW = """
name: ship
inputs:
  version: {type: string, description: which}
  strict: {type: boolean, default: false}
context:
  secrets: {TOKEN: "env:NO_SUCH_VARIABLE_HERE"}
  variables: {tag: "v${version}"}
settings: {max_parallel: 2, budget: {usd: 3}}
tasks:
  - {id: build, agent: shell, parameters: {command: make}, retry: {max_attempts: 2, delay: 1}}
  - {id: look, agent: checker, dependencies: [build], condition: strict, parameters: {task: look}}
  - {id: test, agent: shell, dependencies: [build], parameters: {command: make test}}
  - {id: tag, agent: shell, dependencies: [test], condition: "test.output == 'ok'", parameters: {command: "git tag ${tag}"}}
hooks:
  on_failure: [{id: tell, agent: echo, parameters: {}}]
""".replace("id: tag,", "id: put_tag,")


@pytest.fixture
def ship(project: Path) -> str:
    (project / "ship.yaml").write_text(WORKFLOW, encoding="utf-8")
    return "ship.yaml"


def test_the_plan_is_printed_and_nothing_is_made(call, ship: str, project: Path) -> None:
    done = call("run", ship, "--dry-run")

    assert done.exit_code == 0
    for line in (
        "ship: 4 tasks, at most 2 at a time",
        "  version  missing: --set version=…  (which)",
        "  strict   false  (default)",
        "  1  build    shell    up to 2 attempts",
        "  2  test     shell",
        "  3  put_tag  shell    if test.output == 'ok' (known when test is done)",
        "  -  look     checker  skipped: its condition is false: strict",
        "  on_failure  tell  echo",
        "  shell, echo: available",
        "secret TOKEN: the environment variable NO_SUCH_VARIABLE_HERE is not set",
        "agents are called 2 to 4 times; what that costs is not known before it is done (at most 3 USD)",
        "nothing was run",
    ):
        assert line in done.stdout.splitlines()
    assert not (project / ".claude" / "workflow-state").exists()


def test_inputs_decide_what_they_can(call, ship: str, fits) -> None:
    done = call(
        "run",
        ship,
        "--dry-run",
        "--json",
        "--set",
        "version=1",
        "--set",
        "strict=true",
        "--max-parallel",
        "1",
    )

    report = fits("dry_run", json.loads(done.stdout))
    assert report["waves"] == [["build"], ["test"], ["look"], ["put_tag"]]
    assert (report["tasks"]["look"]["will"], report["tasks"]["look"]["wave"]) == ("runs", 3)
    assert (report["calls"], report["cost_usd"]) == ({"least": 3, "most": 5}, None)
    assert [fact["missing"] for fact in report["inputs"]] == [False, False]


@pytest.mark.parametrize("arguments", [("--set", "versio=1"), ("--set", "strict=perhaps")])
def test_wrong_inputs_are_a_mistake_all_the_same(call, ship: str, arguments: tuple[str, ...]) -> None:
    assert call("run", ship, "--dry-run", *arguments).exit_code == 2


def test_an_invalid_workflow_is_told(call, project: Path) -> None:
    (project / "bad.yaml").write_text("name: x\ntasks: [{id: a, agent: nobody}]")

    assert call("run", "bad.yaml", "--dry-run").exit_code == 2


def test_variables_that_inputs_break_are_told(call, project: Path) -> None:
    text = "name: x\ninputs: {n: {type: integer}}\ncontext: {variables: {half: '${10 / n}'}}\n"
    (project / "w.yaml").write_text(text + "tasks: [{id: a, agent: echo, condition: half > 1}]")

    done = call("run", "w.yaml", "--dry-run", "--set", "n=0")

    assert (done.exit_code, "these inputs do not do: " in done.stdout) == (0, True)
    assert "(needs half)" in done.stdout
