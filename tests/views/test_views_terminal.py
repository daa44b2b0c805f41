from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from actorflow.ids import TaskId
from actorflow.monitor import Board
from actorflow.monitor.estimate import Estimate
from actorflow.state import events as ev
from actorflow.views.style import Look
from actorflow.views.terminal import LiveScreen, render
from tests.monitor.run_histories import START, History, Said, Update, entry

A = TaskId("a")


def picture(history: History, *, width: int = 100, rows: int = 20, said: str = "", **look: bool) -> list[str]:
    board = Board()
    board.absorb(history.update())
    if said:
        board.absorb(Update(history.state, progress=((A, 1, Said("output", said)),)))
    console = Console(file=io.StringIO(), width=width, height=rows, color_system=None, highlight=False)
    console.print(render(board.overview(now=START + 60, rows=rows), width=width, look=Look(**look)))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def busy() -> History:
    failure = ev.Failure("exit_status", "exit status 1")
    history = History("a", "b", entry("test", "a"), "d").start("a", at=1).start("b").start("d").fail("d")
    history.add(ev.AttemptFailed(TaskId("b"), 1, failure))
    return history.add(ev.RetryScheduled(TaskId("b"), 2, START + 64.2, 58))


def test_the_picture_shows_states_times_waits_and_what_an_agent_said() -> None:
    lines = picture(busy(), said="editing parser.py")

    assert lines[0].split() == "run 20261122-184800-k3v9qd bugfix 1 m 00 s".split()
    assert [line.split("  ")[0] for line in lines[1:5]] == ["● a", "↻ b", "· test", "✗ d"]
    assert "59 s" in lines[1]
    assert lines[1].rstrip().endswith("editing parser.py")
    assert "retry 2 in 4.2 s: exit status 1" in lines[2]
    assert lines[3].rstrip().endswith("waits for a")
    assert lines[4].rstrip().endswith("exit status 1")
    assert lines[5] == "1 of 4 done · 1 pending · 2 running · 1 failed"


def test_states_are_told_without_colour_and_without_unicode() -> None:
    assert [line[0] for line in picture(busy(), has_symbols=False)[1:5]] == ["*", "~", ".", "x"]


@pytest.mark.parametrize("width", [1, 5, 12, 20, 27, 28, 35, 47, 48, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_none_is_folded(width: int) -> None:
    lines = picture(busy(), width=width, said="x" * 500)

    assert len(lines) == 6
    assert max(len(line) for line in lines) <= width


def test_a_narrow_terminal_keeps_states_and_names() -> None:
    lines = picture(busy(), width=20)

    assert [line.rstrip() for line in lines[1:5]] == ["● a", "↻ b", "· test", "✗ d"]


def test_a_run_of_thousands_of_tasks_fits_the_screen() -> None:
    lines = picture(History(*(f"t{i}" for i in range(3000))), rows=10)

    assert len(lines) == 12
    assert lines[-1] == "0 of 3000 done · 3000 pending · 2990 not shown"


@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=80))
def test_nothing_that_an_agent_says_is_obeyed(said: str) -> None:
    board = Board()
    history = History("a", "b").start("a").start("b").fail("b", message=said)
    board.absorb(history.update())
    board.absorb(Update(history.state, progress=((A, 1, Said("output", said)),)))
    console = Console(file=io.StringIO(), width=60, color_system=None, highlight=False)
    console.print(render(board.overview(now=START + 60, rows=9), width=60, look=Look()))

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert len(text.split("\n")) == 5
    assert all(c.isprintable() or c in "\n\u200b\u200c\u200d" or ord(c) > 0x9F for c in text)


def test_markup_in_what_an_agent_says_is_plain_text() -> None:
    lines = picture(History("a").start("a"), said="[red]not red[/red] [link=x]y[/link] :smile:")

    assert "[red]not red[/red] [link=x]y[/link] :smile:" in lines[1]


def test_the_live_screen_draws_erases_and_gives_the_cursor_back() -> None:
    stream = io.StringIO()
    screen = LiveScreen(stream, Look(has_colour=True), clock=lambda: START + 60)
    history = busy()
    screen.absorb(history.update())
    screen.draw(screen.frame())
    screen.draw(screen.frame())
    drawn = stream.getvalue()
    screen.close()
    screen.close()

    assert "k3v9qd" in drawn
    assert stream.getvalue().rindex("\x1b[?25h") >= stream.getvalue().rindex("\x1b[?25l")
    assert stream.getvalue().count("\x1b[2K") > drawn.count("\x1b[2K")


def test_the_cursor_is_never_hidden_for_long_because_a_killed_process_cannot_show_it_again() -> None:
    stream = io.StringIO()
    screen = LiveScreen(stream, Look(), clock=lambda: START)
    screen.absorb(History("a").update())
    screen.draw(screen.frame())

    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")
    screen.close()


def test_without_colour_no_colour_is_written() -> None:
    stream = io.StringIO()
    screen = LiveScreen(stream, Look(has_colour=False), clock=lambda: START)
    screen.absorb(busy().update())
    screen.draw(screen.frame())
    screen.close()

    assert not [code for code in ("\x1b[31m", "\x1b[36m", "\x1b[90m") if code in stream.getvalue()]


def test_what_earlier_runs_let_one_expect_is_shown_where_there_is_room() -> None:
    board = Board()
    board.absorb(busy().update())
    board.estimate = Estimate(run_seconds=None, tasks={A: 90.0, TaskId("test"): 30.0}, runs=2)
    console = Console(file=io.StringIO(), width=100, color_system=None)

    console.print(render(board.overview(now=START + 60, rows=9), width=100, look=Look()))
    shown = console.file.getvalue()  # type: ignore[attr-defined]

    assert "1 m 00 s, about 1 m 01 s left" in shown
    assert "59 s of 1 m 30 s" in shown


def test_in_a_tree_tasks_stand_below_what_they_wait_for() -> None:
    board = Board(is_outline=True)
    board.absorb(History("a", "z", entry("b", "a")).update())
    console = Console(file=io.StringIO(), width=60, color_system=None)

    console.print(render(board.overview(now=START, rows=9), width=60, look=Look()))

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.split("waits")[0].rstrip() for line in lines[1:4]] == ["· a", "  · b", "· z"]
