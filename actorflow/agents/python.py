"""The ``python`` agent: calls a function in a process of its own; what it returns is the output.

``call`` names the function (``module:function``), imported with the task's folder and the project root on
``sys.path``, by the interpreter that runs actorflow. A function that crashes, hangs or never comes back takes
only its process with it. Must not import the user's code here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, cast

import msgspec

from actorflow.agents import python_worker
from actorflow.agents.command_output import read_limited
from actorflow.agents.environment import process_environment
from actorflow.agents.exit_reasons import exit_failure, printable
from actorflow.agents.family import GRACE_SECONDS
from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel
from actorflow.agents.parameters import invalid, list_parameter, mapping_parameter
from actorflow.agents.process import ProgramExit, reattach_program, run_program
from actorflow.agents.traits import PYTHON
from actorflow.errors import AgentError
from actorflow.values import freeze
from actorflow.workflow.catalog import AgentTraits

__all__ = ["PythonAgent"]

_CALL = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_REPLY_FILE = "reply.json"


class PythonAgent:
    """Calls a function.

    Args:
        grace_seconds: how long a cancelled function's process may take to end by itself.
    """

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds

    @property
    def traits(self) -> AgentTraits:
        """Take the name of a function and its arguments."""
        return PYTHON

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Call the function and return what it returned."""
        reply_file = request.folder / _REPLY_FILE
        ending = await run_program(
            _worker(),
            request=request,
            channel=channel,
            environment=process_environment(request),
            stdin=_call_as_json(request, reply_file),
            grace_seconds=self._grace_seconds,
        )
        return await _result(ending, reply_file)

    async def reattach(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Wait for the function's process, which has outlived the driver that began it, and return what it returned."""
        ending = await reattach_program(request, channel, grace_seconds=self._grace_seconds)
        return await _result(ending, request.folder / _REPLY_FILE)


async def _result(ending: ProgramExit, reply_file: Path) -> AgentResult:
    reply = await _read_reply(reply_file)
    if reply is None:
        raise _ended_early(ending)
    if (error := reply.get("error")) is not None:
        raise _agent_error(error)
    return AgentResult(output=freeze(reply["value"]), notes=(*_odd_end(ending), *ending.notes))


def _worker() -> list[str]:
    if not sys.executable:
        raise AgentError(
            "no_interpreter",
            "Python does not know its own program, so it cannot start another",
            retryable=False,
        )
    return [
        sys.executable,
        "-P",
        python_worker.__file__,
    ]  # -P: the folder of the worker is not for the function to import from


def _call_as_json(request: AgentRequest, reply_file: Path) -> bytes:
    reply_file.unlink(missing_ok=True)  # never take what another try has left for the answer of this one
    parameters = request.parameters
    call = parameters.get("call")
    if not isinstance(call, str) or not _CALL.fullmatch(call):
        raise invalid("call", "must name a function as 'module:function'")
    return msgspec.json.encode(
        {
            "call": call,
            "args": list_parameter(parameters, "args"),
            "kwargs": mapping_parameter(parameters, "kwargs"),
            "paths": list(dict.fromkeys((str(request.cwd), str(request.project_root)))),
            "reply": str(reply_file),
        }
    )


async def _read_reply(file: Path) -> dict[str, Any] | None:
    """Return the worker's reply, or None when it did not get that far."""
    try:
        data = await read_limited(file)
    except FileNotFoundError:
        return None
    return cast("dict[str, Any]", msgspec.json.decode(data))


def _agent_error(error: dict[str, Any]) -> AgentError:
    return AgentError(
        error["kind"],
        printable(error["message"]),
        hint=printable(error["hint"]),
        retryable=error["retryable"],
        retry_after_seconds=error.get("retry_after_seconds"),
    )


def _ended_early(ending: ProgramExit) -> AgentError:
    if ending.code == 0:
        return AgentError("exit_status", "the function ended its process without returning")
    return exit_failure(ending.code, ending.stderr, what="the function's process")


def _odd_end(ending: ProgramExit) -> tuple[str, ...]:
    if ending.code == 0:
        return ()
    how = f"was killed by signal {-ending.code}" if ending.code < 0 else f"ended with exit code {ending.code}"
    return (f"the function returned, and then its process {how}",)
