"""The shell between us and a program is not noticed: its environment, its arguments, its folder, and errors of its start are what they were."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest
import trio

from actorflow.agents import programs, wrapper
from actorflow.agents.environment import process_environment
from actorflow.agents.exit_file import decode, read_exit_code
from actorflow.agents.process import run_program
from actorflow.agents.programs import find_program
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request
from tests.agents.shells import SHELLS, as_sh

TELL = """
import json, os, signal, sys
ignored = [int(n) for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]
json.dump({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "ignored": ignored,
           "fds": sorted(map(int, os.listdir("/dev/fd")))[:-1], "leads": os.getsid(0) == os.getppid()}, sys.stdout)
"""


@pytest.fixture
def cwd(tmp_path):
    """Where the program works, without links on the way."""
    return os.path.realpath(tmp_path / "project")


@pytest.fixture(params=SHELLS)
def tell(request, tmp_path, monkeypatch):
    """Run a program that tells how it was started; the shell is one that may be a system's /bin/sh."""
    monkeypatch.setattr(wrapper, "_SHELL", as_sh(request.param, tmp_path))

    async def tell(*arguments, environment=None):
        attempt = make_request(tmp_path)
        ending = await run_program(
            [sys.executable, "-S", "-c", TELL, *arguments],
            request=attempt,
            channel=RecordingChannel(),
            environment=process_environment(attempt) | (environment or {}),
        )
        assert ending.code == 0, ending.stderr.read_text()
        return json.loads(ending.stdout.read_text())

    return tell


@pytest.mark.trio
async def test_a_program_has_its_arguments_folder_streams_and_signals(tell, cwd):
    arguments = ["", "a b", "$HOME", "'", '"', "*", "-c", "--", "\n", "é", "\\", "`id`"]

    told = await tell(*arguments)

    assert told["argv"] == arguments
    assert told["cwd"] == cwd
    assert told["fds"] == [0, 1, 2]
    assert set(told["ignored"]) <= {13, 25}, "those that Python itself ignores"
    assert told["leads"]


ODD = {
    "BASH_FUNC_module%%": "() { echo hi\n}",
    "a.b-c": "1",
    "1x": "2",
    "é": "3",
    "IFS": ":",
    "OPTIND": "not a number",
    "PPID": "7",
    "SHELLOPTS": "noexec:nounset",
    "BASHOPTS": "failglob",
    "TMOUT": "1",
    "ENV": "/nonexistent",
    "BASH_ENV": "/nonexistent",
    "POSIXLY_CORRECT": "1",
    "CDPATH": "/",
    "EMPTY": "",
    "TWO_LINES": "a\nb",
    "QUOTED": "'\"$x`",
}


@pytest.mark.trio
async def test_a_program_has_all_its_variables_also_those_that_no_shell_hands_on(tell, cwd):
    told = await tell(environment=ODD)

    assert {name: told["env"].get(name) for name in ODD} == ODD
    assert told["env"]["PWD"] == cwd
    assert "ACTORFLOW_CARRIED" not in told["env"]
    assert "ACTORFLOW_READ" not in told["env"]


@pytest.mark.trio
async def test_without_odd_names_nothing_stands_between_but_the_shell(tell):
    given = {"PATH": os.environ["PATH"], "PLAIN": "1"}

    told = await tell(environment=given)

    set_by_shells = {"PWD", "SHLVL", "_", "OLDPWD", "LOGNAME"}
    assert {name for name in told["env"] if name not in os.environ and not name.startswith("ACTORFLOW_")} <= {
        "PLAIN",
        *set_by_shells,
    }


