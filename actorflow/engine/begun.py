"""``begun.json``: what is noted beside an attempt before its agent is called, for a driver that comes after this one.

Says what the attempt is asked, as a fingerprint, with which secrets, as marks, when, and where its folder is. Only in its own place a folder speaks of
the processes that it names: in a copy they are those of the original, and in a folder that was moved nobody can
write how they ended. Not synced: when the machine dies, so does the attempt. What cannot be read says nothing.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from actorflow.agents.remains import Remains, remains_of

if TYPE_CHECKING:
    from actorflow.engine.secrets import SecretMarks

__all__ = ["Begun", "is_copied", "note_begun", "read_begun", "what_remains"]

_FILE = "begun.json"
_MOST_BYTES = 64 * 1024


class Begun(msgspec.Struct, frozen=True):
    """What was noted of an attempt.

    Attributes:
        asked: the fingerprint of what it is asked; "" when that is not known.
        folder: the folder in which it was begun; None when that is not known.
        secrets: the marks of the run's secrets; None when they are not known.
        at: when its agent was called, in seconds since 1970 on the driver's clock; None when that is not known.
    """

    asked: str = ""
    folder: Path | None = None
    secrets: SecretMarks | None = None
    at: float | None = None


def note_begun(folder: Path, asked: str, secrets: SecretMarks = frozenset(), *, at: float) -> None:
    """Note what the attempt in ``folder`` is asked at the moment ``at``, and the marks of the run's secrets.

    Without room on the disk nothing is noted, and a resume with a changed workflow runs the attempt again because
    it cannot know.
    """
    marks = dict(sorted(secrets))
    noted = json.dumps(
        {"asked": asked, "at": at, "folder": os.path.abspath(folder), "secrets": marks}
    ).encode()
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(folder / _FILE, flags, 0o600)
        try:
            os.write(file, noted)
        finally:
            os.close(file)


def read_begun(folder: Path) -> Begun:
    """Return what was noted of the attempt in ``folder``."""
    try:
        with (folder / _FILE).open("rb") as file:
            noted = json.loads(file.read(_MOST_BYTES))
        marks = noted.get("secrets")
        secrets = None if marks is None else frozenset((str(name), str(mark)) for name, mark in marks.items())
        at = noted.get("at")
        at = float(at) if isinstance(at, int | float) and math.isfinite(at) else None
        return Begun(str(noted["asked"]), Path(noted["folder"]), secrets, at)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Begun()


def what_remains(folder: Path, *, marker: str = "") -> Remains:
    """Return what there is of the attempt in ``folder``, if that is where it was begun; see ``remains_of``."""
    home = read_begun(folder).folder
    if home is not None and not _is_same(home, folder):
        return Remains.GONE
    remains = remains_of(folder, marker=marker)
    # What ends while we look may be seen neither at work nor done; then a second look sees it done.
    return remains_of(folder, marker=marker) if remains is Remains.GONE else remains


def is_copied(folder: Path) -> bool:
    """Whether ``folder`` is a copy of an attempt's, beside the original: what runs is the other's."""
    home = read_begun(folder).folder
    return home is not None and home.exists() and not _is_same(home, folder)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
