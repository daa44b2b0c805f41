"""The other side of the ``python`` agent: a program that calls one function and writes down what it returned.

Run as a file, in a process of its own: the request comes as JSON on stdin, the reply goes to the file that
the request names, in one rename. stdout and stderr belong to the function. Imports nothing of actorflow and
little else, so that it starts as fast as Python does.
"""

from __future__ import annotations

import errno
import faulthandler
import importlib
import json
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_MAX_MESSAGE = 4096
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


class _Failure(Exception):
    """A reply that is not a value: kind, message, and whether another attempt may help."""

    def __init__(self, kind: str, message: str, *, hint: str = "", retryable: bool = True) -> None:
        super().__init__(message)
        self.reply = {"kind": kind, "message": message, "hint": hint, "retryable": retryable}


def main() -> None:
    """Carry out the request on stdin; exits with 0 whenever there is a reply."""
    faulthandler.enable()
    request = json.loads(sys.stdin.buffer.read())
    pid = os.getpid()
    _take_over_streams()
    sys.path[:0] = request["paths"]
    sys.argv = [request["call"]]
    try:
        value = _encode(_call(request["call"], request["args"], request["kwargs"]))
        reply = f'{{"value":{value}}}'
    except _Failure as failure:
        reply = json.dumps({"error": failure.reply})
    if os.getpid() == pid:  # a child that the function forked and that came back has nothing to say
        _write_with_room(request["reply"], reply)


def _take_over_streams() -> None:
    """Give the function an empty stdin, and whoever watches each line as it is printed."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open for the rest of the process
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr] # they are TextIOWrappers here


def _call(call: str, args: list[Any], kwargs: dict[str, Any]) -> object:
    function = _find(call)
    try:
        value = function(*args, **kwargs)
        if type(value).__name__ == "coroutine":
            import asyncio

            value = asyncio.run(value)
    except SystemExit as error:
        raise _Failure(
            "exit_status", f"{call} called sys.exit({error.code!r}) instead of returning"
        ) from error
    except Exception as error:
        raise _explain(call, error) from error
    return value


def _find(call: str) -> Callable[..., Any]:
    module_name, _, path = call.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        _print_traceback(error)
        hint = f"it must be below the project root, or installed for {sys.executable}"
        what = f"{type(error).__name__}: {error}"
        raise _Failure(
            "import_error", f"cannot import {module_name}: {what}", hint=hint, retryable=False
        ) from error
    for name in path.split("."):
        if not hasattr(found, name):
            hint = _did_you_mean(name, found)
            raise _Failure("import_error", f"there is no {path} in {module_name}", hint=hint, retryable=False)
        found = getattr(found, name)
    if not callable(found):
        raise _Failure("import_error", f"{call} is a {type(found).__name__}, not a function", retryable=False)
    return found  # type: ignore[no-any-return] # whatever can be called


def _did_you_mean(name: str, found: object) -> str:
    import difflib

    close = difflib.get_close_matches(name, [known for known in dir(found) if not known.startswith("_")], 1)
    return f"did you mean {close[0]}?" if close else ""


def _explain(call: str, error: Exception) -> _Failure:
    """Turn what the function raised into a reply; attributes named as AgentError's are taken over."""
    _print_traceback(error)
    if isinstance(error, TypeError) and _frames_below(error) == 0:
        # Raised by the call itself: its arguments do not fit the signature, and will not next time.
        return _Failure("invalid_parameters", f"{call} cannot be called like this: {error}", retryable=False)
    kind, hint = getattr(error, "kind", None), getattr(error, "hint", None)
    message = f"{type(error).__qualname__}: {error}"
    if isinstance(kind, str) and re.fullmatch("[a-z][a-z0-9_]*", kind):
        message = str(getattr(error, "message", error))
    else:
        kind = "exception"
    failure = _Failure(
        kind,
        message[:_MAX_MESSAGE],
        hint=hint if isinstance(hint, str) else "",
        retryable=getattr(error, "retryable", True) is not False,
    )
    seconds = getattr(error, "retry_after_seconds", None)
    failure.reply["retry_after_seconds"] = seconds if isinstance(seconds, int | float) else None
    return failure


def _frames_below(error: BaseException) -> int:
    """Return how deep below ``_call`` the error was raised."""
    depth, traceback = 0, error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        depth, traceback = depth + 1, traceback.tb_next
    return depth


def _print_traceback(error: BaseException) -> None:
    """Print the traceback without this file's frames."""
    import traceback

    frames = error.__traceback__
    while frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames)


def _is_machinery(file: str) -> bool:
    folder = os.path.basename(os.path.dirname(file))
    return (
        file in (__file__, importlib.__file__) or file.startswith("<frozen importlib") or folder == "asyncio"
    )


def _encode(value: object) -> str:
    try:
        problem = _unfit(value, "$")
        if not problem:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        problem = "it is nested too deeply, or contains itself"
    except ValueError as error:  # an integer of thousands of digits
        problem = str(error)
    raise _Failure("invalid_output", f"the returned value is not JSON: {problem}")


def _unfit(value: object, where: str) -> str:
    """Say what in ``value`` has no JSON form, or return an empty text."""
    if value is None or isinstance(value, bool | int):
        return ""
    if isinstance(value, str):
        return "" if value.isascii() or _is_unicode(value) else f"{where} has half of a surrogate pair"
    if isinstance(value, float):
        return "" if value - value == 0 else f"{where} is {value!r}, which JSON cannot say"
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"{where} has the key {key!r}; JSON keys are text"
            if problem := _unfit(key, f"the key {key!r} of {where}") or _unfit(item, f"{where}.{key}"):
                return problem
        return ""
    if isinstance(value, list | tuple):
        return next(
            (problem for i, item in enumerate(value) if (problem := _unfit(item, f"{where}[{i}]"))), ""
        )
    return f"{where} is a {type(value).__name__}, which has no JSON form"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _write_with_room(path: str, reply: str) -> None:
    """Write the reply, as soon as there is room for it: what the function has done is not lost because a disk is full.

    It is said on stderr, which is a sign of life, and whose own way into a file shows that the disk is full.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return _write(path, reply)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            with suppress(OSError):  # the function may have closed it
                os.write(2, f"the function has returned; no room for its reply: {error.strerror}\n".encode())
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _write(path: str, reply: str) -> None:
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(reply)
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
