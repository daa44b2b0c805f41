"""docs/pictures/templates are what their generator draws, and each of them is shown somewhere."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from actorflow.views import pictures

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "docs" / "generate" / "template_pictures.py"
ADVICE = "run: make docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_template_pictures", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_graphs_are_up_to_date(generator: ModuleType) -> None:
    for name, picture in generator.graphs().items():
        svg = ET.fromstring((generator.PICTURES / name).read_bytes())
        titles = {element.text for element in svg.iter("{http://www.w3.org/2000/svg}title")}
        assert titles == set(pictures.tips(picture).values()), (name, ADVICE)


def test_the_timelines_are_up_to_date(generator: ModuleType) -> None:
    for name, text in generator.timelines().items():
        assert (generator.PICTURES / name).read_text(encoding="utf-8") == text, (name, ADVICE)


def test_in_the_rehearsal_api_and_ui_overlap_and_integrate_starts_after_both(generator: ModuleType) -> None:
    tasks = generator.rehearsal("full-stack-feature").state.tasks
    api, ui, integrate = (tasks[name] for name in ("api", "ui", "integrate"))

    assert api.started_at == ui.started_at
    assert min(api.finished_at, ui.finished_at) - api.started_at == 14 * 60
    assert integrate.started_at == max(api.finished_at, ui.finished_at)


def test_every_picture_is_shown_and_no_other_is_there(generator: ModuleType) -> None:
    page = (ROOT / "docs" / "how-to" / "templates.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\(\.\./pictures/templates/([^)]+)\)", page))

    assert (
        shown
        == {*generator.graphs(), *generator.timelines()}
        == {p.name for p in generator.PICTURES.iterdir()}
    )
