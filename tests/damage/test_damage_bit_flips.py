"""Whatever a disk does to a file of a run, it is read as what it was or refused by name, and never read as something else."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from actorflow import api
from actorflow.errors import ActorflowError
from actorflow.journal import BlobStore, JournalReader, RunStore
from actorflow.settings import read_settings
from tests.crash.projects import Project, Zygote, running_zygote
from tests.crash.workflows import WORKFLOWS
from tests.damage.images import Damage, Folder, damage, make_long

pytestmark = pytest.mark.slow

SLICES = 4
KINDS = ("at_rest", "killed", "long")


def _make(kind: str, root: Path, zygote: Zygote) -> Folder:
    if kind == "long":
        made, source = root / "made", root / "source"
        make_long(made)
        shutil.copytree(made, source)
        return Folder.of(source)
    project = Project.make(root / "project", WORKFLOWS["ten"])
    said = zygote.call(project, "run", "w.json", crash_at=30 if kind == "killed" else 0)
    assert said.was_killed == (kind == "killed"), said.errors
    return Folder.of(project.settings.state_dir)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Folder]:
    with running_zygote() as zygote:
        return [_make(kind, tmp_path_factory.mktemp(kind), zygote) for kind in KINDS]


def look(folder: Folder) -> Any:
    """Return everything that there is to read of a run: its state if the engine has made it, its records, its blobs."""
    run = RunStore(folder.state_dir).open(folder.run_id)
    with JournalReader.open(run.path) as reader:
        records = reader.read()
    store = BlobStore(run.blobs)
    blobs = [store.get(path.name) for path in folder.contents if path.parent == run.blobs]
    if folder.state_dir.name == "workflow-state":
        settings = read_settings({"HOME": "/"}, cwd=folder.state_dir.parents[1])
        return records, blobs, records and api.inspect(str(folder.run_id), settings=settings).state
    return records, blobs, None


class Case:
    """A folder, and what is read from it as long as it is whole."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.whole = look(folder)

    def verdict(self, done: Damage) -> str:
        """Say what became of a damage: how it was refused, or as what the run was read."""
        try:
            found = look(self.folder)
        except ActorflowError as error:
            is_named = str(self.folder.path) in error.message and error.exit_code == 74
            return "refused by name" if is_named else f"WRONG: {done.how}: {error.message}"
        if found == self.whole:
            return "read as it was"
        return f"WRONG: {done.how}: read as something else"


@pytest.mark.parametrize("piece", range(SLICES))
def test_damage_is_refused_by_name_or_changes_nothing(
    folders: list[Folder], piece: int, size, figure, record_property
) -> None:
    rng = random.Random(piece)
    cases = [Case(folder) for folder in folders]
    verdicts: Counter[str] = Counter()

    for _ in range(size(500, 10_000) // SLICES):
        case = rng.choice(cases)
        done = damage(case.folder, rng)
        verdicts[case.verdict(done)] += 1
        case.folder.mend(done.path)

    wrong = [verdict for verdict in verdicts if verdict.startswith("WRONG")]
    figure(
        "bit flips, lost sectors, cut files",
        tried=verdicts.total(),
        of="damages",
        found=len(wrong),
        what="read as something else",
    )
    record_property("note", f"damages, slice {piece}: {dict(verdicts)}")
    assert wrong == []
