"""What the validator says of a budget that has no effect or cannot be kept."""

from __future__ import annotations

import json

import pytest

from actorflow.workflow import AgentTraits, load_workflow

CATALOG = {
    "free": AgentTraits(name="free", backend=""),
    "tells": AgentTraits(name="tells", supports=frozenset({"budget"})),
    "silent": AgentTraits(name="silent"),
}


def warnings(budget: dict[str, object], *agents: str) -> list[str]:
    document = {
        "name": "w",
        "settings": {"budget": budget},
        "tasks": [{"id": f"t{i}", "agent": agent} for i, agent in enumerate(agents)],
    }
    loaded = load_workflow(json.dumps(document).encode(), file="w.json", catalog=CATALOG)
    return [problem.message for problem in loaded.warnings]


def test_a_budget_of_a_workflow_that_costs_nothing_has_no_effect() -> None:
    assert warnings({"usd": 5}, "free") == [
        "no agent of this workflow costs money, so the budget has no effect"
    ]


@pytest.mark.parametrize("budget", [{"usd": 5}, {"tokens": 100}])
def test_agents_that_never_say_what_they_spend_are_named(budget: dict[str, object]) -> None:
    assert warnings(budget, "tells", "silent", "free") == [
        "silent does not say what it spends: the run pauses after each attempt"
    ]


def test_a_number_of_attempts_can_be_kept_by_any_agent() -> None:
    assert warnings({"agents": 5}, "silent") == []


def test_a_budget_that_can_be_kept_is_fine() -> None:
    assert warnings({"usd": 5, "tokens": 9, "agents": 2}, "tells", "free") == []
