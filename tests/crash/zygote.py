"""A process in which the command line is loaded already, and which forks for each call of it: a killed run costs what the run costs, and no start of an interpreter.

``python zygote.py`` reads one request a line and answers with one line. A request is a call of ``actorflow`` (arguments, folder, environment, where its output goes) and how it is to die:
by SIGKILL at the k-th boundary of its storage, by SIGKILL after a time, or not at all; or which of its file operations are to fail (see ``tests/faults/injector``). There is a boundary before and after everything that makes something durable: a run's folder, a
driver's number, a batch of events, each step of a blob, a snapshot. The product knows nothing of this. The zygote has no threads and never touches a journal itself.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actorflow.engine import snapshots
from actorflow.journal import blobs, runs
from actorflow.journal.database import Database
from tests.crash.workflows import TEN

LOADED = (
    "__main__ agents.echo agents.python agents.shell api.looking api.running cli.driving cli.inputs_file cli.output cli.outputs cli.resume cli.run "
    "cli.workflow_file engine.drive journal.sqlite views.plain views.summary views.watching"
).split()


@dataclass(frozen=True)
class Call:
    """One call of the command line, as the request says it.

    Attributes:
        crash_at: the boundary at which it dies, counted from 1; 0 for none.
        after_seconds: when it is killed from outside; None for never.
        fault: which of its operations on files fail, and how; the fields of an ``injector.Fault``.
        timeout_seconds: a call that takes longer hangs: it is killed, and the answer says so.
    """

    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    output: str
    errors: str
    crash_at: int = 0
    after_seconds: float | None = None
    fault: dict[str, Any] | None = None
    timeout_seconds: float = 60.0


class Failpoints:
    """Counts boundaries, over all threads, and ends the process at one of them."""

    def __init__(self, crash_at: int) -> None:
        self._crash_at = crash_at
        self._lock = threading.Lock()
        self._count = 0

    def install(self) -> None:
        self._around(runs.RunStore, "create")
        for name in ("_take_over", "append", "checkpoint"):
            self._around(Database, name)
        for name in ("_write", "sync_folder"):
            self._around(blobs, name)
        self._around(snapshots, "write_snapshot")

    def _reach(self) -> None:
        with self._lock:
            self._count += 1
            if self._count == self._crash_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def _around(self, owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **options: Any) -> Any:
            self._reach()
            answer = original(*args, **options)
            self._reach()
            return answer

        setattr(owner, name, wrapped)


def main() -> None:
    _load()
    for line in sys.stdin:
        call = Call(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _be_actorflow(call)
        wait = _wait if call.fault is None else _wait_and_inject
        sys.stdout.write(f"{json.dumps(wait(pid, call))}\n")
        sys.stdout.flush()


def _load() -> None:
    """Load what a run needs, once: the modules, the grammar of expressions, the installed agents."""
    from actorflow.api.checking import registry_of
    from actorflow.settings import read_settings
    from actorflow.workflow import load_workflow

    snapshots.EVERY = (
        1  # short runs have snapshots, too: one for each round of as many events as they have tasks
    )
    for name in LOADED:
        importlib.import_module(f"actorflow.{name}")
    registry = registry_of(read_settings({"HOME": "/"}, cwd=Path("/")))
    load_workflow(json.dumps(TEN).encode(), file="ten.json", catalog=registry.catalog())


def _be_actorflow(call: Call) -> None:
    code = 1
    try:
        os.chdir(call.cwd)
        os.environ.clear()
        os.environ.update(call.environment)
        for number, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, call.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
            (2, call.errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            os.dup2(os.open(path, flags, 0o600), number)
        random.seed()  # not the same draws in every process
        if call.fault is not None:
            from tests.power_loss.recorder import be_traced

            be_traced()
        Failpoints(call.crash_at).install()
        sys.argv = ["actorflow", *call.arguments]
        from actorflow.__main__ import main as actorflow

        actorflow()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, call: Call) -> dict[str, Any]:
    began = time.monotonic()
    patience = call.timeout_seconds if call.after_seconds is None else call.after_seconds
    has_ended = _has_ended(pid, patience)
    if not has_ended:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "most_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "seconds": time.monotonic() - began,
        "hangs": not has_ended and call.after_seconds is None,
    }


def _wait_and_inject(pid: int, call: Call) -> dict[str, Any]:
    from tests.faults.injector import Fault, inject

    began = time.monotonic()
    assert call.fault is not None
    injected = inject(pid, Path(call.cwd) / ".claude", Fault(**call.fault), call.timeout_seconds)
    return injected | {"seconds": time.monotonic() - began}


def _has_ended(pid: int, seconds: float) -> bool:
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(pid)
        try:
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        time.sleep(0.0005)
    return False


if __name__ == "__main__":
    main()
