"""What every agent that Claude Code runs takes. Plain data: neither trio nor a process is needed to validate a workflow."""

from __future__ import annotations

from actorflow.agents.claude.options import OPTIONS
from actorflow.workflow.catalog import AgentTraits

__all__ = ["claude_traits"]


def claude_traits(name: str, *, unavailable: str = "") -> AgentTraits:
    """Return the traits of an agent.

    Args:
        unavailable: why it cannot run here, and what to do about it.
    """
    return AgentTraits(
        name=name,
        required=frozenset({"task"}),
        text_output=True,
        supports=frozenset(
            {"options", "verify", "session", "handoff", "output_schema", "idle_timeout", "budget"}
        ),
        options=OPTIONS,
        backend="claude",
        unavailable=unavailable,
    )
