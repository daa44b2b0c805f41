"""The live view on a real pseudo-terminal: drawn in place, fitted to its size, gone at the end."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """The master side of a pseudo-terminal of a given size."""

    def __init__(self, columns: int, rows: int) -> None:
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = b""

    def read_until(self, text: str) -> str:
        """Read until the screen has shown ``text``; returns all that was shown, without control sequences."""
        while text not in self.shown:
            readable, _, _ = select.select([self.master], [], [], PATIENCE_SECONDS)
            assert readable, f"{text} did not come; seen: {self.shown}"
            self.seen += os.read(self.master, 65536)
        return self.shown

    @property
    def shown(self) -> str:
        return _CONTROL.sub(b"", self.seen).decode("utf-8", "ignore")

    def read_all(self) -> bytes:
        """Read until the last process that has the terminal is gone."""
        os.close(self.slave)
        try:
            while piece := os.read(self.master, 65536):
                self.seen += piece
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(self.master)
        return self.seen


Run = Callable[..., tuple[subprocess.Popen[bytes], Terminal]]


@pytest.fixture
def run_on_terminal(start, project: Path) -> Run:
    def run(*arguments: str, columns: int = 100, rows: int = 24, **environment: str):
        terminal = Terminal(columns, rows)
        env = {"TERM": "xterm-256color", **environment}
        return start("run", *arguments, env=env, stderr=terminal.slave), terminal

    return run


@pytest.fixture
def go(gate):
    return gate("go")


@pytest.fixture
def gated(workflow, go) -> str:
    return workflow(
        first="echo ready", second=["first", "head -n 1 go > /dev/null"], third=["second", "true"]
    )


def test_a_terminal_is_drawn_in_place_and_left_with_the_summary(run_on_terminal: Run, gated: str, go) -> None:
    run, terminal = run_on_terminal(gated)
    live = terminal.read_until("● second")
    go.open()
    run.wait()
    seen = terminal.read_all()

    assert "waits for second" in live
    assert b"\x1b[2K" in seen  # erased lines: drawn in place
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l")  # the cursor is back
    end = _CONTROL.sub(b"", seen[seen.rindex(b"\x1b[2K") :]).decode()
    assert "✓ third" in end
    assert "waits for" not in end
    assert run.stdout.read().strip() in seen


@pytest.mark.parametrize("columns", [10, 20, 40])
def test_a_narrow_terminal_is_never_overflowed(run_on_terminal: Run, gated: str, go, columns: int) -> None:
    run, terminal = run_on_terminal(gated, columns=columns, rows=6)
    live = terminal.read_until("sec")
    go.open()
    run.wait()
    terminal.read_all()

    lines = live.split("\n")
    assert max(len(line) for line in lines) <= columns
    assert run.returncode == 0


def test_no_color_takes_the_colours_and_keeps_the_view(run_on_terminal: Run, gated: str, go) -> None:
    run, terminal = run_on_terminal(gated, NO_COLOR="1")
    terminal.read_until("● second")
    go.open()
    run.wait()
    seen = terminal.read_all()

    assert b"\x1b[2K" in seen
    assert not re.search(rb"\x1b\[[0-9;]*(3[1-7]|9[0-7])m", seen)


def test_a_dumb_terminal_gets_plain_lines(run_on_terminal: Run, workflow) -> None:
    run, terminal = run_on_terminal(workflow(a="true"), TERM="dumb")
    run.wait()
    seen = terminal.read_all()

    assert b"\x1b" not in seen
    assert b"  a  started\r\n" in seen


def test_a_cancelled_run_leaves_the_terminal_as_it_was(run_on_terminal: Run, gated: str) -> None:
    run, terminal = run_on_terminal(gated)
    terminal.read_until("● second")
    run.terminate()
    run.wait()
    seen = terminal.read_all()

    assert run.returncode == 130
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l")
    assert b"actorflow resume" in seen


def test_the_second_run_says_how_long_it_will_take(run_on_terminal, start, workflow, gate) -> None:
    go = gate("go")
    file = workflow(a="sleep 0.2; echo once", b=["a", "head -n 1 go > /dev/null"])
    go.open()
    assert start("run", file).wait() == 0

    process, terminal = run_on_terminal(file, "--view", "tree")
    shown = terminal.read_until(" left")
    go.open()

    assert process.wait() == 0
    assert "about" in shown
