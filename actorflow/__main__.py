"""``python -m actorflow`` and the ``actorflow`` program.

Prepares the standard streams so that printing cannot fail for a character, runs the command line, and leaves
quietly when whoever read our output has gone. The garbage collector looks seldom, and not at all in a command that
looks at a run once: what it loads stays until its end, where the process gives everything back at once.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress

__all__ = ["main"]

_ALLOCATIONS = 50_000
_GLANCING = ("status", "explain")
"""Commands that end before garbage could matter; one look of the collector at ten thousand tasks takes 10 ms."""


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    gc.set_threshold(_ALLOCATIONS, 20, 20)
    if sys.argv[1:2] and sys.argv[1] in _GLANCING:
        gc.disable()
    _prepare_streams()
    code = _flushed(_run())
    gc.freeze()  # or all objects of a large run are looked at once more while Python ends
    sys.exit(code)


def _prepare_streams() -> None:
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (``>&-``)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (until the process ends)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        from actorflow.cli import cli

        cli.main(prog_name="actorflow")
    except KeyboardInterrupt:  # so early, or so late, that no command has seen it
        return 130
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except OSError as error:  # stdout itself: what else fails in a command is told by it
        with suppress(OSError):
            sys.stderr.write(f"error: cannot write to stdout: {error.strerror}\n")
        return 74


def _flushed(code: int) -> int:
    """Write out what is buffered; a reader that has gone must not make Python complain at its end."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or (141 if isinstance(error, BrokenPipeError) else 74)
    return code


if __name__ == "__main__":
    main()
