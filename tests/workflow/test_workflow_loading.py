"""What a valid file becomes, and what its reader gives besides."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml

from actorflow.errors import SpecErrors
from actorflow.values import FrozenDict
from actorflow.workflow import ReadLimits, load_workflow, too_large_problem
from actorflow.workflow.model import (
    Backoff,
    Budget,
    HookPhase,
    InputSpec,
    InputType,
    OnTaskFailure,
    RetryPolicy,
    RunIf,
    SecretSource,
    Settings,
    Workflow,
)
from tests.workflow.agents_catalog import CATALOG

EVERYTHING = """\
version: "1.0"
name: everything
description: All keys at once
metadata: {author: me, tags: [a, b], x-note: 1}
inputs:
  feature: {type: string, description: What to build}
  count: {type: integer, default: 3, enum: [1, 3]}
  flags: {type: list, required: false}
  empty:
settings:
  max_parallel: 5
  timeout: 1h30m
  on_failure: continue
  resources: {gpu: 2}
  options: {model: opus}
  budget: {usd: 5, tokens: 2000000, agents: 40}
context:
  variables: {greeting: "hello ${feature}", list: [1, {a: null}]}
  secrets: {TOKEN: env:GITHUB_TOKEN, KEY: file:secrets/key}
tasks:
  - id: design
    agent: [planner, all]
    description: Design ${feature}
    parameters: {task: "Design ${feature}", deep: {x: [1.5, true, yes, 0x1F, 010, 1_000, 2024-01-01]}}
    options: {tools: [Read]}
    x-owner: team
  - id: build-it
    agent: all
    dependencies: [design]
    handoff: [design]
    condition: "${ design.output == 'go' }"
    retry: {max_attempts: 4, delay: 500ms, backoff: fixed}
    timeout: 10m
    idle_timeout: 90
    on_failure: skip
    output_schema: {type: object, properties: {kind: {type: string}}}
    verify: pytest -q
    session: design
    env: {TOKEN: "${secrets.TOKEN}", PATH: /bin}
    cwd: sub/folder
    priority: -2
    resources: {gpu: 1}
  - id: last
    agent: echo
    dependencies: [build-it]
    run_if: all_done
    condition: true
hooks:
  on_complete: [{id: bye, agent: echo}]
  on_start: [{id: hello, agent: shell, parameters: {command: ls}, timeout: 5}]
