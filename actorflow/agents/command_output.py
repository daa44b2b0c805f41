"""The output of a command: what it wrote to a file, as a JSON value.

Takes the file and gives text or a parsed value, with notes about what was changed on the way. At most 16 MiB:
what is larger belongs into a file that the output names. What is not JSON where JSON is wanted is an
``AgentError`` with the position. Large output is read and parsed in a thread.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar

import msgspec
import trio

from actorflow.errors import AgentError
from actorflow.values import Frozen, NotJSON, freeze

__all__ = ["MAX_OUTPUT_BYTES", "ReadOutput", "parse_json", "read_json", "read_limited", "read_text"]

MAX_OUTPUT_BYTES = 16 * 1024 * 1024

_INLINE_BYTES = 64 * 1024

_T = TypeVar("_T")

ReadOutput: TypeAlias = "tuple[Frozen, tuple[str, ...]]"
"""The output and the notes about it."""


async def read_text(file: Path) -> ReadOutput:
    """Return the text of a file without its last newline; bytes that are not UTF-8 are replaced, which the notes say.

    Raises:
        AgentError: there is too much of it.
    """
    return await _read(file, _to_text)


async def read_json(file: Path) -> ReadOutput:
    """Return the JSON value that a file holds.

    Raises:
        AgentError: there is too much of it, or it is not JSON; says where.
    """
    return await _read(file, _to_json)


def parse_json(data: bytes, *, what: str = "the output") -> Frozen:
    """Return the frozen value of JSON text in UTF-8; NaN, infinities and half characters are refused.

    Raises:
        AgentError: it is not JSON; says where. Another attempt may do better.
    """
    if not data.strip():
        raise AgentError("invalid_output", f"{what} is empty, where JSON is expected")
    try:
        value = freeze(json.loads(data.decode("utf-8"), parse_constant=_refuse_constant))
        if b"\\u" in data:  # an escape can spell half of a surrogate pair, which no UTF-8 text can hold
            msgspec.json.encode(value)
    except json.JSONDecodeError as error:
        reason = f"{error.msg}, line {error.lineno} column {error.colno}"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except UnicodeEncodeError:
        reason = "a \\u escape is half of a surrogate pair"
    except (NotJSON, ValueError) as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    else:
        return value
    raise AgentError("invalid_output", f"{what} is not JSON: {reason}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


async def read_limited(file: Path) -> bytes:
    """Return the bytes of a file, unless there are more of them than an output may have.

    Raises:
        AgentError: there are.
        FileNotFoundError: there is no such file.
    """
    size = os.stat(file).st_size
    if size > MAX_OUTPUT_BYTES:
        raise AgentError(
            "output_too_large",
            f"the output is {size / 2**20:.1f} MiB; a task's output may be 16 MiB",
            hint="write it to a file and give the file's name",
            retryable=False,
        )
    return await _inline_or_thread(size, file.read_bytes)


async def _read(file: Path, convert: Callable[[bytes], ReadOutput]) -> ReadOutput:
    data = await read_limited(file)
    return await _inline_or_thread(len(data), lambda: convert(data))


async def _inline_or_thread(size: int, work: Callable[[], _T]) -> _T:
    """Do work in proportion to ``size`` here if it is small, else where it holds nobody up."""
    return work() if size <= _INLINE_BYTES else await trio.to_thread.run_sync(work)


def _to_text(data: bytes) -> ReadOutput:
    data = data.removesuffix(b"\n")
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    replaced = text.count("\ufffd") - data.count("\ufffd".encode())
    return text, (f"{replaced} piece(s) of the output that were not UTF-8 were replaced by \ufffd",)


def _to_json(data: bytes) -> ReadOutput:
    return parse_json(data), ()
