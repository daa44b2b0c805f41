"""Showing a file with what the desktop has for it.

Takes a place and the environment; asks ``BROWSER``, if a person has set it, else the programs that know a
desktop's choices, one after the other until one takes it. They get a session of their own and no terminal: what
they print does not get into ours, they outlive us, and a viewer that stays open keeps nobody waiting. Without a
display nothing is asked, because what answers there is a browser for text, which would take the terminal.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["open_on_desktop"]

_OPENERS: Final = (("xdg-open",), ("gio", "open"), ("wslview",), ("x-www-browser",))
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
_SECONDS: Final = 3.0
"""A program that has not failed by then has taken the file."""

_RUNNING: list[subprocess.Popen[bytes]] = []  # or Python complains of those that are not waited for


def open_on_desktop(place: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Show a file; False when nothing has taken it. Waits for three seconds at most for each program."""
    address = place.absolute().as_uri()
    return any(_takes(command) for command in _commands(address, environment))


def _commands(address: str, environment: Mapping[str, str]) -> Iterator[list[str]]:
    for browser in filter(None, environment.get("BROWSER", "").split(os.pathsep)):
        with suppress(ValueError):  # a quote that is not closed
            words = shlex.split(browser.removesuffix("&"))
            yield [word.replace("%s", address) for word in words] + ([] if "%s" in browser else [address])
    if sys.platform == "darwin":
        yield ["open", address]
    elif any(environment.get(name) for name in _DISPLAYS):
        yield from ([*opener, address] for opener in _OPENERS)


def _takes(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
    except OSError:
        return False
    try:
        return process.wait(_SECONDS) == 0
    except subprocess.TimeoutExpired:
        _RUNNING.append(process)
        return True
