from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.tutorial import File, matches, steps

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorial").glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tutorial_followed_by_hand_works_word_for_word(page: Path, tmp_path: Path) -> None:
    scripts = str(Path(sys.executable).parent)
    environment = {"PATH": f"{scripts}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    folder = tmp_path / "empty"
    folder.mkdir()

    commands = 0
    for step in steps(page):
        if isinstance(step, File):
            (folder / step.name).write_text(step.text, encoding="utf-8")
            continue
        commands += 1
        done = subprocess.run(
            ["bash", "-c", f"{step.line}\nexit $?"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert (done.returncode, matches(step.expected, done.stdout)) == (step.exit_code, True), (
            f"$ {step.line}\nexpected [exit {step.exit_code}]:\n{step.expected}\nseen [exit {done.returncode}]:\n{done.stdout}"
        )

    assert commands
