"""The python agent: what a function gets, what its value becomes, and all the ways in which it can fail to return."""

from __future__ import annotations

import sys
import textwrap

import pytest

from actorflow.agents.python import PythonAgent
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import FrozenDict

pytestmark = [pytest.mark.trio, pytest.mark.slow]

USER_CODE = """
import asyncio, os, sys, threading

def give(*args, **kwargs):
    return [list(args), kwargs]

class Box:
    @staticmethod
    def open():
        return "opened"

async def later(value):
    await asyncio.sleep(0)
    return value

def where():
    return [os.getcwd(), sys.argv, sys.path[:2]]

def talk():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return sys.stdin.read()

def fail(text):
    raise LookupError(text)

class Never(Exception):
    retryable = False

class Busy(Exception):
    kind = "rate_limit"
    hint = "wait"
    retry_after_seconds = 30

def never():
    raise Never("not again")

def busy():
    raise Busy("too many requests")

def actorflow_error():
    from actorflow.errors import AgentError
    raise AgentError("my_kind", "said so", hint="do this", retryable=False)

def odd(what):
    return {
        "set": lambda: {"a": [1, {2}]},
        "nan": lambda: [float("nan")],
        "key": lambda: {1: 2},
        "object": object,
        "surrogate": lambda: ["\\ud800"],
        "deep": lambda: deep(),
        "cycle": lambda: cycle(),
        "generator": lambda: (x for x in "ab"),
        "digits": lambda: 10 ** 5000,
        "bytes": lambda: b"x",
    }[what]()

def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value

def cycle():
    value = []
    value.append(value)
    return value

def end(how):
    if how == "exit":
        sys.exit(4)
    if how == "exit text":
        sys.exit("good-bye")
    if how == "os":
        os._exit(5)
    if how == "os 0":
        os._exit(0)
    if how == "abort":
        os.abort()
    if how == "kill":
        os.kill(os.getpid(), 9)

def fork():
    return "child" if os.fork() == 0 else (os.wait(), "parent")[1]

def after():
    import atexit
    atexit.register(os._exit, 7)
    return 1

def large(size):
    return "x" * size

number = 3
"""


@pytest.fixture
def call(tmp_path):
    request = make_request(tmp_path)
    (request.project_root / "user_code.py").write_text(textwrap.dedent(USER_CODE))

    async def run(function, *args, channel=None, fields=None, **kwargs):
        parameters = {
            "call": function if ":" in function else f"user_code:{function}",
            "args": args,
            "kwargs": kwargs,
        }
        request = make_request(tmp_path, parameters, **(fields or {}))
        return await PythonAgent().run(request, channel or RecordingChannel())

    return run


@pytest.fixture
def failure(call):
    async def run(*args, **kwargs):
        with pytest.raises(AgentError) as caught:
            await call(*args, **kwargs)
        return caught.value

    return run


async def test_value_is_what_the_function_returns(call):
    result = await call("give", 1, "é", [None, True], key={"a": 1.5})

    assert result.output == ((1, "é", (None, True)), FrozenDict(key=FrozenDict(a=1.5)))
    assert result.output[0][2] == (None, True)


async def test_a_method_may_be_called(call):
    assert (await call("user_code:Box.open")).output == "opened"


async def test_a_coroutine_function_is_awaited(call):
    assert (await call("later", 7)).output == 7


async def test_args_and_kwargs_may_be_left_out(tmp_path):
    request = make_request(tmp_path, {"call": "builtins:dict"})

    assert (await PythonAgent().run(request, RecordingChannel())).output == {}


async def test_function_works_in_cwd_and_imports_from_there_and_from_the_project(call, tmp_path):
    inner = tmp_path / "project" / "inner"
    inner.mkdir()

    result = await call("where", fields={"cwd": inner})

    assert result.output == (str(inner), ("user_code:where",), (str(inner), str(tmp_path / "project")))


async def test_printing_goes_to_files_and_progress_and_not_into_the_value(call, tmp_path):
    channel = RecordingChannel()

    result = await call("talk", channel=channel)

    assert result.output == ""
    assert (tmp_path / "attempt" / "stdout").read_text() == "to stdout\n"
    assert (tmp_path / "attempt" / "stderr").read_text() == "to stderr\n"
    assert "to stdout" in channel.output


async def test_an_exception_becomes_an_error_with_the_users_frames_only(failure, tmp_path):
    error = await failure("fail", "no such thing")

    assert (error.kind, error.message, error.retryable) == ("exception", "LookupError: no such thing", True)
    stderr = (tmp_path / "attempt" / "stderr").read_text()
    assert "in fail" in stderr
    assert "python_worker" not in stderr


async def test_an_exception_may_say_that_another_attempt_is_no_use(failure):
    error = await failure("never")

    assert (error.kind, error.message, error.retryable) == ("exception", "Never: not again", False)


