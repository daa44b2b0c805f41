"""Which outcomes of a run still hold when its spec has changed.

Takes the two plans and the state, and gives each task that succeeded with something else than it would be
asked now, or was skipped and would not be now, and why. The requests are built as an attempt's are, from the outputs as they are recorded, and
their fingerprints compared: what looks different and asks the same is no change. A success that was recorded
without a fingerprint, by an older version, is compared with what the old plan asks over the same outputs.
Calls no agent, makes no folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from actorflow.agents.interface import Agent
from actorflow.agents.masking import Masker
from actorflow.engine.fingerprints import fingerprint_of, is_same_agent
from actorflow.engine.requests import build_request
from actorflow.errors import AgentError, JournalError
from actorflow.ids import RunId, TaskId
from actorflow.scheduling import Facts, StartAttempt
from actorflow.scheduling.commands import Command, SkipTask
from actorflow.scheduling.rules import look_at
from actorflow.state import RunState, SkipReason, TaskState, TaskStatus
from actorflow.state.snapshot import LoadBlob
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan
from actorflow.workflow.spec_changes import SpecChanges

__all__ = ["Comparison", "Side"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What requests are built from (a ``RequestFacts``), without a drive."""

    run_id: RunId
    plan: Plan
    agents: Mapping[str, Agent]
    secrets: Mapping[str, str]
    project_root: Path
    load: LoadBlob

    def attempt_folder(self, task: TaskId, attempt: int) -> Path:  # noqa: ARG002 (a request must name one)
        """Return a folder that is there; nothing is written."""
        return self.project_root


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The old spec beside the new one.

    Attributes:
        old: with the plan of the old spec.
        new: with the plan of the new one.
        before: the state under the old spec.
        after: the same under the new one.
    """

    old: Side
    new: Side
    before: RunState
    after: RunState
    changes: SpecChanges

    def changed(self) -> dict[TaskId, str]:
        """Return task -> why what came of it does not hold any more, in order of declaration."""
        found: dict[TaskId, str] = {}
        for task_id, planned in self.new.plan.tasks.items():
            is_end_hook = planned.hook not in (None, HookPhase.ON_START)  # these come round by themselves
            if not is_end_hook and (reason := self._why_not(self.after.tasks[task_id])):
                found[task_id] = reason
        return found

    def unknown(self) -> frozenset[TaskId]:
        """Return the tasks that succeeded and of which no fingerprint is recorded."""
        tasks = self.after.tasks.values()
        return frozenset(t.id for t in tasks if t.status is TaskStatus.SUCCESS and not t.fingerprint)

    def is_still_asked(self, task_id: TaskId, asked: str) -> bool:
        """Whether a task whose attempt is under way would be begun with the same request now.

        Args:
            asked: the fingerprint of what its attempt was asked; "" when that is not known, and then it is not.
        """
        task, planned = self.after.tasks.get(task_id), self.new.plan.tasks.get(task_id)
        if not asked or task is None or planned is None or task.agent not in planned.spec.agents:
            return False
        if not all(self.after.tasks[d].status.is_terminal for d in task.dependencies):
            return False  # it waits for something new
        try:
            return self._fingerprint(self.new, self.after, task) == asked
        except (AgentError, JournalError):
            return False

    def _why_not(self, task: TaskState) -> str:
        return next((reason for reason in self._reasons(task) if reason), "")

    def _reasons(self, task: TaskState) -> Iterator[str]:
        if task.status is TaskStatus.SUCCESS:
            yield self._waits_anew(task)
            yield self._is_decided_otherwise(task)
            yield self._is_asked_something_else(task)
        elif task.reason is SkipReason.TOLERATED_FAILURE:
            keys = self.changes.keys_of(task.id)
            yield f"it failed, and has changed: {', '.join(keys)}" if keys else ""
        elif task.status is TaskStatus.SKIPPED:
            yield self._waits_anew(task)
            yield self._is_decided_otherwise(task)

    def _waits_anew(self, task: TaskState) -> str:
        """A dependency that is new and not done: it was decided about the task too early."""
        known = self.before.tasks[task.id].dependencies
        for dependency in task.dependencies:
            if dependency not in known and not self.after.tasks[dependency].status.is_terminal:
                return f"it depends on {dependency} now, which has not run"
        return ""

    def _is_decided_otherwise(self, task: TaskState) -> str:
        """A start rule or a condition that is another one, and gives another answer."""
        old, new = self.old.plan.tasks.get(task.id), self.new.plan.tasks[task.id]
        if old is None:  # it has come back from an earlier spec, and nothing is known of it
            return ""
        sources = [None if p.condition is None else p.condition.source for p in (old, new)]
        is_same = old.rule == new.rule and old.dependencies == new.dependencies
        if task.hook or (is_same and sources[0] == sources[1]):
            return ""
        if not all(self.after.tasks[d].status.is_terminal for d in task.dependencies):
            return ""  # what it depends on runs again, and so does it
        command = look_at(Facts(self.new.plan, _no_jitter, self.new.load), self._undecided(task), new)
        if _says(command, task):
            return ""
        return (
            "its condition or its rule lets it start now"
            if command is None
            else "its condition or its rule does not let it start now"
        )

    def _undecided(self, task: TaskState) -> RunState:
        """Return the state in which it is decided about ``task`` again; what failed is PENDING by then, and stops nothing."""
        pending = replace(task, status=TaskStatus.PENDING, reason=None)
        return replace(self.after, tasks=self.after.tasks.set(task.id, pending), failed=0)

    def _is_asked_something_else(self, task: TaskState) -> str:
        if task.agent not in self.new.plan.tasks[task.id].spec.agents:
            return f"it is not done by {task.agent} any more"
        try:
            now = self._fingerprint(self.new, self.after, task)
        except (AgentError, JournalError) as error:
            return f"it cannot be asked as the workflow says now: {error.message}"
        then = task.fingerprint or self._assumed(task)
        if now == then:
            return ""
        keys = self.changes.keys_of(task.id)
        if keys:
            return f"changed: {', '.join(keys)}"
        if not is_same_agent(now, then):
            return f"the definition of the agent {task.agent} has changed"
        return "what it is asked has changed, by what it reads or by settings of the workflow"

    def _assumed(self, task: TaskState) -> str:
        """Return what the old spec asks; of the agent's definition nothing is known, so it is taken to be the same."""
        try:
            return self._fingerprint(self.old, self.before, self.before.tasks[task.id])
        except (AgentError, JournalError):
            return ""

    def _fingerprint(self, side: Side, state: RunState, task: TaskState) -> str:
        request = build_request(side, state, StartAttempt(task.id, task.attempts, task.agent))
        masker = Masker(side.secrets.values()) if side.secrets else None
        return fingerprint_of(request, side.agents[task.agent], masker)


def _says(command: Command | None, task: TaskState) -> bool:
    """Whether a decision is the one that was taken about ``task``."""
    if task.status is TaskStatus.SUCCESS:
        return command is None
    return isinstance(command, SkipTask) and command.reason is task.reason


def _no_jitter(_task: TaskId, _attempt: int) -> float:
    return 1.0
