"""Options and arguments that several commands share, and what they mean: the settings, the streams, the widths.

The only place of the command line that looks at the environment and the working directory.
"""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from actorflow.cli.completing import complete_run
from actorflow.cli.failing import JSON_KEY
from actorflow.errors import ConfigurationError
from actorflow.settings import Settings, read_settings

__all__ = [
    "detach_option",
    "json_option",
    "last_run_argument",
    "local_zone",
    "max_parallel_option",
    "quiet_option",
    "repeat_options",
    "run_argument",
    "settings_for",
    "shell_variable",
    "state_dir_option",
    "terms_options",
    "view_option",
    "width_of",
]

Command = TypeVar("Command", bound=Callable[..., Any])

_PIPE_WIDTH = 160  # a pipe has no width; longer lines are of no use to a person


def state_dir_option(command: Command) -> Command:
    """Add ``--state-dir``."""
    return click.option(
        "--state-dir",
        metavar="DIR",
        help="Where runs are kept.  [default: .claude/workflow-state in the project; env: ACTORFLOW_STATE_DIR]",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``; errors of the command are given as JSON too then."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=_remember_json,
        help="Print one JSON document on stdout.",
    )(command)


def _remember_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    ctx.meta[JSON_KEY] = value
    return value


def quiet_option(command: Command) -> Command:
    """Add ``--quiet``."""
    return click.option("-q", "--quiet", is_flag=True, help="No progress; only what failed is told.")(command)


def max_parallel_option(command: Command) -> Command:
    """Add ``--max-parallel``."""
    return click.option(
        "--max-parallel",
        type=click.IntRange(min=1),
        metavar="N",
        help="At most N tasks at a time, instead of what the workflow says.",
    )(command)


class _Amount(click.ParamType[float]):
    """A number above zero, or ``none``, which is no limit and given as infinity."""

    name = "amount"

    def __init__(self, *, is_whole: bool = False) -> None:
        self._is_whole = is_whole

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read ``5``, ``2.50`` or ``none``."""
        text = str(value)
        if text == "none":
            return math.inf
        try:
            amount = float(int(text)) if self._is_whole else float(text)
        except ValueError:
            amount = math.nan
        if not (0 < amount < math.inf):
            kind = "a whole number" if self._is_whole else "a number"
            self.fail(f"{text!r} is no amount: write {kind} above 0, or none for no limit", param, ctx)
        return amount


def terms_options(command: Command) -> Command:
    """Add ``--budget-usd``, ``--budget-tokens``, ``--budget-agents`` and ``--exit-when-parked``; see ``api.Terms``."""
    for name, words in (
        ("usd", "cost N US dollars"),
        ("tokens", "use N tokens"),
        ("agents", "start N attempts of paid agents"),
    ):
        command = click.option(
            f"--budget-{name}",
            type=_Amount(is_whole=name != "usd"),
            metavar="N",
            help=f"The run may {words} in all, whatever the workflow says; or none.",
        )(command)
    return click.option(
        "--exit-when-parked",
        is_flag=True,
        help="Pause and exit with 75 instead of waiting for a limit of a service.",
    )(command)


def detach_option(command: Command) -> Command:
    """Add ``--detach``; the parameter is called ``background``."""
    return click.option(
        "-d",
        "--detach",
        "background",
        is_flag=True,
        help="Run in the background; return when the run is durable.",
    )(command)


def view_option(command: Command) -> Command:
    """Add ``--view``."""
    return click.option(
        "--view",
        type=click.Choice(["table", "tree"]),
        default="table",
        help="On a terminal: tasks as the workflow lists them, or below those that they wait for.  [default: table]",
    )(command)


def run_argument(command: Command) -> Command:
    """Add the argument RUN."""
    return click.argument("run", metavar="RUN", shell_complete=complete_run)(command)


def last_run_argument(command: Command) -> Command:
    """Add the argument RUN, which is ``last`` when it is left out."""
    return click.argument("run", metavar="[RUN]", default="last", shell_complete=complete_run)(command)


def settings_for(state_dir: str | None) -> Settings:
    """Read the settings of this process.

    Raises:
        ConfigurationError: the working directory has been removed.
    """
    try:
        cwd = Path.cwd()
    except FileNotFoundError as error:
        raise ConfigurationError(
            "the working directory does not exist any more", hint="change to another one"
        ) from error
    return read_settings(os.environ, cwd=cwd, state_dir=state_dir)


def shell_variable() -> str:
    """Return the path of the user's shell, "" when it is not known."""
    return os.environ.get("SHELL", "")


def repeat_options(state_dir: str | None) -> str:
    """Return what a suggested command must repeat to find the same runs."""
    return "" if state_dir is None else f"--state-dir {shlex.quote(state_dir)}"


def local_zone() -> tzinfo:
    """Return the zone in which people here read times."""
    return datetime.now(UTC).astimezone().tzinfo or UTC


def width_of(stream: TextIO) -> int:
    """Return how many columns a line on ``stream`` may have."""
    if not stream.isatty():
        return _PIPE_WIDTH
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    import shutil  # loads every compressor there is, and a pipe has no size

    return columns or shutil.get_terminal_size().columns
