"""What counts as a difference between two versions of a workflow, and what does not."""

from __future__ import annotations

from actorflow.agents.registry import AgentRegistry
from actorflow.workflow import Workflow, load_workflow
from actorflow.workflow.spec_changes import spec_changes

CATALOG = AgentRegistry.built_in().catalog()
BASE = """
name: w
settings: {max_parallel: 2}
context: {variables: {base: main}}
tasks:
  - id: a
    agent: shell
    parameters: {command: "echo a"}
  - id: b
    agent: shell
    dependencies: [a]
    timeout: 60
    parameters: {command: "echo ${a.output}", env: {X: "1"}}
hooks:
  on_complete:
    - {id: bye, agent: shell, parameters: {command: "echo bye"}}
"""


def load(text: str) -> Workflow:
    return load_workflow(text.encode(), file="w.yaml", catalog=CATALOG).workflow


def changed(*pairs: tuple[str, str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    text = BASE
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    found = spec_changes(load(BASE), load(text))
    return {c.task: (c.kind, c.keys) for c in found.tasks} | dict.fromkeys(found.elsewhere, ("elsewhere", ()))


def test_comments_quoting_and_the_order_of_keys_are_no_difference() -> None:
    assert changed(('"echo a"', "'echo a'"), ("name: w\n", "# a comment\nname: w\n")) == {}
    assert (
        changed(("    timeout: 60\n", ""), ("dependencies: [a]", "timeout: 1m\n    dependencies: [a]")) == {}
    )


def test_each_changed_key_is_told_as_the_file_has_it() -> None:
    assert changed(("echo a", "echo A"))["a"] == ("changed", ("parameters.command",))
    assert changed(("timeout: 60", "timeout: 61"), ('X: "1"', 'X: "2"'))["b"] == (
        "changed",
        ("parameters.env", "timeout"),
    )
    assert changed(("agent: shell\n    dep", "agent: echo\n    dep"))["b"][1] == ("agent",)
    assert changed(("max_parallel: 2", "max_parallel: 3"), ("main", "dev")) == {
        "settings.max_parallel": ("elsewhere", ()),
        "context.variables.base": ("elsewhere", ()),
    }


def test_tasks_and_hooks_that_are_new_or_gone() -> None:
    assert changed(("id: b\n", "id: c\n")) == {"c": ("added", ()), "b": ("removed", ())}
    assert changed(("id: bye", "id: farewell")) == {"farewell": ("added", ()), "bye": ("removed", ())}
