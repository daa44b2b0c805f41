from __future__ import annotations

import io

from actorflow.views.plain import PlainScreen
from actorflow.views.style import Look
from tests.monitor.run_histories import History, Update


def written(*updates: Update) -> str:
    stream = io.StringIO()
    screen = PlainScreen(stream, Look())
    for update in updates:
        screen.absorb(update)
    screen.draw(screen.frame())
    return stream.getvalue()


def test_each_change_is_one_line_and_is_written_once() -> None:
    stream = io.StringIO()
    screen = PlainScreen(stream, Look())
    history = History("a").start("a")
    screen.absorb(history.update())
    screen.draw(screen.frame())
    history.succeed("a")
    screen.absorb(history.update(last=2))
    screen.draw(screen.frame())
    screen.draw(screen.frame())

    assert stream.getvalue() == (
        "18:48:00  run  20261122-184800-k3v9qd accepted: bugfix, 1 task\n"
        "18:48:01  a  started\n"
        "18:48:02  a  success in 1.0 s\n"
    )


def test_text_from_agents_cannot_drive_the_terminal() -> None:
    history = History("a").start("a").fail("a", message="\x1b[2J\x9b31m\u202eevil")

    assert "a  failed in 1.0 s: \\x1b[2J\\x9b31m\\u202eevil\n" in written(history.update())


def test_a_gap_has_a_line() -> None:
    history = History("a").start("a")

    assert written(Update(history.state, missed=7)) == "(7 updates are not shown: this reader was too slow)\n"
