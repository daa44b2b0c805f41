"""``--detach``: a run goes on in a process of its own, and the command ends as soon as the run is durable.

The command starts itself once more, with the same words, in a session that no terminal can hang up. That child
drives the run: it says the run's id on a pipe when the run is durable, then turns its streams to ``driver.log``
in the run's folder, which is all that is left of the connection. What the child says before that (a wrong input,
an agent that is not there) is told by the command, and its exit code is the command's. Must not know how a run is
driven.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from actorflow.cli.failing import ARGUMENTS_KEY
from actorflow.cli.output import print_json
from actorflow.cli.streams import say
from actorflow.ids import RUN_ID

__all__ = ["DRIVER_LOG", "detach", "is_detached", "leave_terminal"]

DRIVER_LOG = "driver.log"
"""In a run's folder: what a driver in the background has said."""

_VARIABLE = "ACTORFLOW_DETACHED_DRIVER"
_ENDING_SECONDS = 30.0


def is_detached(environment: MutableMapping[str, str]) -> bool:
    """Tell whether this process was started to drive a run in the background; what it starts itself will not believe so."""
    return environment.pop(_VARIABLE, "") == "1"


def leave_terminal(folder: Path) -> None:
    """Turn stdout and stderr to the run's ``driver.log``; when that cannot be written, to nothing.

    Args:
        folder: the run's folder.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        target = os.open(folder / DRIVER_LOG, flags, 0o600)
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(target, stream.fileno())
    os.close(target)


def detach(ctx: click.Context, *, options: str, as_json: bool, reads_stdin: bool = False) -> int:
    """Start this command again in the background; returns the exit code once the run is durable, or could not begin.

    Args:
        options: ``--state-dir`` and the like, to be repeated in suggested commands.
        reads_stdin: whether the child is to have our stdin; otherwise it has none.
    """
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "actorflow", *_arguments(ctx)],
            stdin=None if reads_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, _VARIABLE: "1"},
            start_new_session=True,
        )
        first, rest = _answer(child)
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    if words:
        say(words, to_stderr=True, end="")
    if not RUN_ID.fullmatch(first.strip()):
        say(first + rest, end="")
        return child.wait()
    run_id = first.strip()
    child.returncode = 0  # it is not ours any more: nobody waits for it
    _tell(run_id, child.pid, options, as_json=as_json)
    return 0


def _arguments(ctx: click.Context) -> Sequence[str]:
    arguments: Sequence[str] = ctx.meta[ARGUMENTS_KEY]
    return arguments


def _answer(child: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Return the child's first line, and, if that is not the id of a run, all the others. An interrupt ends the child too."""
    assert child.stdout is not None  # noqa: S101 (it is a pipe: this tells the type checker)
    try:
        with child.stdout as stdout:
            first = stdout.readline().decode("utf-8", "replace")
            rest = b"" if RUN_ID.fullmatch(first.strip()) else stdout.read()
    except KeyboardInterrupt:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_ENDING_SECONDS)
        raise
    return first, rest.decode("utf-8", "replace")


def _tell(run_id: str, pid: int, options: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"run_id": run_id, "pid": pid})
    else:
        say(run_id)
    command = " ".join(["actorflow", "watch", *filter(None, [options]), run_id])
    say(f"run {run_id} goes on in the background; watch it: {command}", to_stderr=True)
