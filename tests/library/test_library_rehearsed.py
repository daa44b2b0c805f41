"""The stubs to begin with are what would be made up: a rehearsal from them goes as one without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorflow.agents.registry import AgentRegistry
from actorflow.api.playing import play
from actorflow.library.templates import templates
from actorflow.rehearsal.stub_files import read_stubs
from actorflow.rehearsal.stub_writer import DELAY_SECONDS, stub_text
from actorflow.workflow import read_inputs
from actorflow.workflow.compile import compile_plan

CATALOG = AgentRegistry.installed(project_root=None, user_folder=None).catalog()


@pytest.mark.parametrize("template", templates(CATALOG), ids=lambda template: template.name)
def test_stubs_to_begin_with_change_nothing_but_how_long_it_takes(template) -> None:
    workflow = template.workflow
    given = {spec.name: "x" for spec in workflow.inputs if spec.required}
    plan = compile_plan(workflow, read_inputs(workflow, [], given), catalog=CATALOG)
    text = stub_text(workflow, workflow_name="w.yaml", stubs_name="s.yaml")
    runs = [
        play(
            plan,
            read_stubs(stubs, file="s", workflow=workflow),
            catalog=CATALOG,
            project_root=Path("/nowhere"),
        )
        for stubs in (b"", text.encode())
    ]

    made_up, written = (
        {t.id: (t.status, t.reason, t.output) for t in run.state.tasks.values()} for run in runs
    )
    if template.name != "quickstart":  # whose hook says how long it took
        assert made_up == written
    assert made_up.keys() == written.keys()
    ran = [task for task in runs[1].state.tasks.values() if task.attempts]
    assert all(task.duration_seconds == pytest.approx(DELAY_SECONDS) for task in ran)
