"""What an agent that is another program takes, by its description. Plain data: neither trio nor a process is needed to validate a workflow."""

from __future__ import annotations

from typing import Any

from actorflow.agents.command.definition import CommandDefinition, CommandOption
from actorflow.agents.command.options import value_mistake
from actorflow.workflow.catalog import AgentTraits, TaskFeature
from actorflow.workflow.report import Path, Report, spelled
from actorflow.workflow.shape_groups import Either, Items, Key
from actorflow.workflow.shapes import INVALID, Choice, Shape

__all__ = ["command_traits"]


class _Value(Shape):
    """What a task may choose for an option that has no list of values."""

    noun = "text, a number, true or false"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, dict) or value is None:
            return self.refuse(value, path, report)
        mistake = value_mistake(value)
        if mistake:
            report.error(path, "E604", f"{spelled(path)} {mistake}")
            return INVALID
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


def _value_of(option: CommandOption) -> Shape:
    one = _Value() if option.allowed is None else Choice(option.allowed)
    return Either(((list, Items(one)), (object, one)))


def command_traits(definition: CommandDefinition, *, unavailable: str = "") -> AgentTraits:
    """Return the traits of an agent.

    Args:
        unavailable: why it cannot run here, and what to do about it.
    """
    features: set[TaskFeature] = {"handoff", "output_schema", "idle_timeout", "verify"}
    if definition.options:
        features.add("options")
    if definition.keeps_sessions:
        features.add("session")
    if definition.output.tokens is not None or definition.output.cost_usd is not None:
        features.add("budget")
    return AgentTraits(
        name=definition.name,
        required=frozenset({"task"}),
        text_output=True,
        supports=frozenset(features),
        options={
            name: Key(_value_of(option), f"The option {name} of {definition.program}.")
            for name, option in definition.options.items()
        },
        backend=definition.program,
        fingerprint=definition.fingerprint,
        unavailable=unavailable,
    )
