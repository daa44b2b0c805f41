"""Requests from other processes to the driver of a run, through files in its ``control/`` folder.

A request is a JSON file that appears by rename, so that it is never seen half-written: ``<id>.request``. The
driver looks for them a few times a second, carries them out and answers with ``<id>.answer``, also by rename;
what changes the run is in the journal as well. Whoever asked removes both. Nothing here trusts what a request
says beyond its known fields.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import trio

from actorflow.actors import Context
from actorflow.errors import DriverSilent
from actorflow.journal.storage import NO_ROOM

__all__ = ["POLL_SECONDS", "Request", "ask_driver", "serve_control", "write_request"]

POLL_SECONDS = 0.1
"""How often the driver looks for requests, and a requester for its answer."""

ANSWER_SECONDS = 15.0
"""How long a driver may take to answer. One that is stopped, or whose disk is stuck, does not."""

RECORD_SECONDS = 60.0
"""How long other requests wait for the record of a cancellation."""

MAX_REQUEST_BYTES = 64 * 1024

RequestKind: TypeAlias = Literal["cancel", "tree"]


@dataclass(frozen=True, slots=True)
class Request:
    """Something that another process asks of the driver."""

    request_id: str
    kind: str
    by: str = ""


async def serve_control(
    ctx: Context,  # noqa: ARG001 (a service is given its context)
    folder: Path,
    tree: Callable[[], str],
    cancel: Callable[[str, str], Awaitable[bool]],
) -> None:
    """Answer requests for as long as the run is driven. A service actor.

    Args:
        tree: draws the supervision tree.
        cancel: cancels the run, for somebody and with the id of the request, and waits until that is recorded; False when the run is over.
    """
    answered: set[str] = set()
    while True:
        for request in _new_requests(folder, answered):
            if request.kind == "cancel":
                with trio.move_on_after(RECORD_SECONDS):  # a stuck disk; whoever asked has given up before
                    if await cancel(request.by, request.request_id):
                        _answer(folder, request, "cancelling")
            elif request.kind == "tree":
                _answer(folder, request, tree())
            else:
                _answer(folder, request, "")
            answered.add(request.request_id)
        await trio.sleep(POLL_SECONDS)


def _new_requests(folder: Path, answered: set[str]) -> list[Request]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".request"))
    except FileNotFoundError:
        return []
    ids = [name.removesuffix(".request") for name in names]
    return [
        _read(folder, request_id)
        for request_id in ids
        if request_id not in answered and _is_waited_for(folder / f"{request_id}.request")
    ]


def _is_waited_for(request: Path) -> bool:
    """Whether somebody can still wait for the answer; a request that was left behind by a killed process must not meet a later driver."""
    try:
        # One from the future is older than a clock that has been set back since.
        return abs(time.time() - request.stat().st_mtime) <= ANSWER_SECONDS
    except OSError:  # it has been taken back
        return False


def _read(folder: Path, request_id: str) -> Request:
    with suppress(OSError, ValueError, AttributeError):
        with (folder / f"{request_id}.request").open("rb") as file:
            content = json.loads(file.read(MAX_REQUEST_BYTES))
        return Request(request_id, str(content.get("kind", "")), str(content.get("by", "")))
    return Request(request_id, request_id.partition(".")[2])


def _answer(folder: Path, request: Request, text: str) -> None:
    with suppress(OSError):  # whoever asked is gone, or the disk is full: the run goes on
        _write_by_rename(folder / f"{request.request_id}.answer", {"answer": text})


def write_request(folder: Path, request: Request) -> None:
    """Put a request into a run's control folder; on a full disk its kind is in its name, which needs no room."""
    path = folder / f"{request.request_id}.request"
    try:
        _write_by_rename(path, {"kind": request.kind, "by": request.by})
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _without_room(path, request.kind).touch(0o600)


def _without_room(request: Path, kind: str) -> Path:
    return request.with_name(f"{request.stem}.{kind}{request.suffix}")


def _write_by_rename(path: Path, content: dict[str, str]) -> None:
    unfinished = path.with_suffix(path.suffix + f".{os.getpid()}.tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


async def ask_driver(folder: Path, request: Request, *, driver: Callable[[], object | None]) -> str | None:
    """Ask the driver and wait for its answer; None when nobody drives the run (any more).

    Args:
        driver: tells who drives the run at this moment; None for nobody.

    Raises:
        DriverSilent: it is there and does not answer. The request is taken back.
    """
    write_request(folder, request)
    answer = folder / f"{request.request_id}.answer"
    give_up_at = trio.current_time() + ANSWER_SECONDS
    try:
        while True:
            present = driver()  # before the look, so that an answer given just before its end is seen
            with suppress(FileNotFoundError):
                return str(json.loads(answer.read_text(encoding="utf-8"))["answer"])
            if present is None:
                return None
            if trio.current_time() >= give_up_at:
                raise DriverSilent(str(present), ANSWER_SECONDS)
            await trio.sleep(POLL_SECONDS)
    finally:
        for suffix in (".request", ".answer"):
            path = folder / f"{request.request_id}{suffix}"
            path.unlink(missing_ok=True)
            _without_room(path, request.kind).unlink(missing_ok=True)
