"""The ``echo`` agent: its output is its parameters.

For examples, tests and measurements: it starts no process, waits for nothing and never fails, so what a run
of it costs is the engine's.
"""

from __future__ import annotations

import trio

from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel
from actorflow.agents.traits import ECHO
from actorflow.workflow.catalog import AgentTraits

__all__ = ["EchoAgent"]


class EchoAgent:
    """Gives back its parameters, which are frozen already."""

    @property
    def traits(self) -> AgentTraits:
        """Take anything."""
        return ECHO

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:  # noqa: ARG002 - the contract's signature
        """Return the parameters, unless the attempt was cancelled. It waits for nothing, so it gives nobody else a turn."""
        await trio.lowlevel.checkpoint_if_cancelled()
        return AgentResult(output=request.parameters)
