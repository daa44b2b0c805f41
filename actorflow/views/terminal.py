"""The live view: a run on a terminal, redrawn in place while it goes on.

    run 20261122-184800-k3v9qd  bugfix                       12 s
    ✓ reproduce   4.2 s
    ● fix         7.9 s  attempt 2: editing parser.py
    · test               waits for fix
    1 of 3 done · 1 running · 1 pending

Takes updates, asks a ``Board`` for what fits the screen, and draws it with rich. It erases itself at the end:
what stays is the summary. Text from agents is escaped and is never markup. On a narrow terminal details go
first, then times; the state and the name stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from actorflow.ids import TaskId
from actorflow.monitor.estimate import Estimate
from actorflow.monitor.feed import UpdateOfRun
from actorflow.monitor.progress import Board, Overview, TaskLine
from actorflow.monitor.times import duration_text
from actorflow.monitor.words import mode_mark
from actorflow.views.escape import cut, escape
from actorflow.views.style import COLOURS, Look, symbol
from actorflow.views.watching import Screen

__all__ = ["LiveScreen", "render"]

_NARROW = 48  # below this many columns there is no room for details beside names and times
_TINY = 28  # below this not for times either
_NAME_SHARE = 3  # a name gets at most this fraction of the width
_INDENT = "  "
_DEEPEST = 8  # further in there is no room for names
_FRAME_LINES = 4  # header, footer, note, and the line the cursor is on


class LiveScreen(Screen[Overview]):
    """Redraws a run on a terminal.

    Args:
        stream: the terminal.
        clock: gives Unix seconds.
        order: all tasks as the workflow declares them, if that is known already.
        limits: task -> its greatest number of attempts; may be filled later.
        is_outline: whether tasks stand below those that they wait for.
    """

    pause_seconds = 0.1
    tick_seconds = 0.5
    wants_estimate = True

    def __init__(
        self,
        stream: TextIO,
        look: Look,
        *,
        clock: Callable[[], float],
        order: Iterable[TaskId] = (),
        limits: Mapping[TaskId, int] | None = None,
        is_outline: bool = False,
    ) -> None:
        self._look = look
        self._clock = clock
        self._board = Board(order=order, limits=limits, is_outline=is_outline, zone=look.zone)
        self._console = Console(
            file=stream,
            no_color=not look.has_colour,
            force_terminal=True,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._live: Live | None = None

    def absorb(self, update: UpdateOfRun) -> None:
        """Take in an update."""
        self._board.absorb(update)

    def expect(self, estimate: Estimate) -> None:
        """Show what earlier runs let one expect, from the next frame on."""
        self._board.estimate = estimate

    def frame(self) -> Overview:
        """Return what fits the screen now."""
        return self._board.overview(now=self._clock(), rows=max(1, self._console.height - _FRAME_LINES))

    def draw(self, frame: Overview) -> None:
        """Draw it in the place of the frame before."""
        picture = render(frame, width=self._console.width, look=self._look)
        if self._live is None:
            self._live = Live(
                picture,
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start(refresh=True)
            self._console.show_cursor(True)  # a process that is killed could not give a hidden one back
        else:
            self._live.update(picture, refresh=True)

    def close(self) -> None:
        """Erase the view and show the cursor again."""
        live, self._live = self._live, None
        if live is not None:
            try:
                live.stop()
            except OSError:
                return  # the terminal has gone, and its cursor with it


def render(view: Overview, *, width: int, look: Look) -> RenderableType:
    """Return the picture of a run for a terminal of ``width`` columns."""
    parts: list[RenderableType] = [_header(view, width)]
    if view.lines:
        parts.append(_tasks(view.lines, width, look))
    parts.append(_line(_footer(view), "bright_black"))
    if view.note:
        parts.append(_line(escape(view.note), "yellow"))
    return Group(*parts)


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _header(view: Overview, width: int) -> Text:
    elapsed = duration_text(view.elapsed_seconds)
    if view.left_seconds is not None and width >= _NARROW:
        elapsed += f", about {duration_text(view.left_seconds)} left"
    head = _line(f"run {view.run_id}", "bold")
    if width >= _NARROW:
        head.append(f"  {escape(view.workflow)}")
    head.append(mode_mark(view.mode), style="yellow")
    if width >= _TINY:
        head.append(f"  {elapsed}", style="bright_black")
    return head


def _tasks(lines: tuple[TaskLine, ...], width: int, look: Look) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(10, width // _NAME_SHARE))
    if width >= _TINY:
        table.add_column(no_wrap=True, justify="right")
    if width >= _NARROW:
        table.add_column(no_wrap=True, overflow="ellipsis")
    for line in lines:
        table.add_row(*_cells(line, width, look))
    return table


def _cells(line: TaskLine, width: int, look: Look) -> list[Text]:
    style = COLOURS.get(line.phase, "")
    elapsed = "" if line.elapsed_seconds is None else duration_text(line.elapsed_seconds)
    if line.expected_seconds is not None and elapsed and width >= _NARROW:
        elapsed += f" of {duration_text(line.expected_seconds)}"
    indent = _INDENT * min(line.depth, _DEEPEST)
    cells = [Text.assemble(indent, (symbol(line.phase, look), style), " ", escape(line.id))]
    if width >= _TINY:
        cells.append(Text(elapsed, style="bright_black"))
    if width >= _NARROW:
        # Cut to what can be seen at all before rich measures it: agents may say megabytes on one line.
        cells.append(Text(cut(escape(line.detail), width), style=style if line.phase == "failed" else ""))
    return cells


def _footer(view: Overview) -> str:
    counts = [f"{count} {state}" for state, count in view.counts.items() if state != "success"]
    more = [f"{view.hidden} not shown"] if view.hidden else []
    spent = [view.spent] if view.spent else []
    return " · ".join([f"{view.done} of {view.total} done", *counts, *more, *spent])
