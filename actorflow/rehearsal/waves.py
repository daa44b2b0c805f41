"""Which tasks of a plan start together, if each took as long as any other.

Asks the real scheduler: every task that may run takes one tick, and what starts at the same tick is a wave;
so limits of parallelism, pools, priorities and the order of starts are those of a run. Takes a plan and the
tasks to leave out, gives the waves. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from actorflow.errors import InternalError
from actorflow.ids import TaskId
from actorflow.scheduling import Facts, Frontier, settle
from actorflow.state import EMPTY, apply
from actorflow.state import events as ev
from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import Plan, PlannedTask, StartRule

__all__ = ["waves_of"]

_ALWAYS = StartRule(run_if=RunIf.ALL_DONE, handles_failure=True)


def waves_of(plan: Plan, *, left_out: Collection[TaskId]) -> list[tuple[TaskId, ...]]:
    """Return the waves, each in the order in which its tasks start.

    Args:
        left_out: tasks that are skipped.
    """
    plan = _without_doubt(plan, left_out)
    accepted = ev.RunAccepted(
        run_id="dry",
        workflow=plan.workflow.name,
        tasks=tuple(ev.TaskEntry(t.id, t.spec.agents, t.dependencies) for t in plan.tasks.values()),
        text="",
    )
    state = apply(apply(EMPTY, accepted, 0.0), ev.DriverStarted(pid=0, host="", epoch=1), 0.0)
    frontier = Frontier(Facts(plan, lambda _task, _attempt: 1.0), state)
    waves: list[tuple[TaskId, ...]] = []
    events: list[ev.Event] = []
    for tick in range(len(plan.tasks) + 1):
        settled = settle(state, events, float(tick), commands=frontier.commands, advance=frontier.advance)
        state = settled.state
        if not settled.starts:
            return waves
        waves.append(tuple(start.task for start in settled.starts))
        events = [ev.AttemptSucceeded(start.task, start.attempt) for start in settled.starts]
    raise InternalError("a plan does not come to its end")


def _without_doubt(plan: Plan, left_out: Collection[TaskId]) -> Plan:
    """Return the plan without hooks and conditions: what is left out is skipped, all else runs."""
    never = ENVIRONMENT.compile("false")

    def certain(task: PlannedTask) -> PlannedTask:
        return replace(task, condition=never if task.id in left_out else None, rule=_ALWAYS)

    tasks = {task.id: certain(task) for task in plan.tasks.values() if task.hook is None}
    return replace(plan, tasks=tasks, hooks={})
