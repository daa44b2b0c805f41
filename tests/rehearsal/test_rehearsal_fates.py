"""What can be said of a plan before it runs: who runs, who does not, who may, and what starts together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorflow.agents.registry import AgentRegistry
from actorflow.rehearsal.fates import fates_of
from actorflow.rehearsal.waves import waves_of
from actorflow.workflow import load_workflow, read_inputs
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.plan import Plan


def plan_of(*tasks: dict[str, Any], settings: dict[str, Any] | None = None, **inputs: Any) -> Plan:
    types = {bool: "boolean", int: "integer", str: "string"}
    document = {
        "name": "w",
        "settings": settings or {},
        "inputs": {name: {"type": types[type(value)]} for name, value in inputs.items()},
        "tasks": [{"agent": "echo", **task} for task in tasks],
    }
    catalog = AgentRegistry.built_in().catalog()
    workflow = load_workflow(json.dumps(document).encode(), file="w.json", catalog=catalog).workflow
    return compile_plan(workflow, read_inputs(workflow, [], inputs), catalog=catalog)


def task(name: str, *dependencies: str, **keys: Any) -> dict[str, Any]:
    return {"id": name, "dependencies": list(dependencies), **keys}


@pytest.mark.parametrize(
    ("keys", "will", "why"),
    [
        ({}, "runs", ""),
        ({"condition": "yes"}, "runs", ""),
        ({"condition": "no"}, "skipped", "its condition is false: no"),
        ({"condition": "n > 3 && yes"}, "runs", ""),
        ({"condition": False}, "skipped", "its condition is false: false"),
        ({"condition": "a.output.ok"}, "maybe", "if a.output.ok (known when a is done)"),
        ({"condition": "no && a.output.ok"}, "skipped", "its condition is false: no && a.output.ok"),
        ({"condition": "yes || a.output.ok"}, "runs", ""),
        ({"condition": "a?.output?.ok ?? true"}, "maybe", "if a?.output?.ok ?? true (known when a is done)"),
        ({"condition": "mystery == 'x'"}, "maybe", "if mystery == 'x' (needs mystery)"),
        ({"condition": "yes || mystery == 'x'"}, "runs", ""),
        ({"condition": "a.status == 'failed'"}, "maybe", "if a.status == 'failed' (known when a is done)"),
        ({"condition": "failure()"}, "maybe", "if failure() (known when a is done)"),
        ({"run_if": "one_failed"}, "on_failure", "only if a task before it fails"),
        ({"run_if": "all_done"}, "runs", ""),
    ],
)
def test_the_fate_of_a_task(keys: dict[str, Any], will: str, why: str) -> None:
    plan = plan_of(task("a"), task("b", "a", **keys), yes=True, no=False, n=7, mystery="x")

    fate = fates_of(plan, unknown={"mystery"})["b"]

    assert (fate.will, fate.why) == (will, why)


def test_doubt_and_certainty_spread() -> None:
    plan = plan_of(
        task("a"),
        task("doubtful", "a", condition="a.output.x"),
        task("never", "a", condition="false"),
        task("after_doubt", "doubtful"),
        task("after_both", "a", "doubtful"),
        task("after_never", "never"),
        task("despite", "never", "a"),
        task("always", "doubtful", run_if="always"),
    )

    fates = fates_of(plan, unknown=())

    assert {name: fate.will for name, fate in fates.items()} == {
        "a": "runs",
        "doubtful": "maybe",
        "never": "skipped",
        "after_doubt": "maybe",
        "after_both": "runs",
        "after_never": "skipped",
        "despite": "runs",
        "always": "runs",
    }
    assert fates["after_doubt"].why == "hangs on whether doubtful runs"
    assert fates["after_never"].why == "everything before it was skipped"


def test_waves_keep_to_limits_pools_and_the_order_of_starts() -> None:
    plan = plan_of(
        task("a", resources={"p": 1}),
        task("b", resources={"p": 1}),
        task("c"),
        task("urgent", priority=5),
        task("d", "a"),
        settings={"max_parallel": 3, "resources": {"p": 1}},
    )

    assert waves_of(plan, left_out=()) == [("urgent", "a", "c"), ("b", "d")]
    assert waves_of(plan, left_out={"urgent", "a"}) == [("b", "c", "d")]


def test_conditions_and_rules_do_not_matter_to_what_may_run() -> None:
    plan = plan_of(task("a"), task("b", "a", condition="a.output.x"), task("c", "b", run_if="all_failed"))

    assert waves_of(plan, left_out=()) == [("a",), ("b",), ("c",)]


@pytest.mark.slow
def test_a_plan_of_thousands_of_tasks_is_told_at_once() -> None:
    plan = plan_of(
        task("first"), *(task(f"t{n}", "first") for n in range(1500)), task("last", *(f"t{n}" for n in range(1500))),
        settings={"max_parallel": 500},
    )  # fmt: skip

    assert [len(wave) for wave in waves_of(plan, left_out=())] == [1, 500, 500, 500, 1]
    assert {fate.will for fate in fates_of(plan, unknown=()).values()} == {"runs"}
