"""The shell agent: what a command gets, what its output becomes, how it fails."""

from __future__ import annotations

import signal
import stat

import pytest

from actorflow.agents.command_output import MAX_OUTPUT_BYTES
from actorflow.agents.shell import ShellAgent
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import FrozenDict

pytestmark = pytest.mark.trio


@pytest.fixture
def shell(tmp_path):
    async def run(command, *, fields=None, **parameters):
        request = make_request(tmp_path, {"command": command, **parameters}, **(fields or {}))
        return await ShellAgent().run(request, RecordingChannel())

    return run


@pytest.fixture
def failure(shell):
    async def run(command, **parameters):
        with pytest.raises(AgentError) as caught:
            await shell(command, **parameters)
        return caught.value

    return run


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo hello", "hello"),
        ("printf 'a\\n\\n'", "a\n"),
        ("printf ' a '", " a "),
        ("true", ""),
        ("printf '\\000é'", "\0é"),
        (["printf", "%s|", "$HOME", "; exit 1", "*"], "$HOME|; exit 1|*|"),
        (["printf", "%s|", 3, 1.5, True, [1, "x"], {"k": "v"}, ""], '3|1.5|true|[1,"x"]|{"k":"v"}||'),
    ],
)
async def test_output_is_stdout_without_its_last_newline(shell, command, output):
    result = await shell(command)

    assert result.output == output
    assert result.notes == ()


async def test_stdout_and_stderr_may_be_opened_by_name_again(shell, tmp_path):
    result = await shell(
        "echo 1; echo 2 > /dev/stdout; echo 3; echo 4 >&2; echo 5 > /dev/stderr; echo 6 | tee /dev/stderr"
    )

    assert result.output == "1\n2\n3\n6"
    assert (tmp_path / "attempt" / "stderr").read_text() == "4\n5\n6\n"


async def test_bytes_that_are_not_utf8_are_replaced_and_noted(shell):
    result = await shell(r"printf 'a\377b\303(\357\277\275'")

    assert result.output == "a�b�(�"
    assert result.notes == ("2 piece(s) of the output that were not UTF-8 were replaced by �",)


@pytest.mark.parametrize(
    ("text", "value"),
    [('[1, {"a": null}]', (1, FrozenDict(a=None))), ("3", 3), ('"é\\u00e9"', "éé"), (" true\n", True)],
)
async def test_json_output_is_parsed(shell, text, value):
    result = await shell("cat", stdin=text, output="json")

    assert result.output == value


async def test_an_output_schema_asks_for_json(shell):
    result = await shell("echo '[1]'", fields={"output_schema": FrozenDict(type="array")})

    assert result.output == (1,)


async def test_text_may_be_asked_for_in_spite_of_a_schema(shell):
    result = await shell("echo '[1]'", output="text", fields={"output_schema": FrozenDict(type="string")})

    assert result.output == "[1]"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty, where JSON is expected"),
        (" \n", "is empty"),
        ("[1,\n 2", "line 2 column 3"),
        ("{} {}", "Extra data, line 1 column 4"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not"),
        ("[1e999]", r"\$\[0\] is inf"),
        ('"\\ud800"', "half of a surrogate pair"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "digits"),
    ],
)
async def test_output_that_is_not_json_fails_and_may_be_tried_again(failure, text, reason):
    error = await failure("cat", stdin=text, output="json")

    assert error.kind == "invalid_output"
    assert error.retryable
    with pytest.raises(AgentError, match=reason):
        raise error


async def test_json_output_that_is_not_utf8_says_where(failure):
    error = await failure(r"printf '[\377]'", output="json")

    assert error.message == "the output is not JSON: byte 1 is not UTF-8"


@pytest.mark.slow
async def test_output_may_have_16_mib_and_no_more(shell, failure, tmp_path):
    result = await shell(f"head -c {MAX_OUTPUT_BYTES} /dev/zero")
    assert result.output == "\0" * MAX_OUTPUT_BYTES

    error = await failure(f"head -c {MAX_OUTPUT_BYTES + 1} /dev/zero")
    assert (error.kind, error.retryable) == ("output_too_large", False)
    assert "write it to a file" in error.hint


@pytest.mark.parametrize(
    ("stdin", "read"), [("a\nb", "a\nb"), ({"k": [1, "é"]}, '{"k":[1,"é"]}'), (None, "null"), ("", "")]
)
async def test_stdin_is_text_or_json(shell, stdin, read):
    result = await shell("cat", stdin=stdin)

    assert result.output == read


async def test_stdin_is_empty_by_default(shell):
    assert (await shell("cat")).output == ""


async def test_a_command_need_not_read_its_stdin(shell):
    assert (await shell("exec <&-; echo done", stdin="x" * 1_000_000)).output == "done"


async def test_large_stdin_and_large_output_do_not_wait_for_each_other(shell):
    text = "0123456789abcde\n" * 100_000

    assert (await shell("cat", stdin=text)).output + "\n" == text


async def test_failure_tells_the_code_and_the_end_of_stderr(failure):
    error = await failure("echo out; echo first >&2; printf 'last\\033[31m\\007\\n' >&2; exit 3")

    assert (error.kind, error.retryable) == ("exit_status", True)
    assert error.message.splitlines() == [
        r"the command failed with exit code 3: last\x1b[31m\x07",
        "stderr ends with:",
        "first",
        r"last\x1b[31m\x07",
    ]


