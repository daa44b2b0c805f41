"""The shells of this machine that may be a system's ``/bin/sh``, each under that name: most behave by what they are called."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["SHELLS", "as_sh"]

SHELLS = [name for name in ("dash", "bash", "busybox", "ksh93", "mksh", "yash", "zsh") if shutil.which(name)]


def as_sh(name: str, folder: Path) -> str:
    """Return the path of a shell that is called ``sh``; the link to it is made in ``folder``."""
    program = shutil.which(name)
    assert program is not None
    link = folder / name / "sh"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(link):
        link.symlink_to(program)
    return str(link)
