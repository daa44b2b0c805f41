"""Completion in the real shells: a person types, presses the tab key, and the shell fills in what there is."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r")
_CLEAR_LINE = "\x15"
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(actorflow completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'eval "$(actorflow completion zsh)"'),
    "zsh with its completion": (
        ["zsh", "-f", "-i"],
        'autoload -Uz compinit && compinit -D -u && eval "$(actorflow completion zsh)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "actorflow completion fish | source"),
}


class Typist:
    """An interactive shell on a terminal of its own, and somebody who types."""

    def __init__(self, program: list[str], home: Path) -> None:
        environment = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TERM": "xterm",
            "COLUMNS": "120",
            "LANG": "C.UTF-8",
        }
        self._process, self._terminal = pty.fork()
        if not self._process:
            os.execvpe(program[0], program, environment)

    def type(self, text: str, expected: str) -> None:
        """Type, and wait until the shell has shown what is expected."""
        os.write(self._terminal, text.encode())
        seen = b""
        while expected not in (shown := _CONTROL.sub(b"", seen).decode("utf-8", "replace")):
            readable, _, _ = select.select([self._terminal], [], [], PATIENCE_SECONDS)
            assert readable, f"{expected!r} did not come after {text!r}; seen: {shown!r}"
            seen += os.read(self._terminal, 65536)

    def leave(self) -> None:
        os.kill(self._process, 9)
        os.waitpid(self._process, 0)
        os.close(self._terminal)


@pytest.fixture(params=SHELLS)
def typist(request: pytest.FixtureRequest, project: Path) -> Iterator[Typist]:
    program, setup = SHELLS[request.param]
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed here: nothing was tried with it")
    typist = Typist(program, project.parent)
    typist.type(f"{setup}; echo is' 'ready\n", "is ready")
    yield typist
    typist.leave()


def test_the_tab_key_fills_in_what_there_is(typist: Typist, call, workflow, project: Path) -> None:
    (project / "release my plan.yaml").touch()
    run = call("run", workflow(build="true", deploy=["build", "true"]), "-q").stdout.strip()

    typist.type("actorflow resu\t", "resume")
    for typed, expected in {
        "actorflow run --max-p\t": "--max-parallel",
        f"actorflow status {run[:-3]}\t": run,
        "actorflow logs last de\t": "last deploy",
        f"actorflow explain {run} b\t": f"{run} build",
        "actorflow explain de\t": "explain deploy",  # a task of the last run
        "actorflow run release-n\t": "release-notes",  # the name of a template
        "actorflow run release\\ my\t": "plan.yaml",
    }.items():
        typist.type(_CLEAR_LINE + typed, expected)
