"""The page about machine output: its samples fit the schema, and it names every key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tests.cli.conftest import SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "machine-output.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"<!-- sample: (\w+) -->\n```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_schema_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_kind_of_document_has_a_sample() -> None:
    kinds = {reference["$ref"].rpartition("/")[2] for reference in SCHEMA["oneOf"]}

    assert {name for name, _ in SAMPLES} == kinds - {"validations"}


@pytest.mark.parametrize(("name", "text"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_a_sample_of_the_page_fits_the_schema(name: str, text: str, fits) -> None:
    fits(name, json.loads(text))


@pytest.mark.parametrize(
    "change",
    [
        {"status": "Success"},
        {"started_at": "2026-11-22 18:48:00"},
        {"duration": -1},
        {"extra": 1},
        {"tasks": {"a": {"status": "success"}}},
    ],
)
def test_the_schema_refuses_what_breaks_the_contract(change: dict[str, object]) -> None:
    sample = json.loads(dict(SAMPLES)["run"])

    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(sample | change)
