"""Files of stubs: what they say, and everything that can be wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import actorflow.agents
import actorflow.engine
from actorflow.agents.claude import failures
from actorflow.agents.registry import AgentRegistry
from actorflow.errors import SpecErrors
from actorflow.rehearsal.kinds import KINDS
from actorflow.rehearsal.stub_files import read_stubs, stubs_of
from actorflow.rehearsal.stub_writer import stub_text
from actorflow.rehearsal.stubs import Failing, Stub, Stubs
from actorflow.values import freeze
from actorflow.workflow import Workflow, load_workflow

WORKFLOW = """
name: w
tasks:
  - id: classify
    agent: planner
    parameters: {task: look}
    output_schema: {type: object, required: [kind], properties: {kind: {enum: [bug, feature]}, lines: {type: array, items: {type: integer}}}}
  - id: fix
    agent: [coder, backend]
    dependencies: [classify]
    condition: classify.output.kind == 'bug'
    parameters: {task: do}
hooks:
  on_complete:
    - {id: tell, agent: shell, parameters: {command: echo done}}
"""


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    return load_workflow(
        WORKFLOW.encode(), file="w.yaml", catalog=AgentRegistry.built_in().catalog()
    ).workflow


def problems(workflow: Workflow, text: str) -> list[str]:
    """Return ``line:column code`` of everything that is wrong."""
    with pytest.raises(SpecErrors) as caught:
        read_stubs(text.encode(), file="s.yaml", workflow=workflow)
    return [f"{p.line}:{p.column} {p.code}" for p in caught.value.problems]


def test_every_key_of_a_stub_is_read(workflow):
    text = """
tasks:
  classify: {output: {kind: bug}, delay: 1m30s, cost_usd: 0.5, tokens: 12}
  fix:
    fail: [timeout, {kind: rate_limit, message: slow down, hint: wait, retry_after: 5, retryable: true}]
  tell: {output: null}