x-anything: {whatever: here}
"""


def _load(text: str, file: str = "workflow.yaml", **options: object) -> Workflow:
    return load_workflow(text.encode(), file=file, catalog=CATALOG, **options).workflow


def test_every_key_is_read():
    workflow = _load(EVERYTHING)

    assert (workflow.name, workflow.author, workflow.tags) == ("everything", "me", ("a", "b"))
    assert workflow.settings == Settings(
        max_parallel=5,
        timeout_seconds=5400.0,
        on_failure="continue",
        resources=FrozenDict(gpu=2),
        options=FrozenDict(model="opus"),
        budget=Budget(usd=5.0, tokens=2_000_000, agents=40),
    )
    assert workflow.inputs_closed
    assert workflow.inputs == (
        InputSpec(name="feature", description="What to build"),
        InputSpec(name="count", type=InputType.INTEGER, required=False, default=3, enum=(1, 3)),
        InputSpec(name="flags", type=InputType.LIST, required=False),
        InputSpec(name="empty"),
    )
    assert workflow.variables == {"greeting": "hello ${feature}", "list": (1, {"a": None})}
    assert workflow.secrets == (
        SecretSource(name="TOKEN", kind="env", locator="GITHUB_TOKEN"),
        SecretSource(name="KEY", kind="file", locator="secrets/key"),
    )
    assert workflow.text == EVERYTHING


def test_every_key_of_a_task_is_read():
    design, build, last = _load(EVERYTHING).tasks

    assert design.agents == ("planner", "all")
    assert design.parameters["deep"] == {"x": (1.5, True, "yes", 31, 10, "1_000", "2024-01-01")}
    assert build.condition == "design.output == 'go'"
    assert build.retry == RetryPolicy(max_attempts=4, delay_seconds=0.5, backoff=Backoff.FIXED)
    assert (build.timeout_seconds, build.idle_timeout_seconds, build.priority) == (600.0, 90.0, -2)
    assert (build.on_failure, build.handoff, build.session) == (OnTaskFailure.SKIP, ("design",), "design")
    assert (build.verify, build.cwd, build.resources) == ("pytest -q", "sub/folder", {"gpu": 1})
    assert build.env == {"TOKEN": "${secrets.TOKEN}", "PATH": "/bin"}
    assert build.output_schema == {"type": "object", "properties": {"kind": {"type": "string"}}}
    assert (last.condition, last.run_if, last.dependencies) == (True, RunIf.ALL_DONE, ("build-it",))


def test_hooks_come_in_the_order_of_their_phases():
    assert [(task.id, task.hook) for task in _load(EVERYTHING).hooks] == [
        ("hello", HookPhase.ON_START),
        ("bye", HookPhase.ON_COMPLETE),
    ]


def test_json_gives_the_same_workflow_as_yaml():
    text = json.dumps(
        yaml.safe_load(
            EVERYTHING.replace("yes", '"yes"')
            .replace("010", "10")
            .replace("2024-01-01", '"2024-01-01"')
            .replace("1_000", '"1_000"')
        )
    )

    as_json = _load(text, "workflow.json")

    as_yaml = _load(EVERYTHING)
    assert dataclasses.replace(as_json, text="", file="", format="yaml") == dataclasses.replace(
        as_yaml, text="", file=""
    )
    assert (as_json.format, as_json.text) == ("json", text)


def test_a_workflow_can_be_hashed_and_compared():
    assert hash(_load(EVERYTHING)) == hash(_load(EVERYTHING))


def test_defaults_are_those_of_the_reference():
    (task,) = _load("name: x\ntasks: [{id: a, agent: echo}]\n").tasks

    assert task.effective_retry == RetryPolicy(max_attempts=1)
    assert task.handoff == "direct"
    assert _load("name: x\ntasks: [{id: a, agent: echo}]\n").settings == Settings()


def test_a_long_first_delay_is_not_cut_by_the_default_maximum():
    (task,) = _load("name: x\ntasks: [{id: a, agent: echo, retry: {delay: 10m}}]\n").tasks

    assert task.retry == RetryPolicy(delay_seconds=600.0, max_delay_seconds=600.0)


@pytest.mark.parametrize("version", ["1.0", '"1.0"', "1"])
def test_versions_that_are_supported(version):
    assert _load(f"version: {version}\nname: x\ntasks: [{{id: a, agent: echo}}]\n").name == "x"


@pytest.mark.parametrize("block", ["metadata", "settings", "context", "hooks", "inputs"])
def test_a_block_whose_content_is_commented_out_counts_as_empty(block):
    assert _load(f"name: x\n{block}:\n  # nothing yet\ntasks: [{{id: a, agent: echo}}]\n").tasks


def test_on_and_no_are_text():
    (task,) = _load(
        "name: no\ntasks: [{id: a, agent: echo, parameters: {on: off, x: ~, y: 0o17, z: +1}}]\n"
    ).tasks

    assert task.parameters == {"on": "off", "x": None, "y": 15, "z": 1}


@pytest.mark.parametrize(
    ("data", "file", "format_"),
    [
        (b"name: x\ntasks: [{id: a, agent: echo}]", "w.yml", "yaml"),
        (b'{"name": "x", "tasks": [{"id": "a", "agent": "echo"}]}', "w.json", "json"),
        (b'\n {"name": "x", "tasks": [{"id": "a", "agent": "echo"}]}', "<stdin>", "json"),
        (b"{name: x, tasks: [{id: a, agent: echo}]}", "W.YAML", "yaml"),
        (b'\xef\xbb\xbf{"name": "x", "tasks": [{"id": "a", "agent": "echo"}]}', "w", "json"),
    ],
)
def test_the_format_is_told_by_name_then_by_the_first_character(data, file, format_):
    assert load_workflow(data, file=file, catalog=CATALOG).workflow.format == format_


def test_a_bare_name_in_a_hole_is_an_implicit_input():
    workflow = _load(
        'name: x\ntasks: [{id: a, agent: planner, parameters: {task: "Build ${feature_name}"}}]\n'
    )

    assert workflow.inputs == (InputSpec(name="feature_name", declared=False),)
    assert not workflow.inputs_closed


def test_a_mistake_in_an_expression_is_told_in_the_form_of_the_reference():
    text = """\
name: x
tasks:
  - {id: build, agent: echo}
  - id: b
    agent: echo
    dependencies: [build]
    condition: "${ biuld.status == 'success' }"
"""
    with pytest.raises(SpecErrors) as errors:
        _load(text)

    (problem,) = errors.value.problems
    lines = str(problem).split("\n")
    assert lines[0].startswith("workflow.yaml:7:20: error[")
    assert lines[1] == """    condition: "${ biuld.status == 'success' }\""""
    assert lines[2].startswith("                   ^^^^^")
    assert "build" in lines[3]


def test_columns_in_a_block_scalar_are_those_of_the_file():
    text = """\
name: x
tasks:
  - {id: a, agent: echo}
  - id: b
    agent: echo
    parameters:
      task: |
        first line
          then ${a.output} and ${c.output}
"""
    with pytest.raises(SpecErrors) as errors:
        _load(text)

    places = {(problem.line, problem.column) for problem in errors.value.problems}
    assert (9, 34) in places