async def test_an_exception_may_say_its_kind_and_when_to_try_again(failure):
    error = await failure("busy")

    assert (error.kind, error.message, error.hint) == ("rate_limit", "too many requests", "wait")
    assert error.retry_after_seconds == 30


async def test_an_agent_error_arrives_as_it_was_raised(failure):
    error = await failure("actorflow_error")

    assert (error.kind, error.message, error.hint, error.retryable) == (
        "my_kind",
        "said so",
        "do this",
        False,
    )


async def test_control_characters_in_a_message_are_escaped(failure):
    assert (await failure("fail", "a\x1b[31m")).message == r"LookupError: a\x1b[31m"


async def test_arguments_that_do_not_fit_are_not_tried_again(failure):
    error = await failure("fail", 1, 2)

    assert (error.kind, error.retryable) == ("invalid_parameters", False)
    assert "takes 1 positional argument but 2 were given" in error.message


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("set", "$.a[1] is a set, which has no JSON form"),
        ("nan", "$[0] is nan, which JSON cannot say"),
        ("key", "$ has the key 1; JSON keys are text"),
        ("object", "$ is a object, which has no JSON form"),
        ("surrogate", "$[0] has half of a surrogate pair"),
        ("deep", "nested too deeply"),
        ("cycle", "contains itself"),
        ("generator", "$ is a generator"),
        ("digits", "digits"),
        ("bytes", "$ is a bytes"),
    ],
)
async def test_a_value_that_is_not_json_is_an_error_that_says_where(failure, what, reason):
    error = await failure("odd", what)

    assert error.kind == "invalid_output"
    assert error.message.startswith("the returned value is not JSON: ")
    assert reason in error.message


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit", "user_code:end called sys.exit(4) instead of returning"),
        ("exit text", "user_code:end called sys.exit('good-bye') instead of returning"),
        ("os", "the function's process failed with exit code 5"),
        ("os 0", "the function ended its process without returning"),
        ("abort", "the function's process was killed by SIGABRT (6)"),
        ("kill", "the function's process was killed by SIGKILL (9)"),
    ],
)
async def test_a_function_that_ends_its_process_fails(failure, how, message):
    error = await failure("end", how)

    assert error.kind == "exit_status"
    assert error.message.startswith(message)


async def test_a_forked_child_that_comes_back_has_no_say(call):
    assert (await call("fork")).output == "parent"


async def test_what_happens_after_the_function_returned_is_only_noted(call):
    result = await call("after")

    assert result.output == 1
    assert result.notes == ("the function returned, and then its process ended with exit code 7",)


@pytest.mark.parametrize(
    ("function", "message", "hint"),
    [
        ("missing_module:f", "cannot import missing_module: ModuleNotFoundError", "below the project root"),
        ("broken:f", "cannot import broken: SyntaxError", ""),
        ("exits:f", "cannot import exits: SystemExit: 3", ""),
        ("giv", "there is no giv in user_code", "did you mean give?"),
        ("number", "user_code:number is a int, not a function", ""),
    ],
)
async def test_a_function_that_cannot_be_found_is_not_tried_again(failure, tmp_path, function, message, hint):
    (tmp_path / "project" / "broken.py").write_text("def f(:\n")
    (tmp_path / "project" / "exits.py").write_text("raise SystemExit(3)\n")

    error = await failure(function)

    assert (error.kind, error.retryable) == ("import_error", False)
    assert error.message.startswith(message)
    assert hint in error.hint


@pytest.mark.parametrize("name", ["f", "a:b:c", "a b:c", ":f", "a:", "a.:f", "../x:f", 3, None])
async def test_call_must_name_a_module_and_a_function(tmp_path, name):
    with pytest.raises(
        AgentError, match=r"parameters\.call must name a function as 'module:function'"
    ) as caught:
        await PythonAgent().run(make_request(tmp_path, {"call": name}), RecordingChannel())

    assert not caught.value.retryable


@pytest.mark.parametrize("parameters", [{"args": {"a": 1}}, {"kwargs": [1]}, {"args": "abc"}])
async def test_args_is_a_list_and_kwargs_a_mapping(tmp_path, parameters):
    with pytest.raises(AgentError, match=r"must be a (list|mapping)"):
        await PythonAgent().run(make_request(tmp_path, {"call": "a:b", **parameters}), RecordingChannel())


async def test_too_large_a_value_is_an_error(call, failure):
    assert len((await call("large", 1_000_000)).output) == 1_000_000
    assert (await failure("large", 17 * 2**20)).kind == "output_too_large"


async def test_without_an_interpreter_the_error_says_so(failure, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")

    assert (await failure("give")).kind == "no_interpreter"


async def test_modules_of_actorflow_do_not_get_in_the_way_of_the_users(call, tmp_path):
    (tmp_path / "project" / "registry.py").write_text("def f():\n    return 'mine'\n")

    assert (await call("registry:f")).output == "mine"