agents: {coder: {delay: 2}}
defaults: {delay: 0.5}
"""
    stubs = read_stubs(text.encode(), file="s.yaml", workflow=workflow)

    assert stubs.for_task("classify", "planner") == Stub(
        has_output=True, output=freeze({"kind": "bug"}), delay_seconds=90.0, cost_usd=0.5, tokens=12
    )
    failures = stubs.for_task("fix", "backend").fail
    assert failures is not None
    assert failures[0] == Failing(kind="timeout")
    limit = failures[1].error()
    assert (limit.kind, limit.message, limit.hint, limit.retryable, limit.retry_after_seconds) == (
        "rate_limit",
        "slow down",
        "wait",
        True,
        5.0,
    )
    assert stubs.for_task("fix", "coder").delay_seconds == 2.0
    assert stubs.for_task("fix", "backend").delay_seconds == 0.5
    assert stubs.for_task("tell", "shell").has_output
    assert stubs_of(stubs.source) == stubs


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "{}", "tasks:\n"])
def test_a_file_without_stubs_leaves_everything_to_be_made_up(workflow, text):
    assert read_stubs(text.encode(), file="s.yaml", workflow=workflow).for_task("fix", "coder") == Stub()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tasks: {clasify: {delay: 1}}", ["1:9 E961"]),
        ("tasks: {fix: {fail: [timout]}}", ["1:22 E962"]),
        ("tasks: {fix: {fail: [{kind: compile_error}]}}", ["1:29 E962"]),
        ("tasks: {fix: {fail: [{message: x}]}}", ["1:22 E603"]),
        ("tasks: {fix: {fail: timeout}}", ["1:21 E601"]),
        ("tasks: {classify: {output: {kind: bogus}}}", ["1:35 E963"]),
        ("tasks: {classify: {output: {kind: bug, lines: [1, x]}}}", ["1:51 E963"]),
        ("tasks: {classify: {output: text}}", ["1:28 E963"]),
        ("agents: {codr: {delay: 1}}", ["1:10 E964"]),
        ("agents: {planner: {output: text}}", ["1:28 E963"]),
        ("defaults: {output: text}", ["1:20 E963"]),
        ("tasks: {fix: {delay: -1, cost_usd: -2, tokens: 1.5}}", ["1:22 E605", "1:36 E605", "1:48 E601"]),
        ("tasks: {fix: {dely: 1}}", ["1:15 E602"]),
        ("fix: {delay: 1}", ["1:1 E602"]),
        ("[]", ["1:1 E601"]),
        ("tasks: {fix: {delay: 1}, fix: {delay: 2}}", ["1:26 E508"]),
        ("tasks: {nope: {fail: [bad]}, classify: {output: 1}}", ["1:9 E961", "1:23 E962", "1:49 E963"]),
    ],
)
def test_everything_wrong_is_told_at_once_with_its_place(workflow, text, expected):
    assert problems(workflow, text) == expected


def test_a_wrong_name_gets_a_suggestion(workflow):
    with pytest.raises(SpecErrors, match=r"s.yaml:1:9: error\[E961\].*'clasify'") as caught:
        read_stubs(b"tasks: {clasify: {fail: [timout]}}", file="s.yaml", workflow=workflow)

    assert "did you mean 'classify'?" in str(caught.value)
    assert "did you mean 'timeout'?" in str(caught.value)


def test_a_kind_of_a_plug_in_says_itself_whether_it_may_be_retried(workflow):
    text = b"tasks: {fix: {fail: [{kind: compile_error, retryable: false}]}}"

    failures = read_stubs(text, file="s.yaml", workflow=workflow).for_task("fix", "coder").fail

    assert failures is not None
    assert not failures[0].error().retryable


def test_an_output_that_cannot_be_made_up_has_to_be_written():
    text = WORKFLOW.replace("enum: [bug, feature]", "type: string, pattern: '^x[0-9]y[0-9]{3}z$'")
    workflow = load_workflow(
        text.encode(), file="w.yaml", catalog=AgentRegistry.built_in().catalog()
    ).workflow

    assert problems(workflow, "") == ["1:1 E965"]
    assert read_stubs(b"tasks: {classify: {output: {kind: x1y234z}}}", file="s.yaml", workflow=workflow)
    assert "# output: write one" in stub_text(workflow, workflow_name="w.yaml", stubs_name="s.yaml")


def test_what_is_written_to_begin_with_is_valid_and_says_what_would_be_made_up(workflow):
    text = stub_text(workflow, workflow_name="w.yaml", stubs_name="s.yaml")
    stubs = read_stubs(text.encode(), file="s.yaml", workflow=workflow)

    assert set(stubs.tasks) == {"classify", "fix", "tell"}
    assert stubs.for_task("classify", "planner").output == {"kind": "bug", "lines": (1,)}
    assert all(stub.delay_seconds == 0.2 for stub in stubs.tasks.values())


def test_text_of_the_workflow_cannot_end_a_comment():
    hostile = WORKFLOW.replace("name: w", 'name: "w\\nevil: 1"').replace(
        "parameters: {task: look}",
        'parameters: {task: look}\n    description: "a\\u2028b\\nevil: 1\\u0085evil: 2"',
    )
    with pytest.raises(SpecErrors):  # a name is one line
        load_workflow(hostile.encode(), file="w.yaml", catalog=AgentRegistry.built_in().catalog())
    hostile = hostile.replace('"w\\nevil: 1"', "w")
    workflow = load_workflow(
        hostile.encode(), file="w.yaml", catalog=AgentRegistry.built_in().catalog()
    ).workflow

    text = stub_text(workflow, workflow_name="w\nevil: 1.yaml", stubs_name="s\u2028evil: 3")

    assert set(read_stubs(text.encode(), file="s", workflow=workflow).source) == {"tasks"}


def test_stubs_are_put_over_others_key_by_key():
    mine = Stubs(tasks={"a": Stub(delay_seconds=1.0)}, source=freeze({"tasks": {"a": {"delay": 1.0}}}))
    others = Stubs(
        tasks={"a": Stub(has_output=True, output=1, delay_seconds=9.0), "b": Stub(tokens=3)},
        agents={"x": Stub(tokens=1)},
        source=freeze(
            {"tasks": {"a": {"output": 1, "delay": 9.0}, "b": {"tokens": 3}}, "agents": {"x": {"tokens": 1}}}
        ),
    )

    together = mine.over(others)

    assert together.for_task("a", "x") == Stub(has_output=True, output=1, delay_seconds=1.0, tokens=1)
    assert stubs_of(together.source) == together


def test_what_claude_code_meets_is_played_as_it_is():
    theirs = {kind: known.is_retryable for kind, known in failures.KINDS.items()}

    assert {kind: KINDS[kind].retryable for kind in theirs if kind in KINDS} == theirs


def test_every_kind_that_the_code_has_can_be_played():
    sources = [
        path.read_text(encoding="utf-8")
        for package in (actorflow.agents, actorflow.engine)
        for path in Path(str(package.__file__)).parent.rglob("*.py")
    ]
    used = {kind for text in sources for kind in re.findall(r'AgentError\(\s*"([a-z_]+)"', text)}

    missing = used - KINDS.keys() - {"interpolation"}  # which comes before any agent is called
    assert not missing, f"add {missing} to actorflow/rehearsal/kinds.py and docs/reference/rehearsal-files.md"