def test_a_limit_of_the_host_counts():
    with pytest.raises(SpecErrors, match=r"E501.*limit is 10"):
        _load("name: x\ntasks: []\n", limits=ReadLimits(max_bytes=10))
    with pytest.raises(SpecErrors, match=r"E513.*3 levels"):
        _load("name: x\ntasks: [{id: [[1]]}]\n", limits=ReadLimits(max_depth=3))
    with pytest.raises(SpecErrors, match=r"E514.*20 values"):
        _load("name: x\ntasks: [" + "1," * 30 + "]\n", limits=ReadLimits(max_nodes=20))
    with pytest.raises(SpecErrors, match=r"E514.*20 values"):
        _load('{"tasks": [' + "1," * 30 + "1]}", "w.json", limits=ReadLimits(max_json_nodes=20))
    with pytest.raises(SpecErrors, match=r"E513.*3 levels"):
        _load('{"tasks": [[[1]]]}', "w.json", limits=ReadLimits(max_depth=3))


def test_a_file_that_is_too_large_need_not_be_read():
    problem = too_large_problem("big.yaml", 40_000_000)

    assert str(problem).startswith(
        "big.yaml:1:1: error[E501]: the file has 40,000,000 bytes; the limit is 33,554,432"
    )


def test_warnings_do_not_make_a_workflow_invalid():
    text = "name: x\nsettings: {budget: {usd: 1}}\ntasks: [{id: a, agent: echo, retry: {backoff: fixed, max_delay: 5}}]\n"

    warnings = load_workflow(text.encode(), file="w.yaml", catalog=CATALOG).warnings

    assert [(w.code, w.severity, w.line) for w in warnings] == [
        ("W851", "warning", 2),
        ("W652", "warning", 3),
    ]


def test_a_thousand_warnings_do_not_either():
    tasks = "".join(
        f"- {{id: t{i}, agent: echo, retry: {{backoff: fixed, max_delay: 5}}}}\n" for i in range(1000)
    )

    warnings = load_workflow(f"name: x\ntasks:\n{tasks}".encode(), file="w.yaml", catalog=CATALOG).warnings

    assert len(warnings) == 101
    assert warnings[-1].code == "E599"
    assert warnings[-1].severity == "warning"
    assert "at least" in warnings[-1].message


def test_many_errors_are_cut_and_counted():
    tasks = "".join(f"- {{id: t{i}, agent: nobody}}\n" for i in range(150))

    with pytest.raises(SpecErrors) as errors:
        _load(f"name: x\ntasks:\n{tasks}")

    assert len(errors.value.problems) == 101
    assert errors.value.problems[-1].message == "and 50 more problems, not shown"


def test_a_secret_in_a_block_scalar_is_cut_out():
    text = "name: x\ncontext:\n  secrets:\n    T: |\n      uno\n      dos\n    K: env:K\ntasks: [{id: a, agent: echo}]\n"

    loaded = load_workflow(text.encode(), file="w.yaml", catalog=CATALOG)

    assert loaded.secret_literals == {"T": "uno\ndos\n"}
    assert '    T: "literal:cut"\n    K: env:K\n' in loaded.workflow.text
    assert "uno" not in repr(loaded)


@pytest.mark.parametrize(
    ("block", "file"),
    [
        ("context: {secrets: {T: hunter22, K: 'correct horse'}}", "w.yaml"),
        ('context:\n  secrets:\n    T: "hunter\\x32\\x32"\n    K: >-\n      correct\n      horse', "w.yaml"),
    ],
)
def test_a_literal_secret_is_in_nothing_that_is_given_out(block, file):
    text = f"name: x\n{block}\ntasks: [{{id: a, agent: echo}}]\n"

    loaded = load_workflow(text.encode(), file=file, catalog=CATALOG)

    assert loaded.secret_literals == {"T": "hunter22", "K": "correct horse"}
    everything = f"{loaded.workflow!r}{loaded.warnings!r}{loaded!r}{''.join(map(str, loaded.warnings))}"
    assert "hunter" not in everything
    assert "horse" not in everything
    assert [w.code for w in loaded.warnings] == ["W651", "W651"]


def test_a_pinned_text_is_read_again_without_a_warning():
    text = "name: x\ncontext: {secrets: {T: hunter22}}\ntasks: [{id: a, agent: echo}]\n"
    pinned = _load(text)

    again = load_workflow(pinned.text.encode(), file="w.yaml", catalog=CATALOG)

    assert again.warnings == ()
    assert again.secret_literals == {}
    assert again.workflow.secrets == pinned.secrets
