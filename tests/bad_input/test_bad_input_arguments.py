"""Hostile ids, names and paths, as arguments of every command that takes one: a documented exit code, words, and never a traceback, a file elsewhere or a wait."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.projects import Project, Zygote
from tests.crash.workflows import WORKFLOWS

pytestmark = pytest.mark.slow

IDS = (
    "", " ", ".", "..", "../..", "../../../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "a\nb", "a\tb", "-", "--nope", "é", "x" * 300, "x" * 60_000,
    "\x1b[2J\x1b[31m", "last/../last", "%00", "$(id)", "`id`", "${x}", "a;b", "a|b", "🦄", "\u202egnp", "\udcff\udcfe", "LAST", "*", "?", "[a-z]", "~", "~root",
    "20260101-000000-aaaaaa", "20260101-000000-aaaaaa/../..", "{{x}}", "<script>", "\r\n", "0", "-1", "1e999", "None", "true",
)  # fmt: skip
RUN_COMMANDS = (
    "status",
    "logs",
    "resume",
    "cancel",
    "events",
    "tree",
    "explain",
    "timeline",
    "watch",
    "export",
)
TASK_COMMANDS = ("logs", "explain", "context")
FILE_COMMANDS = ("run", "validate", "graph")
CODES = (1, 2, 3, 74, 75)


@pytest.fixture(scope="module")
def project(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("arguments") / "project", WORKFLOWS["one"])
    assert zygote.call(project, "run", "w.json").status == 0
    return project


def _calls() -> Iterator[tuple[str, ...]]:
    for text in IDS:
        yield from ((command, text) for command in RUN_COMMANDS)
        yield from ((command, "last", text) for command in TASK_COMMANDS)
        yield from ((command, text) for command in FILE_COMMANDS)
        yield "diff", "last", text
        yield "run", "w.json", "--set", text
        yield "resume", "last", "--from", text


@pytest.mark.long
def test_hostile_ids_and_names_are_refused_in_words(zygote: Zygote, project: Project, figure, size) -> None:
    calls = [call for call in _calls() if not call[-1].startswith("-")]
    calls = calls[:: size(3, 1)]
    for call in calls:
        said = zygote.call(project, *call, timeout_seconds=20.0)
        where = f"actorflow {call!r:.200}: {said.status} {said.errors:.2000}"
        assert said.status in CODES, where
        assert said.errors, where
        assert "internal error" not in said.errors, where
        assert "\x1b[2J" not in said.errors + said.output, where
        assert len(said.errors) < 70_000, where

    figure(
        "bad input: ids, names and paths",
        tried=len(calls),
        of="calls",
        what="tracebacks, hanging, or without words",
    )


def test_what_is_no_file_is_refused_and_never_waited_for(zygote: Zygote, project: Project, figure) -> None:
    root = project.root
    (root / "folder").mkdir()
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nothing")
    (root / "empty.yaml").touch()
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(root)  # the path of a socket must be short
    listener.bind("socket")
    os.chdir(here)
    names = (
        "folder",
        "loop",
        "dangling",
        "empty.yaml",
        "socket",
        "/dev/zero",
        "/dev/null",
        "nothing",
        "w.json/x",
        "folder/nothing",
        "n" * 300,
    )
    calls = [(command, name) for command in FILE_COMMANDS for name in names]
    calls += [("run", "w.json", "--inputs-file", name) for name in names]

    for call in calls:
        said = zygote.call(project, *call, timeout_seconds=20.0)
        where = f"actorflow {call!r:.200}: {said.status} {said.errors:.2000} {said.output:.2000}"
        assert said.status in CODES, where
        assert "internal error" not in said.errors, where
        assert said.errors + said.output, where
    listener.close()

    figure(
        "bad input: ids, names and paths",
        tried=len(calls),
        of="calls",
        what="tracebacks, hanging, or without words",
    )
