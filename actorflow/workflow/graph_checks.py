"""The graph: every task that is named exists, nothing waits for itself, and what is handed on comes from before.

Takes a draft and reports. Cycles are told as ``a -> b -> a``, one for each knot of tasks that wait for each
other.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorflow.ids import TaskId
from actorflow.workflow.decode import Draft
from actorflow.workflow.decode_tasks import DecodedTask
from actorflow.workflow.graph import find_cycles, not_ancestors
from actorflow.workflow.model import HookPhase
from actorflow.workflow.report import Complaint, Path, Report

__all__ = ["check_graph"]

_SHOWN = 12


def check_graph(draft: Draft, report: Report) -> None:
    """Report dependencies, hand-offs and sessions that cannot be."""
    names = _Names(draft)
    tasks = [task for task in draft.tasks if task.spec.hook is None]
    for task in tasks:
        _check_dependencies(task, names, report)
    _check_cycles(tasks, report)
    _check_earlier(draft, names, report)


class _Names:
    """The ids of a draft, for telling what an unknown one might have been."""

    def __init__(self, draft: Draft) -> None:
        self.tasks = {task.spec.id: None for task in draft.tasks if task.spec.hook is None}
        self.hooks = {task.spec.id for task in draft.tasks if task.spec.hook is not None}
        self._broken = draft.broken_names

    def check(self, name: str, path: Path, report: Report) -> bool:
        """Report a name that is no task's; True when it is one."""
        if name in self.tasks:
            return True
        if name not in self._broken:  # its own mistake has been told
            hint = "it is the task of a hook" if name in self.hooks else report.suggestion(name, self.tasks)
            report.error(path, "E704", f"unknown task '{name[:80]}'", hint)
        return False


def _check_dependencies(task: DecodedTask, names: _Names, report: Report) -> None:
    seen: set[str] = set()
    for index, name in _written(task.spec.dependencies, (*task.path, "dependencies"), report):
        path = (*task.path, "dependencies", index)
        if name == task.spec.id:
            report.error(path, "E705", f"task '{name}' depends on itself", "remove it")
        elif name in seen:
            report.error(path, "E707", f"the dependency '{name}' is here twice", "remove one of them")
        else:
            names.check(name, path, report)
        seen.add(name)


def _written(names: tuple[TaskId, ...], path: Path, report: Report) -> Iterator[tuple[int, TaskId]]:
    """Yield names with their index in the file; entries that were wrong are missing from ``names`` but count."""
    index = 0
    for name in names:
        while (*path, index) in report.wrong_paths:
            index += 1
        yield index, name
        index += 1


def _check_cycles(tasks: list[DecodedTask], report: Report) -> None:
    first: dict[TaskId, DecodedTask] = {}
    for task in tasks:
        first.setdefault(task.spec.id, task)
    edges = {name: tuple(d for d in task.spec.dependencies if d != name) for name, task in first.items()}
    for cycle in find_cycles(edges):
        task = first[cycle[0]]
        written = _written(task.spec.dependencies, (*task.path, "dependencies"), report)
        index = next(index for index, name in written if name == cycle[1])
        shown = [*cycle[:_SHOWN], "…"] if len(cycle) > _SHOWN else [*cycle]
        message = f"tasks wait for each other: {' -> '.join([*shown, cycle[0]])}"
        path = (*task.path, "dependencies", index)
        report.error(path, "E706", message, "remove one of these dependencies")


def _check_earlier(draft: Draft, names: _Names, report: Report) -> None:
    """Check hand-offs and sessions: they come from tasks that are over when this one starts."""
    wanted: list[tuple[DecodedTask, TaskId, Path]] = []
    for task, name, path in _earlier(draft):
        if task.spec.hook is HookPhase.ON_START:
            report.error(path, "E708", f"'{name}' has not run when on_start hooks run", "remove it")
        elif name == task.spec.id:
            report.error(path, "E705", f"task '{name}' names itself", "name a task that it waits for")
        elif names.check(name, path, report) and task.spec.hook is None:
            wanted.append((task, name, path))
    edges = {task.spec.id: task.spec.dependencies for task in draft.tasks if task.spec.hook is None}
    missing = not_ancestors(edges, [(task.spec.id, name) for task, name, _ in wanted])
    for task, name, path in wanted:
        if (task.spec.id, name) in missing:
            message = f"task '{task.spec.id}' does not wait for '{name}'"
            report.add(Complaint(path, "E708", message, f"add '{name}' to its dependencies"))


def _earlier(draft: Draft) -> Iterator[tuple[DecodedTask, TaskId, Path]]:
    for task in draft.tasks:
        if task.spec.session is not None:
            yield task, task.spec.session, (*task.path, "session")
        if isinstance(task.spec.handoff, tuple):
            for index, name in enumerate(task.spec.handoff):
                yield task, name, (*task.path, "handoff", index)
