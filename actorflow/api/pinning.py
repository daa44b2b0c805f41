"""What a run's journal keeps of its plan, so that whoever looks at the run need not read the workflow's text.

Takes a plan; gives an entry for each task and the capacity of the whole, for ``RunAccepted`` and
``SpecChanged``. Needs neither YAML nor the language of expressions. ``pinned`` reads them again.
"""

from __future__ import annotations

from actorflow.state import events as ev
from actorflow.workflow.model import Settings, TaskSpec
from actorflow.workflow.plan import Plan

__all__ = ["capacity_of", "entries_of", "entry_of"]


def entries_of(plan: Plan) -> tuple[ev.TaskEntry, ...]:
    """Return what the journal says of each task of a plan."""
    return tuple(entry_of(task.spec) for task in plan.tasks.values())


def entry_of(spec: TaskSpec) -> ev.TaskEntry:
    """Return what the journal says of a task."""
    return ev.TaskEntry(
        id=spec.id,
        agents=spec.agents,
        dependencies=spec.dependencies,
        hook="" if spec.hook is None else spec.hook.value,
        max_attempts=spec.effective_retry.max_attempts,
        run_if="" if spec.run_if is None else spec.run_if.value,
        condition=_condition(spec.condition),
        resources=dict(spec.resources),
    )


def capacity_of(settings: Settings) -> ev.Capacity:
    """Return how much may go on at once, whatever a command line has said."""
    return ev.Capacity(settings.max_parallel, dict(settings.resources))


def _condition(written: str | bool | None) -> str:
    if written is False:
        return "false"
    return written if isinstance(written, str) else ""
