"""kill -9 from outside, at random moments of real runs and of their resumes, until the run has come to its end."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.projects import Ended, Project, Zygote
from tests.crash.workflows import WORKFLOWS

pytestmark = pytest.mark.slow

SLICES = 4
MOST_KILLS_OF_ONE_RUN = 3
"""A task that is lost more often is given up: that is a promise, too, and another end than the undisturbed run's."""


@pytest.mark.parametrize("piece", range(SLICES))
def test_runs_killed_at_random_moments_end_as_if_nothing_had_happened(
    piece: int, zygote: Zygote, undisturbed: Callable[[str], Ended], ram_path: Path, size, figure
) -> None:
    wanted = size(48, 1200) // SLICES
    rng = random.Random(piece)
    kills = runs = at_work = 0
    while kills < wanted:
        name = rng.choice(sorted(WORKFLOWS))
        project = Project.make(ram_path / str(runs), WORKFLOWS[name])
        _kill_until_it_ends(project, rng, zygote, undisturbed(name), f"slice {piece}, run {runs} of {name!r}")
        at_work += len(project.running.intersection(project.starts()))
        shutil.rmtree(project.root)
        kills += project.crashes
        runs += 1

    figure("kill -9 at random moments", tried=kills, of="kills", what="lost or run again")
    figure(
        "attempts at work when their driver was killed", tried=at_work, of="attempts", what="not gone on with"
    )
    figure("processes left behind by runs that were killed", tried=runs, of="runs", what="processes")


def _kill_until_it_ends(
    project: Project, rng: random.Random, zygote: Zygote, undisturbed: Ended, where: str
) -> None:
    command = ("run", "w.json")
    while project.crashes < MOST_KILLS_OF_ONE_RUN:
        after = rng.uniform(0.0, undisturbed.seconds * 1.1)
        said = zygote.call(project, *command, "--json", after_seconds=after)
        if not said.was_killed:
            break
        if not project.note_crash(said):
            return
        command = ("resume", "last")
    else:
        said = zygote.call(project, *command, "--json")
    project.check(said, undisturbed, where)
