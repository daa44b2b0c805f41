from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import TaskId
from actorflow.monitor import Board, Overview
from actorflow.state import events as ev
from actorflow.state.status import RunStatus, SkipReason, TaskStatus
from tests.monitor.run_histories import START, History, Said, Update, entry

A, B, C = TaskId("a"), TaskId("b"), TaskId("c")


def overview(history: History, *, now: float = 50, rows: int = 20, **options: object) -> Overview:
    board = Board(**options)  # type: ignore[arg-type]
    board.absorb(history.update())
    return board.overview(now=START + now, rows=rows)


def details(view: Overview) -> dict[str, str]:
    return {line.id: line.detail for line in view.lines}


def test_an_overview_counts_tasks_by_state_and_leaves_hooks_out() -> None:
    history = History(entry("a"), entry("b", "a"), entry("c"), entry("h", hook="on_start"))
    history.start("h").succeed("h").start("a").succeed("a").start("c")

    view = overview(history)

    assert (view.done, view.total) == (1, 3)
    assert view.counts == {"pending": 1, "running": 1, "success": 1}


def test_a_pending_task_says_what_it_waits_for() -> None:
    history = History("a", "b", entry("c", "a", "b"), entry("d", "a")).start("a").succeed("a")

    assert details(overview(history)) == {
        "a": "",
        "b": "waits for a slot",
        "c": "waits for b",
        "d": "waits for a slot",
    }


def test_many_blockers_are_counted() -> None:
    names = [f"t{i}" for i in range(9)]

    view = overview(History(*names, entry("last", *names)))

    assert details(view)["last"] == "waits for t0, t1, t2 and 6 more"


def test_a_running_task_shows_what_its_agent_said_last() -> None:
    history = History("a").start("a")
    board = Board()
    board.absorb(history.update())
    board.absorb(Update(history.state, progress=((A, 1, Said("output", "one\ntwo\n\n")),)))

    assert details(board.overview(now=START, rows=5)) == {"a": "two"}


def test_what_an_earlier_attempt_said_is_forgotten() -> None:
    history = History("a").start("a")
    board = Board(limits={A: 3})
    board.absorb(history.update())
    board.absorb(Update(history.state, progress=((A, 1, Said("output", "old")),)))
    history.add(ev.AttemptFailed(A, 1, ev.Failure("x", "y"))).add(
        ev.RetryScheduled(A, 2, START + 1, 0)
    ).start("a", 2)
    board.absorb(history.update(last=3))
    board.absorb(Update(history.state, progress=((A, 1, Said("output", "late")),)))

    assert details(board.overview(now=START, rows=5)) == {"a": "attempt 2 of 3"}


def test_a_flood_of_output_costs_only_its_end() -> None:
    history = History("a").start("a")
    board = Board()
    board.absorb(history.update())
    board.absorb(Update(history.state, progress=((A, 1, Said("output", "x" * 5_000_000)),)))

    assert len(details(board.overview(now=START, rows=5))["a"]) <= 400


def test_a_waiting_retry_shows_its_number_the_time_left_and_the_reason() -> None:
    history = History("a").start("a").add(ev.AttemptFailed(A, 1, ev.Failure("exit_status", "exit status 1")))
    history.add(ev.RetryScheduled(A, 2, START + 12, 10.0))

    view = overview(history, now=7.8, limits={A: 3})

    assert (view.lines[0].phase, view.lines[0].detail) == (
        "retry_wait",
        "retry 2 of 3 in 4.2 s: exit status 1",
    )


def test_a_retry_whose_time_has_come_waits_for_a_slot() -> None:
    history = History("a").start("a").add(ev.AttemptFailed(A, 1, ev.Failure("exit_status", "exit status 1")))
    history.add(ev.RetryScheduled(A, 2, START + 12, 10.0))

    assert details(overview(history, now=13)) == {"a": "attempt 2 waits for a slot"}


