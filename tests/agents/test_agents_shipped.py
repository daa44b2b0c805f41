"""The agents that ship with actorflow are there, read without a complaint, and fit to work unattended."""

from __future__ import annotations

import re

import pytest

from actorflow.agents.definitions_found import SHIPPED_AGENTS, find_definitions
from actorflow.resources import data_folder
from actorflow.workflow import load_workflow
from actorflow.workflow.catalog import AgentTraits

CHANGING = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})


@pytest.fixture(params=SHIPPED_AGENTS)
def shipped(request):
    (file,) = find_definitions(None, None)[request.param]
    return file.read()


def test_the_names_are_those_of_the_files():
    files = {path.stem for path in (data_folder("templates") / "agents").glob("*.md")}

    assert files == set(SHIPPED_AGENTS)


def test_each_is_what_its_file_says_without_a_complaint(shipped):
    assert shipped.source.stem == shipped.name
    assert (shipped.scope, shipped.warnings, shipped.ignored) == ("shipped", (), {})
    assert 80 < len(shipped.description) < 250
    assert shipped.model is None  # the user and the workflow choose, and pay


def test_each_is_told_how_to_work_alone_and_what_to_report(shipped):
    lines = shipped.prompt.splitlines()

    assert 25 <= len(lines) <= 62
    for part in ("## How you work", "## What you report", "## Never"):
        assert part in lines
    assert "You work unattended" in shipped.prompt
    assert "`<data-…>`" in shipped.prompt
    assert "Nobody can answer a question" in shipped.prompt


@pytest.mark.parametrize("name", ["planner", "checker", "researcher"])
def test_who_only_looks_cannot_write(name):
    definition = find_definitions(None, None)[name][0].read()

    assert definition.tools is not None
    assert not CHANGING & set(definition.tools)
    assert definition.permission_mode is None


@pytest.mark.parametrize("name", ["coder", "frontend", "backend"])
def test_who_builds_has_what_it_needs(name):
    definition = find_definitions(None, None)[name][0].read()

    assert definition.tools == ("Read", "Edit", "Write", "Bash", "Grep", "Glob")
    assert definition.permission_mode == "acceptEdits"


def test_the_workflow_that_the_orchestrator_is_shown_is_valid():
    prompt = find_definitions(None, None)["orchestrator"][0].read().prompt
    (example,) = re.findall(r"```yaml\n(.*?)```", prompt, re.DOTALL)
    features = frozenset(
        {"verify", "options", "handoff", "session", "output_schema", "idle_timeout", "budget"}
    )
    catalog = {name: AgentTraits(name=name, supports=features) for name in SHIPPED_AGENTS}

    loaded = load_workflow(example.encode(), file="example.yaml", catalog=catalog)

    assert loaded.warnings == ()
    assert len(loaded.workflow.tasks) == 4


def test_the_orchestrator_knows_the_agents_that_are_always_there():
    prompt = find_definitions(None, None)["orchestrator"][0].read().prompt

    named = re.search(r"are always there: ([a-z, ]+);", prompt)[1].split(", ")
    assert set(named) == set(SHIPPED_AGENTS) - {"orchestrator"}
