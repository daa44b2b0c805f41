from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.crash.projects import Ended, Project, Zygote, running_zygote
from tests.crash.workflows import WORKFLOWS


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with running_zygote() as zygote:
        yield zygote


@pytest.fixture(scope="session")
def undisturbed(zygote: Zygote, tmp_path_factory: Any) -> Callable[[str], Ended]:
    """How the run of a workflow ends that nobody disturbs."""

    @cache
    def run(name: str) -> Ended:
        project = Project.make(tmp_path_factory.mktemp("undisturbed") / "project", WORKFLOWS[name])
        done = zygote.call(project, "run", "w.json", "--json")
        assert done.status in (0, 1), done.errors
        return done

    return run
