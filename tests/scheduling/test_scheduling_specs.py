"""The specs' rules name the tests that prove them, and those tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "docs" / "specs").glob("00[123]-*.md"))
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for name in ("state", "scheduling", "engine")
    for path in (ROOT / "tests" / name).glob("test_*.py")
)


def rules(text: str) -> dict[str, list[str]]:
    """Number of a rule -> the tests it names."""
    parts = re.split(r"^\*\*([A-Z][0-9]+)\. ", text, flags=re.MULTILINE)
    return {
        number: re.findall(r"`(test_\w+)`", body)
        for number, body in zip(parts[1::2], parts[2::2], strict=True)
    }


@pytest.mark.parametrize("spec", SPECS, ids=[spec.stem for spec in SPECS])
def test_every_rule_names_tests_that_exist(spec: Path) -> None:
    found = rules(spec.read_text(encoding="utf-8"))

    assert len(found) >= 10
    for number, names in found.items():
        assert names, f"{number} names no test"
        for name in names:
            assert f"def {name}(" in TESTS, f"{number} names {name}, which does not exist"
