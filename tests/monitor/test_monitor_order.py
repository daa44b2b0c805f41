from __future__ import annotations

from actorflow.monitor import order_of
from actorflow.monitor.order import declared_order
from tests.monitor.run_histories import History, Recorded, entry


def test_tasks_are_in_the_order_of_the_workflow_and_hooks_last() -> None:
    history = History(entry("z"), entry("notify", hook="on_start"), entry("a", "z"), entry("m", "z"))

    assert order_of(history.state, history.recorded) == ("z", "a", "m", "notify")


def test_without_the_first_event_what_waits_comes_after_what_it_waits_for() -> None:
    history = History(entry("z"), entry("notify", hook="on_start"), entry("a", "z", "m"), entry("m", "z"))

    assert order_of(history.state) == ("z", "m", "a", "notify")


def test_a_chain_of_thousands_is_ordered_without_recursion() -> None:
    names = [f"t{i:05d}" for i in range(5000)]
    history = History(*(entry(b, *([a] if a else [])) for a, b in zip(["", *names], names, strict=False)))

    assert order_of(history.state) == tuple(names)


def test_no_order_is_declared_without_the_first_event() -> None:
    history = History("a")

    assert declared_order(history.recorded[1:]) == ()
    assert declared_order([Recorded(1, 0.0, history.recorded[0].event)]) == ("a",)
