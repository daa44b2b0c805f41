"""The graph of tasks: order, cycles, who comes before whom, how long a path is.

Takes ``task id -> ids of its direct dependencies`` (ids that are no keys are passed over, so that a graph
with mistakes can be looked at too) and answers questions about all tasks at once, in time linear in tasks and
dependencies. Nothing recurses: a chain of 100,000 tasks is as good as any. Must not know what a task is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias, TypeVar

__all__ = ["Edges", "dependents_of", "find_cycles", "not_ancestors", "path_lengths", "topological_order"]

Id = TypeVar("Id", bound=str)

Edges: TypeAlias = Mapping[Id, Sequence[Id]]
"""Task id -> the ids of its direct dependencies."""

_Numbers: TypeAlias = list[list[int]]
"""For each task its dependencies, which are indexes of the list."""

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
    tasks, edges = _numbered(dependencies)
    return [tasks[number] for number in _order(edges)]


def path_lengths(dependencies: Edges[Id]) -> dict[Id, int]:
    """Return, for each task, the number of tasks on the longest path that starts at it, itself counted."""
    lengths = dict.fromkeys(dependencies, 1)
    for task in reversed(topological_order(dependencies)):
        behind = lengths[task] + 1
        for dependency in dependencies[task]:
            if lengths.get(dependency, behind) < behind:
                lengths[dependency] = behind
    return lengths


def find_cycles(dependencies: Edges[Id], *, least: int = 1) -> list[tuple[Id, ...]]:
    """Return one shortest cycle of each knot of at least ``least`` tasks that wait for each other.

    A cycle is the ids in order, the first one not repeated at the end: ``("a", "b")`` says that a waits for b
    and b for a. It begins with the task that is declared first of those on it.
    """
    tasks, edges = _numbered(dependencies)
    untangled = _order(edges)
    if len(untangled) == len(tasks):
        return []
    knots = (knot for knot in _knots(edges, untangled) if len(knot) > 1 or knot[0] in edges[knot[0]])
    cycles = sorted(_shortest_cycle(edges, set(knot), min(knot)) for knot in knots if len(knot) >= least)
    return [tuple(tasks[number] for number in cycle) for cycle in cycles]


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


def _numbered(dependencies: Edges[Id]) -> tuple[list[Id], _Numbers]:
    """Return the tasks, and for each of them the numbers of its dependencies: where those are in the list.

    What walks the whole graph walks numbers: looking up names takes most of its time otherwise.
    """
    numbers = {task: i for i, task in enumerate(dependencies)}
    return list(numbers), [[numbers[d] for d in wanted if d in numbers] for wanted in dependencies.values()]


def _order(edges: _Numbers) -> list[int]:
    missing = [len(wanted) for wanted in edges]
    dependents: list[list[int]] = [[] for _ in edges]
    for number, wanted in enumerate(edges):
        for dependency in wanted:
            dependents[dependency].append(number)
    order = [number for number, count in enumerate(missing) if not count]
    for number in order:  # which grows meanwhile
        for dependent in dependents[number]:
            missing[dependent] -= 1
            if not missing[dependent]:
                order.append(dependent)
    return order


def _knots(edges: _Numbers, untangled: Iterable[int]) -> Iterator[list[int]]:
    """Yield the strongly connected components of what is not ``untangled``.

    Gabow's algorithm with a stack of its own in place of the call stack. A task that is known has a place: where
    it stands in ``open_tasks``, or ``done`` once its component is complete. ``bounds`` are the places at which, as
    far as is known, components begin.
    """
    unknown, done = -1, len(edges)
    place = [unknown] * len(edges)
    for task in untangled:
        place[task] = done
    for root in range(len(edges)):
        if place[root] != unknown:
            continue
        place[root] = 0
        open_tasks, bounds, work = [root], [0], [(0, iter(edges[root]))]
        while work:
            begin, rest = work[-1]
            for task in rest:
                at = place[task]
                if at == unknown:
                    place[task] = at = len(open_tasks)
                    open_tasks.append(task)
                    bounds.append(at)
                    work.append((at, iter(edges[task])))
                    break
                while at < bounds[-1]:  # all between the two is one component
                    bounds.pop()
            else:
                work.pop()
                if bounds[-1] == begin:
                    bounds.pop()
                    component = open_tasks[begin:]
                    del open_tasks[begin:]
                    for task in component:
                        place[task] = done
                    yield component


def _shortest_cycle(edges: _Numbers, knot: AbstractSet[int], start: int) -> list[int]:
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        task = queue.popleft()
        for dependency in edges[task]:
            if dependency == start:
                path = [task]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if dependency in knot and dependency not in came_from:
                came_from[dependency] = task
                queue.append(dependency)
    raise AssertionError("a knot without a cycle")
