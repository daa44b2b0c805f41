"""``actorflow export``: a run as lines of JSON, for archives and other tools."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from actorflow.cli.options import last_run_argument, settings_for, state_dir_option
from actorflow.cli.streams import say

__all__ = ["export_command"]


@click.command("export", short_help="Write a run as lines of JSON.")
@last_run_argument
@click.option("--jsonl", is_flag=True, help="Lines of JSON; the default, and the only form so far.")
@click.option("-o", "--output", metavar="FILE", help="Write there instead of to stdout; - is stdout.")
@click.option(
    "--blobs",
    type=click.Choice(["inline", "beside", "none"]),
    default="inline",
    show_default=True,
    help="Where outputs over 64 KiB go: into it, into the folder FILE.blobs, or nowhere.",
)
@state_dir_option
def export_command(
    *,
    run: str,
    jsonl: bool,
    output: str | None,
    blobs: Literal["inline", "beside", "none"],
    state_dir: str | None,
) -> None:
    """Write a run as lines of JSON: a header, every event as it was recorded, and the large outputs.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out. Secrets are in no
    journal, and so in no export.
    """
    from actorflow import api

    del jsonl
    settings = settings_for(state_dir)
    is_stdout = output in (None, "-")
    if blobs == "beside" and is_stdout:
        raise click.UsageError("--blobs beside needs -o FILE")
    if not is_stdout:
        _place(str(output))
    if blobs == "beside":
        api.copy_blobs(run, Path(f"{output}.blobs"), settings=settings)
    lines = api.export_lines(run, settings=settings, blobs="inline" if blobs == "inline" else "none")
    if is_stdout:
        sys.stdout.flush()
        for line in lines:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return
    count = _write(_place(str(output)), lines)
    say(f"{count} lines written to {output}", to_stderr=True)


def _place(output: str) -> Path:
    """Return where to write; a link stays one.

    Raises:
        InputError: no file can be there.
    """
    from actorflow.errors import InputError

    place = Path(output)
    if place.is_dir() or output.endswith("/"):
        raise InputError(f"{output} is a folder", hint="give the name of a file in it")
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}", hint="make it first")
    return place.resolve()


def _write(path: Path, lines: Iterator[bytes]) -> int:
    """Write beside the place and rename, so that a file of that name is always whole; a pipe or a device is written to."""
    count = 0
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            for line in lines:
                device.write(line)
                count += 1
        return count
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for line in lines:
                file.write(line)
                count += 1
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count
