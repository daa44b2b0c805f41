from __future__ import annotations

import io

import pytest

from actorflow.state.status import RunStatus, SubState, TaskStatus
from actorflow.views.style import COLOURS, Look, look_of, paint, symbol

PHASES = [*TaskStatus, *SubState, RunStatus.PAUSED, "interrupted"]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_live_and_coloured() -> None:
    look = look_of(Terminal(), {"TERM": "xterm"})

    assert (look.is_live, look.has_colour, look.has_symbols) == (True, True, True)


def test_a_pipe_is_neither() -> None:
    look = look_of(io.StringIO(), {"TERM": "xterm"})

    assert (look.is_live, look.has_colour) == (False, False)


def test_no_color_takes_colours_away_and_nothing_else() -> None:
    look = look_of(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})

    assert (look.is_live, look.has_colour) == (True, False)


def test_an_empty_no_color_counts_as_unset() -> None:
    assert look_of(Terminal(), {"TERM": "xterm", "NO_COLOR": ""}).has_colour


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_a_dumb_terminal_gets_plain_lines(environment: dict[str, str]) -> None:
    assert not look_of(Terminal(), environment).is_live


def test_symbols_are_ascii_where_nothing_else_can_be_written() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="iso-8859-1")

    look = look_of(stream, {})

    assert all(symbol(phase, look).isascii() for phase in PHASES)


@pytest.mark.parametrize("has_symbols", [True, False])
def test_every_state_has_a_symbol_of_its_own_and_one_column(has_symbols: bool) -> None:
    symbols = [symbol(phase, Look(has_symbols=has_symbols)) for phase in TaskStatus]

    assert len(set(symbols)) == len(symbols)
    assert {len(symbol(phase, Look(has_symbols=has_symbols))) for phase in PHASES} == {1}
    assert "?" not in [symbol(phase, Look(has_symbols=has_symbols)) for phase in PHASES]


def test_every_state_has_a_colour_and_nothing_is_painted_without_colour() -> None:
    assert set(PHASES) <= set(COLOURS)
    assert paint("x", "red", Look(has_colour=True)) == "\x1b[31mx\x1b[0m"
    assert paint("x", "red", Look()) == "x"
    assert paint("x", "", Look(has_colour=True)) == "x"
