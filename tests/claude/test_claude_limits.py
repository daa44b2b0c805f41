"""Limits, budgets and sessions through the command line with the real ``claude``: what it says of them is understood."""

from __future__ import annotations

import json
import time
from datetime import datetime

import pytest

from tests.claude.messages_api import error, text, tool

pytestmark = pytest.mark.slow

TWO = """
name: two
settings: {budget: {usd: 0.0001}}
tasks:
  - {id: first, agent: coder, parameters: {task: BEGIN HERE}}
  - {id: second, agent: checker, dependencies: [first], parameters: {task: END HERE}}
"""
FOR_EVER = """
name: long
settings: {budget: {usd: 0.003}}
tasks: [{id: work, agent: coder, parameters: {task: WORK ON}}]
"""
BRANCHES = """
name: branches
tasks:
  - {id: plan, agent: planner, parameters: {task: PLAN IT}}
  - {id: left, agent: coder, session: plan, dependencies: [plan], parameters: {task: ZEBRA}}
  - {id: right, agent: coder, session: plan, dependencies: [plan], parameters: {task: LLAMA}}
"""
LIMITS = {
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
}


@pytest.fixture
def workflow(project):
    def workflow(text):
        (project / "w.yaml").write_text(text, encoding="utf-8")
        return "w.yaml"

    return workflow


def test_too_many_requests_use_up_no_attempt(api, actorflow, workflow, status) -> None:
    busy = error(429, "rate_limit_error", retry_after="1")
    api.when("WORK ON", busy, busy, text("done"))

    actorflow("run", workflow(FOR_EVER.replace("0.003", "5")))

    task = status()["tasks"]["work"]
    assert (task["status"], task["attempts"], task["output"]) == ("success", 2, "done")
    events = [json.loads(line) for line in actorflow("events", "last", "--json").stdout.splitlines()]
    requeued = [e["data"] for e in events if e["type"] == "AttemptRequeued"]
    assert [data["failure"]["kind"] for data in requeued] == ["rate_limit"]


def test_a_subscriptions_limit_parks_the_run(api, actorflow, workflow, status) -> None:
    resets_at = int(time.time()) + 7200
    limits = LIMITS | {"anthropic-ratelimit-unified-reset": str(resets_at)}
    api.when("WORK ON", error(429, "rate_limit_error", **limits))
    login = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-dummy"}

    done = actorflow("run", workflow(FOR_EVER), "--exit-when-parked", check=False, **login)

    assert done.returncode == 75
    assert "PARKED until " in done.stderr
    assert "(usage limit of claude)" in done.stderr
    report = status()
    assert report["paused"]["kind"] == "parked"
    assert datetime.fromisoformat(report["parked_until"]).timestamp() == pytest.approx(resets_at, abs=60)


def test_a_budget_stops_before_the_next_attempt_and_a_larger_one_goes_on(
    api, actorflow, workflow, status
) -> None:
    api.when("BEGIN HERE", text("begun"))
    api.when("END HERE", text("ended"))

    done = actorflow("run", workflow(TWO), check=False)
    assert done.returncode == 75
    spent = status()
    assert spent["paused"]["kind"] == "budget"
    assert spent["cost_usd"] >= 0.0001
    assert " of $0.0001 is spent" in done.stderr

    actorflow("resume", "--budget-usd", "5")
    report = status()
    assert report["status"] == "success"
    assert report["cost_usd"] == pytest.approx(sum(t["cost_usd"] for t in report["tasks"].values()))


def test_an_attempt_that_stops_at_the_runs_budget_goes_on_in_its_session(
    api, actorflow, workflow, status
) -> None:
    api.when("WORK ON", tool("Bash", command="pwd", description="d"))

    done = actorflow("run", workflow(FOR_EVER), check=False)
    assert done.returncode == 75, done.stderr
    first = status()
    assert first["tasks"]["work"]["error"]["kind"] == "max_budget"
    assert first["paused"]["kind"] == "budget"
    sessions = {request.session for request in api.of("WORK ON")}

    api.when("WORK ON", text("done at last"))
    actorflow("resume", "--budget-usd", "5")

    report = status()
    assert report["status"] == "success"
    assert report["cost_usd"] > first["cost_usd"]
    assert {request.session for request in api.of("WORK ON")} == sessions


def test_tasks_that_go_on_with_the_session_of_another_do_not_hear_each_other(
    api, actorflow, workflow, status
) -> None:
    api.when("PLAN IT", text("planned"))
    api.when("ZEBRA", text("to the left", delay=0.5))
    api.when("LLAMA", text("to the right", delay=0.5))

    actorflow("run", workflow(BRANCHES), "-q")

    tasks = status()["tasks"]
    assert [tasks[name]["output"] for name in ("left", "right")] == ["to the left", "to the right"]
    assert len({request.session for request in api.requests}) == 3
    assert len({task["cost_usd"] for task in tasks.values()}) == 1  # each its own, and nobody the others'
    for task, other in (("ZEBRA", "LLAMA"), ("LLAMA", "ZEBRA")):
        [request] = api.of(task)
        assert "PLAN IT" in request.conversation
        assert other not in request.conversation


NOWHERE = """
name: nowhere
settings: {budget: {usd: 5}, max_parallel: 1, on_failure: continue}
tasks:
  - {id: first, agent: coder, cwd: nowhere, parameters: {task: BEGIN HERE}}
  - {id: second, agent: coder, parameters: {task: END HERE}}
"""


def test_an_attempt_that_never_began_leaves_a_budget_as_it_is(api, actorflow, workflow, status) -> None:
    api.when("END HERE", text("done"))

    done = actorflow("run", workflow(NOWHERE), check=False)

    assert done.returncode == 1, done.stderr
    tasks = status()["tasks"]
    assert (tasks["first"]["status"], tasks["first"]["cost_usd"]) == ("failed", 0.0)
    assert tasks["second"]["status"] == "success"
