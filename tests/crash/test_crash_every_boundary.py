"""kill -9 at every boundary of the storage, in real processes: before and after all that makes something durable, one after the other; and at a second one while the run is resumed.

After each crash, ``actorflow resume`` brings the run to its end, and it must have ended as a run that nobody disturbed: the same states and outputs, nothing that was finished carried
out again, no attempt carried out twice, and no agent started whose start was not durable. Agents write their starts into a file opened with O_APPEND.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.projects import Ended, Project, Zygote
from tests.crash.workflows import WORKFLOWS
from tests.figures import is_nightly

pytestmark = pytest.mark.slow

SLICES = 4
PAIRS_OF_TEN, PAIRS_OF_OTHERS = 400, 24


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "workflow" in metafunc.fixturenames:
        metafunc.parametrize("workflow", WORKFLOWS if is_nightly(metafunc.config) else ["ten"])


class Cases:
    """Plays crashes of one workflow, each in a project of its own."""

    def __init__(self, zygote: Zygote, workflow: str, undisturbed: Ended, root: Path) -> None:
        self._zygote = zygote
        self._workflow = workflow
        self._undisturbed = undisturbed
        self._root = root

    def play(self, *boundaries: int) -> int:
        """Crash the run at the first of these boundaries, its resume at the second, and so on; resume it to the end and check it.

        Returns:
            How many of the crashes took place: a run may end before it comes to a boundary, or never have been accepted.
        """
        project = Project.make(self._root / "-".join(map(str, boundaries)), WORKFLOWS[self._workflow])
        command = ("run", "w.json")
        for boundary in boundaries:
            said = self._zygote.call(project, *command, "--json", crash_at=boundary)
            if not said.was_killed:
                project.check(said, self._undisturbed, self._where(boundaries))
                break
            if not project.note_crash(said):
                break
            command = ("resume", "last")
        else:
            said = self._zygote.call(project, *command, "--json")
            project.check(said, self._undisturbed, self._where(boundaries))
        shutil.rmtree(project.root)
        return project.crashes

    def _where(self, boundaries: tuple[int, ...]) -> str:
        return f"workflow {self._workflow!r} killed at the boundaries {boundaries}"


@pytest.fixture
def cases(zygote: Zygote, workflow: str, undisturbed: Callable[[str], Ended], ram_path: Path) -> Cases:
    return Cases(zygote, workflow, undisturbed(workflow), ram_path)


def _boundaries(piece: int) -> Iterator[int]:
    boundary = piece + 1
    while True:
        yield boundary
        boundary += SLICES


@pytest.mark.parametrize("piece", range(SLICES))
def test_a_kill_at_any_boundary_of_the_storage_costs_nothing(cases: Cases, piece: int, figure) -> None:
    count = 0
    for boundary in _boundaries(piece):
        if not cases.play(boundary):
            break
        count += 1

    figure("kill -9 at every boundary of the storage", tried=count, of="kills", what="lost or run again")
    assert count >= 3


@pytest.mark.parametrize("piece", range(SLICES))
def test_a_second_kill_at_a_boundary_of_the_resume_costs_nothing(
    cases: Cases, workflow: str, piece: int, figure, size
) -> None:
    """Both boundaries are drawn; what is drawn past the end of a run or of its resume is a single kill, or none, and does not count."""
    rng = random.Random(f"{workflow} {piece}")
    wanted = size(24, PAIRS_OF_TEN if workflow == "ten" else PAIRS_OF_OTHERS) // SLICES
    count = 0
    while count < wanted:
        count += cases.play(rng.randint(3, 40), rng.randint(1, 36)) == 2

    figure(
        "double kills, at a boundary of the run and one of its resume",
        tried=count,
        of="pairs",
        what="lost or run again",
    )
