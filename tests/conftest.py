from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.crash.projects import Ended, Project, Zygote, running_zygote
from tests.crash.workflows import WORKFLOWS

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


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with running_zygote() as zygote:
        yield zygote


@pytest.fixture(scope="session")
def undisturbed(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ended]:
    """How the run of a workflow ends that nobody disturbs."""

    @cache
    def run(name: str) -> Ended:
        project = Project.make(tmp_path_factory.mktemp("undisturbed") / "project", WORKFLOWS[name])
        done = zygote.call(project, "run", "w.json", "--json")
        assert done.status in (0, 1), done.errors
        return done

    return run
