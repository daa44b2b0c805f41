"""What agents print, cut and garbled, and what strangers put into the folder of requests: attempts fail in words, or notes say what was done, and the run goes on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from actorflow import api
from actorflow.journal import RunStore
from tests.crash.projects import Project, Zygote
from tests.crash.workflows import TEN

pytestmark = pytest.mark.slow

WHOLE = json.dumps(
    {"a": [1, 2.5, None, True, "text é 🦄"], "b": {"c": "x" * 300}, "d": "\x00\x1b[2J"}
).encode()
ODD = (
    b"", b"\n", b"{", b"}", b"[", b'"', b"nul", b"NaN", b"Infinity", b"-", b"01", b"1e400", b"1e99999", b"9" * 5000, b'{"a":1,"a":2}', b"{}{}", b"[1,]", b"'a'",
    b"\xff\xfe", b"\xef\xbb\xbf{}", b"\0", b"[" * 100_000, b'{"a":' * 50_000, b"\x1b]0;title\x07", b"\r\r\r", b'"\xed\xa0\x80"', b'"\\ud800"', b"\xc3", b"\xf0\x9f\xa6",
    WHOLE.decode().encode("utf-16"), b'"' + b"x" * 200_000 + b'"', b'["' + b"\n" * 100_000 + b'"]', b"true false", b"// c\n1", b"undefined",
)  # fmt: skip
KINDS = {"invalid_output", "output_too_large", "exit_status"}


def _streams(rng: random.Random, count: int) -> list[bytes]:
    made = list(ODD)
    while len(made) < count:
        data = bytearray(WHOLE)
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                del data[at:]
            case 1:
                data[at] = rng.randrange(256)
            case 2:
                data[at:at] = rng.randbytes(3)
            case _:
                rng.shuffle(data)
        made.append(bytes(data))
    return made


@pytest.mark.parametrize("form", ["json", "text"])
def test_output_that_is_cut_or_garbled_costs_its_attempt_and_nothing_else(
    zygote: Zygote, form: str, ram_path: Path, size, figure
) -> None:
    streams = _streams(random.Random(form), size(90, 600))
    tasks: list[dict[str, Any]] = [
        {"id": f"t{i}", "agent": "shell", "on_failure": "skip", "parameters": {"command": ["cat", f"stream{i}"], "output": form}}
        for i in range(len(streams))
    ]  # fmt: skip
    project = Project.make(ram_path / "project", {"name": "streams", "tasks": tasks})
    for number, data in enumerate(streams):
        (project.root / f"stream{number}").write_bytes(data)

    said = zygote.call(project, "run", "w.json", "--json")

    assert said.status == 0, said.errors
    assert "restarted" not in said.errors
    assert "internal error" not in said.errors
    told = json.loads(said.output)["tasks"]
    kinds = {task["error"]["kind"] for task in told.values() if task["error"]}
    assert kinds <= KINDS, kinds
    if form == "json":
        assert sum(task["status"] == "skipped" for task in told.values()) > len(streams) // 2
    else:
        assert {task["status"] for task in told.values()} == {"success"}
    for task in ("t0", "t20", "t29"):
        shown = zygote.call(project, "logs", "last", task)
        assert shown.status == 0, shown.errors
    figure("bad input: garbled streams", tried=len(streams), of="streams", what="crashes or wrong words")


def test_what_strangers_put_into_the_folder_of_requests_disturbs_nobody(
    zygote: Zygote, ram_path: Path, undisturbed, figure
) -> None:
    project = Project.make(ram_path / "project", TEN)
    killed = zygote.call(project, "run", "w.json", crash_at=20)
    assert project.note_crash(killed)
    run_id = api.inspect("last", settings=project.settings).run_id
    control = RunStore(project.settings.state_dir).open(run_id).control
    rng = random.Random(3)
    names = [
        "a",
        "request",
        ".hidden",
        "x.json",
        "y.tmp",
        "20260101.json",
        "é.json",
        "-",
        "a b.json",
        "x" * 200,
    ]
    for number, name in enumerate(names * 3):
        data = rng.choice(
            (
                b"",
                b"{",
                b"[]",
                b"null",
                b'{"kind": "cancel"',
                b'{"kind": 1}',
                b'{"type":"nope"}',
                rng.randbytes(300),
                b"x" * 2_000_000,
            )
        )
        (control / f"{number}{name}").write_bytes(data)
    (control / "folder.json").mkdir()
    (control / "link.json").symlink_to("/etc/passwd")

    said = zygote.call(project, "resume", "last", "--json")

    project.check(said, undisturbed("ten"), "with thirty odd requests")
    assert "restarted" not in said.errors
    figure(
        "bad input: garbled streams", tried=len(names) * 3 + 2, of="streams", what="crashes or wrong words"
    )
