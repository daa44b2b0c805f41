"""Pictures that are too large are drawn in groups that still tell the truth."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actorflow.monitor.graph import Edge, EdgeKind, Node, Picture
from actorflow.monitor.graph_groups import EDGES_PER_NODE, grouped
from tests.monitor.picture_runs import layered, plain_picture


def fan(width: int) -> Picture:
    """Return start -> ``width`` tasks -> end."""
    names = ["start", *(f"part_{i}" for i in range(width)), "end"]
    edges = [(0, i + 1) for i in range(width)] + [(i + 1, width + 1) for i in range(width)]
    return plain_picture(names, edges)


def test_a_picture_that_fits_is_left_alone() -> None:
    picture = fan(50)

    assert grouped(picture, 52) is picture


def test_a_fan_out_becomes_one_box() -> None:
    picture = grouped(fan(2000), 1000)

    assert [node.name for node in picture.nodes] == ["start", "part_0 … part_1999", "end"]
    assert [(edge.source, edge.target) for edge in picture.edges] == [(0, 1), (1, 2)]
    assert picture.nodes[1].lines == ("2,000 tasks",)
    assert picture.nodes[1].count == 2000


def test_a_group_counts_its_states_and_shows_the_one_that_needs_attention() -> None:
    phases = ["success"] * 30 + ["failed"] * 2 + ["running"] * 5 + ["pending"] * 3
    nodes = tuple(Node(name=f"t{i}", phase=phase, lines=("shell",)) for i, phase in enumerate(phases))

    picture = grouped(Picture(title="p", nodes=nodes, is_run=True), 10)

    assert [node.phase for node in picture.nodes] == ["failed"]
    assert picture.nodes[0].lines == (
        "40 tasks",
        "shell",
        "2 failed, 5 running, 3 pending",
        "30 success",
    )


def test_a_graph_without_tasks_that_are_alike_is_grouped_by_depth() -> None:
    picture = grouped(layered(100, 50), 1000)

    assert len(picture.nodes) <= 48
    assert sum(node.count for node in picture.nodes) == 5000
    assert all(edge.source < edge.target for edge in picture.edges)


def test_a_long_chain_is_grouped_by_several_depths_at_a_time() -> None:
    picture = grouped(layered(5000, 1), 1000)

    assert 10 <= len(picture.nodes) <= 48
    assert [(e.source, e.target) for e in picture.edges] == [
        (i, i + 1) for i in range(len(picture.nodes) - 1)
    ]


def test_too_many_arrows_are_grouped_too() -> None:
    edges = [(i, 20 + j) for i in range(20) for j in range(20)]
    picture = plain_picture([f"t{i}" for i in range(40)], edges)

    assert len(edges) > EDGES_PER_NODE * 40
    assert [(e.source, e.target) for e in grouped(picture, 40).edges] == [(0, 1)]


def test_the_critical_path_is_kept_beside_a_group_of_what_is_alike_and_not_marked_on_whole_depths() -> None:
    def marked(picture: Picture, *on_path: int) -> Picture:
        nodes = tuple(replace(n, is_critical=i in on_path) for i, n in enumerate(picture.nodes))
        return replace(picture, nodes=nodes, critical="critical path")

    beside = grouped(marked(fan(2000), 0, 1, 2001), 1000)
    deep = grouped(marked(layered(100, 50), *range(0, 5000, 50)), 1000)

    assert [(n.name, n.is_critical) for n in beside.nodes] == [
        ("start", True),
        ("part_0", True),
        ("part_1 … part_1999", False),
        ("end", True),
    ]
    assert not any(node.is_critical for node in deep.nodes)
    assert deep.critical == ""


def test_hooks_are_not_mixed_with_tasks() -> None:
    picture = plain_picture([f"t{i}" for i in range(30)], [])
    hooks = tuple(
        replace(node, hook="on_complete") if i >= 15 else node for i, node in enumerate(picture.nodes)
    )

    found = grouped(replace(picture, nodes=hooks), 10)

    assert [(node.hook, node.count) for node in found.nodes] == [("", 15), ("on_complete", 15)]


def test_arrows_of_different_kinds_between_two_groups_become_a_plain_one() -> None:
    nodes = tuple(Node(name=f"t{i}") for i in range(24))
    edges = tuple(
        Edge(i, 12 + j, EdgeKind.CONDITION if (i + j) % 2 else EdgeKind.RECOVERY)
        for i in range(12)
        for j in range(12)
        if i <= j
    )

    found = grouped(Picture(title="p", nodes=nodes, edges=edges), 10)

    assert {edge.kind for edge in found.edges} == {EdgeKind.PLAIN}


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    size = draw(st.integers(1, 40))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda p: p[0] < p[1])
    edges = draw(st.lists(pairs, unique=True, max_size=120)) if size > 1 else []
    return plain_picture([f"t{i}" for i in range(size)], edges)


@given(pictures(), st.integers(10, 20))
def test_grouping_keeps_every_task_and_what_waits_for_what_and_makes_no_cycle(
    picture: Picture, most: int
) -> None:
    found = grouped(picture, most)

    assert sum(node.count for node in found.nodes) == len(picture.nodes)
    assert len(found.nodes) <= max(most, 1)
    waiting = {i: {e.source for e in found.edges if e.target == i} for i in range(len(found.nodes))}
    while ready := [i for i, before in waiting.items() if not before]:
        for i in ready:
            del waiting[i]
        for before in waiting.values():
            before.difference_update(ready)
    assert not waiting
