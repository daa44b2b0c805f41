from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from tests.crash.projects import Ended, Project, Zygote, running_zygote
from tests.crash.workflows import WORKFLOWS

pytest_plugins = ["tests.figures", "tests.loopback"]

# How long a machine takes to make an example says nothing of the example: it may be busy with something else.
hypothesis.settings.register_profile(
    "actorflow", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("actorflow")

# Tests send signals to what they start, and a program keeps ignoring what whoever started it ignores: a shell without job control starts
# what runs in its background with SIGINT and SIGQUIT ignored, nohup with SIGHUP.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)


@contextmanager
def _in_memory(otherwise: Path) -> Iterator[Path]:
    """A folder in memory, if there is such a place: for tests that need no disk, as a killed process loses nothing that it had written."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    folder = Path(tempfile.mkdtemp(prefix="actorflow-tests-", dir=memory))
    try:
        yield folder
    finally:
        # Whoever tidies up a folder that all share does no harm while we run.
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ram_path(tmp_path: Path) -> Iterator[Path]:
    """A folder like ``tmp_path``, in memory."""
    with _in_memory(tmp_path) as folder:
        yield folder


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with running_zygote() as zygote:
        yield zygote


@pytest.fixture(scope="session")
def undisturbed(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Ended]]:
    """How the run of a workflow ends that nobody disturbs."""
    with _in_memory(tmp_path_factory.mktemp("undisturbed")) as root:

        @cache
        def run(name: str) -> Ended:
            done = zygote.call(Project.make(root / name, WORKFLOWS[name]), "run", "w.json", "--json")
            assert done.status in (0, 1), done.errors
            return done

        yield run
