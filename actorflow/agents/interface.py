"""The contract between the engine and whoever does the work.

An agent takes an ``AgentRequest`` and gives an ``AgentResult`` or raises ``AgentError``; it may report
progress on the way. It is stopped by trio cancellation: on ``trio.Cancelled`` it must end what it started
(ask, TERM, KILL) inside a shielded scope with a deadline, and re-raise. An agent never sees the journal,
other tasks, or the workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from actorflow.ids import RunId, TaskId
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.model import DEFAULT_STORED_BYTES

__all__ = ["Agent", "AgentRequest", "AgentResult", "AttemptChannel", "Prepares", "Progress", "Reattaches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRequest:
    """One attempt, ready to be carried out.

    Attributes:
        attempt: 1 for the first; goes on over resumes.
        parameters: rendered; for a shell command text the holes are variables already.
        handoff: (task id, output) of the dependencies whose work is handed over.
        environment: what the process gets on top of the caller's environment; may hold secrets, so it is
            never written anywhere.
        cwd: where the agent works; exists and lies in the project.
        folder: the attempt's own folder (``stdout``, ``stderr``, ``process.json``), 0700; exists if the
            agent's traits say that it needs one.
        idempotency_key: the same over all attempts of this task in this run.
        session: the id of the agent session to go on with; None begins a fresh one. An agent that cannot find
            it raises an ``AgentError`` of kind ``session_not_found``: the next attempt begins a fresh one, and none is
            used up.
        session_cost_usd: what that session had cost when it was last heard of. For agents that report what a
            whole session has cost: an attempt's own cost is that less this.
        interrupted_by: when ``session`` is this task's own, why its last attempt in it ended (``timeout``,
            ``lost``, ``rate_limit`` …; ``resumed`` when that is not known); "" when the session is fresh or
            another task's.
        budget_usd: what this attempt may spend of the run's budget; None when there is no such budget. One that
            stops because it has spent as much raises an ``AgentError`` of kind ``max_budget`` with its cost, and
            is not used up.
        stored_bytes: how much is stored of each stream of a program; of more the middle is left out.
        takes_only: only for ``reattach``: what has finished is to be taken, and nothing else. No program is started
            any more, and none that still runs is waited for: where that would be needed, the attempt is ``lost``.
    """

    run_id: RunId
    task_id: TaskId
    attempt: int
    agent: str
    parameters: FrozenDict
    cwd: Path
    project_root: Path
    folder: Path
    idempotency_key: str
    description: str = ""
    handoff: tuple[tuple[TaskId, Frozen], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    options: FrozenDict = field(default_factory=FrozenDict)
    output_schema: FrozenDict | None = None
    verify: str | None = None
    session: str | None = None
    session_cost_usd: float = 0.0
    interrupted_by: str = ""
    budget_usd: float | None = None
    stored_bytes: int = DEFAULT_STORED_BYTES
    takes_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult:
    """What a successful attempt gives.

    Attributes:
        output: a JSON value, at most 16 MiB as JSON.
        cost_usd: what this attempt itself has cost; None when unknown, which is not zero.
        tokens: what this attempt has used; None when unknown.
        notes: things a person should know ("3 bytes that were not UTF-8 were replaced").
    """

    output: Frozen
    cost_usd: float | None = None
    tokens: int | None = None
    session_id: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Something an agent says while it works; shown, never journaled.

    Attributes:
        kind: ``started output text tool tokens …``; ``alive`` says only that there is something, and is not shown;
            ``no_room`` and ``room_found`` say that the disk is full, and that it no longer is.
    """

    kind: str
    text: str = ""
    data: FrozenDict = field(default_factory=FrozenDict)


class AttemptChannel(Protocol):
    """What an agent may tell the engine while it works."""

    def report(self, progress: Progress) -> None:
        """Show progress. Never blocks, never fails; old reports are dropped when nobody keeps up."""
        ...

    async def session_opened(self, session_id: str) -> None:
        """Record the agent's session durably, so that a later attempt can go on with it."""
        ...

    def spent(self, *, cost_usd: float | None = None, tokens: int | None = None) -> None:
        """Say what this attempt has cost and used up to now; the latest word counts, None changes nothing.

        Taken when the attempt ends without a word of its own about it: it was cancelled, timed out or
        crashed. Never blocks, never fails.
        """
        ...


@runtime_checkable
class Prepares(Protocol):
    """What an agent has besides, that can know before a run begins that all its attempts would fail."""

    async def prepare(self, given: frozenset[str]) -> None:
        """Look whether everything is there that attempts need.

        Args:
            given: environment variables that each of its tasks sets itself.

        Raises:
            ConfigurationError: something is not; says what to do.
        """
        ...


@runtime_checkable
class Reattaches(Protocol):
    """What an agent has besides, whose programs outlive the driver that began them."""

    async def reattach(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Go on with an attempt that a driver began which is gone.

        Waits for its program while that runs, and takes what it gave when it has finished; nothing is started
        anew. What it said before is heard again from the beginning: a session that was opened is opened again,
        what was spent is told again. Cancellation ends the program and all that it has started, as in ``run``.

        Args:
            request: as it was when the attempt began; what it says about the past (``session``) too. With
                ``takes_only`` nothing is started, asked of a service, or waited for.

        Raises:
            AgentError: the attempt failed, as in ``run``; of kind ``lost`` when nothing is left of it, or nobody
                can know how it ended. Then it may be that something of it still runs.
        """
        ...


class Agent(Protocol):
    """Does the work of a task."""

    @property
    def traits(self) -> AgentTraits:
        """What this agent takes; read once, at registration."""
        ...

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Carry out one attempt.

        Raises:
            AgentError: the attempt failed.
        """
        ...
