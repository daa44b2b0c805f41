"""What differs between values and between runs."""

from __future__ import annotations

import pytest
from hypothesis import given

from actorflow.ids import TaskId
from actorflow.monitor.differences import Change, Side, changes, difference_report, run_difference
from actorflow.state import events as ev
from actorflow.state.status import RunStatus
from actorflow.values import thaw
from tests.monitor.run_histories import History, entry
from tests.strategies.events import json_values


def side(history: History) -> Side:
    accepted = history.recorded[0].event
    assert isinstance(accepted, ev.RunAccepted)
    return Side(accepted, history.recorded, history.state, str(history.state.status))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1, 1.0, []),
        (1, True, [Change("", "changed", 1, True)]),
        ({"a": 1}, {"b": 1}, [Change("a", "removed", 1, None), Change("b", "added", None, 1)]),
        (
            {"a": [1, 2]},
            {"a": [1, 3, 4]},
            [Change("a[1]", "changed", 2, 3), Change("a[2]", "added", None, 4)],
        ),
        ({"a": {"x y": 1}}, {"a": {"x y": 2}}, [Change("a['x y']", "changed", 1, 2)]),
        ({"it's": 1}, {}, [Change("['it\\'s']", "removed", 1, None)]),
        ([], {}, [Change("", "changed", [], {})]),
        ({"a": None}, {}, [Change("a", "removed", None, None)]),
    ],
)
def test_every_place_that_differs_is_named(before: object, after: object, expected: list[Change]) -> None:
    assert list(changes(before, after)) == expected


@given(json_values, json_values)
def test_there_and_back_are_the_same_places_the_other_way_round(one: object, other: object) -> None:
    mirror = {"added": "removed", "removed": "added", "changed": "changed"}
    there = {(c.path, c.kind): (c.before, c.after) for c in changes(one, other)}
    back = {(c.path, mirror[c.kind]): (c.after, c.before) for c in changes(other, one)}

    assert there == back


@given(json_values)
def test_a_value_does_not_differ_from_its_copy(value: object) -> None:
    assert list(changes(value, thaw(value))) == []


def test_depth_without_end_is_compared_as_a_whole() -> None:
    one: object = 1
    other: object = 2
    for _ in range(300):
        one, other = [one], [other]

    assert len(list(changes(one, other))) == 1


def test_two_runs_that_went_alike_are_the_same() -> None:
    runs = [History("a").start("a").succeed("a", output=1, at=at).finish(RunStatus.SUCCESS) for at in (2, 5)]

    report = difference_report(run_difference(*map(side, runs)))

    assert report["same"] is True
    assert report["same_tasks"] == 1
    assert report["durations"] == [4.0, 7.0]


def test_outputs_statuses_inputs_and_texts_that_differ_are_told() -> None:
    first = History("a", inputs={"n": 1}, values={"n": 1}).start("a").succeed("a", output={"k": [1]})
    second = History("a", inputs={"n": 2}, values={"n": 2}).start("a").fail("a")
    report = difference_report(
        run_difference(side(first.finish(RunStatus.SUCCESS)), side(second.finish(RunStatus.FAILED)))
    )

    assert [change["path"] for change in report["changes"]] == ["status", "inputs.n"]
    assert [change["path"] for change in report["tasks"]["a"]["changes"]] == ["status", "error", "output"]
    assert report["same"] is False


def test_tasks_that_only_one_run_has_are_told() -> None:
    first = History(entry("a"), entry("gone"))
    second = History(entry("a"), entry("new"))

    report = difference_report(run_difference(side(first), side(second)))

    assert {task: found["where"] for task, found in report["tasks"].items()} == {
        "gone": "first",
        "new": "second",
    }


def test_the_difference_of_the_texts_is_in_the_unified_form() -> None:
    first, second = History("a"), History("a")
    accepted = first.recorded[0].event
    changed = ev.RunAccepted("20261122-190000-aaaaaa", "bugfix", accepted.tasks, "text\nmore")  # type: ignore[union-attr]
    other = Side(changed, second.recorded, second.state, "running")

    found = run_difference(side(first), other)

    assert found.text[:2] == ("--- 20261122-184800-k3v9qd", "+++ 20261122-190000-aaaaaa")
    assert "+more" in found.text


def test_texts_too_long_to_compare_are_only_said_to_differ() -> None:
    one = History("a")
    accepted = one.recorded[0].event
    long = ev.RunAccepted("20261122-190000-aaaaaa", "bugfix", accepted.tasks, "x\n" * 6000)  # type: ignore[union-attr]

    found = run_difference(side(one), Side(long, one.recorded, one.state, "running"))

    assert len(found.text) == 1
    assert "6,000 lines" in found.text[0]
    assert TaskId("a") not in {task.task for task in found.tasks}
