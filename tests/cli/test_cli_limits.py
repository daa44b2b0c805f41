"""Budgets, limits and fallback agents on the command line, as a user meets them: rehearsed, so that nothing is paid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from actorflow.api import terms
from actorflow.engine import run_actor

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "machine-output.schema.json").read_text(encoding="utf-8"))
FLOW = """
name: flow
settings: {max_parallel: 2, budget: {usd: 2}}
tasks:
  - {id: make, agent: [coder, backend], parameters: {task: make it}}
  - {id: check, agent: checker, dependencies: [make], parameters: {task: check it}}
  - {id: free, agent: shell, dependencies: [make], parameters: {command: "true"}}
"""


@pytest.fixture
def rehearsal(project: Path, call):
    """Run the workflow with these stubs; returns the exit code and the report."""

    def rehearsal(*options: str, **tasks: Any) -> tuple[int, dict[str, Any]]:
        (project / "flow.yaml").write_text(FLOW, encoding="utf-8")
        (project / "s.json").write_text(json.dumps({"tasks": tasks}), encoding="utf-8")
        done = call("run", "flow.yaml", "--rehearse", "s.json", "--json", *options)
        run = json.loads(done.stdout)
        jsonschema.validate(run, SCHEMA)
        return done.exit_code, run

    return rehearsal


def limited(kind: str, seconds: float) -> dict[str, Any]:
    return {"fail": [{"kind": kind, "retry_after": seconds}], "cost_usd": 0.25, "tokens": 10}


def test_a_run_at_its_budget_pauses_and_goes_on_with_a_larger_one(rehearsal, call) -> None:
    code, run = rehearsal(make={"cost_usd": 2.5, "tokens": 100}, check={"cost_usd": 0.5, "tokens": 50})

    assert (code, run["status"]) == (75, "paused")
    assert run["paused"] == {"kind": "budget", "reason": "budget.usd: $2.50 of $2.00 is spent"}
    assert (run["cost_usd"], run["tasks"]["make"]["cost_usd"]) == (2.5, 2.5)
    assert run["tasks"]["free"]["status"] == "success", "what costs nothing goes on"
    assert run["tasks"]["check"]["status"] == "pending"

    again = call("resume", "--json")
    assert (again.exit_code, json.loads(again.stdout)["paused"]["kind"]) == (75, "budget")
    assert "budget.usd: $2.50 of $2.00 is spent" in again.stderr
    assert "--budget-usd N" in again.stderr

    more = call("resume", "--budget-usd", "10", "--json")
    assert more.exit_code == 0
    assert json.loads(more.stdout)["cost_usd"] == 3.0
    assert "may spend 10.00 USD in all" in more.stderr


def test_history_status_and_stats_say_what_was_spent(rehearsal, call) -> None:
    rehearsal(
        "--budget-usd", "none", make={"cost_usd": 2.5, "tokens": 100}, check={"cost_usd": 0.5, "tokens": 50}
    )

    assert json.loads(call("history", "--json").stdout)[0]["cost_usd"] == 3.0
    assert "3.00 USD" in call("history").stdout
    assert "cost      3.00 USD, 150 tokens" in call("status").stdout


def test_a_run_can_be_given_a_budget_when_it_begins(rehearsal) -> None:
    code, run = rehearsal("--budget-agents", "1", make={"cost_usd": 0.5}, check={"cost_usd": 0.5})

    assert (code, run["paused"]["reason"]) == (75, "budget.agents: 1 of 1 attempts are started")


@pytest.mark.parametrize("amount", ["0", "-1", "much", "nan", "inf", ""])
def test_an_amount_that_is_none_is_refused(call, amount: str) -> None:
    done = call("run", "flow.yaml", f"--budget-usd={amount}")

    assert done.exit_code == 2
    assert "write a number above 0, or none for no limit" in done.output


def test_tokens_are_whole(call) -> None:
    assert call("resume", "--budget-tokens", "1.5").exit_code == 2


def test_a_parked_run_that_is_not_to_wait_exits_with_75_and_says_until_when(rehearsal, call) -> None:
    code, run = rehearsal("--exit-when-parked", make=limited("usage_limit", 86_400.0))

    assert (code, run["status"], run["paused"]["kind"]) == (75, "paused", "parked")
    assert run["parked_until"] == run["tasks"]["make"]["due_at"]
    assert run["tasks"]["make"]["sub_state"] == "parked"
    assert run["cost_usd"] == 0.25

    status = call("status").stdout
    assert "paused: PARKED until " in status
    assert "(usage limit of claude)" in status
    assert "--when-ready" in status


def test_a_resume_of_a_parked_run_changes_nothing_and_says_how_to_wait(rehearsal, call) -> None:
    rehearsal("--exit-when-parked", make=limited("usage_limit", 86_400.0))
    before = call("events", "last", "--json").stdout

    done = call("resume")

    assert done.exit_code == 75
    assert "is PARKED until " in done.stderr
    assert "--when-ready" in done.stderr
    assert call("events", "last", "--json").stdout == before
    error = json.loads(call("resume", "--json").stdout)["error"]
    assert (error["kind"], error["exit_code"]) == ("run_parked", 75)


@pytest.mark.slow
def test_a_resume_that_is_to_wait_goes_on_when_the_limit_is_lifted(rehearsal, call, monkeypatch) -> None:
    for module in (terms, run_actor):
        monkeypatch.setattr(module, "SHORT_WAIT_SECONDS", 0.0)
    code, _ = rehearsal("--exit-when-parked", make=limited("usage_limit", 1.5))
    assert code == 75
    assert call("resume").exit_code == 75

    done = call("resume", "--when-ready", "--json")

    assert done.exit_code == 0
    assert "run  PARKED until " in done.stderr
    assert json.loads(done.stdout)["tasks"]["make"]["attempts"] == 2


def test_somebody_who_knows_that_a_limit_is_lifted_need_not_wait(rehearsal, call) -> None:
    rehearsal("--exit-when-parked", make=limited("usage_limit", 86_400.0))

    done = call("resume", "--try-now", "--json")

    assert done.exit_code == 0
    assert "limits are taken to be lifted" in done.stderr


def test_a_wait_that_is_short_is_waited_out(rehearsal, call) -> None:
    code, run = rehearsal("--exit-when-parked", make=limited("rate_limit", 0.2))

    assert (code, run["status"]) == (0, "success")


def test_the_agent_that_took_over_is_shown_everywhere(rehearsal, call) -> None:
    code, run = rehearsal(make={"fail": ["authentication"], "cost_usd": 0.1}, check={"cost_usd": 0.1})

    assert (code, run["tasks"]["make"]["agent"], run["tasks"]["make"]["attempts"]) == (0, "backend", 2)
    told = call("explain", "last", "make").stdout
    assert "coder" in told
    assert "backend" in told
    assert "attempt 2 by backend, success" in call("timeline", "last").stdout
    assert "attempt 2 by backend" in call("status", "last").stdout
    assert [a["agent"] for a in json.loads(call("explain", "last", "make", "--json").stdout)["attempts"]] == [
        "coder",
        "backend",
    ]
