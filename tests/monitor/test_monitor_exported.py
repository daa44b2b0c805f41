"""Every event has a line and an object, and the object has all of it."""

from __future__ import annotations

import json
from datetime import UTC

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import TaskId
from actorflow.monitor.exported import event_line, event_object
from actorflow.state import events as ev
from actorflow.state.recorded import Recorded
from tests.monitor.run_histories import RUN_ID, START
from tests.strategies.events import BY_KIND


@pytest.mark.parametrize("kind", BY_KIND, ids=lambda kind: kind.__name__)
def test_an_object_has_every_field_of_its_event_and_is_json(kind: type) -> None:
    @given(BY_KIND[kind])
    def check(event: ev.Event) -> None:
        found = event_object(Recorded(7, START, event), run_id=RUN_ID)

        assert set(found["data"]) | {"task"} == {f.name for f in msgspec.structs.fields(kind)} | {"task"}
        assert json.loads(json.dumps(found)) == found
        assert (found["version"], found["type"], found["sequence"]) == (1, kind.__name__, 7)
        assert found["task"] == getattr(event, "task", None)

    check()


@given(st.one_of(*BY_KIND.values()))
def test_a_line_names_the_event_and_is_short(event: ev.Event) -> None:
    line = event_line(Recorded(7, START, event), UTC)

    assert line.startswith(f"     7  18:48:00  {type(event).__name__}")
    assert len(line) < 2500


def test_moments_are_written_as_people_and_machines_read_them() -> None:
    event = ev.RetryScheduled(TaskId("a"), 2, START + 4.2, 4.2)

    assert event_object(Recorded(9, START, event), run_id=RUN_ID) == {
        "version": 1,
        "run_id": RUN_ID,
        "sequence": 9,
        "at": "2026-11-22T18:48:00.000000Z",
        "type": "RetryScheduled",
        "task": "a",
        "data": {
            "attempt": 2,
            "due_at": "2026-11-22T18:48:04.200000Z",
            "delay_seconds": 4.2,
            "agent": "",
        },
    }


def test_a_line_leaves_out_what_is_empty_and_quotes_what_has_spaces() -> None:
    event = ev.RunPaused("no login at all")

    assert (
        event_line(Recorded(3, START, event))
        == '     3  18:48:00  RunPaused           run  reason="no login at all"'
    )