def test_a_parked_task_shows_when_it_goes_on() -> None:
    limit = ev.Failure("rate_limit", "too many requests")
    history = History("a").start("a").add(ev.AttemptRequeued(A, 1, START + 120, limit))
    history.add(ev.RetryScheduled(A, 2, START + 120, 118.0))

    view = overview(history, now=60)

    assert (view.lines[0].phase, view.lines[0].detail) == ("parked", "goes on in 1 m 00 s: too many requests")


def test_ended_tasks_say_why() -> None:
    history = History("a", "b", "c").start("a").fail("a").add(ev.TaskSkipped(B, SkipReason.WORKFLOW_STOPPED))
    history.add(ev.TaskCancelled(C))

    assert details(overview(history)) == {
        "a": "exit status 1",
        "b": "the workflow stopped at a failure",
        "c": "",
    }


def test_only_what_fits_is_shown_and_what_runs_or_failed_comes_first() -> None:
    names = [f"t{i:03d}" for i in range(200)]
    history = History(*names)
    for name in names[:100]:
        history.start(name).succeed(name)
    history.start("t150").fail("t150").start("t199")

    view = overview(history, rows=6)

    shown = [line.id for line in view.lines]
    assert len(shown) == 6
    assert {"t150", "t199", "t100"} <= set(shown)
    assert shown == sorted(shown)
    assert (view.hidden, view.total) == (194, 200)


def test_a_hook_is_shown_only_while_it_matters() -> None:
    history = History(entry("a"), entry("h", hook="on_start"), entry("z", hook="on_complete")).start("h")

    assert [line.id for line in overview(history).lines] == ["a", "h"]


def test_the_state_of_the_whole_run_is_noted() -> None:
    assert overview(History("a")).note == ""
    assert overview(History("a").add(ev.RunCancelRequested("me"))).note == "cancelling"
    assert overview(History("a").add(ev.RunPaused("disk full"))).note == "paused: disk full"
    assert overview(History("a").add(ev.RunTimedOut(5))).note.startswith("timed out")
    settled = History("a").start("a").fail("a").add(ev.RunSettled(RunStatus.FAILED))
    assert overview(settled).note == "failed: its hooks are running"


def test_a_resumed_run_counts_anew() -> None:
    history = History("a", "b").start("a").succeed("a").start("b").fail("b").finish(RunStatus.FAILED)
    board = Board()
    board.absorb(history.update())
    history.add(ev.RunResumed((B,)))
    board.absorb(history.update(last=1))

    assert board.overview(now=START, rows=5).counts == {"pending": 1, "success": 1}


def test_missed_updates_are_made_up_for_from_the_state() -> None:
    history = History("a", "b")
    board = Board()
    board.absorb(history.update())
    history.start("a").succeed("a").start("b")
    board.absorb(Update(history.state, events=(), missed=3))

    assert board.overview(now=START, rows=5).counts == {"running": 1, "success": 1}


@given(st.lists(st.integers(min_value=1, max_value=7), max_size=12))
def test_however_a_history_is_cut_into_updates_the_board_is_the_same(sizes: list[int]) -> None:
    history = History("a", entry("b", "a"), entry("c", "a"), entry("h", hook="on_complete"))
    history.start("a").add(ev.AttemptFailed(A, 1, ev.Failure("x", "y"))).add(
        ev.RetryScheduled(A, 2, START + 9, 4)
    )
    history.start("a", 2).succeed("a", 2).start("b").start("c").fail("b").succeed("c").start("h")
    board = Board()
    for update in history.updates(sizes):
        board.absorb(update)

    whole = Board()
    whole.absorb(history.update())

    assert board.overview(now=START + 60, rows=9) == whole.overview(now=START + 60, rows=9)
    counted = {
        s.value: sum(t.status is s and not t.hook for t in history.state.tasks.values()) for s in TaskStatus
    }
    assert board.overview(now=START, rows=9).counts == {s: n for s, n in counted.items() if n}
