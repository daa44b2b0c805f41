"""Every operation on a file of a run fails once, in real processes: no room, an error of the disk, a sync that fails, a write that comes half through.

The run goes on, or ends with words (exit code 74, or 1 if it only cost an attempt), and a resume brings it to the end of a run that nobody disturbed, with nothing lost and nothing that was
finished done again. It never hangs. A sync of the journal that has failed is never tried again: nothing is written to it any more by that process.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from tests.crash.projects import Ended, Project, Zygote
from tests.crash.workflows import TEN
from tests.faults.injector import JOURNAL
from tests.power_loss.recorder import CAN_TRACE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_TRACE, reason="the injector needs Linux's ptrace, on x86-64 or arm64"),
]

SLICES = 2
MOST_OF_A_BURST = 4
"""Of writes to the same file in a row so many are tried: the log gets its size by hundreds of them."""
KINDS = ("full", "error", "sync", "short")
STATUSES = (0, 1, 74)
KILLED_AT = 25


class Faulty:
    """Runs one workflow again and again, each time with another operation that fails.

    Args:
        resumes: whether the fault is in the resume of a run that was killed, instead of in the run.
    """

    def __init__(self, kind: str, zygote: Zygote, undisturbed: Ended, root: Path, *, resumes: bool) -> None:
        self._kind = kind
        self._zygote = zygote
        self._undisturbed = undisturbed
        self._root = root
        self._resumes = resumes

    def operations(self) -> list[int]:
        """Return the numbers of the operations that can fail, those of long bursts only in part."""
        project = Project.make(self._root / "all", TEN)
        said = self._call(project, 1 << 30, 1 << 30)
        numbered = list(enumerate(said.tried, 1))
        chosen = []
        for _, group in groupby(numbered, key=lambda pair: pair[1]):
            burst = [number for number, _ in group]
            chosen += random.Random(len(chosen)).sample(burst, min(len(burst), MOST_OF_A_BURST))
        shutil.rmtree(project.root)
        return sorted(chosen)

    def fail(self, first: int, last: int) -> None:
        """Let the operations from ``first`` to ``last`` fail in one run, resume it if it did not end, and check it."""
        project = Project.make(self._root / str(first), TEN)
        said = self._call(project, first, last)
        when = "the resume" if self._resumes else "the run"
        where = f"{self._kind} at operations {first}-{last} of {when} ({said.hit}): {said.errors}"
        assert said.status in STATUSES, where
        hit = Path(said.hit)
        if self._kind == "sync" and hit.name in JOURNAL and not hit.parent.name.startswith(".new-"):
            assert said.after == (), f"after a sync that failed the journal was used again; {where}"
        if said.status != 0:
            assert "error:" in said.errors or "failed" in said.errors, where
            if not project.note_crash(said):  # no run was accepted; what is left of it is in nobody's way
                shutil.rmtree(project.root)
                return
            said = self._zygote.call(project, "resume", "last", "--json")
        project.check(said, self._undisturbed, where, may_fail=True)
        shutil.rmtree(project.root)

    def _call(self, project: Project, first: int, last: int) -> Ended:
        fault = {"kind": self._kind, "first": first, "last": last}
        command = ("run", "w.json")
        if self._resumes:
            killed = self._zygote.call(project, *command, crash_at=KILLED_AT)
            assert killed.was_killed
            assert project.note_crash(killed)
            command = ("resume", "last")
        return self._zygote.call(project, *command, "--json", fault=fault, timeout_seconds=60.0)


@pytest.mark.parametrize("command", ["run", "resume"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", range(SLICES))
def test_an_operation_that_fails_costs_nothing_that_was_finished(
    command: str,
    kind: str,
    piece: int,
    zygote: Zygote,
    undisturbed: Callable[[str], Ended],
    ram_path: Path,
    size,
    figure,
) -> None:
    faulty = Faulty(kind, zygote, undisturbed("ten"), ram_path, resumes=command == "resume")
    operations = faulty.operations()
    rng = random.Random(piece)
    chosen = sorted(rng.sample(operations, min(len(operations), size(8, 1000))))[piece::SLICES]

    for first in chosen:
        faulty.fail(first, first + (rng.choice((0, 2)) if kind != "short" else 1))

    figure("operations on files that fail", tried=len(chosen), of="faults", what="lost, run again or hanging")
    assert len(chosen) >= 4


@pytest.mark.parametrize("first", range(1, 6))
def test_a_journal_is_not_synced_again_after_a_failure_to_open_it(
    first: int, zygote: Zygote, undisturbed: Callable[[str], Ended], ram_path: Path
) -> None:
    """Closing it would do so, and delete the log, which then holds the only copy of what was acknowledged."""
    Faulty("sync", zygote, undisturbed("ten"), ram_path, resumes=True).fail(first, first)