@pytest.fixture
def project(tmp_path):
    """A folder with files that are programs, and files that are none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    files = {
        "script": "#!/bin/sh\nexit 0\n",
        "no_line": "exit 0\n",
        "empty": "",
        "no_interpreter": "#!/nonexistent/python\n",
        "blank_line": "#!\n",
        "not_executable": "#!/bin/sh\n",
        "chain": f"#!{folder}/script\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644 if name == "not_executable" else 0o755)
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("script", None),
        ("chain", None),
        ("no_line", 8),
        ("empty", 8),
        ("blank_line", 8),
        ("no_interpreter", 2),
        ("not_executable", 13),
        ("folder", 13),
        ("missing", 2),
        ("", 2),
        ("script/below", 2),
    ],
)
@pytest.mark.parametrize("asked", ["{name}", "{folder}/{name}", "./{name}"])
def test_a_program_is_found_as_the_system_finds_it(project, name, number, asked, monkeypatch):
    monkeypatch.setattr(programs, "_has_more_formats", lambda: False)
    asked = asked.format(name=name, folder=project) if name else ""
    environment = {"PATH": f"/nonexistent:{project}"}

    def found():
        try:
            return None, find_program(asked, environment, project)
        except OSError as error:
            return error.errno, ""

    expected, path = found()

    assert expected == number or (name == "script/below" and expected in (2, 20))
    if path:
        assert os.path.samefile(path, project / name)
        assert os.stat(path).st_mode & stat.S_IXUSR


def test_a_folder_that_nobody_can_work_in_is_named(project):
    for folder in (project / "missing", project / "script"):
        with pytest.raises(OSError, match=str(folder)) as caught:
            find_program("sh", {"PATH": "/bin"}, folder)

        assert caught.value.filename == str(folder)


def test_a_file_that_may_be_a_format_the_system_was_taught_is_left_to_it(project, monkeypatch):
    monkeypatch.setattr(programs, "_has_more_formats", lambda: True)

    assert find_program("no_line", {"PATH": str(project)}, project) == str(project / "no_line")


@pytest.mark.trio
@pytest.mark.parametrize("size", [120_000, 200_000])
async def test_the_longest_argument_is_as_long_as_the_system_allows(tell, size):
    if size > 131_072:
        with pytest.raises(AgentError) as caught:
            await tell("x" * size)
        assert caught.value.kind == "argument_too_long"
    else:
        assert (await tell("x" * size))["argv"] == ["x" * size]


@pytest.mark.trio
async def test_a_name_that_looks_like_an_option_is_a_program(tmp_path, monkeypatch):
    (tmp_path / "-c").write_text("#!/bin/sh\necho $#\n")
    (tmp_path / "-c").chmod(0o755)
    attempt = make_request(tmp_path)

    with trio.fail_after(20):
        ending = await run_program(
            ["-c", "echo no"],
            request=attempt,
            channel=RecordingChannel(),
            environment=process_environment(attempt) | {"PATH": f"{tmp_path}:/bin:/usr/bin"},
        )

    assert ending.stdout.read_text() == "1\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0\n", 0),
        ("137\n", 137),
        ("Killed\n137\n", -9),
        ("sh: line 1: 5 Segmentation fault (core dumped)\n139\n", -11),
        ("130\n", -2),
        ("141\n", -13),
        ("265\n", -9),
        ("Real-time signal 3\n165\n", -37),
        ("Killed\n255\n", 255),
        ("", None),
        ("13", None),
        ("Killed\n", None),
        ("-1\n", None),
    ],
)
def test_what_is_written_of_an_end_is_read(tmp_path, text, code):
    (tmp_path / "exit").write_text(text)

    assert read_exit_code(tmp_path / "exit") == code


def test_without_a_word_a_shells_number_means_a_signal():
    assert decode(137, was_reported=True) == -9
    assert decode(-9, was_reported=True) == -9
    assert decode(255, was_reported=True) == 255


@pytest.mark.trio
async def test_a_shell_that_can_start_nothing_is_no_program_that_failed(tmp_path, monkeypatch):
    """As when the user may have no more processes (``ulimit -u``)."""
    shell = tmp_path / "shell"
    shell.write_text("#!/bin/sh\necho 'sh: 1: Cannot fork' >&2\nexit 2\n")
    shell.chmod(0o755)
    monkeypatch.setattr(wrapper, "_SHELL", str(shell))
    attempt = make_request(tmp_path)

    with pytest.raises(AgentError, match="could not be started now: sh: 1: Cannot fork") as caught:
        await run_program(
            ["true"],
            request=attempt,
            channel=RecordingChannel(),
            environment=process_environment(attempt),
        )

    assert (caught.value.kind, caught.value.retryable) == ("no_resources", True)
