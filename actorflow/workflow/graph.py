"""The graph of tasks: order, cycles, who comes before whom, how long a path is.

Takes ``task id -> ids of its direct dependencies`` (ids that are no keys are passed over, so that a graph
with mistakes can be looked at too) and answers questions about all tasks at once, in time linear in tasks and
dependencies. Nothing recurses: a chain of 100,000 tasks is as good as any. Must not know what a task is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, TypeAlias, TypeVar

__all__ = ["Edges", "dependents_of", "find_cycles", "not_ancestors", "path_lengths", "topological_order"]

Id = TypeVar("Id", bound=str)

Edges: TypeAlias = Mapping[Id, Sequence[Id]]
"""Task id -> the ids of its direct dependencies."""

_TARGETS_AT_ONCE = 4096
"""Width of the bit sets in ``not_ancestors``: 512 bytes a task, so 100,000 tasks need 50 MB and not the
square."""


def dependents_of(dependencies: Edges[Id]) -> dict[Id, list[Id]]:
    """Return the reverse of ``dependencies``: task id -> who waits for it, in order of declaration."""
    dependents: dict[Id, list[Id]] = {task: [] for task in dependencies}
    for task, wanted in dependencies.items():
        for dependency in dict.fromkeys(wanted):
            if dependency in dependents:
                dependents[dependency].append(task)
    return dependents


def topological_order(dependencies: Edges[Id]) -> list[Id]:
    """Return the tasks so that each comes after its dependencies; tasks on or behind a cycle are left out."""
    dependents = dependents_of(dependencies)
    missing = {task: len({d for d in wanted if d in dependents}) for task, wanted in dependencies.items()}
    ready = deque(task for task, count in missing.items() if not count)
    order: list[Id] = []
    while ready:
        task = ready.popleft()
        order.append(task)
        for dependent in dependents[task]:
            missing[dependent] -= 1
            if not missing[dependent]:
                ready.append(dependent)
    return order


def path_lengths(dependencies: Edges[Id]) -> dict[Id, int]:
    """Return, for each task, the number of tasks on the longest path that starts at it, itself counted."""
    lengths = dict.fromkeys(dependencies, 1)
    for task in reversed(topological_order(dependencies)):
        behind = lengths[task] + 1
        for dependency in dependencies[task]:
            if lengths.get(dependency, behind) < behind:
                lengths[dependency] = behind
    return lengths


def find_cycles(dependencies: Edges[Id]) -> list[tuple[Id, ...]]:
    """Return one shortest cycle of each knot of tasks that wait for each other.

    A cycle is the ids in order, the first one not repeated at the end: ``("a", "b")`` says that a waits for b
    and b for a. It begins with the task that is declared first of those on it.
    """
    tangled = dependencies.keys() - topological_order(dependencies)
    position = {task: i for i, task in enumerate(dependencies)}
    components = _Knots(dependencies, tangled).components()
    knots = (c for c in components if len(c) > 1 or c[0] in dependencies[c[0]])
    cycles = [
        _shortest_cycle(dependencies, frozenset(knot), min(knot, key=position.__getitem__)) for knot in knots
    ]
    return sorted(cycles, key=lambda cycle: position[cycle[0]])


def not_ancestors(dependencies: Edges[Id], pairs: Iterable[tuple[Id, Id]]) -> frozenset[tuple[Id, Id]]:
    """Return those of ``pairs`` (task, other) in which other does not come before task, directly or not.

    Pairs with a task on or behind a cycle are left out: there the answer means nothing.
    """
    far: dict[Id, set[Id]] = {}
    for task, other in pairs:
        if other not in dependencies.get(task, ()):
            far.setdefault(task, set()).add(other)
    if not far:
        return frozenset()
    order = topological_order(dependencies)
    targets = list(dict.fromkeys(other for others in far.values() for other in others))
    missing: set[tuple[Id, Id]] = set()
    for start in range(0, len(targets), _TARGETS_AT_ONCE):
        bits = {target: 1 << i for i, target in enumerate(targets[start : start + _TARGETS_AT_ONCE])}
        missing.update(_missing(dependencies, order, far, bits))
    return frozenset(missing)


def _missing(
    dependencies: Edges[Id], order: list[Id], far: Mapping[Id, set[Id]], bits: Mapping[Id, int]
) -> Iterator[tuple[Id, Id]]:
    above: dict[Id, int] = {}  # task -> the targets before it, and itself when it is one
    for task in order:
        before = 0
        for dependency in dependencies[task]:
            before |= above.get(dependency, 0)
        for other in far.get(task, ()):
            if other in bits and not before & bits[other]:
                yield task, other
        above[task] = before | bits.get(task, 0)


class _Knots(Generic[Id]):
    """Strongly connected components by Tarjan's algorithm, with a stack of its own in place of the call stack."""

    def __init__(self, dependencies: Edges[Id], tangled: AbstractSet[Id]) -> None:
        self._dependencies = dependencies
        self._tangled = tangled
        self._index: dict[Id, int] = {}
        self._low: dict[Id, int] = {}
        self._stack: list[Id] = []
        self._on_stack: set[Id] = set()

    def components(self) -> Iterator[list[Id]]:
        """Yield the components of the tangled part of the graph."""
        for root in self._dependencies:
            if root in self._tangled and root not in self._index:
                yield from self._from(root)

    def _from(self, root: Id) -> Iterator[list[Id]]:
        work = [self._enter(root)]
        while work:
            task, rest = work[-1]
            fresh = self._next_fresh(task, rest)
            if fresh is not None:
                work.append(self._enter(fresh))
                continue
            work.pop()
            if work:
                above = work[-1][0]
                self._low[above] = min(self._low[above], self._low[task])
            if self._low[task] == self._index[task]:
                yield self._popped(task)

    def _enter(self, task: Id) -> tuple[Id, Iterator[Id]]:
        self._index[task] = self._low[task] = len(self._index)
        self._stack.append(task)
        self._on_stack.add(task)
        return task, iter(self._dependencies[task])

    def _next_fresh(self, task: Id, rest: Iterator[Id]) -> Id | None:
        for dependency in rest:
            if dependency not in self._tangled:
                continue
            if dependency not in self._index:
                return dependency
            if dependency in self._on_stack:
                self._low[task] = min(self._low[task], self._index[dependency])
        return None

    def _popped(self, task: Id) -> list[Id]:
        component: list[Id] = []
        while not component or component[-1] != task:
            component.append(self._stack.pop())
        self._on_stack.difference_update(component)
        return component


def _shortest_cycle(dependencies: Edges[Id], knot: frozenset[Id], start: Id) -> tuple[Id, ...]:
    came_from: dict[Id, Id] = {}
    queue = deque([start])
    while queue:
        task = queue.popleft()
        for dependency in dependencies[task]:
            if dependency == start:
                path = [task]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if dependency in knot and dependency not in came_from:
                came_from[dependency] = task
                queue.append(dependency)
    raise AssertionError("a knot without a cycle")
