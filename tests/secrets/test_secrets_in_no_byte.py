"""Secrets that programs print in any of sixteen encodings are in no byte that we write: journal, log of SQLite, blobs, what attempts said, pictures, exports, errors, the terminal.

Runs end well, fail, and are killed in the middle and resumed.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.projects import Project, Zygote
from tests.secrets.encodings import forms

pytestmark = pytest.mark.slow

PROGRAM = str(Path(__file__).with_name("encodings.py"))
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "abcXYZ019+/=_-.~",
    "aZ09'\"\\ $`!&|;<>()[]{}*?#%^,",
    "aä漢🦄é ß0",
)
COMMANDS = (
    ("status", "last"), ("status", "last", "--json"), ("logs", "last"), ("events", "last", "--json"), ("events", "last"), ("export", "last"),
    ("explain", "last"), ("explain", "last", "fails"), ("context", "last"), ("timeline", "last"), ("history", "--json"), ("stats", "secrets", "--json"), ("tree", "last"),
    ("graph", "last", "-o", "run.svg"),
)  # fmt: skip


def _secret(rng: random.Random) -> str:
    """Draw a secret; one that looks like a hole is refused where it is written down, and can only come from the environment."""
    alphabet = rng.choice(ALPHABETS)
    text = "".join(rng.choice(alphabet) for _ in range(rng.choice((12, 20, 40, 90)))).strip() + "Zq7"
    return text.replace("${", "$[").replace("$<", "$[")


def _workflow(literal: str) -> dict[str, Any]:
    def task(name: str, where: str, size: int, code: int, **fields: Any) -> dict[str, Any]:
        command = [sys.executable, PROGRAM, where, str(size), str(code)]
        task = {
            "id": name,
            "agent": "shell",
            "env": {"SECRET": "${secrets.ONE}"},
            "parameters": {"command": command},
        }
        return task | fields

    return {
        "name": "secrets",
        "context": {"secrets": {"ONE": "env:ONE", "TWO": literal}},
        "settings": {"on_failure": "continue"},
        "tasks": [
            task("says", "out", 0, 0),
            task("whispers", "err", 0, 0),
            task("fails", "err", 0, 3, on_failure="skip"),
            task("literal", "out", 0, 0, env={"SECRET": "${secrets.TWO}"}),
            task("large", "out", 9000, 0, dependencies=["says"]),
            {"id": "after", "agent": "echo", "dependencies": ["says", "large"], "parameters": {"a": "${says.output}", "b": "${large.output}"}},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("piece", range(2))
def test_no_secret_is_in_any_byte_that_is_written(
    zygote: Zygote, piece: int, ram_path: Path, size, figure, record_property
) -> None:
    rng = random.Random(piece)
    count = size(4, 80) // 2
    looked_at = 0
    for number in range(count):
        one, two = _secret(rng), _secret(rng)
        project = Project.make(ram_path / str(number), _workflow(two))
        hidden = {f"{name} {which}": form for which in (one, two) for name, form in forms(which).items()}
        for path, data in _everything(zygote, project, one, rng):
            looked_at += len(data)
            found = [name for name, form in hidden.items() if form in data]
            assert found == [], f"{path}"
        shutil.rmtree(project.root)

    figure("secrets looked for in all that is written", tried=count, of="runs", what="found")
    record_property("note", f"secrets, slice {piece}: looked for in {looked_at >> 10:,} KB")


def _everything(
    zygote: Zygote, project: Project, secret: str, rng: random.Random
) -> Iterator[tuple[str, bytes]]:
    """Run the workflow, killed once in the middle now and then, and give all that was written: files, and what commands print."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(project.root), "ONE": secret}
    crash_at = rng.choice((0, 0, 14, 20, 26))
    said = zygote.call(project, "run", "w.json", "--json", environment=environment, crash_at=crash_at)
    if said.was_killed:
        yield "what a killed run has printed", (said.output + said.errors).encode()
        said = zygote.call(project, "resume", "last", "--json", environment=environment)
    assert said.status == 0, said.errors
    yield "what the run has printed", (said.output + said.errors).encode()
    for command in COMMANDS:
        said = zygote.call(project, *command)
        assert said.status == 0, f"{command}: {said.errors}"
        if command[0] == "logs":
            assert "raw is >***<" in said.output, "what is looked for was printed, and masked"
        yield " ".join(command), (said.output + said.errors).encode()
    for path in project.root.rglob("*"):
        if path.is_file() and path.name != "w.json":
            yield str(path), path.read_bytes()
