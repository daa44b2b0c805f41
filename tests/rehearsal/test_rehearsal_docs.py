"""The reference of stubs and tests says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import actorflow.rehearsal
from actorflow import api
from actorflow.agents.registry import AgentRegistry
from actorflow.cli import cli
from actorflow.rehearsal import decode_cases, decode_stubs
from actorflow.rehearsal.codes import CODES
from actorflow.rehearsal.kinds import KINDS
from actorflow.rehearsal.stub_files import read_stubs
from actorflow.settings import Settings
from actorflow.workflow import load_workflow
from actorflow.workflow.document import read_document
from actorflow.workflow.events import ReadLimits

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rehearsal-files.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))
EXAMPLE_OF_STUBS = read_document(EXAMPLES["stubs"].encode(), file="s.yaml", limits=ReadLimits()).value
SOURCES = [path.read_text() for path in Path(actorflow.rehearsal.__file__).parent.glob("*.py")]


def keys_of(schema: Any) -> set[str]:
    """Return every key that a schema of ours names, however deep."""
    if isinstance(schema, list):
        return {key for part in schema for key in keys_of(part)}
    if not isinstance(schema, dict):
        return set()
    named = schema.get("properties", {})
    below = [*named.values(), *(v for k, v in schema.items() if k not in ("properties", "enum"))]
    return {*named, *(key for part in below for key in keys_of(part))}


def keys_used(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(key for inner in value.values() for key in keys_used(inner))}
    return {key for inner in value for key in keys_used(inner)} if isinstance(value, list) else set()


def rows(heading: str) -> dict[str, str]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `?(\w+)`? \| (.*?) \|", section, re.MULTILINE))


def test_every_code_is_explained_with_its_meaning_and_used() -> None:
    assert {code: what for code, what in rows("Problems").items() if code.startswith("E")} == CODES
    assert [code for code in CODES if sum(f'"{code}"' in text for text in SOURCES) < 2] == []


def test_every_kind_is_there_and_whether_it_is_retried() -> None:
    kinds = {kind: again for kind, again in rows("Kinds of errors").items() if kind != "kind"}

    assert {kind: again.startswith("yes") for kind, again in kinds.items()} == {
        kind: known.retryable for kind, known in KINDS.items()
    }


def test_every_key_of_stubs_has_a_row_and_is_in_the_example() -> None:
    keys = keys_of(decode_stubs.STUBS.schema())

    assert keys <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert keys <= keys_used(EXAMPLE_OF_STUBS)


def test_every_key_of_tests_has_a_row_and_is_in_the_example() -> None:
    keys = keys_of(decode_cases.CASES.schema())
    example = read_document(EXAMPLES["tests"].encode(), file="s.yaml", limits=ReadLimits()).value
    rows_of_page = {
        key for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }

    assert keys <= rows_of_page
    assert keys <= keys_used(example) | keys_used(EXAMPLE_OF_STUBS)


REVIEW = """
name: review
inputs: {file: {type: string}}
tasks:
  - {id: review, agent: planner, parameters: {task: "Review ${file}"}, retry: {max_attempts: 2, delay: 10, backoff: fixed}}
  - {id: fix, agent: coder, dependencies: [review], parameters: {task: fix}}
  - {id: docs, agent: coder, dependencies: [review], parameters: {task: write}}
  - {id: check, agent: shell, dependencies: [fix, docs], parameters: {command: make}}
"""


def test_the_example_of_tests_passes(tmp_path: Path) -> None:
    (tmp_path / "review.yaml").write_text(REVIEW, encoding="utf-8")
    (tmp_path / "review.tests.yaml").write_text(EXAMPLES["tests"], encoding="utf-8")
    settings = Settings(project_root=tmp_path, state_dir=tmp_path / "state", user_folder=tmp_path)

    (result,) = api.run_tests([tmp_path / "review.tests.yaml"], settings=settings)

    assert (result.problems, [case.not_met for case in result.cases]) == ((), [(), (), ()])


def test_the_example_of_stubs_is_valid() -> None:
    tasks = "tasks:\n  - {id: review, agent: reviewer, parameters: {task: x}}\n"
    tasks += "  - {id: fix, agent: coder, dependencies: [review], parameters: {task: x}}"
    registry = AgentRegistry.built_in()
    catalog = {**registry.catalog(), "reviewer": registry.catalog()["planner"]}
    workflow = load_workflow(f"name: w\n{tasks}".encode(), file="w.yaml", catalog=catalog).workflow

    assert read_stubs(EXAMPLES["stubs"].encode(), file="s.yaml", workflow=workflow)


@pytest.mark.parametrize("kind", ["stubs", "tests"])
def test_the_schema_for_editors_takes_the_example_and_refuses_mistakes(kind: str) -> None:
    schema = json.loads(CliRunner().invoke(cli, ["schema", kind]).stdout)
    example = read_document(EXAMPLES[kind].encode(), file="e.yaml", limits=ReadLimits()).value
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    assert list(validator.iter_errors(example)) == []
    assert not validator.is_valid({**example, "taks": {}})
    assert not validator.is_valid({**example, kind if kind == "tests" else "tasks": 7})
