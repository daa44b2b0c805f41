"""The agent that has Claude Code do the work: one ``claude`` process for each attempt.

Takes a request like every agent. Before anything is started it is clear what the agent may do (policy,
definition and workflow all have a say) and what it is told; then ``Talk`` talks with the process. Whatever
happens, what it has cost is told, and nothing of it is left running: on cancellation the session is
interrupted in its own words, so that it can be gone on with, then ended.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from actorflow.agents.claude.command import arguments, child_environment
from actorflow.agents.claude.failures import ended_without_result, failure, session_is_lost
from actorflow.agents.claude.login import LOGIN_VARIABLES, check_login
from actorflow.agents.claude.mcp_names import is_mcp, server_rule, stands_for
from actorflow.agents.claude.messages import Result, parse
from actorflow.agents.claude.options import ClaudeOptions, read_options
from actorflow.agents.claude.prompt import Message, opening
from actorflow.agents.claude.rights import Rights, Wishes, grant
from actorflow.agents.claude.schema import tool_schema
from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.claude.talk import INTERRUPT, Talk
from actorflow.agents.claude.traits import claude_traits
from actorflow.agents.conversation import reattach_conversation, run_conversation
from actorflow.agents.definitions import AgentDefinition
from actorflow.agents.exit_reasons import stderr_tail
from actorflow.agents.family import GRACE_SECONDS
from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel
from actorflow.agents.process import ProgramExit
from actorflow.agents.with_room import with_room
from actorflow.errors import AgentError, ConfigurationError
from actorflow.workflow.catalog import AgentTraits

__all__ = ["ClaudeAgent"]

_INTERRUPT_SECONDS: Final = 3.0
_SILENT_SECONDS: Final = 10.0
"""How long it may live on without a stdout: it could tell us nothing any more."""

_TAIL_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assignment:
    """What one attempt is to do, and may do."""

    options: ClaudeOptions
    rights: Rights
    schema: Mapping[str, Any] | None
    is_wrapped: bool
    opening: Message
    argv: list[str]


class ClaudeAgent:
    """Has Claude Code carry out a task.

    Args:
        setup: the program and the policy.
        definition: who the agent is; None is Claude Code as it comes.
        grace_seconds: how long a process may take to end after TERM.
        clock: gives Unix seconds.
    """

    def __init__(
        self,
        setup: ClaudeSetup,
        definition: AgentDefinition | None = None,
        *,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._setup = setup
        self._definition = definition
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._traits = claude_traits(
            definition.name if definition is not None else "claude", unavailable=setup.unavailable
        )

    @property
    def traits(self) -> AgentTraits:
        """Take a task, and any data for it."""
        return self._traits

    @property
    def definition(self) -> AgentDefinition | None:
        """Who the agent is."""
        return self._definition

    async def prepare(self, given: frozenset[str]) -> None:
        """Find out, before a run begins, what would make every attempt fail.

        Args:
            given: environment variables that each of its tasks sets itself.

        Raises:
            ConfigurationError: there is no program, nobody is logged in, or the policy cannot be understood.
        """
        if not self._setup.program:
            raise ConfigurationError(self._setup.unavailable)
        _ = self._setup.policy
        if not given & LOGIN_VARIABLES:
            await self._setup.check_login(check_login)

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Carry out one attempt."""
        try:
            assignment = await with_room(channel, self._assign, request)
        except AgentError as error:
            error.cost_usd, error.tokens = 0.0, 0  # nobody was asked anything
            raise
        talk = self._talk(request, channel, assignment)
        conversation = partial(
            run_conversation,
            [self._setup.program, *assignment.argv],
            talk,
            environment=child_environment(request, assignment.options, self._definition),
            farewell=INTERRUPT + b"\n",
            farewell_seconds=_INTERRUPT_SECONDS,
            silent_seconds=_SILENT_SECONDS,
        )
        return await self._result(conversation, talk, request, channel, assignment)

    async def reattach(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Go on with an attempt whose driver is gone: hear all that was said and will be said, and judge the answer.

        Nothing can be said to it any more: without its stdin it finishes its turn and ends. An answer that would
        have to go back to it is ``lost``, and the next attempt goes on in its session.
        """
        assignment = self._assign(request, is_taken_up=True)
        talk = self._talk(request, channel, assignment)
        talk.has_begun = True  # what it has cost is not known until it is heard
        conversation = partial(reattach_conversation, talk.take_up)
        return await self._result(conversation, talk, request, channel, assignment)

    def _talk(self, request: AgentRequest, channel: AttemptChannel, assignment: _Assignment) -> Talk:
        return Talk(
            request,
            channel,
            assignment.options,
            assignment.opening,
            is_wrapped=assignment.is_wrapped,
            clock=self._clock,
        )

    async def _result(
        self,
        conversation: Callable[..., Awaitable[tuple[None, ProgramExit]]],
        talk: Talk,
        request: AgentRequest,
        channel: AttemptChannel,
        assignment: _Assignment,
    ) -> AgentResult:
        """Hold the conversation, and make of it what came out.

        Raises:
            AgentError: there is no answer.
        """
        try:
            _, ending = await conversation(
                request=request, channel=channel, grace_seconds=self._grace_seconds
            )
        except AgentError as error:
            raise _with_spend(error, talk) from error
        except BaseException:  # cancelled, alone or in a group
            _hear_the_last_word(talk, request.folder / "stdout")
            raise
        if not talk.is_answered:
            raise _with_spend(self._error_of(talk, request, ending), talk)
        return AgentResult(
            output=talk.output,
            cost_usd=talk.transcript.cost_usd,
            tokens=talk.transcript.tokens,
            session_id=talk.transcript.session_id or None,
            notes=(*assignment.rights.notes, *_notes(talk, assignment), *ending.notes),
        )

    def _assign(self, request: AgentRequest, *, is_taken_up: bool = False) -> _Assignment:
        """Return what is to be done; for one that is taken up nothing is written, and there is nothing to say."""
        definition = self._definition
        try:
            policy = self._setup.policy
        except ConfigurationError as error:
            raise AgentError("invalid_options", error.message, hint=error.hint, retryable=False) from error
        options = read_options(request.options)
        rights = grant(
            policy.wishes,
            _definition_wishes(definition),
            Wishes(
                who="the workflow",
                tools=options.tools,
                allowed=options.allowed_tools,
                refused=options.disallowed_tools,
                mode=options.permission_mode,
            ),
            command_line=self._setup.permission_mode,
        )
        schema, is_wrapped = (
            (None, False) if request.output_schema is None else tool_schema(request.output_schema)
        )
        if is_taken_up:
            return _Assignment(
                options=options,
                rights=rights,
                schema=schema,
                is_wrapped=is_wrapped,
                opening=Message(()),
                argv=[],
            )
        initial = "" if definition is None else definition.initial_prompt
        message = opening(request, initial=initial, expands=options.expand_prompt)
        budgets = (options.max_budget_usd, policy.max_budget_usd, request.budget_usd)
        argv = arguments(
            request,
            options,
            rights,
            definition,
            schema=schema,
            session_id=str(uuid.uuid4()),
            max_budget_usd=min((usd for usd in budgets if usd is not None), default=None),
            add_dirs=() if message.folder is None else (message.folder,),
        )
        return _Assignment(
            options=options,
            rights=rights,
            schema=schema,
            is_wrapped=is_wrapped,
            opening=message,
            argv=argv,
        )

    def _error_of(self, talk: Talk, request: AgentRequest, ending: ProgramExit) -> AgentError:
        """Return why there is no answer."""
        if request.session is not None and session_is_lost(talk.transcript.result):
            return failure("session_not_found", f"the session {request.session} is not there any more")
        if talk.error is not None:
            return talk.error
        if ending.outlived_output:
            return failure("no_result", "claude closed its output without a result, lived on, and was ended")
        stderr = stderr_tail(ending.stderr)
        return ended_without_result(talk.transcript, ending.code, stderr, now=self._clock())


def _definition_wishes(definition: AgentDefinition | None) -> Wishes:
    if definition is None:
        return Wishes(who="")
    return Wishes(
        who=f"the agent's definition ({definition.source.name})",
        tools=definition.tools,
        refused=definition.disallowed_tools,
        mode=definition.permission_mode,
        binds_subagents=False,
    )


def _with_spend(error: AgentError, talk: Talk) -> AgentError:
    """Return the error with what the attempt has cost."""
    error.cost_usd = talk.transcript.cost_usd if talk.has_begun else 0.0
    error.tokens = talk.transcript.tokens if talk.has_begun else 0
    error.session_id = talk.transcript.session_id or None
    return error


def _notes(talk: Talk, assignment: _Assignment) -> list[str]:
    transcript, options = talk.transcript, assignment.options
    notes = list(talk.notes)
    if transcript.denied:
        refused = ", ".join(f"{tool} ({times}x)" for tool, times in transcript.denied.items())
        notes.append(f"refused: {refused}; options.allowed_tools allows what is meant to be used")
    if transcript.failed_servers:
        notes.append(f"MCP server(s) that could not be reached: {', '.join(transcript.failed_servers)}")
    ignored = (
        [] if transcript.servers is None else [n for n in options.mcp_servers if n not in transcript.servers]
    )
    if ignored:
        notes.append(
            f"MCP server(s) that claude left out: {', '.join(ignored)}; are they written as in .mcp.json?"
        )
    left_out = _without_tools(options, assignment.rights)
    if left_out:
        names = ", ".join(map(server_rule, left_out))
        notes.append(
            f"MCP server(s) of which no tool is granted: {', '.join(left_out)}; name {names} among the tools, wherever tools are named"
        )
    if transcript.fallbacks:
        notes.append(f"another model took over: {'; '.join(transcript.fallbacks)}")
    if transcript.garbled:
        notes.append(f"{transcript.garbled} line(s) of claude's output were no messages, and were skipped")
    return notes


def _without_tools(options: ClaudeOptions, rights: Rights) -> list[str]:
    """Return the servers of the workflow of which the agent has no tool."""
    if rights.tools is None:
        return []
    granted = [tool for tool in rights.tools if is_mcp(tool)]
    rules = {name: server_rule(name) for name in options.mcp_servers}
    return [
        name
        for name, rule in rules.items()
        if not any(stands_for(rule, tool) or stands_for(tool, rule) for tool in granted)
    ]


def _hear_the_last_word(talk: Talk, stdout: Path) -> None:
    """Learn what a session that was interrupted says it has cost: nobody listens any more, but it is in the file."""
    try:
        with stdout.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            lines = stream.read(_TAIL_BYTES).split(b"\n")
    except OSError:
        return
    results = [message for line in lines for message in parse(line)[1] if isinstance(message, Result)]
    if results:
        talk.transcript.add(replace(results[-1], turn_tokens=None))
        talk.tell_spent()
