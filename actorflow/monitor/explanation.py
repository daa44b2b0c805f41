"""Why a task is as it is: the facts that a decision rested on, and their JSON form.

Holds data only. ``api.explaining`` works the facts out, because they need the plan and the rules of
scheduling, which no read model may know; whoever shows them takes them from here. Values that a condition
read are short JSON texts. Structs rather than dataclasses, which take longer to make when a command begins. Texts
may hold characters that a terminal obeys. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from actorflow.ids import TaskId
from actorflow.monitor.attempts import Attempt, attempt_report
from actorflow.monitor.times import rfc3339
from actorflow.state.events import Failure
from actorflow.state.run_state import LIVE

__all__ = [
    "ConditionFact",
    "DependencyFact",
    "Explanation",
    "ReadFact",
    "RuleFact",
    "RunExplanation",
    "TaskSummary",
    "explanation_report",
    "run_explanation_report",
]

Unattended: TypeAlias = Literal["running", "finished", "lost"]
"""What an attempt has come to without a driver."""

Counting: TypeAlias = Literal["ok", "failed", "stopped", "skipped", "unfinished"]
"""How the rules count a dependency."""


class DependencyFact(msgspec.Struct, frozen=True):
    """A direct dependency at the moment of the decision.

    Attributes:
        status: in words, a sub-state among them.
        is_overruled: whether the condition, and not the rule, decides about it.
    """

    task: TaskId
    status: str
    reason: str | None
    counts_as: Counting
    is_overruled: bool


class RuleFact(msgspec.Struct, frozen=True):
    """The rule that decides whether a task may start.

    Attributes:
        name: by Airflow's names.
        is_default: whether nobody has written it.
        meaning: what it asks for, in words.
        is_met: None while a dependency is not done.
    """

    name: str
    is_default: bool
    meaning: str
    is_met: bool | None


class ReadFact(msgspec.Struct, frozen=True):
    """A name that a condition reads: its value as short JSON, or what is wrong with it."""

    name: str
    value: str
    failure: str = ""


class ConditionFact(msgspec.Struct, frozen=True):
    """A condition at the moment of the decision.

    Attributes:
        value: what it gave; None when it was not asked, or failed.
        was_asked: whether the rule let it come to that.
        failure: why it gave nothing, or "".
        reads: the names that it reads, in the order of the source; () when it was not asked.
    """

    source: str
    value: bool | None
    was_asked: bool
    failure: str = ""
    reads: tuple[ReadFact, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task is as it is.

    Attributes:
        phase: its state, or its sub-state between attempts.
        summary: one sentence that says it all.
        decided_at: when it was started, skipped, failed or cancelled, Unix seconds; None while nothing has
            been decided.
        sequence: the event that says so.
        limit: the number of the last attempt that it may have.
        waits_for: what has to happen before it goes on.
        unattended: what its open attempt has come to, if nobody drives the run.
        again: why the latest resume that had it run again did so, or "".
        mode: of the run, ``live`` or ``rehearsal``.
    """

    run_id: str
    task: TaskId
    hook: str
    phase: str
    status: str
    reason: str | None
    summary: str
    decided_at: float | None = None
    sequence: int | None = None
    rule: RuleFact | None = None
    dependencies: tuple[DependencyFact, ...] = ()
    condition: ConditionFact | None = None
    attempts: tuple[Attempt, ...] = ()
    limit: int | None = None
    error: Failure | None = None
    waits_for: tuple[str, ...] = ()
    unattended: Unattended | None = None
    again: str = ""
    mode: str = LIVE


class TaskSummary(msgspec.Struct, frozen=True):
    """A task of a run in one sentence."""

    task: TaskId
    phase: str
    status: str
    reason: str | None
    summary: str
    unattended: Unattended | None = None


class RunExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run is as it is.

    Attributes:
        counts: state -> how many tasks are in it, hooks apart.
        tasks: those that did not succeed, in the order of the workflow.
        left_out: how many more there are, if the question was about the first ones.
    """

    run_id: str
    workflow: str
    mode: str
    status: str
    summary: str
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    tasks: Sequence[TaskSummary] = ()
    left_out: int = 0


def explanation_report(told: Explanation) -> dict[str, Any]:
    """Return an explanation as ``explain RUN TASK --json`` gives it."""
    return {
        "run_id": told.run_id,
        "mode": told.mode,
        "task": told.task,
        "status": told.status,
        "phase": told.phase,
        "reason": told.reason,
        "summary": told.summary,
        "decided_at": None if told.decided_at is None else rfc3339(told.decided_at),
        "sequence": told.sequence,
        "rule": None if told.rule is None else _rule(told.rule),
        "dependencies": [_dependency(fact) for fact in told.dependencies],
        "condition": None if told.condition is None else _condition(told.condition),
        "attempts": [attempt_report(attempt) for attempt in told.attempts],
        "max_attempts": told.limit,
        "error": None
        if told.error is None
        else {"kind": told.error.kind, "message": told.error.message, "hint": told.error.hint},
        "waits_for": list(told.waits_for),
        "unattended": told.unattended,
        "again": told.again or None,
    }


def run_explanation_report(told: RunExplanation) -> dict[str, Any]:
    """Return an explanation as ``explain RUN --json`` gives it."""
    return {
        "run_id": told.run_id,
        "workflow": told.workflow,
        "mode": told.mode,
        "status": told.status,
        "summary": told.summary,
        "counts": told.counts,
        "tasks": [
            {
                "task": t.task,
                "status": t.status,
                "phase": t.phase,
                "reason": t.reason,
                "summary": t.summary,
                "unattended": t.unattended,
            }
            for t in told.tasks
        ],
    }


def _rule(rule: RuleFact) -> dict[str, Any]:
    return {"name": rule.name, "default": rule.is_default, "meaning": rule.meaning, "met": rule.is_met}


def _dependency(fact: DependencyFact) -> dict[str, Any]:
    return {
        "task": fact.task,
        "status": fact.status,
        "reason": fact.reason,
        "counts_as": fact.counts_as,
        "overruled": fact.is_overruled,
    }


def _condition(fact: ConditionFact) -> dict[str, Any]:
    return {
        "source": fact.source,
        "value": fact.value,
        "asked": fact.was_asked,
        "failure": fact.failure or None,
        "reads": [
            {"name": read.name, "value": read.value or None, "failure": read.failure or None}
            for read in fact.reads
        ],
    }
