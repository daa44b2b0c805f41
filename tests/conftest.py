from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.figures"]


@pytest.fixture
def ram_path(tmp_path: Path) -> Iterator[Path]:
    """A folder like ``tmp_path``, in memory if there is such a place: for tests that need no disk, as a killed process loses nothing that it had written."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="actorflow-tests-", dir=memory))
    yield folder
    shutil.rmtree(folder)
