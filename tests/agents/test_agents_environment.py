"""The variables of an attempt's processes: who wins, what cannot be set, and how an attempt inside another is marked."""

from __future__ import annotations

import pytest

from actorflow.agents.environment import attempt_marker, process_environment, standard_environment
from actorflow.errors import AgentError
from actorflow.testing.agents import make_request


@pytest.fixture
def request_with(tmp_path, monkeypatch):
    for name in ("ACTORFLOW_ATTEMPT_ID", "ACTORFLOW_ATTEMPT_ANCESTORS"):
        monkeypatch.delenv(name, raising=False)

    def make(**fields):
        return make_request(tmp_path, run_id="r1", task_id="t1", attempt=2, idempotency_key="k1", **fields)

    return make


def test_standard_variables_name_the_attempt(request_with):
    assert standard_environment(request_with()) == {
        "ACTORFLOW_ATTEMPT_ID": "r1/t1/2",
        "ACTORFLOW_RUN_ID": "r1",
        "ACTORFLOW_TASK_ID": "t1",
        "ACTORFLOW_ATTEMPT": "2",
        "ACTORFLOW_IDEMPOTENCY_KEY": "k1",
    }


def test_an_attempt_inside_another_carries_the_markers_of_all_around_it(request_with, monkeypatch):
    monkeypatch.setenv("ACTORFLOW_ATTEMPT_ID", "outer/t/1")
    monkeypatch.setenv("ACTORFLOW_ATTEMPT_ANCESTORS", "outermost/t/1")

    environment = process_environment(request_with())

    assert environment["ACTORFLOW_ATTEMPT_ID"] == "r1/t1/2"
    assert environment["ACTORFLOW_ATTEMPT_ANCESTORS"] == "outermost/t/1 outer/t/1"


def test_the_parameters_win_over_the_task_and_the_task_over_the_caller(request_with, monkeypatch):
    monkeypatch.setenv("A", "caller")
    monkeypatch.setenv("B", "caller")
    monkeypatch.setenv("C", "caller")

    environment = process_environment(
        request_with(environment={"B": "task", "C": "task"}), {"C": "parameters"}
    )

    assert [environment[name] for name in "ABC"] == ["caller", "task", "parameters"]


def test_the_marker_cannot_be_taken_away(request_with):
    request = request_with(
        environment={"ACTORFLOW_ATTEMPT_ID": "x", "ACTORFLOW_RUN_ID": "r1", "AF_1": "value"}
    )

    environment = process_environment(request)

    assert environment["ACTORFLOW_ATTEMPT_ID"] == attempt_marker("r1", "t1", 2)
    assert environment["AF_1"] == "value"


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "PYTHONPATH", "GIT_SSH_COMMAND", "ANTHROPIC_BASE_URL", "BASH_ENV"]
)
def test_variables_that_inject_code_are_refused_from_both_sides(request_with, name):
    with pytest.raises(AgentError, match=f"^env: a workflow may not set {name}"):
        process_environment(request_with(environment={name: "x"}))
    with pytest.raises(AgentError, match=rf"^parameters\.env: a workflow may not set {name}"):
        process_environment(request_with(), {name: "x"})


def test_the_callers_own_variables_are_not_judged(request_with, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    assert process_environment(request_with())["PYTHONPATH"] == "/somewhere"


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "Ä"])
def test_an_impossible_name_is_refused(request_with, name):
    with pytest.raises(AgentError, match="cannot be the name of a variable"):
        process_environment(request_with(environment={name: "x"}))
