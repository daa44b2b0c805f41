"""The agent that has another program do the work, as a description says.

Takes a request like every agent: composes the prompt, calls the program, and takes its answer for the output. An
answer that does not fit the task's schema goes back into the same session once, and work that its ``verify``
refuses three times, where the program keeps sessions. Whatever happens, what it has cost is told, and nothing of it
is left running.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from actorflow.agents.claude.verify import verify
from actorflow.agents.command.answers import escaped, is_strict, json_answer
from actorflow.agents.command.argv import placeholders_in
from actorflow.agents.command.definition import CommandDefinition
from actorflow.agents.command.failures import failure_of
from actorflow.agents.command.options import chosen_options
from actorflow.agents.command.spending import SessionTotal, Spending
from actorflow.agents.command.traits import command_traits
from actorflow.agents.command.turn import Turn, TurnEnd, has_begun, take_turn, take_up_turn, turn_request
from actorflow.agents.exit_reasons import exit_failure, stderr_tail
from actorflow.agents.family import GRACE_SECONDS
from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel
from actorflow.agents.process import check_may_start
from actorflow.agents.process_record import RECORD_FILE, call_name
from actorflow.agents.prompt import UNATTENDED, compose_prompt
from actorflow.agents.surviving import lost
from actorflow.agents.with_room import with_room
from actorflow.errors import AgentError
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.json_schema import check_schema_value

__all__ = ["CommandAgent"]

_REPAIRS: Final = 1
_RETURNS: Final = 3
"""How often an answer that does not fit, and work that ``verify`` refuses, go back."""

_MISFIT: Final = "Your answer cannot be taken, for the reason below. Answer again, with nothing but one JSON value that fits the schema."
_REFUSED: Final = (
    "The work was checked with the command below, which {ending}. Find out why, put it right, and "
    "answer as before. The same command will decide again."
)


class CommandAgent:
    """Has a program carry out a task.

    Args:
        grace_seconds: how long a cancelled program may take to end by itself.
    """

    def __init__(self, definition: CommandDefinition, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._definition = definition
        self._grace_seconds = grace_seconds
        self._totals: dict[str, SessionTotal] = {}
        self._traits = command_traits(definition, unavailable=_why_unavailable(definition))

    @property
    def traits(self) -> AgentTraits:
        """Take a task, and any data for it."""
        return self._traits

    @property
    def definition(self) -> CommandDefinition:
        """What describes the program."""
        return self._definition

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Carry out one attempt."""
        spend = Spending(channel, self._definition.output, self._totals)
        return await _Attempt(self._definition, self._grace_seconds, request, spend).run()

    async def reattach(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Go on with an attempt whose driver is gone: each call that was begun is waited for, and judged as it was or would have been; then as ever."""
        spend = Spending(channel, self._definition.output, self._totals)
        spend.is_taken_up = True
        attempt = _Attempt(self._definition, self._grace_seconds, request, spend, is_taken_up=True)
        return await attempt.run()


def _why_unavailable(definition: CommandDefinition) -> str:
    program = definition.program
    if "/" in program or "{" in program or shutil.which(program):
        return ""
    return (
        f"the agent '{definition.name}' runs the program '{program}', which is not in PATH: is it installed?"
    )


class _Attempt:
    """One attempt: one call of the program, and more in the same session when something has to go back."""

    def __init__(
        self,
        definition: CommandDefinition,
        grace_seconds: float,
        request: AgentRequest,
        spend: Spending,
        *,
        is_taken_up: bool = False,
    ) -> None:
        self._is_taken_up = is_taken_up
        self._definition = definition
        self._grace_seconds = grace_seconds
        self._request = request
        self._spend = spend
        self._options: Mapping[str, Frozen] = {}
        self._notes: tuple[str, ...] = ()
        self._session = request.session or ""
        self._calls = 0
        self._verified = 0

    async def run(self) -> AgentResult:
        try:
            self._options, self._notes = chosen_options(self._definition, self._request.options)
            answer = await self._call(partial(with_room, self._spend, self._opening))
            output = await self._accepted(answer)
            self._check_nothing_follows()
        except AgentError as error:
            error.cost_usd, error.tokens = self._spend.known
            error.session_id = self._session or None
            raise
        return AgentResult(
            output=output,
            cost_usd=self._spend.cost_usd,
            tokens=self._spend.tokens,
            session_id=self._session or None,
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _check_nothing_follows(self) -> None:
        """Refuse an answer that was good enough only the second time that it was judged: the program works on another one by now."""
        if self._is_taken_up and self._has_next_begun:
            raise lost("its answer was sent back before its driver died, and would be taken now")

    @property
    def _has_next_begun(self) -> bool:
        return (self._request.folder / call_name(self._calls + 1) / RECORD_FILE).exists()

    def _opening(self) -> str:
        request = self._request
        schema = request.output_schema
        prompt = compose_prompt(
            request,
            nonce=secrets.token_hex(8),
            role=self._definition.role,
            answer_schema=None if self._native_schema() is not None else schema,
        )
        for attachment in prompt.attachments:
            attachment.write()
        parts = [escaped(prompt.text, self._definition.escape), UNATTENDED]
        if request.interrupted_by:
            parts.insert(0, _again(request.interrupted_by))
        return "\n\n".join(parts)

    def _native_schema(self) -> Mapping[str, Frozen] | None:
        """Return the schema if the program itself holds its answer to it."""
        schema, definition = self._request.output_schema, self._definition
        words = definition.resume if self._session and definition.resume is not None else definition.command
        if schema is None or "schema_file" not in placeholders_in(words):
            return None
        return schema if definition.schema == "any" or is_strict(schema) else None

    async def _call(self, prompt: Callable[[], Awaitable[str]]) -> str:
        """Call the program, and return its answer; or go on with the call, if that was begun by a driver that is gone.

        Args:
            prompt: composes it.

        Raises:
            AgentError: it failed, or gave none.
        """
        if self._calls and not self._has_next_begun:
            check_may_start(self._request)
        self._calls += 1
        self._notes = (*self._notes, *self._spend.begin_call(self._session))
        request = await with_room(self._spend, turn_request, self._request, self._calls)
        if self._is_taken_up and (self._calls == 1 or has_begun(request)):
            end = await take_up_turn(
                self._definition,
                request,
                self._spend,
                grace_seconds=self._grace_seconds,
                is_followed=self._has_next_begun,
            )
        else:
            end = await take_turn(self._turn(await prompt()), request, self._spend)
        self._session = end.heard.session or self._session
        self._spend.end_call(self._session)
        self._notes = (*self._notes, *end.heard.notes, *end.ending.notes, *_skipped(end))
        return _answer(self._definition, end)

    def _turn(self, prompt: str) -> Turn:
        return Turn(
            definition=self._definition,
            prompt=prompt,
            session=self._session,
            options=self._options,
            schema=self._native_schema(),
            grace_seconds=self._grace_seconds,
        )

    async def _accepted(self, answer: str) -> Frozen:
        """Return the output, once it fits the schema and ``verify`` agrees; until then the program hears what is wrong.

        Raises:
            AgentError: it heard that often enough, or cannot be told because it keeps no sessions.
        """
        request = self._request
        repairs, returns = _REPAIRS, _RETURNS
        while True:
            output, problem = _output(answer, request.output_schema)
            if problem:
                if not repairs or not self._can_go_back:
                    raise AgentError("invalid_output", f"the answer does not fit output_schema: {problem}")
                repairs -= 1
                answer = await self._call(partial(self._feedback, _MISFIT, problem=problem))
                continue
            if request.verify is None:
                return output
            self._verified += 1
            verdict = await verify(request, self._spend, self._verified, is_taken_up=self._is_taken_up)
            if verdict.is_good:
                return output
            if not returns or not self._can_go_back:
                message = f"verify {verdict.ending}: {verdict.last_line}".rstrip(": ")
                raise AgentError("verify_failed", message)
            returns -= 1
            self._notes = (
                *self._notes,
                f"verify failed and went back to the agent: {verdict.last_line}".rstrip(": "),
            )
            told = {"command": request.verify, "stdout": verdict.output, "stderr": verdict.errors}
            answer = await self._call(partial(self._feedback, _REFUSED.format(ending=verdict.ending), **told))

    @property
    def _can_go_back(self) -> bool:
        return self._definition.keeps_sessions and bool(self._session)

    async def _feedback(self, happened: str, **data: str) -> str:
        told = replace(self._request, parameters=FrozenDict({"task": happened, **data}), handoff=())
        prompt = compose_prompt(told, nonce=secrets.token_hex(8))
        for attachment in prompt.attachments:
            await with_room(self._spend, attachment.write)
        return escaped(prompt.text, self._definition.escape)


def _answer(definition: CommandDefinition, end: TurnEnd) -> str:
    heard, ending = end.heard, end.ending
    stderr = stderr_tail(ending.stderr)
    error = failure_of(
        definition, code=ending.code, said=heard.error, stderr=stderr, stdout_end=stderr_tail(ending.stdout)
    )
    if error is not None:
        raise error
    if ending.code != 0:
        raise exit_failure(ending.code, ending.stderr, what=definition.program)
    if heard.is_too_long:
        hint = "have it write to a file and give the file's name"
        raise AgentError("output_too_large", "the answer has more than 16 MiB", hint=hint, retryable=False)
    if heard.answer is None:
        raise _no_answer(definition, end)
    return heard.answer


def _no_answer(definition: CommandDefinition, end: TurnEnd) -> AgentError:
    heard = end.heard
    if heard.objects:
        message = f"{definition.program} ended without an answer"
        return AgentError("no_result", message, hint="was its output cut off? 'actorflow logs' shows it")
    first = f": {heard.first_skipped}" if heard.first_skipped else ""
    what = "no line of its output is a JSON object" if heard.skipped else "it printed nothing"
    message = f"{definition.program} gave no answer: {what}{first}"
    return AgentError("no_result", message, hint="does its description fit the version that is installed?")


def _skipped(end: TurnEnd) -> tuple[str, ...]:
    heard = end.heard
    if not heard.skipped or not heard.objects:
        return ()
    return (f"{heard.skipped} line(s) of the output were no JSON objects, and were skipped",)


def _output(answer: str, schema: Mapping[str, Frozen] | None) -> tuple[Frozen, str]:
    """Return the output that an answer holds, and why it does not fit the schema, or ""."""
    if schema is None:
        return answer, ""
    try:
        value = json_answer(answer)
    except AgentError as error:
        return None, error.message
    return value, "; ".join(check_schema_value(schema, value)[:5])


def _again(reason: str) -> str:
    return (
        f"This session has worked on the task below before and ended early ({reason}). Look at what is there already, "
        "do not repeat what is done, and bring the task to its end."
    )
