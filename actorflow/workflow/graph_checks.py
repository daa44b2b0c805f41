"""The graph: every task that is named exists, nothing waits for itself, and what is handed on comes from before.

Takes a draft and reports. Cycles are told as ``a -> b -> a``, one for each knot of tasks that wait for each
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from actorflow.ids import TaskId
from actorflow.workflow.decode import Draft
from actorflow.workflow.decode_tasks import DecodedTask
from actorflow.workflow.graph import find_cycles, not_ancestors
from actorflow.workflow.model import HookPhase
from actorflow.workflow.report import Complaint, Enough, Path, Report

__all__ = ["check_graph", "check_large_knots"]

_SHOWN = 12

_MANY = 10_000
"""Tasks that wait for each other, at least, when nothing else is said of the file."""


def check_large_knots(value: Any, report: Report) -> None:
    """Report cycles among a great many tasks that wait for each other, in a document that has not even been decoded.

    Nobody has written such a file by hand, and whoever made it is to hear of it in a fraction of a second: decoding
    and checking a hundred thousand tasks takes longer.

    Raises:
        Enough: there is one, so nothing more need be looked for.
    """
    tasks = value.get("tasks") if type(value) is dict else None
    if type(tasks) is not list or len(tasks) < _MANY:
        return
    first: dict[str, int] = {}
    edges: dict[str, list[str]] = {}
    for index, task in enumerate(tasks):
        name, wanted = (task.get("id"), task.get("dependencies")) if type(task) is dict else (None, None)
        if type(name) is str and name not in edges:
            first[name] = index
            edges[name] = [d for d in wanted if type(d) is str and d != name] if type(wanted) is list else []
    cycles = find_cycles(edges, least=_MANY)
    for cycle in cycles:
        index = first[cycle[0]]
        place = tasks[index]["dependencies"].index(cycle[1])
        _report_cycle(cycle, ("tasks", index, "dependencies", place), report)
    if cycles:
        raise Enough


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

    def are_fine(self, task: DecodedTask) -> bool:
        """Whether there is nothing to say of a task's dependencies, taken one by one; most often so, and told quickly."""
        wanted = set(task.spec.dependencies)
        is_each_once = len(wanted) == len(task.spec.dependencies)
        return is_each_once and task.spec.id not in wanted and wanted <= self.tasks.keys()

    def check(self, name: str, path: Path, report: Report) -> bool:
        """Report a name that is no task's; True when it is one."""
        if name in self.tasks:
            return True
        if name not in self._broken:  # its own mistake has been told
            hint = "it is the task of a hook" if name in self.hooks else report.suggestion(name, self.tasks)
            report.error(path, "E704", f"unknown task '{name[:80]}'", hint)
        return False


def _check_dependencies(task: DecodedTask, names: _Names, report: Report) -> None:
    if names.are_fine(task):
        return
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
    for cycle in find_cycles({name: _others(task) for name, task in first.items()}):
        task = first[cycle[0]]
        written = _written(task.spec.dependencies, (*task.path, "dependencies"), report)
        index = next(index for index, name in written if name == cycle[1])
        _report_cycle(cycle, (*task.path, "dependencies", index), report)


def _report_cycle(cycle: tuple[str, ...], path: Path, report: Report) -> None:
    shown = [*cycle[:_SHOWN], "…"] if len(cycle) > _SHOWN else [*cycle]
    message = f"tasks wait for each other: {' -> '.join([*shown, cycle[0]])}"
    report.error(path, "E706", message, "remove one of these dependencies")


def _others(task: DecodedTask) -> Sequence[TaskId]:
    """Return a task's dependencies without itself, about which something has been said already."""
    name, wanted = task.spec.id, task.spec.dependencies
    return [d for d in wanted if d != name] if name in wanted else wanted


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
