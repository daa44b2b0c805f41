"""Projects in which real runs are killed and resumed, and the books about what may have happened in them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actorflow import api
from actorflow.errors import RunError
from actorflow.journal import RunStore
from actorflow.settings import Settings, read_settings
from actorflow.state import TaskStatus
from actorflow.state import events as ev
from tests.crash.workflows import END_HOOKS

ROOT = Path(__file__).parents[2]

CALL_SECONDS = 60.0
"""How long a call may take before it counts as hanging, unless its test says otherwise; see ``zygote.Call``."""

ANSWER_SECONDS = 20.0
"""How much later than that the answer may come."""


@dataclass(frozen=True)
class Ended:
    """How a call of the command line ended.

    Attributes:
        processor_seconds: of the call and of what it started and waited for.
        most_bytes: the most memory that it, or what it started, had.
        tried: the operations that could have been made to fail.
        hit: which operation was made to fail, "" for none.
        after: what it did to files of the journal after that.
    """

    status: int
    seconds: float
    output: str
    errors: str
    processor_seconds: float = 0.0
    most_bytes: int = 0
    tried: tuple[str, ...] = ()
    hit: str = ""
    after: tuple[str, ...] = ()

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Zygote:
    """A process that calls the command line in forks of itself (see ``zygote``)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, project: Project, *arguments: str, **death: Any) -> Ended:
        """Call ``actorflow`` in a project; ``death`` says how it is to die, see ``zygote.Call``."""
        output, errors = project.root / "out", project.root / "err"
        for path in (output, errors):
            path.unlink(missing_ok=True)
        request = {
            "arguments": arguments,
            "cwd": str(project.root),
            "environment": {"PATH": os.environ["PATH"], "HOME": str(project.root)},
            "output": str(output),
            "errors": str(errors),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"timeout_seconds": CALL_SECONDS} | request | death) + "\n")
        self._process.stdin.flush()
        patience = float(death.get("timeout_seconds", CALL_SECONDS)) + ANSWER_SECONDS
        # It ends what it calls by itself; this is for when it hangs itself. There is one line for each request, so none is in the buffer.
        has_answered, _, _ = select.select([self._process.stdout], [], [], patience)
        assert has_answered, (
            f"the process that calls actorflow {arguments} has not answered for {patience:g} s"
        )
        answer = json.loads(self._process.stdout.readline())
        said = Ended(
            answer["status"],
            answer["seconds"],
            _text(output),
            _text(errors),
            answer.get("processor_seconds", 0.0),
            answer.get("most_bytes", 0),
            tuple(answer.get("tried", ())),
            answer.get("hit", ""),
            tuple(answer.get("after", ())),
        )
        assert not answer["hangs"], f"actorflow {arguments} hangs: {said.errors}"
        assert "Traceback" not in said.errors, said.errors
        return said


@contextmanager
def running_zygote() -> Iterator[Zygote]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.zygote"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Zygote(process)
            process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
            process.wait(ANSWER_SECONDS)
        finally:
            process.kill()


