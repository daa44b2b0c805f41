"""What is drawn of attempts that have lost their driver."""

from __future__ import annotations

import pytest

from actorflow.ids import TaskId
from actorflow.monitor.graph import picture_of_run
from actorflow.monitor.open_ends import OpenEnd, open_ends
from actorflow.monitor.timeline import timeline_of
from tests.monitor.picture_runs import every_state
from tests.monitor.run_histories import START

UNIT = TaskId("repair")


def test_it_is_lost_unless_it_runs_or_its_result_is_there() -> None:
    state = every_state().state

    assert open_ends(state, {}, now=START + 99) == {
        UNIT: OpenEnd("lost", "interrupted", "a resume runs it again", state.updated_at)
    }
    assert open_ends(state, {UNIT: None}, now=START + 99)[UNIT].until == START + 99
    assert open_ends(state, {UNIT: START + 60}, now=START + 99) == {
        UNIT: OpenEnd("waiting", "finished without a driver", "a resume takes its result", START + 60)
    }


@pytest.mark.parametrize("ended_at", [0.0, 9e11, -1e300, 1e300])
def test_a_file_with_a_wrong_time_draws_no_bar_before_its_attempt_or_after_now(ended_at) -> None:
    run = every_state()
    started_at = run.state.tasks[UNIT].attempt_started_at
    ends = open_ends(run.state, {UNIT: ended_at}, now=START + 99)

    assert ends[UNIT].until == (started_at if ended_at <= 0 else START + 99)
    timeline = timeline_of(run.recorded, run.state, until=run.state.updated_at, ends=ends)
    assert START <= timeline.span.end <= START + 99


def test_pictures_say_so_and_reach_until_then() -> None:
    run = every_state()
    ends = open_ends(run.state, {UNIT: START + 64}, now=START + 99)
    until = run.state.updated_at

    picture = picture_of_run(run.state, now=until, status="interrupted", ends=ends)
    [node] = [node for node in picture.nodes if node.name == UNIT]
    assert (node.phase, node.lines[1]) == ("waiting", "finished without a driver after 30 s")

    timeline = timeline_of(run.recorded, run.state, until=until, ends=ends)
    [row] = [row for row in timeline.rows if row.task == UNIT]
    assert (row.phase, row.bars[-1].phase, row.bars[-1].span.end) == ("waiting", "waiting", START + 64)
    assert timeline.span.end == START + 64
