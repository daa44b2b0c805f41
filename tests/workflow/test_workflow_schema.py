"""The schema for editors accepts what is valid, refuses what it can see, and cannot drift from what is read."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from actorflow.resources import data_folder
from actorflow.workflow import workflow_schema
from actorflow.workflow.decode import WORKFLOW
from actorflow.workflow.decode_tasks import HOOKS, TASKS
from tests.workflow.test_workflow_loading import EVERYTHING

VALIDATOR = jsonschema.Draft202012Validator(workflow_schema())
MINIMAL = {"name": "x", "tasks": [{"id": "a", "agent": "echo"}]}
TEMPLATES = sorted(
    path
    for path in data_folder("templates").glob("*")  # below are agents
    if path.suffix in (".yaml", ".yml", ".json") and not path.stem.endswith(".tests")
)


def test_it_is_a_schema_and_json():
    jsonschema.Draft202012Validator.check_schema(workflow_schema())
    assert json.loads(json.dumps(workflow_schema())) == workflow_schema()


def test_it_accepts_a_file_with_every_key():
    VALIDATOR.validate(yaml.safe_load(EVERYTHING.replace("yes,", "").replace("2024-01-01", "'2024-01-01'")))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_it_accepts_every_template(path):
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


def _with(path: str, value: object) -> dict:
    document = json.loads(json.dumps(MINIMAL))
    node = document
    *steps, last = path.split(".")
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    node[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nam", "y"),
        ("name", 5),
        ("name", ""),
        ("version", "2.0"),
        ("tasks", []),
        ("tasks", None),
        ("metadata", {"tag": []}),
        ("metadata.tags", ["a", "a"]),
        ("settings.max_parallel", 0),
        ("settings.max_parallel", "3"),
        ("settings.timeout", "soon"),
        ("settings.timeout", 0),
        ("settings.on_failure", "skip"),
        ("settings.resources", {"a b": 1}),
        ("settings.budget", {"usd": 0}),
        ("inputs", {"n": {"type": "int"}}),
        ("inputs", {"n": {"enum": []}}),
        ("inputs", {"1n": {}}),
        ("context.secrets", {"A": 5}),
        ("tasks.0.id", "1st"),
        ("tasks.0.agent", []),
        ("tasks.0.dependencies", "a"),
        ("tasks.0.needs", ["a"]),
        ("tasks.0.condition", 5),
        ("tasks.0.retry", {"max_attempts": 0}),
        ("tasks.0.retry", {"delay": -1}),
        ("tasks.0.retry", {"backoff": "linear"}),
        ("tasks.0.on_failure", "stop"),
        ("tasks.0.run_if", "sometimes"),
        ("tasks.0.cwd", "/tmp"),
        ("tasks.0.handoff", "all"),
        ("tasks.0.env", {"A-B": "x"}),
        ("tasks.0.env", {"A": 1}),
        ("tasks.0.parameters", []),
        ("hooks", {"on_end": []}),
        ("hooks", {"on_start": [{"id": "h", "agent": "echo", "dependencies": []}]}),
    ],
)
def test_it_refuses_what_it_can_see(path, value):
    assert not VALIDATOR.is_valid(_with(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("x-own", 5),
        ("version", 1.0),
        ("settings", None),
        ("settings.timeout", "1h30m"),
        ("settings.timeout", 0.5),
        ("tasks.0.x-own", 5),
        ("tasks.0.condition", True),
        ("tasks.0.agent", ["a", "b"]),
        ("tasks.0.handoff", ["a"]),
        ("tasks.0.retry", None),
        ("inputs", {"n": None}),
    ],
)
def test_it_accepts_what_is_read(path, value):
    VALIDATOR.validate(_with(path, value))


def test_its_keys_are_the_keys_of_the_decoder():
    schema = workflow_schema()

    assert schema["properties"].keys() == WORKFLOW.keys.keys()
    assert schema["properties"]["tasks"]["items"]["properties"].keys() == TASKS.item.keys.keys()
    assert schema["properties"]["hooks"]["properties"].keys() == HOOKS.keys.keys()


def test_every_key_is_described():
    def described(schema: dict) -> None:
        for name, entry in schema.get("properties", {}).items():
            assert entry["description"].endswith((".", "…")), name
            described(entry)
            described(entry.get("items", {}))

    described(workflow_schema())
    assert workflow_schema()["properties"]["name"]["description"]
