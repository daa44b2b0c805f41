"""Races of two ``resume``s for one run, many of them in children that are forked from a process that has imported everything once.

``python races.py FOLDER COUNT``: FOLDER holds the state folder of an interrupted run. For each race it is copied, two children try to resume the run at the same moment, and whoever
gets it holds it until the other one has given up. Prints one JSON line a race: the pids, and each one's exit code and words.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import trio

from actorflow import api
from actorflow.api import running
from actorflow.errors import ActorflowError
from actorflow.settings import read_settings


def race(template: Path, folder: Path, *, modules: Path | None = None) -> dict[str, Any]:
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("gate"))
    start, go = os.pipe()
    release, let_go = os.pipe()
    answers, answer = os.pipe()
    children = [_fork(folder, start, release, answer, (go, let_go, answers), modules) for _ in range(2)]
    for descriptor in (start, release, answer):
        os.close(descriptor)
    os.close(go)  # both children wait for the end of this pipe
    with os.fdopen(answers, "rb") as lines:
        first = json.loads(lines.readline())
        os.close(let_go)
        second = json.loads(lines.readline())
    for child in children:
        os.waitpid(child, 0)
    shutil.rmtree(folder)
    return {"pids": children, "answers": [first, second]}


def _fork(
    folder: Path, start: int, release: int, answer: int, parents: tuple[int, ...], modules: Path | None
) -> int:
    pid = os.fork()
    if pid:
        return pid
    for descriptor in parents:
        os.close(descriptor)
    os.read(start, 1)
    code, words = _resume(folder, release)
    os.write(answer, json.dumps([os.getpid(), code, words]).encode() + b"\n")
    if modules:
        modules.write_text(json.dumps(sorted(sys.modules)))
    os._exit(0)


def _resume(folder: Path, release: int) -> tuple[int, str]:
    drive = running._Driving._drive

    async def drive_and_hold(self: Any, *args: Any) -> Any:
        state = await drive(self, *args)
        os.read(release, 1)  # the end of this pipe comes when the other one has answered
        return state

    running._Driving._drive = drive_and_hold  # type: ignore[method-assign]  # only in this child
    settings = read_settings({"HOME": str(folder)}, cwd=folder)

    async def resume() -> int:
        return (await api.resume("last", settings=settings)).exit_code

    try:
        return trio.run(resume), ""
    except ActorflowError as error:
        return error.exit_code, error.message


def import_what_a_resume_imports(template: Path) -> None:
    """Import here, once, what is imported on the way: each child would do it again."""
    modules = template.parent / "modules.json"
    race(template, template.parent / "warm", modules=modules)
    for name in json.loads(modules.read_text()):
        with suppress(ImportError):
            import_module(name)


if __name__ == "__main__":
    template = Path(sys.argv[1])
    import_what_a_resume_imports(template)
    for number in range(int(sys.argv[2])):
        sys.stdout.write(json.dumps(race(template, template.parent / f"race-{number}")) + "\n")
