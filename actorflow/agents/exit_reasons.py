"""In words: why a program could not be started, and how one that failed ended.

Takes what the system said (an ``OSError``, an exit code, the end of stderr) and gives an ``AgentError`` with
a message that can be shown anywhere: control characters are escaped. The first line says the most; the end of
stderr follows.
"""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

from actorflow.errors import AgentError

__all__ = ["exit_failure", "not_forked", "not_started", "printable", "stderr_tail"]

_TAIL_BYTES = 2 * 1024
_NO_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOSPC})
_FEWER = "fewer tasks at once (max_parallel) need fewer of them"
_KEPT_CONTROLS = frozenset("\n\t")

_SHELL_HINTS = {
    126: "126 is the shell's code for a file that it found but could not execute (chmod +x? wrong architecture?)",
    127: "127 is the shell's code for a command that it did not find: is the program installed, and in PATH?",
}


def not_started(program: str, error: OSError | ValueError, cwd: Path) -> AgentError:
    """Explain why ``program`` could not be started in ``cwd``."""
    name = printable(program)
    if not isinstance(error, OSError):  # a NUL in an argument, a text that is not UTF-8
        return AgentError("invalid_parameters", f"{name} cannot be started: {error}", retryable=False)
    if error.errno in _NO_RESOURCES:
        hint = _FEWER if error.errno != errno.ENOSPC else ""
        return AgentError("no_resources", f"{name} cannot be started now: {error.strerror}", hint=hint)
    if error.errno == errno.E2BIG:
        hint = "give long text by 'stdin:' instead"
        return AgentError(
            "argument_too_long",
            f"an argument or variable is too long to start {name}",
            hint=hint,
            retryable=False,
        )
    if error.filename is not None and os.fspath(error.filename) == str(cwd):
        return AgentError("working_directory", f"cannot work in {cwd}: {error.strerror}", retryable=False)
    if error.errno == errno.ENOENT:
        hint = "is the program installed, and in PATH? A script's first line (#!) must name a program that exists"
        return AgentError("command_not_found", f"there is no program {name}", hint=hint, retryable=False)
    hint = "it is not a program" if error.errno == errno.ENOEXEC else "may it be executed (chmod +x)?"
    return AgentError(
        "not_executable", f"{name} cannot be executed: {error.strerror}", hint=hint, retryable=False
    )


def not_forked(complaint: str) -> AgentError:
    """Explain why the shell in front of a program could not start it, in that shell's words."""
    message = f"the program could not be started now: {printable(complaint)}"
    return AgentError("no_resources", message, hint=_FEWER)


def exit_failure(code: int, stderr: Path, *, what: str = "the command") -> AgentError:
    """Explain a program that ended with ``code`` (minus the signal's number when killed); another attempt may help."""
    if code < 0:
        number = -code
        ending, hint = f"{what} was killed by {_signal_name(number)}", _killed_hint(number)
    else:
        ending = f"{what} failed with exit code {code}"
        number = code - 128
        through_shell = number in set(signal.Signals)
        hint = _SHELL_HINTS.get(
            code,
            f"{code} is the shell's code for a command killed by {_signal_name(number)}"
            if through_shell
            else "",
        )
        if through_shell and (killed := _killed_hint(number)):
            hint = f"{hint}: {killed}"
    tail = stderr_tail(stderr)
    if tail:
        last_line = tail.rpartition("\n")[2]
        ending = f"{ending}: {last_line}" + (f"\nstderr ends with:\n{tail}" if "\n" in tail else "")
    return AgentError("exit_status", ending, hint=hint)


def stderr_tail(stderr: Path) -> str:
    """Return the last lines of the file, at most 2 KiB, whole lines where possible, control characters escaped."""
    with stderr.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    # Begin with a whole line, or at least a whole word: half a secret could not be recognised and masked.
    if start > 0:
        tail = next((tail.partition(gap)[2] for gap in (b"\n", b" ") if gap in tail.strip()), tail)
    return printable(tail.decode("utf-8", "replace").replace("\r\n", "\n").strip())


def printable(text: str) -> str:
    """Return ``text`` with everything but printable characters, line ends and tabs escaped, so that it cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _KEPT_CONTROLS else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def _signal_name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return f"signal {number}"


def _killed_hint(number: int) -> str:
    return "often that is the system running out of memory" if number == signal.SIGKILL else ""
