"""Stubs: what an agent that is not called would give, and how.

A ``Stub`` says it for one attempt after the other of a task; ``Stubs`` has those of the tasks, of whole agents
and of everything, and ``for_task`` puts the three together: what a task's own stub leaves open its agent's
says, then the default. Immutable; what they are read from is kept, so that a run can carry them along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actorflow.errors import AgentError
from actorflow.rehearsal.kinds import KINDS, KnownKind
from actorflow.values import Frozen, FrozenDict

__all__ = ["Failing", "Stub", "Stubs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """How one attempt fails; what is None is as the kind usually has it."""

    kind: str
    message: str | None = None
    hint: str = ""
    retryable: bool | None = None
    retry_after_seconds: float | None = None

    def error(self, *, cost_usd: float | None = None, tokens: int | None = None) -> AgentError:
        """Return the error that the attempt fails with, after it has spent something."""
        known = KINDS.get(self.kind, KnownKind("it failed"))
        return AgentError(
            self.kind,
            self.message or f"rehearsed: {known.message}",
            hint=self.hint,
            retryable=known.retryable if self.retryable is None else self.retryable,
            retry_after_seconds=self.retry_after_seconds,
            cost_usd=cost_usd,
            tokens=tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """What is played for a task; what is None is left open.

    Attributes:
        has_output: whether ``output`` counts; null is an output too.
        fail: how the first attempts fail, the very first one first.
        delay_seconds: how long each attempt takes, also one that fails.
        cost_usd: what each attempt costs, however it ends.
        tokens: what each attempt uses.
    """

    has_output: bool = False
    output: Frozen = None
    fail: tuple[Failing, ...] | None = None
    delay_seconds: float | None = None
    cost_usd: float | None = None
    tokens: int | None = None

    def over(self, other: Stub) -> Stub:
        """Return this stub with what it leaves open taken from ``other``."""
        mine = self if self.has_output else other
        return Stub(
            has_output=mine.has_output,
            output=mine.output,
            fail=other.fail if self.fail is None else self.fail,
            delay_seconds=other.delay_seconds if self.delay_seconds is None else self.delay_seconds,
            cost_usd=other.cost_usd if self.cost_usd is None else self.cost_usd,
            tokens=other.tokens if self.tokens is None else self.tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stubs:
    """All stubs of a rehearsal.

    Attributes:
        tasks: task id -> its stub; tasks of hooks too.
        agents: agent -> the stub of its tasks.
        source: what they were read from: a JSON value that gives the same stubs when it is read again.
    """

    tasks: Mapping[str, Stub] = field(default_factory=dict)
    agents: Mapping[str, Stub] = field(default_factory=dict)
    defaults: Stub = Stub()
    source: FrozenDict = field(default_factory=FrozenDict)

    def for_task(self, task: str, agent: str) -> Stub:
        """Return what is played for ``task`` when ``agent`` is asked."""
        return self.tasks.get(task, Stub()).over(self.agents.get(agent, Stub()).over(self.defaults))

    def over(self, other: Stubs) -> Stubs:
        """Return these stubs with what they leave open taken from ``other``, task by task and agent by agent."""
        return Stubs(
            tasks=_over(self.tasks, other.tasks),
            agents=_over(self.agents, other.agents),
            defaults=self.defaults.over(other.defaults),
            source=FrozenDict(_merged(other.source, self.source)),
        )


def _over(mine: Mapping[str, Stub], others: Mapping[str, Stub]) -> dict[str, Stub]:
    return {name: mine.get(name, Stub()).over(others.get(name, Stub())) for name in {**others, **mine}}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the sources: blocks, then tasks or agents, then the keys of one stub."""
    merged: dict[str, Any] = {}
    for block in {**below, **above}:
        lower, upper = below.get(block) or FrozenDict(), above.get(block) or FrozenDict()
        if block == "defaults":
            merged[block] = lower | upper
        else:
            names = {**lower, **upper}
            merged[block] = FrozenDict(
                {
                    name: (lower.get(name) or FrozenDict()) | (upper.get(name) or FrozenDict())
                    for name in names
                }
            )
    return merged
