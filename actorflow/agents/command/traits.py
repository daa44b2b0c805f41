"""What an agent that is another program takes, by its description. Plain data: neither trio nor a process is needed to validate a workflow."""

from __future__ import annotations

from actorflow.agents.command.definition import CommandDefinition
from actorflow.workflow.catalog import AgentTraits, TaskFeature

__all__ = ["command_traits"]


def command_traits(definition: CommandDefinition, *, unavailable: str = "") -> AgentTraits:
    """Return the traits of an agent.

    Args:
        unavailable: why it cannot run here, and what to do about it.
    """
    features: set[TaskFeature] = {"handoff", "output_schema", "idle_timeout"}
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
        backend=definition.program,
        fingerprint=definition.fingerprint,
        unavailable=unavailable,
    )
