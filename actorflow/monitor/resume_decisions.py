"""What a resume would do with each task of a run, and why: data, and its JSON form.

``api.resume_plan`` works it out, because it needs the plan and the rules of recovery, which no read model may
know. Texts may hold characters that a terminal obeys. Must not decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from actorflow.ids import TaskId

__all__ = ["Action", "ResumeDecision", "ResumeDecisions", "decisions_report"]

Action: TypeAlias = Literal["reuse", "take", "wait", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeDecision:
    """What a resume would do with one task.

    Attributes:
        action: ``reuse``: what came of it stands; ``take``: its attempt has finished since, and its result is taken;
            ``wait``: its attempt still runs, and is waited for; ``run``: it is to run, if its rule and condition let it.
        cause: the reason as a word, for machines.
        reason: the same for people.
        status: how the task stands now; "" when it is new.
        attempts: how many it has had.
    """

    task: TaskId
    hook: str
    action: Action
    cause: str
    reason: str
    status: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeDecisions:
    """What a resume would do.

    Attributes:
        status: the run's status in words.
        spec: which text of the workflow counts.
        tasks: in the order of the workflow.
        removed: tasks that the current file has not any more.
        elsewhere: keys outside of tasks that differ in the current file.
        warnings: what a person should know before.
    """

    run_id: str
    workflow: str
    status: str
    spec: Literal["pinned", "current"]
    tasks: tuple[ResumeDecision, ...]
    removed: tuple[TaskId, ...] = ()
    elsewhere: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_nothing_to_do(self) -> bool:
        """Whether a resume would leave the run as it is."""
        return all(decision.action == "reuse" for decision in self.tasks)

    def count(self, action: str) -> int:
        """Return how many tasks, hooks apart, that action is meant for."""
        return sum(1 for decision in self.tasks if decision.action == action and not decision.hook)


def decisions_report(found: ResumeDecisions) -> dict[str, Any]:
    """Return it as ``resume --dry-run --json`` gives it."""
    return {
        "run_id": found.run_id,
        "workflow": found.workflow,
        "status": found.status,
        "spec": found.spec,
        "nothing_to_do": found.is_nothing_to_do,
        "counts": {action: found.count(action) for action in ("run", "wait", "take", "reuse")},
        "tasks": [
            {
                "task": decision.task,
                "hook": decision.hook or None,
                "action": decision.action,
                "cause": decision.cause,
                "reason": decision.reason,
                "status": decision.status or None,
                "attempts": decision.attempts,
            }
            for decision in found.tasks
        ],
        "removed": list(found.removed),
        "elsewhere": list(found.elsewhere),
        "warnings": list(found.warnings),
    }
