"""Fingerprints: equal for equal work, different for anything that an agent is asked differently, and without secrets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actorflow.agents.echo import EchoAgent
from actorflow.agents.interface import AgentRequest
from actorflow.agents.masking import Masker
from actorflow.agents.registry import AgentRegistry
from actorflow.engine.fingerprints import fingerprint_of, is_same_agent
from actorflow.ids import RunId, TaskId
from actorflow.testing.agents import ScriptedAgent
from actorflow.values import freeze_mapping

SECRET = "a-secret-of-some-length"
REQUEST = AgentRequest(
    run_id=RunId("r"),
    task_id=TaskId("a"),
    attempt=1,
    agent="echo",
    parameters=freeze_mapping({"task": "do it", "data": {"b": 1, "a": [2]}}),
    cwd=Path("/p"),
    project_root=Path("/p"),
    folder=Path("/f"),
    idempotency_key="r/a",
    environment={"TOKEN": f"Bearer {SECRET}"},
    options=freeze_mapping({"model": "m"}),
    handoff=((TaskId("b"), "what b gave"),),
)


def of(**changes: Any) -> str:
    return fingerprint_of(replace(REQUEST, **changes), EchoAgent())


def test_the_number_of_the_attempt_its_folder_and_the_order_of_keys_are_not_part_of_it() -> None:
    parameters = freeze_mapping({"data": {"a": [2], "b": 1}, "task": "do it"})

    assert of() == of(attempt=4, folder=Path("/g"), parameters=parameters)


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": freeze_mapping({"task": "do that"})},
        {"description": "in other words"},
        {"agent": "shell"},
        {"options": freeze_mapping({"model": "n"})},
        {"output_schema": freeze_mapping({"type": "object"})},
        {"verify": "make test"},
        {"cwd": Path("/p/sub")},
        {"handoff": ((TaskId("b"), "something else"),)},
        {"environment": {"TOKEN": "x"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_that_an_agent_is_asked_is_part_of_it(changes: dict[str, Any]) -> None:
    assert of(**changes) != of()


def test_the_session_with_which_an_attempt_goes_on_is_no_part_of_what_it_is_asked() -> None:
    assert of(session="s-2", interrupted_by="timeout", budget_usd=1.0) == of()


def test_it_stays_the_same_over_versions() -> None:
    assert of() == ":414edb5fb36c7715c3a9e1cef0860f6b"


def test_secrets_are_masked_first_and_one_that_changes_changes_nothing() -> None:
    other = replace(REQUEST, environment={"TOKEN": "Bearer another-secret-text"})

    first = fingerprint_of(REQUEST, EchoAgent(), Masker([SECRET]))

    assert first == fingerprint_of(other, EchoAgent(), Masker(["another-secret-text"]))
    assert first == fingerprint_of(replace(REQUEST, environment={"TOKEN": "Bearer ***"}), EchoAgent())


def test_the_definition_of_the_agent_is_a_part_of_its_own(tmp_path: Path) -> None:
    agents = tmp_path / ".claude" / "agents"
    agents.mkdir(parents=True)
    file = agents / "coder.md"

    def now(text: str) -> str:
        file.write_text(f"---\nname: coder\ndescription: codes\n---\n{text}\n")
        registry = AgentRegistry.installed(project_root=tmp_path)
        return fingerprint_of(REQUEST, ScriptedAgent(traits=registry.catalog()["coder"]))

    first, second = now("You code."), now("You code well.")

    assert first == now("You code.")
    assert first.partition(":")[2] == second.partition(":")[2]
    assert not is_same_agent(first, second)
