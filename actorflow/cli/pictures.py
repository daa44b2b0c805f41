"""What the commands that make pictures share: their options, and what happens with a picture once it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api

__all__ = ["deliver", "open_option", "output_option", "seen_until", "theme_option"]

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(command: Command) -> Command:
    """Add ``--output``."""
    return click.option(
        "-o",
        "--output",
        metavar="PATH",
        help="Where to write the picture; '-' is stdout.  [default: stdout]",
    )(command)


def theme_option(command: Command) -> Command:
    """Add ``--theme``."""
    return click.option(
        "--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="Colours."
    )(command)


def open_option(command: Command) -> Command:
    """Add ``--open``."""
    return click.option(
        "--open", "is_opened", is_flag=True, help="Show the picture on the desktop once it is written."
    )(command)


def deliver(data: bytes, output: str | None, *, name: str, is_opened: bool) -> None:
    """Write a picture where it is to go, show it, and say where it is.

    Args:
        name: of the file when it is only to be shown.
    """
    from actorflow.views.desktop import open_on_desktop
    from actorflow.views.escape import escape
    from actorflow.views.pictures_files import temporary_place, write_picture

    if output is None and is_opened:
        place: Path | None = temporary_place(name)
    else:
        place = None if output in (None, "-") else Path(str(output))
    write_picture(data, place)
    if place is None:
        return
    say(f"the picture is in {escape(str(place))}", to_stderr=True)
    if is_opened and not open_on_desktop(place):
        say("there is no desktop here to show it on; BROWSER can name a program for it", to_stderr=True)


def seen_until(seen: api.Inspection, now: float) -> float:
    """Return until when a run that has not ended is known to have gone on: now, or the last thing that its late driver recorded."""
    return seen.state.updated_at if seen.driver is None else now
