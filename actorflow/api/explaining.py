"""``explain RUN TASK``: why a task is as it is.

The journal says what was decided and when. The events up to that moment are folded again, and the same rules
and the same compiled condition are asked over that state, so that the answer is the decision's own: which
dependency counted as what, which rule, what the condition read. Only the events about the task, its
dependencies and what its condition reads are looked at. Works while a run goes on, after a crash, and for any
past run. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from actorflow.api.decisions import Decision, decision_about
from actorflow.api.left_behind import ends_left
from actorflow.api.pinned import PinnedSpec, PinnedTask
from actorflow.api.presence import standing_under
from actorflow.api.reading import RunReading, read_run
from actorflow.api.reasons import Facts, failed_hooks, named, why
from actorflow.api.standings import dependency_fact
from actorflow.errors import JournalError
from actorflow.ids import TaskId
from actorflow.monitor.attempts import Attempt, attempts_of
from actorflow.monitor.explanation import ConditionFact, DependencyFact, Explanation, RuleFact
from actorflow.monitor.limits import limit_of
from actorflow.monitor.open_ends import OpenEnd
from actorflow.monitor.standing import INTERRUPTED
from actorflow.monitor.words import phase_of
from actorflow.scheduling.start_rules import blocked_by_rule
from actorflow.settings import Settings
from actorflow.state import RunState, RunStatus, SkipReason, TaskState, TaskStatus
from actorflow.state import events as ev
from actorflow.state.flat_map import flat_map
from actorflow.state.recorded import Recorded
from actorflow.state.snapshot import snapshot
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import StartRule

__all__ = ["explain_task"]

_MEANINGS = {
    RunIf.ALL_SUCCESS: "every dependency succeeded",
    RunIf.ALL_FAILED: "every dependency failed",
    RunIf.ALL_DONE: "every dependency is done, however it ended",
    RunIf.ONE_SUCCESS: "at least one dependency succeeded",
    RunIf.ONE_FAILED: "at least one dependency failed",
    RunIf.NONE_FAILED: "no dependency failed",
    RunIf.NONE_FAILED_MIN_ONE_SUCCESS: "no dependency failed and at least one succeeded",
    RunIf.ALWAYS: "every dependency is done, however it ended",
}


def explain_task(run: str, task: str, *, settings: Settings, now: float) -> Explanation:
    """Say why a task is as it is.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        now: Unix seconds.

    Raises:
        RunError: there is no such run.
        InputError: it has no such task.
        JournalError: its journal cannot be read or is damaged.
    """
    with read_run(run, settings=settings) as reading:
        entry = reading.entry(task)
        pinned = PinnedSpec(reading.accepted, reading.entries)
        planned = pinned.task(entry.id)
        hooks = [other.id for other in reading.accepted.tasks if other.hook == "on_start"]
        others = [*(planned.reads if planned else ()), *hooks]
        decision = decision_about(reading, entry.id, entry.dependencies, others)
        found = decision.latest.tasks[entry.id]
        return _Explaining(reading, pinned, planned, decision, now).explain(
            found, attempts_of(decision.events, entry.id)
        )


def _again(resumed: Recorded | None, task: TaskId) -> str:
    if resumed is None or not isinstance(resumed.event, ev.RunResumed):
        return ""
    event = resumed.event
    if task in event.asked:
        return f"it was asked for: {event.reason}"
    if task in event.changed:
        return "what it was asked had changed: resume --use-current-spec"
    if event.asked or event.changed:
        return f"a resume ran {named([*event.asked, *event.changed])} again, and what comes after"
    return "a resume ran again what had not succeeded"


class _Explaining(msgspec.Struct, frozen=True):
    """One question about one task."""

    reading: RunReading
    pinned: PinnedSpec
    planned: PinnedTask | None
    decision: Decision
    now: float

    def explain(self, task: TaskState, attempts: tuple[Attempt, ...]) -> Explanation:
        decided = self.decision.recorded
        before = self._before(task)
        rule = self._rule(task, before)
        condition = self._condition(task, rule, before)
        limit = limit_of(task, {task.id: self.reading.entries[task.id].max_attempts})
        dependencies = tuple(self._dependency(dependency) for dependency in before)
        facts = Facts(
            state=self.decision.latest,
            now=self.now,
            limit=limit,
            rule=rule,
            dependencies=dependencies,
            condition=condition,
            stopped_by=self._stopped_by(task),
            failed_hooks=failed_hooks(self._first_hooks()),
            waits_for=tuple(self._waits_for(task)),
            open_end=self._open_end(task),
        )
        return Explanation(
            run_id=self.reading.run_id,
            task=task.id,
            hook=task.hook,
            phase=phase_of(task),
            status=task.status.value,
            reason=None if task.reason is None else task.reason.value,
            summary=why(task, facts),
            decided_at=None if decided is None else decided.at,
            sequence=None if decided is None else decided.sequence,
            rule=rule,
            dependencies=dependencies,
            condition=condition,
            attempts=attempts,
            limit=limit,
            error=task.error,
            waits_for=tuple(facts.waits_for),
            unattended=None if facts.open_end is None else facts.open_end.came_to,
            again=_again(self.decision.resumed, task.id),
            mode=self.reading.accepted.mode,
        )

    def _open_end(self, task: TaskState) -> OpenEnd | None:
        latest = self.decision.latest
        alone = replace(latest, tasks=flat_map({task.id: task}))  # other attempts are not asked about
        ends = ends_left(self.reading.folder, latest.run_id, alone, self.reading.driver, now=self.now)
        return ends.get(task.id)

    def _before(self, task: TaskState) -> list[TaskState]:
        """Return what the task depended on, as it was at the decision; the spec may have changed since."""
        tasks = dict(self.decision.before.tasks.items())  # thousands are looked up sooner in a plain one
        names = tasks[task.id].dependencies if task.id in tasks else task.dependencies
        return [tasks[d] for d in names if d in tasks]

    def _dependency(self, task: TaskState) -> DependencyFact:
        overruled = self.planned is not None and task.id in self.planned.rule.overruled
        return dependency_fact(task, is_overruled=overruled)

    def _rule(self, task: TaskState, before: list[TaskState]) -> RuleFact | None:
        """Return the rule and whether it let the task start; None when there is nothing that it could ask about."""
        if self.planned is None or not task.dependencies:
            return None
        rule = self.planned.rule
        is_met = blocked_by_rule(rule, before) is None if _all_done(before) else None
        name = _name_of(rule)
        return RuleFact(name.value, rule.run_if is None, _meaning(rule, name), is_met)

    def _condition(
        self, task: TaskState, rule: RuleFact | None, dependencies: list[TaskState]
    ) -> ConditionFact | None:
        if self.planned is None or self.planned.condition is None:
            return None
        expression = self.planned.condition
        before = self.decision.before
        from actorflow.api.conditions import condition_fact  # with the language, which few questions need

        is_due = _all_done(dependencies)
        if not is_due or (rule is not None and rule.is_met is False) or _was_stopped(task):
            return ConditionFact(expression.source, None, was_asked=False)
        try:
            seen = snapshot(
                before,
                reads=[read for read in self.planned.reads if read in before.tasks],
                dependencies=[dependency.id for dependency in dependencies],
                load=self.reading.output,
            )
        except JournalError as error:  # a large output is gone: the rest can still be told
            return ConditionFact(expression.source, None, was_asked=True, failure=error.message)
        return condition_fact(expression, seen)

    def _stopped_by(self, task: TaskState) -> tuple[TaskId, ...]:
        decided = self.decision.recorded
        if task.reason is not SkipReason.WORKFLOW_STOPPED or decided is None:
            return ()
        return self.reading.failed_before(decided.sequence)

    def _waits_for(self, task: TaskState) -> Iterator[str]:
        """Yield what has to happen before a task goes on that is PENDING, or that waits between attempts."""
        state = self.decision.latest
        if task.status.is_terminal or task.is_attempt_open:
            return
        status = standing_under(state.status, self.reading.driver).status
        yield from _not_driven(self.reading, state, status)
        if task.hook:
            yield from _hook_waits(task, state)
            return
        tasks = dict(state.tasks.items())
        unfinished = [tasks[d] for d in task.dependencies if not tasks[d].status.is_terminal]
        yield from (f"{t.id} ({phase_of(t)}), which it depends on, has to be done" for t in unfinished)
        hooks = [t.id for t in self._first_hooks() if not t.status.is_terminal]
        if hooks:
            yield f"the hook {named(hooks)} of on_start comes first"
        if (
            not unfinished
            and not hooks
            and status == RunStatus.RUNNING
            and not _is_backing_off(task, self.now)
        ):
            yield from self._slots()

    def _first_hooks(self) -> list[TaskState]:
        """Return the hooks of on_start, as the workflow declares them."""
        tasks = self.decision.latest.tasks
        return [tasks[entry.id] for entry in self.reading.accepted.tasks if entry.hook == "on_start"]

    def _slots(self) -> Iterator[str]:
        capacity = self.pinned.capacity
        most = self.reading.accepted.max_parallel or capacity.max_parallel
        hooks = {entry.id for entry in self.reading.accepted.tasks if entry.hook}
        running = [t for t in self.reading.open_attempts if t not in hooks]
        if len(running) >= most:
            yield f"a slot: {len(running)} attempts run, and max_parallel is {most}"
            return
        for pool, needed in (self.planned.resources if self.planned else {}).items():
            taken = sum(self._takes(other, pool) for other in running)
            size = capacity.resources.get(pool, 0)
            if taken + needed > size:
                yield f"{needed} of the pool {pool}: {taken} of {size} are taken"
                return
        yield "its turn: it starts at once"

    def _takes(self, task: TaskId, pool: str) -> int:
        other = self.pinned.task(task)
        return 0 if other is None else other.resources.get(pool, 0)


def _was_stopped(task: TaskState) -> bool:
    """Whether something else than its rule and its condition has ended a task that never started."""
    return task.reason is SkipReason.WORKFLOW_STOPPED or (
        task.status is TaskStatus.CANCELLED and not task.attempts
    )


def _all_done(tasks: list[TaskState]) -> bool:
    return all(task.status.is_terminal for task in tasks)


def _is_backing_off(task: TaskState, now: float) -> bool:
    return task.due_at is not None and task.due_at > now


def _name_of(rule: StartRule) -> RunIf:
    if rule.run_if is not None:
        return rule.run_if
    return RunIf.NONE_FAILED_MIN_ONE_SUCCESS if rule.needs_success else RunIf.NONE_FAILED


def _meaning(rule: StartRule, name: RunIf) -> str:
    if not rule.overruled:
        return _MEANINGS[name]
    return f"{_MEANINGS[name]}; about {named(sorted(rule.overruled))} the condition decides"


# --- what a task waits for ----------------------------------------------------------------------------------------


def _not_driven(reading: RunReading, state: RunState, status: str) -> Iterator[str]:
    if status == INTERRUPTED:
        yield f"nobody drives the run: actorflow resume {reading.run_id}"
    elif status == RunStatus.PAUSED:
        yield f"the run is paused ({state.paused_because}): actorflow resume {reading.run_id}"
    elif reading.driver is not None and reading.driver.silent_since is not None:
        yield f"whoever drives the run is silent: {reading.driver}"


def _hook_waits(task: TaskState, state: RunState) -> Iterator[str]:
    if state.ended_at is not None:
        yield f"it runs {_HOOKS[task.hook]}, and the run ended as {state.status.value if state.status else 'unknown'}"
    elif task.hook != "on_start" and state.outcome is None:
        yield f"it runs {_HOOKS[task.hook]}"
    else:
        yield "hooks run one after the other, and it is not its turn yet"


_HOOKS = {
    "on_start": "before the first task",
    "on_success": "after a run that succeeded",
    "on_failure": "after a run that failed",
    "on_complete": "after every run",
}
