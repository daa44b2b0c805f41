"""The ``shell`` agent: runs a command; what it prints is the output.

``command`` is text for ``/bin/sh -c`` or an argv list that no shell sees. Takes and gives what
docs/reference/agents.md says. A command that fails is an ``AgentError`` with the code and the end of stderr.
Whether the output fits the task's schema is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actorflow.agents.command_output import read_json, read_text
from actorflow.agents.environment import process_environment
from actorflow.agents.exit_reasons import exit_failure
from actorflow.agents.family import GRACE_SECONDS
from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel
from actorflow.agents.parameters import as_text, invalid, mapping_parameter
from actorflow.agents.process import ProgramExit, reattach_program, run_program
from actorflow.agents.traits import SHELL
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.catalog import AgentTraits

__all__ = ["ShellAgent"]


class ShellAgent:
    """Runs a command.

    Args:
        grace_seconds: how long a cancelled command may take to end by itself.
    """

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds

    @property
    def traits(self) -> AgentTraits:
        """Take a command."""
        return SHELL

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Run the command and return what it printed."""
        parameters = request.parameters
        wants_json = _wants_json(request)
        ending = await run_program(
            _argv(parameters),
            request=request,
            channel=channel,
            environment=process_environment(request, _variables(parameters)),
            stdin=as_text(parameters["stdin"]).encode() if "stdin" in parameters else None,
            grace_seconds=self._grace_seconds,
        )
        return await _result(ending, wants_json=wants_json)

    async def reattach(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Wait for the command, which has outlived the driver that began it, and return what it printed."""
        ending = await reattach_program(request, channel, grace_seconds=self._grace_seconds)
        return await _result(ending, wants_json=_wants_json(request))


async def _result(ending: ProgramExit, *, wants_json: bool) -> AgentResult:
    if ending.code != 0:
        raise exit_failure(ending.code, ending.stderr)
    output, notes = await (read_json if wants_json else read_text)(ending.stdout)
    return AgentResult(output=output, notes=(*notes, *ending.notes))


def _argv(parameters: FrozenDict) -> Sequence[str]:
    command: Frozen = parameters.get("command")
    if isinstance(command, str) and command.strip():
        return ["/bin/sh", "-c", command]
    if isinstance(command, tuple) and command:
        return [_argument(item, i) for i, item in enumerate(command)]
    raise invalid("command", "must be the text of a shell command, or a list: a program and its arguments")


def _argument(item: Frozen, index: int) -> str:
    if item is None:
        raise invalid(f"command[{index}]", "is null; write '' for an empty argument")
    return as_text(item)


def _variables(parameters: FrozenDict) -> Mapping[str, str]:
    variables = mapping_parameter(parameters, "env")
    for name, value in variables.items():
        if value is None:
            raise invalid(f"env.{name}", "is null; write '' for an empty value")
    return {name: as_text(value) for name, value in variables.items()}


def _wants_json(request: AgentRequest) -> bool:
    form = request.parameters.get("output", "json" if request.output_schema is not None else "text")
    if form not in ("text", "json"):
        raise invalid("output", "must be 'text' or 'json'")
    return bool(form == "json")
