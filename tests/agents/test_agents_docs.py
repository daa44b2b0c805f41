"""The pages about agents say what is there: every kind of error, every parameter, and code that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import actorflow.agents
from actorflow.agents.definitions_found import SHIPPED_AGENTS
from actorflow.agents.traits import BUILT_IN
from actorflow.testing.agents import AGENT_CASES

PACKAGE = Path(actorflow.agents.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "agents.md").read_text()
HOW_TO = (DOCS / "how-to" / "write-an-agent.md").read_text()


def kinds_raised():
    found = set()
    for file in PACKAGE.glob("*.py"):
        found |= set(re.findall(r"(?:AgentError|_Failure)\(\s*\"([a-z_]+)\"", file.read_text()))
    return found


def test_every_kind_of_error_is_documented_and_no_other():
    table = REFERENCE.partition("## Kinds of errors")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))

    assert documented == kinds_raised() | {"exception"}


@pytest.mark.parametrize("name", ["shell", "python"])
def test_every_parameter_is_documented_and_no_other(name):
    section = REFERENCE.partition(f"## `{name}`")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE))

    assert documented == BUILT_IN[name][0].parameters


@pytest.mark.parametrize("name", [*BUILT_IN, "claude", "human", *SHIPPED_AGENTS])
def test_every_name_is_documented(name):
    assert f"`{name}`" in REFERENCE.partition("## Names")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def page():
    """Run the page's Python from top to bottom; return the names that it defines."""
    names: dict[str, object] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)), names)
    return names


@pytest.mark.trio
@pytest.mark.parametrize("case", AGENT_CASES, ids=lambda case: case.__name__)
async def test_the_agent_of_the_page_keeps_the_contract(case, page, tmp_path):
    await page["test_word_counter_is_an_agent"](case, tmp_path)


def test_the_registry_of_the_page_has_its_agent(page):
    assert page["registry"].catalog()["count_words"].required == {"text"}
