"""``export``: whole, verified, byte for byte, and nothing that was secret."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from actorflow.api.exporting import import_run
from actorflow.errors import InputError, JournalDamaged, RunError
from actorflow.journal.jsonl import read_export

SECRET = "a-secret-that-nobody-may-see"


@pytest.fixture
def exported(call, project: Path, monkeypatch) -> list[bytes]:
    monkeypatch.setenv("TOKEN", SECRET)
    large = "head -c 70000 /dev/zero | tr '\\0' y"
    tasks = [
        {
            "id": "a",
            "agent": "shell",
            "parameters": {"command": 'echo "$T é"'},
            "env": {"T": "${secrets.token}"},
        },
        {"id": "large", "agent": "shell", "parameters": {"command": large}},
    ]
    workflow = {"name": "w", "context": {"secrets": {"token": "env:TOKEN"}}, "tasks": tasks}
    (project / "w.json").write_text(json.dumps(workflow))
    assert call("run", "w.json").exit_code == 0
    assert call("export", "-o", "out.jsonl").exit_code == 0
    return (project / "out.jsonl").read_bytes().splitlines(keepends=True)


def test_an_export_has_a_header_every_event_and_the_large_outputs(exported, call) -> None:
    header = json.loads(exported[0])

    assert (header["actorflow_export"], header["blobs"]) == (1, 1)
    assert len(exported) == 1 + header["events"] + 1
    assert [json.loads(line)["sequence"] for line in exported[1:-1]] == list(range(1, header["events"] + 1))
    assert json.loads(exported[-1])["json"] == "y" * 70000
    assert call("export", "--blobs", "none").stdout_bytes.count(b"\n") == 1 + header["events"]


def test_large_outputs_can_lie_beside_it(exported, call, project) -> None:
    assert call("export", "--blobs", "beside", "-o", "b.jsonl").exit_code == 0
    assert call("export", "--blobs", "beside").exit_code == 2

    (blob,) = (project / "b.jsonl.blobs").iterdir()
    assert blob.read_bytes() == b'"' + b"y" * 70000 + b'"'
    assert len((project / "b.jsonl").read_bytes().splitlines()) == len(exported) - 1


def test_a_secret_is_in_no_byte_of_it(exported) -> None:
    assert SECRET.encode() not in b"".join(exported)


def test_an_imported_export_is_the_run_again(exported, call, project) -> None:
    import_run(exported, state_dir=project / "other")

    first, again = (
        json.loads(call("status", *where, "--json").stdout) for where in ((), ("--state-dir", "other"))
    )

    assert first.pop("folder") != again.pop("folder")
    assert first == again
    with pytest.raises(RunError, match="already"):
        import_run(exported, state_dir=project / "other")


def test_a_changed_missing_or_moved_line_is_damage(exported) -> None:
    changed = [line.replace(b'"task":"large"', b'"task":"LARGE"') for line in exported]
    damaged = [changed, exported[:3] + exported[4:], [*exported[:2], exported[3], exported[2], *exported[4:]]]
    damaged += [[*exported[:-1], exported[-1].replace(b"yyy", b"yyx")], exported[:-1]]

    for lines in damaged:
        with pytest.raises(JournalDamaged):
            read_export(lines)


@pytest.mark.parametrize(
    "lines", [[], [b"{}"], [b"not json"], [b'{"actorflow_export":2,"run_id":"r","events":0}']]
)
def test_what_is_no_export_is_refused(lines) -> None:
    with pytest.raises(InputError):
        read_export(lines)


def test_a_run_with_a_missing_large_output_is_not_exported_by_halves(exported, call, project) -> None:
    next(project.glob(".claude/workflow-state/runs/*/blobs/*")).unlink()

    done = call("export", "-o", "again.jsonl")

    assert (done.exit_code, "the blob is missing" in done.output) == (74, True)
    assert [path.name for path in project.iterdir() if "again" in path.name] == []
    assert call("export", "--blobs", "none", "-o", "again.jsonl").exit_code == 0


@pytest.mark.parametrize(("place", "words"), [(".", "is a folder"), ("no/such/place", "there is no folder")])
def test_a_place_where_no_file_can_be_is_refused(exported, call, place, words) -> None:
    done = call("export", "-o", place)

    assert done.exit_code == 2
    assert words in done.stderr


def test_a_pipe_or_a_device_is_written_to_and_a_link_stays_one(exported, call, project) -> None:
    os.mkfifo(project / "pipe")
    reader = os.open(project / "pipe", os.O_RDWR | os.O_NONBLOCK)  # what is written waits in the pipe
    try:
        assert call("export", "--blobs", "none", "-o", "pipe").exit_code == 0
        assert os.read(reader, 1 << 16).startswith(b'{"actorflow_export"')
    finally:
        os.close(reader)
    assert (project / "pipe").is_fifo()

    (project / "link").symlink_to("real.jsonl")
    assert call("export", "-o", "link").exit_code == 0
    assert (project / "link").is_symlink()
    assert (project / "real.jsonl").read_bytes().startswith(b'{"actorflow_export"')
