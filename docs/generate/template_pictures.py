"""Draws docs/pictures/templates/: each template, and two of them rehearsed, with when each task worked.

The rehearsals are played in memory on a virtual clock from the stubs in docs/examples/rehearsals, so that the
same pictures come out each time. Needs Graphviz. A test compares the pictures with what this would draw.
"""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from actorflow import api
from actorflow.api.checking import registry_of
from actorflow.api.playing import play
from actorflow.monitor.graph import Picture, picture_of_run, picture_of_workflow
from actorflow.monitor.limits import limits_in
from actorflow.monitor.order import order_of
from actorflow.monitor.timeline import timeline_of
from actorflow.rehearsal.played import Played
from actorflow.rehearsal.stub_files import read_stubs
from actorflow.settings import Settings
from actorflow.views.pictures import draw
from actorflow.views.pictures_timeline import timeline_svg
from actorflow.workflow import read_inputs
from actorflow.workflow.compile import compile_plan

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures" / "templates"
STUBS = ROOT / "docs" / "examples" / "rehearsals"
NOWHERE = Path("/nonexistent")
SETTINGS = Settings(project_root=ROOT, state_dir=NOWHERE, user_folder=NOWHERE)
REHEARSED = {
    "full-stack-feature": {"feature_name": "password reset", "test_command": "npm test"},
    "bug-fix": {"bug_description": "the session is lost", "test_command": "pytest -q"},
}


def rehearsal(name: str) -> Played:
    """Play the rehearsal of a template."""
    workflow = api.read_template(name, settings=SETTINGS).workflow
    catalog = registry_of(SETTINGS).catalog()
    plan = compile_plan(workflow, read_inputs(workflow, [], REHEARSED[name]), catalog=catalog)
    file = STUBS / f"{name}.stubs.yaml"
    stubs = read_stubs(file.read_bytes(), file=str(file), workflow=workflow)
    return play(plan, stubs, catalog=catalog, project_root=ROOT)


def graphs() -> dict[str, Picture]:
    """Return file name -> what is drawn."""
    found = {
        f"{template.name}.svg": picture_of_workflow(template.workflow)
        for template in api.list_templates(settings=SETTINGS)
        if template.name != "quickstart"  # which has a picture of its own
    }
    for name in REHEARSED:
        played = rehearsal(name)
        found[f"{name}-rehearsed.svg"] = picture_of_run(
            played.state,
            now=played.state.updated_at,
            status="" if played.state.status is None else played.state.status.value,
            workflow=played.plan.workflow,
            order=order_of(played.state, played.events),
            limits=limits_in(played.events),
        )
    return found


def timelines() -> dict[str, str]:
    """Return file name -> SVG."""
    found = {}
    for name in REHEARSED:
        played = rehearsal(name)
        timeline = timeline_of(played.events, played.state, until=played.state.updated_at)
        found[f"{name}-timeline.svg"] = timeline_svg(timeline, status="success", zone=UTC)
    return found


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in graphs().items():
        (PICTURES / name).write_bytes(draw(picture, "svg"))
    for name, text in timelines().items():
        (PICTURES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
