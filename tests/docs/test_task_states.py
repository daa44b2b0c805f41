"""docs/reference/task-states.md is what its generator makes of the tables."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from actorflow.state.status import (
    ATTEMPT_TRANSITIONS,
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    AttemptStatus,
    RunStatus,
    SkipReason,
    SubState,
    TaskStatus,
)

GENERATOR = Path(__file__).resolve().parents[2] / "docs" / "generate" / "task_states.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The generator, as a module."""
    spec = importlib.util.spec_from_file_location("generate_task_states", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator: ModuleType) -> None:
    written = generator.PAGE.read_text(encoding="utf-8")

    assert written == generator.page(), "run: python docs/generate/task_states.py"


def test_every_arrow_has_a_cause_and_every_cause_an_arrow(generator: ModuleType) -> None:
    arrows = {name for table in (TASK_TRANSITIONS, ATTEMPT_TRANSITIONS, RUN_TRANSITIONS) for _, name in table}

    assert set(generator.CAUSES) == arrows


@pytest.mark.parametrize("states", [TaskStatus, AttemptStatus, RunStatus, SkipReason, SubState])
def test_every_state_has_a_sentence(generator: ModuleType, states: type[TaskStatus]) -> None:
    sentences = generator.member_docstrings()[states.__name__]

    assert set(sentences) == {state.value for state in states}
    assert all(sentence.endswith(".") for sentence in sentences.values())


@pytest.mark.parametrize("table", [TASK_TRANSITIONS, ATTEMPT_TRANSITIONS])
def test_every_arrow_is_on_the_page(
    generator: ModuleType, table: dict[tuple[TaskStatus | None, str], TaskStatus | None]
) -> None:
    text = generator.page()

    for (before, event), after in table.items():
        row = f"| {generator._shown(before)} | `{event}` | {generator._shown(after)} |"
        assert row in text
