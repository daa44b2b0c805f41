from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actorflow.agents.registry import AgentRegistry
from actorflow.api.playing import play
from actorflow.rehearsal.played import Played
from actorflow.rehearsal.stub_files import read_stubs
from actorflow.workflow import load_workflow, read_inputs
from actorflow.workflow.compile import compile_plan


@pytest.fixture
def played() -> Callable[..., Played]:
    """Play a workflow, given as text, from stubs, given as text."""

    def played(text: str, stubs: str = "", **inputs: Any) -> Played:
        catalog = AgentRegistry.built_in().catalog()
        workflow = load_workflow(text.encode(), file="w.yaml", catalog=catalog).workflow
        plan = compile_plan(workflow, read_inputs(workflow, [], inputs), catalog=catalog)
        read = read_stubs(stubs.encode(), file="s.yaml", workflow=workflow)
        return play(plan, read, catalog=catalog, project_root=Path("/nowhere"))

    return played
