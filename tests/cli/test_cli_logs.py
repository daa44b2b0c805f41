"""``logs``: whose text it is, in which order, and that it goes on until the run ends."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def two_tasks(call, workflow) -> str:
    call("run", workflow(a="echo out of a; echo err of a >&2", b=["a", "echo out of b"]), "--quiet")
    return "last"


def test_each_attempt_has_a_header_and_they_come_in_the_order_of_their_starts(call, two_tasks: str) -> None:
    assert call("logs").stdout == (
        "==> a, attempt 1, stdout <==\nout of a\n\n"
        "==> a, attempt 1, stderr <==\nerr of a\n\n"
        "==> b, attempt 1, stdout <==\nout of b\n"
    )


def test_one_task_and_one_stream_can_be_chosen(call, two_tasks: str) -> None:
    assert call("logs", "last", "b").stdout == "==> b, attempt 1, stdout <==\nout of b\n"
    assert call("logs", "last", "a", "--stderr").stdout == "==> a, attempt 1, stderr <==\nerr of a\n"
    assert "err of a" not in call("logs", "--stdout").stdout


def test_a_task_alone_is_one_of_the_last_run(call, two_tasks: str) -> None:
    assert call("logs", "b").stdout == call("logs", "last", "b").stdout


def test_what_may_not_be_read_is_said_after_what_may(
    call, two_tasks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody else, root for one, has resumed the run."""
    real = os.open

    def refusing(path, *arguments, **options):
        if "/attempts/a/" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    done = call("logs")

    assert done.stdout == "==> b, attempt 1, stdout <==\nout of b\n"
    assert "error: cannot read " in done.stderr
    assert "attempts/a/1/stdout: Permission denied" in done.stderr
    assert "it belongs to somebody else" in done.stderr
    assert "have written nothing" not in done.stderr
    assert done.exit_code == 74


def test_every_attempt_of_a_task_is_there(call, project: Path) -> None:
    text = "name: w\ntasks: [{id: a, agent: shell, retry: {max_attempts: 3, delay: 0.01, backoff: fixed}, parameters: {command: 'echo $ACTORFLOW_ATTEMPT; exit 1'}}]\n"
    (project / "w.yaml").write_text(text)
    call("run", "w.yaml", "--quiet")

    assert [line for line in call("logs").stdout.splitlines() if line.isdigit()] == ["1", "2", "3"]


def test_raw_logs_are_the_bytes_and_nothing_else(call, workflow) -> None:
    call("run", workflow(a=r"printf '\033[1mbold\377\000'"), "--quiet")

    assert call("logs", "--raw").stdout_bytes == b"\x1b[1mbold\xff\x00"
    assert "\\x1b[1mbold\ufffd\\x00" in call("logs").stdout


def test_text_is_decoded_whole_even_where_it_is_read_in_pieces(call, workflow) -> None:
    call("run", workflow(a="printf x; yes é | head -n 60000 | tr -d '\\n'"), "--quiet")

    text = call("logs").stdout.split("\n")[1]
    assert text == "x" + "é" * 60_000


def test_an_unknown_task_is_told_with_the_known_ones(call, two_tasks: str) -> None:
    done = call("logs", "last", "c")

    assert (done.exit_code, done.stdout) == (2, "")
    assert "a, b" in done.stderr


def test_agents_that_wrote_nothing_are_told(call, workflow) -> None:
    call("run", workflow(a="true"), "--quiet")

    done = call("logs")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "have written nothing" in done.stderr


def test_what_is_no_regular_file_is_not_opened(call, two_tasks: str, project: Path) -> None:
    folder = next((project / ".claude/workflow-state/runs").glob("*/attempts/a/1"))
    (project / "secret").write_text("secret")
    (folder / "stdout").unlink()
    (folder / "stdout").symlink_to(project / "secret")
    (folder / "stderr").unlink()
    os.mkfifo(folder / "stderr")

    assert call("logs", "last", "a").stdout == ""


def test_following_shows_text_as_it_comes_and_ends_with_the_run(start, workflow, gate) -> None:
    up, go = gate("up"), gate("go")
    file = workflow(
        a="printf 'half '; echo up > up; head -n 1 go > /dev/null; echo whole", b=["a", "echo second"]
    )
    run = start("run", file, stderr=subprocess.DEVNULL)
    up.wait()  # returns when the task has written its half line

    logs = start("logs", "-f")
    head = logs.stdout.readline() + logs.stdout.read(5)
    go.open()
    rest = logs.stdout.read()

    assert head == b"==> a, attempt 1, stdout <==\nhalf "
    assert rest == b"whole\n\n==> b, attempt 1, stdout <==\nsecond\n"
    assert (logs.wait(), run.wait()) == (0, 0)


def test_following_a_run_that_is_over_prints_what_is_there_and_ends(call, two_tasks: str) -> None:
    assert call("logs", "-f").stdout == call("logs").stdout


def test_of_a_flood_the_beginning_and_the_end_are_there_and_what_is_missing_is_said(call, project):
    command = r"""awk 'BEGIN { for (n = 1; n <= 800000; n++) printf "%099d\n", n }' >&2"""
    task = f"{{id: flood, agent: shell, parameters: {{command: {json.dumps(command)}}}}}"
    (project / "w.yaml").write_text(f"name: w\nsettings: {{stored_output: 64MiB}}\ntasks: [{task}]\n")
    call("run", "w.yaml")

    lines = call("logs", "flood", "--raw").stdout.splitlines()

    assert sum(map(len, lines)) < 64 * 1024 * 1024
    assert (lines[0].lstrip("0"), lines[-1].lstrip("0")) == ("1", "800000")
    assert [line for line in lines if line.startswith("---") and "bytes are left out here" in line]