@dataclass
class Project:
    """A project's folder with one workflow in it, and one run of that.

    Attributes:
        finished: the tasks that were SUCCESS at some crash -> which of their attempts had been started by then.
        running: the attempts that were under way at some crash: only these can be lost.
    """

    root: Path
    crashes: int = 0
    finished: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    running: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def make(cls, root: Path, workflow: dict[str, Any]) -> Project:
        (root / ".claude").mkdir(parents=True)
        (root / "w.json").write_text(json.dumps(workflow), encoding="utf-8")
        return cls(root)

    @property
    def settings(self) -> Settings:
        return read_settings({"HOME": str(self.root)}, cwd=self.root)

    def events(self) -> list[ev.Event]:
        """Return everything that is durable; nothing if the run had not come that far."""
        try:
            return [recorded.event for recorded in api.inspect("last", settings=self.settings).events]
        except RunError:
            return []

    def starts(self) -> list[tuple[str, int]]:
        """Return the attempts whose agents have begun, as these say it themselves."""
        pairs = (line.split() for line in _text(self.root / "starts.txt").splitlines())
        return [(name, int(attempt)) for name, attempt in pairs]

    def note_crash(self, said: Ended) -> bool:
        """Take note of what is finished now; return whether there is a run that can be resumed."""
        self.crashes += 1
        if not self.events():  # it was never accepted: nobody was told of a run, and no agent was called
            assert "accepted" not in said.errors + said.output
            assert self.starts() == []
            return False
        tasks = api.inspect("last", settings=self.settings).state.tasks.values()
        self.running |= {(task.id, task.attempts) for task in tasks if task.is_attempt_open}
        now = {task.id for task in tasks if task.status is TaskStatus.SUCCESS}
        lost = self.finished.keys() - now - END_HOOKS
        assert not lost, f"{lost} were finished"
        for task in now - END_HOOKS:
            self.finished.setdefault(task, {start for start in self.starts() if start[0] == task})
        return True

    def check(self, said: Ended, undisturbed: Ended, where: str, *, may_fail: bool = False) -> None:
        """Check that the run has ended as one that nobody disturbed, and that nothing happened on the way that may not.

        Args:
            may_fail: whether an attempt may have failed without its agent having been called, for reasons that are not its own.
        """
        where = f"{where}: {said.errors}"
        assert said.status == undisturbed.status, where
        ended, expected = snapshot(said.output), snapshot(undisturbed.output)
        for name in END_HOOKS if may_fail else ():  # nobody runs a hook again that has failed
            ended.pop(name, None), expected.pop(name, None)
        assert ended == expected, where
        starts, events = Counter(self.starts()), self.events()
        recorded = {(e.task, e.attempt) for e in events if isinstance(e, ev.AttemptStarted)}
        lost = {(e.task, e.attempt) for e in events if isinstance(e, ev.AttemptLost)}
        assert set(starts.values()) <= {1}, f"an attempt was carried out twice; {where}"
        assert starts.keys() <= recorded, f"an agent was called before its start was durable; {where}"
        excused = {
            (e.task, e.attempt) for e in events if isinstance(e, ev.AttemptFailed | ev.AttemptCancelled)
        }
        assert recorded - starts.keys() <= lost | (excused if may_fail else set()), where
        assert lost <= self.running, f"what was not running is lost; {where}"
        given_up = {attempt for attempt in lost & starts.keys() if attempt not in _reset(events)}
        assert may_fail or not given_up, f"{given_up} had begun, and was not taken over; {where}"
        for task, begun in self.finished.items():
            assert {s for s in starts if s[0] == task} == begun, f"{task} was finished and ran again; {where}"
        folder = RunStore(self.settings.state_dir).open(api.inspect("last", settings=self.settings).run_id)
        assert list(folder.blobs.glob(".tmp-*")) == [], where
        assert processes_of(folder.run_id) == [], where


def _reset(events: list[ev.Event]) -> set[tuple[str, int]]:
    """Return the attempts that were lost because their tasks were to run again, whatever they were at."""
    reset: set[tuple[str, int]] = set()
    lost: list[tuple[str, int]] = []
    for event in events:
        match event:
            case ev.AttemptLost():
                lost.append((event.task, event.attempt))
            case ev.RunResumed():
                reset.update(attempt for attempt in lost if attempt[0] in event.tasks)
            case ev.DriverStarted():
                lost = []
    return reset


def snapshot(report: str) -> dict[str, Any]:
    """Return what must not depend on crashes: not times, and not how often something was tried."""
    read = json.loads(report)
    tasks = {**read["tasks"], **read["hooks"]}
    kept = ("status", "reason", "output")
    return {"status": read["status"]} | {name: {k: task[k] for k in kept} for name, task in tasks.items()}


def processes_of(run_id: str) -> list[str]:
    """Return the processes that still work for a run: all of them carry its id in their environment."""
    if sys.platform != "linux":
        return []
    mark = f"ACTORFLOW_RUN_ID={run_id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended, or is somebody else's
                if mark in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
