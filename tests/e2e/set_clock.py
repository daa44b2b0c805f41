"""The command line on a machine whose clock can be set: the file ``clock`` says by how many seconds."""

from __future__ import annotations

import time
from pathlib import Path

OFFSET = Path("clock")
_time = time.time


def _set_time() -> float:
    return _time() + (float(OFFSET.read_text() or 0) if OFFSET.exists() else 0.0)


time.time = _set_time

if __name__ == "__main__":
    from actorflow.__main__ import main

    main()
