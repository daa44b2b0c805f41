"""What a driver works with, made from a run's folder and what is known of its workflow.

Takes the folder, the plan, agents and secrets; gives the facts that decisions rest on, and the engine's ``Session``.
A run that is driven and one that is only cancelled are worked on with the same. Starts nothing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actorflow.agents.interface import Agent
from actorflow.agents.masking import Masker
from actorflow.engine.feed import Hub
from actorflow.engine.session import BlobReader, Clock, Session
from actorflow.engine.survivors import end_attempt
from actorflow.ids import RunId, TaskId
from actorflow.journal import BlobStore, Journal, RunFolder
from actorflow.scheduling import Facts
from actorflow.state import RunState
from actorflow.workflow.plan import Plan

__all__ = ["Supplied"]


@dataclass(frozen=True, slots=True)
class Supplied:
    """A run's folder with all that is needed to work on it.

    Attributes:
        agents: name -> agent, for all agents of the plan.
        secrets: name -> text.
        root: the project's folder.
    """

    folder: RunFolder
    plan: Plan
    agents: Mapping[str, Agent]
    secrets: Mapping[str, str]
    root: Path

    def facts(self) -> Facts:
        """Return what decisions rest on besides the state."""
        return Facts(
            self.plan, partial(_jitter, self.folder.run_id), BlobReader(BlobStore(self.folder.blobs))
        )

    def session(
        self,
        journal: Journal,
        state: RunState,
        clock: Clock,
        *,
        leaves_when_parked: bool = False,
        takes_only: bool = False,
    ) -> Session:
        """Return the session of a driver that begins with ``state``; see ``Session`` for the arguments."""
        return Session(
            run_id=self.folder.run_id,
            plan=self.plan,
            facts=self.facts(),
            initial=state,
            journal=journal,
            blobs=BlobStore(self.folder.blobs),
            agents=self.agents,
            secrets=self.secrets,
            masker=Masker(self.secrets.values()),
            clock=clock,
            hub=Hub(),
            project_root=self.root,
            attempt_folder=self.folder.attempt_dir,
            leaves_when_parked=leaves_when_parked,
            end_survivors=partial(end_attempt, self.folder),
            takes_only=takes_only,
        )


def _jitter(run_id: RunId, task: TaskId, attempt: int) -> float:
    """A factor between 0.5 and 1 that is the same whenever the same wait is computed again."""
    return random.Random(f"{run_id}/{task}/{attempt}").uniform(0.5, 1.0)  # noqa: S311 (spreads load; nothing is secret)