async def test_failure_shows_at_most_2_kib_of_stderr_in_whole_lines(failure):
    error = await failure("i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done >&2; exit 1")

    tail = error.message.partition("stderr ends with:\n")[2]
    assert len(tail) <= 2048
    assert tail.splitlines()[0].startswith("line ")
    assert tail.splitlines()[-1] == "line 499"


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("exit 1", "the command failed with exit code 1", ""),
        ("nosuchcommand 2>/dev/null", "exit code 127", "did not find"),
        ("/dev/null 2>/dev/null", "exit code 126", "could not execute"),
        ("kill -TERM $$", "the command was killed by SIGTERM (15)", ""),
        ("kill -KILL $$", "the command was killed by SIGKILL (9)", "out of memory"),
        ("sh -c 'kill -KILL $$'; exit $?", "exit code 137", "killed by SIGKILL (9): often"),
        ("sh -c 'kill -SEGV $$'; exit $?", "exit code 139", "killed by SIGSEGV (11)"),
        ("exit 255", "exit code 255", ""),
    ],
)
async def test_exit_is_explained(failure, command, message, hint):
    error = await failure(command)

    assert error.kind == "exit_status"
    assert message in error.message
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)


async def test_exit_by_a_realtime_signal_is_explained(failure):
    error = await failure(f"kill -{signal.SIGRTMIN + 3} $$")

    assert error.message == f"the command was killed by signal {signal.SIGRTMIN + 3}"


@pytest.mark.parametrize(
    ("command", "kind", "part"),
    [
        (["nosuchcommand"], "command_not_found", "no program nosuchcommand"),
        (["./missing"], "command_not_found", "no program ./missing"),
        (["/dev/null"], "not_executable", "/dev/null cannot be executed: Permission denied"),
        (["/"], "not_executable", "/ cannot be executed"),
        (["./not_a_program"], "not_executable", "not_a_program"),
        (["echo", "a\0b"], "invalid_parameters", "null byte"),
        (["echo", "a" * 200_000], "argument_too_long", "too long"),
        (["no\x1b[31m"], "command_not_found", r"no program no\x1b[31m"),
    ],
)
async def test_a_program_that_cannot_be_started_is_not_tried_again(failure, tmp_path, command, kind, part):
    program = tmp_path / "project" / "not_a_program"
    program.parent.mkdir()
    program.write_text("neither a script nor a binary")
    program.chmod(0o755)

    error = await failure(command)

    assert (error.kind, error.retryable) == (kind, False)
    assert part in error.message


async def test_a_missing_working_directory_is_named(shell, tmp_path):
    with pytest.raises(AgentError, match=r"cannot work in .*nowhere: No such file") as caught:
        await shell("true", fields={"cwd": tmp_path / "nowhere"})

    assert (caught.value.kind, caught.value.retryable) == ("working_directory", False)


async def test_command_works_in_cwd(shell, tmp_path):
    assert (await shell("pwd -P")).output == str((tmp_path / "project").resolve())


async def test_environment_is_the_callers_then_the_tasks_then_the_parameters(shell, monkeypatch):
    monkeypatch.setenv("A", "caller")
    monkeypatch.setenv("B", "caller")
    monkeypatch.setenv("C", "caller")

    result = await shell(
        'echo "$A $B $C $D"; echo "$AF_1"',
        env={"C": "parameters", "D": {"k": 1}},
        fields={"environment": {"B": "task", "C": "task", "AF_1": "$(id)"}},
    )

    assert result.output == 'caller task parameters {"k":1}\n$(id)'


async def test_command_knows_what_it_works_for(shell):
    result = await shell(
        'echo "$ACTORFLOW_TASK_ID $ACTORFLOW_ATTEMPT $ACTORFLOW_IDEMPOTENCY_KEY"; test -n "$ACTORFLOW_RUN_ID"',
        fields={"attempt": 4, "idempotency_key": "key", "task_id": "build"},
    )

    assert result.output == "build 4 key"


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"env": {"LD_PRELOAD": "x"}}, "parameters.env: a workflow may not set LD_PRELOAD"),
        ({"env": {"ACTORFLOW_ATTEMPT_ID": "x"}}, "may not set ACTORFLOW_ATTEMPT_ID"),
        ({"env": {"AF_1": "x"}}, "may not set AF_1"),
        ({"env": {"a b": "x"}}, "parameters.env: 'a b' cannot be the name of a variable"),
        ({"env": {"A": None}}, "parameters.env.A is null"),
        ({"env": ["A"]}, "parameters.env must be a mapping"),
        ({"env": {"A": "a\0b"}}, "null byte"),
        ({"output": "xml"}, "parameters.output must be 'text' or 'json'"),
        ({"command": " "}, "parameters.command must be"),
        ({"command": []}, "parameters.command must be"),
        ({"command": 3}, "parameters.command must be"),
        ({"command": ["echo", None]}, r"parameters.command[1] is null"),
    ],
)
async def test_wrong_parameters_are_named_and_not_tried_again(failure, parameters, part):
    error = await failure(**{"command": "true", **parameters})

    assert (error.kind, error.retryable) == ("invalid_parameters", False)
    assert part in error.message


async def test_a_forbidden_variable_of_the_task_is_refused_too(shell):
    with pytest.raises(AgentError, match="env: a workflow may not set PYTHONPATH"):
        await shell("true", fields={"environment": {"PYTHONPATH": "/tmp"}})


async def test_files_of_an_attempt_are_private(shell, tmp_path):
    await shell("umask 0; echo hello")

    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "attempt").iterdir()}
    assert files == {"stdout": 0o600, "stderr": 0o600, "process.json": 0o600, "exit": 0o600}


async def test_a_symbolic_link_in_the_place_of_an_output_file_is_not_followed(shell, tmp_path):
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / "stdout").symlink_to(tmp_path / "victim")

    with pytest.raises(AgentError):
        await shell("echo hello")

    assert not (tmp_path / "victim").exists()
