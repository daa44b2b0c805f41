"""Makes a picture of thousands of tasks small enough to look at: tasks that are alike become one box.

First, tasks of one agent with the same arrows in and out (a fan-out) become a group. If that does not
suffice, tasks at the same depth do, several depths at a time when there are many. Groups say how many tasks
are in which state and show the state that needs attention most. The arrows between groups are those between
their tasks, so that a picture without cycles stays one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import pairwise

from actorflow.monitor.graph import Edge, EdgeKind, Node, Picture
from actorflow.monitor.palette import PHASES

__all__ = ["EDGES_PER_NODE", "grouped"]

EDGES_PER_NODE = 4
"""A picture that may have 1,000 boxes may have 4,000 arrows: laying out more takes minutes, and nobody can
follow them."""

_DEEPEST = 48  # groups by depth: as many boxes as a page is long
_LEAST = 3  # two tasks are easier to read than a group of two


def grouped(picture: Picture, most_nodes: int) -> Picture:
    """Return the picture itself when it is small enough, else one with groups."""
    if _fits(picture, most_nodes):
        return picture
    alike = _merged(picture, _alike(picture), least=_LEAST)
    if _fits(alike, most_nodes):
        return alike
    unmarked = _unmarked(picture)
    return _merged(unmarked, _by_depth(unmarked, most_nodes), least=1)


def _unmarked(picture: Picture) -> Picture:
    """Return the picture without its critical path: that leads through every depth, and would mark everything."""
    nodes = tuple(replace(node, is_critical=False) for node in picture.nodes)
    edges = tuple(replace(edge, is_critical=False) for edge in picture.edges)
    return replace(picture, nodes=nodes, edges=edges, critical="")


def _fits(picture: Picture, most_nodes: int) -> bool:
    return len(picture.nodes) <= most_nodes and len(picture.edges) <= EDGES_PER_NODE * most_nodes


def _alike(picture: Picture) -> list[Hashable]:
    """Return for each node what it has in common with those it may be merged with."""
    arrows: list[set[tuple[int, int, EdgeKind]]] = [set() for _ in picture.nodes]
    for edge in picture.edges:
        arrows[edge.target].add((0, edge.source, edge.kind))
        arrows[edge.source].add((1, edge.target, edge.kind))
    return [
        (frozenset(arrows[i]), node.hook, node.lines[:1], node.is_critical)
        for i, node in enumerate(picture.nodes)
    ]


def _by_depth(picture: Picture, most_nodes: int) -> list[Hashable]:
    depths = _depths(picture)
    step = -(-(max(depths, default=0) + 1) // min(_DEEPEST, most_nodes))
    return [(node.hook, depth // step) for node, depth in zip(picture.nodes, depths, strict=True)]


def _depths(picture: Picture) -> list[int]:
    """Return for each node the length of the longest path to it."""
    after: list[list[int]] = [[] for _ in picture.nodes]
    missing = [0] * len(picture.nodes)
    for edge in picture.edges:
        after[edge.source].append(edge.target)
        missing[edge.target] += 1
    depths = [0] * len(picture.nodes)
    ready = [i for i, count in enumerate(missing) if count == 0]
    while ready:
        node = ready.pop()
        for target in after[node]:
            depths[target] = max(depths[target], depths[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return depths


def _merged(picture: Picture, keys: Sequence[Hashable], *, least: int) -> Picture:
    sizes = Counter(keys)
    members: dict[Hashable, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault(key if sizes[key] >= least else i, []).append(i)
    place = {i: at for at, group in enumerate(members.values()) for i in group}
    nodes = tuple(_group([picture.nodes[i] for i in group]) for group in members.values())
    return replace(picture, nodes=nodes, edges=_edges(picture, place))


def _edges(picture: Picture, place: dict[int, int]) -> tuple[Edge, ...]:
    """Return one arrow for all those between the same two groups: its kind is theirs when they agree, else plain."""
    found: dict[tuple[int, int], Edge] = {}
    for edge in picture.edges:
        ends = place[edge.source], place[edge.target]
        if ends[0] == ends[1]:
            continue
        known = found.get(ends)
        kind = edge.kind if known is None or known.kind is edge.kind else EdgeKind.PLAIN
        is_critical = edge.is_critical or (known is not None and known.is_critical)
        found[ends] = Edge(*ends, kind, is_critical=is_critical)
    return tuple(found.values())


def _group(nodes: list[Node]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    counts = Counter(node.phase for node in nodes if node.phase)
    states = tuple(f"{counts[phase]:,} {phase.replace('_', ' ')}" for phase in PHASES if counts[phase])
    agents = dict.fromkeys(node.lines[0] for node in nodes if node.lines)
    return Node(
        name=f"{nodes[0].name} … {nodes[-1].name}",
        phase=next((phase for phase in PHASES if counts[phase]), ""),
        lines=(f"{len(nodes):,} tasks", *(tuple(agents) if len(agents) == 1 else ()), *_in_lines(states)),
        tip="",
        hook=nodes[0].hook,
        count=len(nodes),
        is_critical=any(node.is_critical for node in nodes),
    )


def _in_lines(states: Sequence[str]) -> tuple[str, ...]:
    """Put three states on a line."""
    places = [*range(0, len(states), 3), len(states)]
    return tuple(", ".join(states[begin:end]) for begin, end in pairwise(places))
