"""A program that uses the storage as a user's runs do, and says in the file ``MARKS`` what it has acknowledged, and which agents it has called.

``python workload.py engine`` is the command line: a run with large outputs, retries and a failure, then its resume. ``python workload.py journal`` drives a journal and blobs without the
engine, hard enough for the log to be moved and used again several times. A second argument plants a mistake, which the images must show.
"""

from __future__ import annotations

import functools
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actorflow.agents.echo import EchoAgent
from actorflow.agents.shell import ShellAgent
from actorflow.engine import snapshots
from actorflow.ids import RunId
from actorflow.journal import NewRecord, RunStore, blobs, database, runs
from actorflow.journal.blobs import BlobStore
from actorflow.journal.database import Database

BATCHES = 130
MARKS = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def mark(**facts: Any) -> None:
    os.write(MARKS, f"{json.dumps(facts)}\n".encode())


def after(owner: type, name: str, say: Callable[..., None]) -> None:
    """Have ``say`` called with the answer and the arguments when a method has returned."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **options: Any) -> Any:
        answer = original(*args, **options)
        say(answer, *args)
        return answer

    setattr(owner, name, wrapped)


def before_agents(agent: type) -> None:
    original: Any = agent.run  # type: ignore[attr-defined]  # an agent

    @functools.wraps(original)
    async def run(self: Any, request: Any, channel: Any) -> Any:
        mark(called=[request.task_id, request.attempt])
        return await original(self, request, channel)

    agent.run = run  # type: ignore[attr-defined]  # an agent


def acknowledge() -> None:
    after(RunStore, "create", lambda folder, *_: mark(run=folder.run_id))
    after(Database, "append", lambda heads, db, *_: mark(head=heads[-1]) if heads else None)
    after(BlobStore, "_store", lambda name, *_: mark(blob=name))
    for agent in (EchoAgent, ShellAgent):
        before_agents(agent)


def synchronous_normal() -> None:
    pragmas = {name: (value, expected) for name, value, expected in database.PRAGMAS}
    pragmas["synchronous"] = ("NORMAL", 1)
    database.PRAGMAS = tuple((name, *pair) for name, pair in pragmas.items())  # type: ignore[assignment]  # the same shape


def blobs_without_sync() -> None:
    blobs.sync_file = lambda descriptor: None


def blobs_without_their_names() -> None:
    blobs.sync_folder = lambda path: None


def runs_without_their_names() -> None:
    runs.sync_folder = lambda path: None


def marked_before_the_sync() -> None:
    commit = Database._commit

    @functools.wraps(commit)
    def early(self: Database, rows: Any, tail: Any, before_sync: Any) -> None:
        self._mark.raise_to(tail.sequence)
        commit(self, rows, tail, before_sync)

    Database._commit = early  # type: ignore[method-assign]  # the mistake


MISTAKES = {
    mistake.__name__: mistake
    for mistake in (
        synchronous_normal,
        blobs_without_sync,
        blobs_without_their_names,
        runs_without_their_names,
        marked_before_the_sync,
    )
}

WORKFLOW: dict[str, Any] = {
    "name": "images",
    "settings": {"max_parallel": 3, "on_failure": "continue"},
    "tasks": [
        {"id": "plan", "agent": "echo", "parameters": {"text": "x" * 2000}},
        *(
            {
                "id": f"wide{i}",
                "agent": "echo",
                "dependencies": ["plan"],
                "parameters": {"n": i, "all": "${plan.output.text}"},
            }
            for i in range(6)
        ),
        {
            "id": "large",
            "agent": "shell",
            "parameters": {"command": "head -c 150000 /dev/zero | tr '\\0' y"},
        },
        {
            "id": "flaky",
            "agent": "shell",
            "parameters": {"command": "if [ ! -e tried ]; then touch tried; exit 1; fi; echo at last"},
            "retry": {"max_attempts": 2, "delay": 0.01, "backoff": "fixed"},
        },
        {
            "id": "twice",
            "agent": "echo",
            "dependencies": ["large"],
            "parameters": {"both": "${large.output}${large.output}"},
        },
        {
            "id": "late",
            "agent": "shell",
            "dependencies": ["flaky", "twice"],
            "parameters": {"command": "test -e mended && echo mended"},
        },
        *(
            {"id": f"end{i}", "agent": "echo", "dependencies": ["late"], "parameters": {"n": i}}
            for i in range(4)
        ),
    ],
    "hooks": {
        "on_complete": [{"id": "bye", "agent": "echo", "parameters": {"text": "bye"}}],
    },
}


def engine() -> None:
    from actorflow.__main__ import main

    snapshots.EVERY = 1  # a run as short as this one has none otherwise
    Path("images.json").write_text(json.dumps(WORKFLOW), encoding="utf-8")
    for command, expected in ((["run", "images.json"], 1), (["resume", "last"], 0)):
        sys.argv = ["actorflow", *command, "--quiet"]
        code = None
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code
        assert code == expected, command
        Path("mended").touch()


def journal() -> None:
    chance = random.Random(7)
    folder = RunStore(Path(".claude/workflow-state")).create(RunId("20260101-000000-aaaaaa"))
    for driver in range(2):
        db = Database(folder.journal)
        store = BlobStore(folder.blobs)
        for number in range(BATCHES):
            kinds = [("small", 150), ("middle", 2500), ("large", 9000), ("huge", 60_000)]
            kind, size = chance.choices(kinds, (5, 4, 2, 1))[0]
            body = chance.randbytes(size)
            if number % 13 == 5:
                body = store.put(chance.randbytes(100_000)).encode()  # an event that names a blob
            db.append(
                [
                    [NewRecord(number, kind, body)] * chance.randint(1, 2)
                    for _ in range(chance.choice((1, 1, 1, 4)))
                ]
            )
            if db.wants_checkpoint:
                db.checkpoint()
        if driver:
            db.close()
        else:
            database._LEFT_OPEN.append(db._connection)  # this driver is killed: nothing is closed


if __name__ == "__main__":
    acknowledge()
    for name in sys.argv[2:]:
        MISTAKES[name]()
    {"engine": engine, "journal": journal}[sys.argv[1]]()
