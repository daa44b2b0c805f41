"""``resume --dry-run``: for each task of a run whether a resume runs it, waits for it or reuses what came of it, and why.

The same ``Resumption`` and the same rules of recovery that a resume goes by are asked, over the journal as it
is. Works from any end of a run, also when the disk is full. Takes no lease and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actorflow.api.driver_clock import DriverClock
from actorflow.api.looking import glance
from actorflow.api.resuming import Resumption, SpecChoice, prepare_resume
from actorflow.api.supplies import require
from actorflow.engine.outliving import Outliving, look_for_outliving
from actorflow.engine.recovery import Again, AttemptKey, Cause, Repeat, is_done, repeats
from actorflow.errors import RunLocked, SpecDiffers
from actorflow.ids import TaskId
from actorflow.journal import RunFolder
from actorflow.monitor.resume_decisions import Action, ResumeDecision, ResumeDecisions
from actorflow.monitor.words import failure_text, skip_text
from actorflow.scheduling.rules import is_cancelled
from actorflow.settings import Settings
from actorflow.state import RunState, TaskState, TaskStatus

__all__ = ["plan_resume"]

_END_HOOKS = {
    "on_success": "a hook: it comes when the run has succeeded",
    "on_failure": "a hook: it comes when the run has failed",
    "on_complete": "a hook: it comes when the run has ended",
    "on_start": "a hook that has not run yet",
}


def plan_resume(
    run: str,
    *,
    settings: Settings,
    from_tasks: Sequence[str] = (),
    spec: SpecChoice = "ask",
) -> ResumeDecisions:
    """Say what ``resume`` would do, with the same arguments; raises what it would raise.

    A workflow file that has changed is no error here: the pinned text counts, and a warning says that a
    resume would ask.
    """
    seen = glance(run, settings=settings, whole=True)
    if seen.driver is not None:
        raise RunLocked(seen.run_id, str(seen.driver))
    folder = RunFolder(seen.run_id, seen.folder)
    warnings: list[str] = []
    try:
        found = prepare_resume(folder, settings=settings, from_tasks=from_tasks, spec=spec)
    except SpecDiffers as differs:
        found = prepare_resume(folder, settings=settings, from_tasks=from_tasks, spec="pinned")
        warnings.append(
            f"{differs.message}: a resume asks for --use-pinned-spec (shown here) or --use-current-spec"
        )
    if found.file_is_gone:
        warnings.append(
            f"{found.accepted.file} is not there any more: the run goes on with what it began with"
        )
    if seen.state.paused_because:
        warnings.append(
            f"the run is paused ({seen.state.paused_because}): a resume may pause at once for the same reason"
        )
    outliving = look_for_outliving(folder.path, folder.run_id, seen.state, found.agents)
    deciding = _Deciding.about(found, seen.state, outliving)
    decisions = tuple(deciding.decide(task_id) for task_id in found.plan.tasks)
    require(found.plan, found.agents, [decision.task for decision in decisions if decision.action == "run"])
    removed = tuple(change.task for change in found.changes.tasks if change.kind == "removed")
    return ResumeDecisions(
        run_id=seen.run_id,
        workflow=found.plan.workflow.name,
        status=seen.standing.status,
        spec="current" if found.is_current else "pinned",
        tasks=decisions,
        removed=removed,
        elsewhere=found.changes.elsewhere,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _Deciding:
    """One dry run.

    Attributes:
        before: the state as it is.
        after: the state as recovery sees it.
        repeated: what becomes PENDING again.
        differs: task -> why it does not hold under the current spec.
        unknown: tasks without a recorded fingerprint.
        outliving: what is left of the attempts of the driver before.
        taken_over: those of them that the next driver goes on with.
        now: Unix seconds, by the clock that the next driver would have.
    """

    found: Resumption
    before: RunState
    after: RunState
    repeated: Mapping[TaskId, Repeat]
    differs: Mapping[TaskId, str]
    unknown: frozenset[TaskId]
    outliving: Mapping[AttemptKey, Outliving]
    taken_over: frozenset[AttemptKey]
    now: float

    @classmethod
    def about(
        cls, found: Resumption, state: RunState, outliving: Mapping[AttemptKey, Outliving]
    ) -> _Deciding:
        kept = found.taken_over(state, outliving)
        after = found.under_spec(state, kept)
        differs = found.changed(state)
        repeated = repeats(found.plan, after, Again(found.asked, frozenset(differs)))
        unknown = found.comparison(state).unknown() if found.is_current else frozenset[TaskId]()
        now = DriverClock(state.updated_at)()
        return cls(found, state, after, repeated, differs, unknown, outliving, kept, now)

    def decide(self, task_id: TaskId) -> ResumeDecision:
        task = self.after.tasks[task_id]
        repeat = self.repeated.get(task_id)
        if (task.id, task.attempts) in self.taken_over:
            return self._goes_on(task)
        if repeat is not None:
            cause, reason = repeat.cause.value, self._why_again(task, repeat) + self._what_is_ended(task)
        elif is_done(self.after) and not self.repeated:
            cause, reason = self._why_not(task)
            return self._decision(task, "reuse", cause, reason)
        elif task.status in (TaskStatus.PENDING, TaskStatus.RUNNING):
            cause, reason = self._why_on(task)
        else:
            cause, reason = self._why_not(task)
            return self._decision(task, "reuse", cause, reason)
        return self._decision(task, "run", cause, reason)

    def _goes_on(self, task: TaskState) -> ResumeDecision:
        found = self.outliving[task.id, task.attempts]
        if found.has_finished:
            reason = f"attempt {found.attempt} has finished: its result is taken"
            return self._decision(task, "take", "finished", reason)
        by = f" (process {found.pid})" if found.pid else ""
        reason = f"attempt {found.attempt} still runs{by}: it is waited for"
        limit = self.found.plan.tasks[task.id].spec.effective_timeout
        began = task.attempt_started_at if found.began_at is None else found.began_at
        if began is not None and self.now >= began + limit:
            reason = f"attempt {found.attempt} still runs{by}, for longer than {limit:g} s: it is ended, which fails it"
        return self._decision(task, "wait", "still_running", reason)

    def _what_is_ended(self, task: TaskState) -> str:
        """Say that an attempt runs, or has finished, whose result is not wanted any more."""
        found = self.outliving.get((task.id, task.attempts))
        if found is None:
            return ""
        number = found.attempt
        if found.has_finished:
            return f"; attempt {number} has finished, and its result is not taken"
        return f"; attempt {number} still runs, and is ended"

    def _decision(self, task: TaskState, action: Action, cause: str, reason: str) -> ResumeDecision:
        known = self.before.tasks.get(task.id)
        return ResumeDecision(
            task=task.id,
            hook=task.hook,
            action=action,
            cause=cause,
            reason=reason,
            status="" if known is None else known.status.value,
            attempts=task.attempts,
        )

    def _why_again(self, task: TaskState, repeat: Repeat) -> str:
        match repeat.cause:
            case Cause.ASKED:
                return "it was asked for with --from"
            case Cause.CHANGED:
                return self.differs.get(task.id, "it has changed")
            case Cause.FAILED:
                return f"it failed: {failure_text(task.error)}"
            case Cause.CANCELLED:
                return "it was cancelled"
            case Cause.WORKFLOW_STOPPED:
                return f"it was skipped: {skip_text(task.reason)}"
            case Cause.UPSTREAM:
                return f"it comes after {repeat.because_of}, which runs"
            case Cause.HOOK:
                return (
                    _END_HOOKS.get(task.hook, "a hook")
                    if task.hook != "on_start"
                    else "its hook did not succeed"
                )

    def _why_on(self, task: TaskState) -> tuple[str, str]:
        known = self.before.tasks.get(task.id)
        if known is None:
            return "added", "it is new in the workflow"
        if known.is_attempt_open:
            return "lost", self._why_lost(known)
        if task.status is TaskStatus.RUNNING:
            return "retry", f"attempt {task.attempts + 1} follows"
        if task.hook:
            return "hook", _END_HOOKS.get(task.hook, "a hook")
        waits = [
            d for d in task.dependencies if d in self.repeated or not self.after.tasks[d].status.is_terminal
        ]
        return (
            "pending",
            f"it has not run yet; it waits for {', '.join(waits)}" if waits else "it has not run yet",
        )

    def _why_lost(self, task: TaskState) -> str:
        told = f"attempt {task.attempts} was running when its driver was gone"
        found = self.outliving.get((task.id, task.attempts))
        if found is None:
            return f"{told}, and nothing is left of it"
        if is_cancelled(self.before, task):
            return f"{told}, which had begun to stop it"
        if not self.found.knows_secrets_of(found):
            return f"{told}, and a secret that it knows has changed{self._what_is_ended(task)}"
        return f"{told}, and was asked something else than it would be now{self._what_is_ended(task)}"

    def _why_not(self, task: TaskState) -> tuple[str, str]:
        if task.status is TaskStatus.SKIPPED:
            reason = "" if task.reason is None else task.reason.value
            return reason, f"it was skipped: {skip_text(task.reason)}"
        if task.status is not TaskStatus.SUCCESS:
            return task.status.value, f"it is {task.status.value}, and the run is over"
        same = ""
        if self.found.is_current:
            same = ", and is asked the same"
        if task.id in self.unknown:
            same = ", and is asked the same as far as is known: an older version has recorded no fingerprint"
        return "success", f"it succeeded{same}"
