"""Where pictures go: a file that is whole whenever somebody looks, or stdout.

A picture is written beside its place and renamed into it, so that a page that is reloaded while a run goes on
never shows half of one. What is there and is no regular file (a pipe, ``/dev/stdout``) is written to as it
is. Must not make folders.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from actorflow.errors import InputError

__all__ = ["temporary_place", "write_picture"]


def write_picture(data: bytes, place: Path | None) -> None:
    """Write a picture to a file, or to stdout when ``place`` is None.

    Raises:
        InputError: the folder is not there, or the place is a folder.
        OSError: it cannot be written.
    """
    if place is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}", hint="make it first")
    if place.is_dir():
        raise InputError(f"{place} is a folder", hint="give the name of a file in it")
    if place.exists() and not place.is_file():
        place.write_bytes(data)
    else:
        _replace(data, place.resolve())  # a link stays one


def _replace(data: bytes, place: Path) -> None:
    beside = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}")
    with ExitStack() as on_failure, beside.open("xb") as file:
        on_failure.callback(beside.unlink)
        file.write(data)
        file.close()
        beside.replace(place)
        on_failure.pop_all()


def temporary_place(name: str) -> Path:
    """Return a place for a picture that is only looked at, in a new private folder that stays."""
    return Path(tempfile.mkdtemp(prefix="actorflow-")) / name
