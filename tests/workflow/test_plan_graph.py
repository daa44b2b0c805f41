"""Order, cycles, ancestors and path lengths of graphs of tasks."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.workflow.graph import (
    dependents_of,
    find_cycles,
    not_ancestors,
    path_lengths,
    topological_order,
)

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


@st.composite
def graphs(draw):
    """Any graph of up to nine tasks, cycles and unknown ids among its edges."""
    ids = [f"t{i}" for i in range(draw(st.integers(1, 9)))]
    return {task: draw(st.lists(st.sampled_from([*ids, "unknown"]), max_size=3)) for task in ids}


def ancestors(graph, task):
    """All that comes before ``task``, itself if it is on a cycle; the plain definition."""
    found, waiting = set(), [d for d in graph[task] if d in graph]
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += [d for d in graph[other] if d in graph]
    return found


def test_dependents_are_the_reverse_in_order_of_declaration():
    assert dependents_of(DIAMOND) == {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}


def test_a_dependency_named_twice_has_one_dependent():
    assert dependents_of({"a": [], "b": ["a", "a"]}) == {"a": ["b"], "b": []}
    assert topological_order({"a": [], "b": ["a", "a"]}) == ["a", "b"]


def test_path_lengths_count_the_task_itself():
    assert path_lengths({**DIAMOND, "e": ["b"], "f": ["e"]}) == {
        "a": 4,
        "b": 3,
        "c": 2,
        "d": 1,
        "e": 2,
        "f": 1,
    }


@pytest.mark.parametrize(
    ("graph", "cycles"),
    [
        (DIAMOND, []),
        ({"a": ["a"]}, [("a",)]),
        ({"a": ["b"], "b": ["a"]}, [("a", "b")]),
        ({"a": ["b"], "b": ["c"], "c": ["a", "b"]}, [("a", "b", "c")]),
        ({"x": ["a"], "a": ["b"], "b": ["a"], "c": ["d"], "d": ["c", "x"]}, [("a", "b"), ("c", "d")]),
        ({"a": ["gone"], "b": ["a"]}, []),
    ],
)
def test_each_knot_gives_one_cycle(graph, cycles):
    assert find_cycles(graph) == cycles


@given(graphs())
def test_a_cycle_is_a_cycle_and_every_knot_has_one(graph):
    cycles = find_cycles(graph)

    for cycle in cycles:
        for task, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert after in graph[task]
    knotted = {task for task in graph if task in ancestors(graph, task)}
    assert {task for cycle in cycles for task in cycle} <= knotted
    knots = {
        frozenset(other for other in ancestors(graph, task) if task in ancestors(graph, other))
        for task in knotted
    }
    assert len(cycles) == len(knots)


@given(graphs())
def test_order_puts_dependencies_first_and_leaves_out_what_waits_for_itself(graph):
    order = topological_order(graph)

    position = {task: i for i, task in enumerate(order)}
    assert all(position[d] < position[task] for task in order for d in graph[task] if d in graph)
    assert set(order) == {
        task for task in graph if not any(a in ancestors(graph, a) for a in {task, *ancestors(graph, task)})
    }


@given(graphs(), st.data())
def test_not_ancestors_agrees_with_the_definition(graph, data):
    settled = topological_order(graph)
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(sorted(graph)), st.sampled_from(sorted(graph)))))

    wrong = not_ancestors(graph, pairs)

    assert {p for p in wrong if p[0] in settled} == {
        (task, other) for task, other in pairs if task in settled and other not in ancestors(graph, task)
    }
    assert all(task in settled for task, _ in wrong)


@pytest.mark.slow
def test_a_chain_of_a_hundred_thousand_tasks_is_no_problem():
    chain = {f"t{i}": [f"t{i - 1}"] if i else [] for i in range(100_000)}
    ring = {**chain, "t0": ["t99999"]}

    started = time.process_time()
    lengths = path_lengths(chain)
    (cycle,) = find_cycles(ring)
    wrong = not_ancestors(chain, [("t99999", "t0"), ("t0", "t99999")])

    assert lengths["t0"] == 100_000
    assert len(cycle) == 100_000
    assert wrong == {("t0", "t99999")}
    assert time.process_time() - started < 15


@pytest.mark.slow
def test_ten_thousand_tasks_in_layers_are_fast():
    width = 100
    layers = {
        f"t{i}": [f"t{j}" for j in range(max(0, i // width - 1) * width, i // width * width)]
        for i in range(10_000)
    }

    started = time.process_time()
    wrong = not_ancestors(layers, [(f"t{i}", f"t{i // 3}") for i in range(10_000)])

    assert wrong == {(f"t{i}", f"t{i // 3}") for i in range(width)}
    assert time.process_time() - started < 5
