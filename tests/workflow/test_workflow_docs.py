"""The reference pages say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import actorflow.workflow
from actorflow import expressions
from actorflow.workflow import load_workflow
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.codes import CODES
from actorflow.workflow.decode import WORKFLOW
from actorflow.workflow.env_names import FORBIDDEN_NAMES, FORBIDDEN_PREFIXES
from actorflow.workflow.findings import CODES as CHECK_CODES
from actorflow.workflow.schema_form import _ANNOTATIONS, _RULES
from tests.workflow.broken_files import ALL

ROOT = Path(__file__).parents[2]
PROBLEMS = (ROOT / "docs/reference/problems.md").read_text()
WORKFLOW_FILE = (ROOT / "docs/reference/workflow-file.md").read_text()
SOURCES = {path.name: path.read_text() for path in Path(actorflow.workflow.__file__).parent.glob("*.py")}
CATALOG = {name: AgentTraits(name=name) for name in ("planner", "coder", "shell")}


def test_every_code_is_explained_with_its_meaning():
    rows = dict(re.findall(r"^\| ([EW]\d{3}) \| (.*?) \|", PROBLEMS, re.MULTILINE))

    assert rows == {**CODES, **CHECK_CODES}


def test_every_code_in_the_source_has_a_meaning():
    used = {code for text in SOURCES.values() for code in re.findall(r'"([EW]\d{3})"', text)}

    assert used <= CODES.keys() | CHECK_CODES.keys() | expressions.CODES.keys()


def test_every_code_is_used():
    others = "".join(text for name, text in SOURCES.items() if name != "codes.py")

    assert [code for code in CODES if f'"{code}"' not in others] == []


def test_no_code_has_two_meanings():
    assert not CODES.keys() & CHECK_CODES.keys()
    assert not (CODES.keys() | CHECK_CODES.keys()) & expressions.CODES.keys()


def test_every_code_has_a_broken_file():
    shown = {code for broken in ALL for code, _ in broken.problems}

    assert CODES.keys() - shown <= {
        "E501",
        "E502",
        "E514",
        "E599",
        "W652",
        "W851",
    }  # in the tests of loading and of hostile files


def _keys(schema: dict | None) -> set[str]:
    if not schema:
        return set()
    keys = schema.get("properties", {})
    below = [*keys.values(), schema.get("items"), schema.get("additionalProperties")]
    return {*keys, *(key for inner in below for key in _keys(inner))}


def test_every_key_is_documented():
    words = set(re.findall(r"\w+", WORKFLOW_FILE))

    assert _keys(WORKFLOW.schema()) - words == set()


def test_every_forbidden_variable_is_documented():
    listed = re.search(r"names: begin -->\n(.*?)\n<!-- names: end", WORKFLOW_FILE, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == FORBIDDEN_NAMES
    assert all(f"`{prefix}*`" in WORKFLOW_FILE for prefix in FORBIDDEN_PREFIXES)


def test_every_schema_keyword_is_documented():
    assert [word for word in [*_RULES, *_ANNOTATIONS] if f"`{word}`" not in WORKFLOW_FILE] == []


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", WORKFLOW_FILE, re.DOTALL))
def test_the_examples_are_valid(text):
    assert load_workflow(text.encode(), file="example.yaml", catalog=CATALOG).warnings == ()


def test_the_public_names_are_there():
    assert all(hasattr(actorflow.workflow, name) for name in actorflow.workflow.__all__)
