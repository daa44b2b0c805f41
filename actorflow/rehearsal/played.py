"""What is left of a run that was played in memory: its last state, its events, and every call of an agent."""

from __future__ import annotations

from dataclasses import dataclass

from actorflow.agents.interface import AgentRequest
from actorflow.ids import TaskId
from actorflow.state import Recorded, RunState
from actorflow.state.events import BlobRef
from actorflow.state.snapshot import LoadBlob
from actorflow.values import Frozen
from actorflow.workflow.plan import Plan

__all__ = ["Played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run that is over.

    Attributes:
        events: all of them; their times are those of the virtual clock.
        load: gives large outputs.
        calls: what agents were asked, in the order in which the attempts began.
    """

    plan: Plan
    state: RunState
    events: tuple[Recorded, ...]
    calls: tuple[AgentRequest, ...]
    load: LoadBlob

    def output(self, task: TaskId) -> Frozen:
        """Return the output of a task; None when it has not succeeded."""
        output = self.state.tasks[task].output
        return self.load(output) if isinstance(output, BlobRef) else output
