"""The conversation with one ``claude`` process: the task goes in, turns come back, until there is an answer that holds.

An answer holds when it fits the task's schema and the ``verify`` command agrees; until then the agent hears what
is wrong, in the same session, a bounded number of times. Says how it came out (``output`` or ``error``); an
attempt whose program ended before it answered has neither. It never waits for what cannot come: the program's
end, a limit, and a person's patience with background commands are all ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import trio

from actorflow.agents.claude import messages as said
from actorflow.agents.claude.failures import failure, failure_of, limit_failure
from actorflow.agents.claude.options import ClaudeOptions
from actorflow.agents.claude.progress import progress_of
from actorflow.agents.claude.prompt import Message, feedback
from actorflow.agents.claude.schema import unwrapped
from actorflow.agents.claude.transcript import Transcript
from actorflow.agents.claude.verify import Verdict, verify
from actorflow.agents.conversation import Conversation
from actorflow.agents.interface import AgentRequest, AttemptChannel, Progress
from actorflow.agents.lines import Line
from actorflow.agents.surviving import lost
from actorflow.agents.with_room import with_room
from actorflow.errors import AgentError
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.json_schema import check_schema_value

__all__ = ["INTERRUPT", "Talk"]

INTERRUPT: Final = b'{"type":"control_request","request_id":"interrupt","request":{"subtype":"interrupt"}}'

WAKE_SECONDS: Final = 10.0
"""How long the model may take to be woken when something in the background has ended."""

LEAVE_SECONDS: Final = 10.0
"""How long the program may take to end by itself when it has been told that nothing more comes."""

STOP_SECONDS: Final = 3.0
"""How long it may take to be interrupted."""

_MOST_429: Final = 3
_LONGEST_429_SECONDS: Final = 10.0
"""With longer waits the place is of more use to others."""

_MOST_GARBLED: Final = 10_000
"""How many lines may be no messages: a program that prints on and on is not Claude Code, or not well."""

_MOST_REFUSALS: Final = 3
"""How often a refused login is tried: once or twice it may be renewed."""


class Talk:
    """See the module.

    Attributes:
        transcript: what was said.
        output: the answer, if ``is_answered``.
        error: why there is none; None too when the program ended too early.
        notes: what a person should know.
        has_begun: whether the program was ever spoken with.
    """

    def __init__(
        self,
        request: AgentRequest,
        channel: AttemptChannel,
        options: ClaudeOptions,
        opening: Message,
        *,
        is_wrapped: bool,
        clock: Callable[[], float],
    ) -> None:
        self._request = request
        self._channel = channel
        self._options = options
        self._opening = opening
        self._is_wrapped = is_wrapped
        self._clock = clock
        self.has_begun = False
        self._is_repaired = False
        self._is_mute = False
        self._is_asking = False
        self._verified = 0
        self._session = ""
        self._settled_at = math.inf
        self._wake_at = math.inf
        self.transcript = Transcript(
            session_cost_usd=request.session_cost_usd, is_resumed=request.session is not None
        )
        self.output: Frozen = None
        self.is_answered = False
        self.error: AgentError | None = None
        self.notes: list[str] = []

    async def __call__(self, conversation: Conversation) -> None:
        """Talk until there is an answer, or there can be none."""
        self.has_begun = True
        message: Message | None = self._opening
        while message is not None:
            self.transcript.begin_turn()
            await conversation.send(_user_message(message))
            if not await self._listen(conversation):
                return
            message = await self._judge()
        await self._take_leave(conversation)

    async def take_up(self, conversation: Conversation) -> None:
        """Hear from the first word on what a program has said whose driver is gone, until it ends, and judge its last answer.

        Nothing can be said to it. What has to be said makes the attempt ``lost``; its session can be gone on with.
        """
        self._is_mute = True
        self.transcript.begin_turn()
        while self.error is None:
            line: Line | None = b""
            with trio.move_on_after(self._patience()) as waiting:
                line = await conversation.next_line()
            if waiting.cancelled_caught and self._is_asking:
                self.error = _cannot_be_told("it waits for an answer to a question")
            if waiting.cancelled_caught or line is None:
                break
            await self._take(line, conversation)
            self.error = self._hopeless()
        if self.error is None and self.transcript.result is None and not self.transcript.has_worked:
            self.error = lost("its driver died before it had heard its task")
        if self.error is None:
            await self._judge()

    def _patience(self) -> float:
        """How long it may be silent: it cannot wait for anything that we would say, and has nothing to do when it is done."""
        if self._is_asking:
            return LEAVE_SECONDS
        if not self.transcript.has_settled:
            return math.inf
        return LEAVE_SECONDS + (
            self._options.background_seconds if self.transcript.background.commands else 0.0
        )

    # --- a turn ------------------------------------------------------------------------------------------------------

    async def _listen(self, conversation: Conversation) -> bool:
        """Read until the turn is over; False when nothing more can be said."""
        while (deadline := self._deadline()) > trio.current_time():
            line: Line | None = b""
            with trio.move_on_at(deadline):
                line = await conversation.next_line()
            if line is None:
                return False
            await self._take(line, conversation)
            self.error = self._hopeless()
            if self.error is not None:
                if self.transcript.garbled <= _MOST_GARBLED:  # such a program understands no interrupt either
                    await self._interrupt(conversation)
                return False
        commands = self.transcript.background.commands
        if commands:
            self.notes.append(
                f"{commands} command(s) still ran in the background when the agent was done, and were ended"
            )
        return True

    def _deadline(self) -> float:
        """When to stop waiting for more of this turn; infinity while it goes on."""
        transcript, now = self.transcript, trio.current_time()
        if not transcript.has_settled:
            self._settled_at = self._wake_at = math.inf
            return math.inf
        self._settled_at = min(self._settled_at, now)
        if transcript.is_wake_due:
            self._wake_at = min(self._wake_at, now + WAKE_SECONDS)
            return self._wake_at
        self._wake_at = math.inf
        if transcript.background.commands:
            return self._settled_at + self._options.background_seconds
        return now

    async def _take(self, line: Line, conversation: Conversation) -> None:
        session_id, messages = said.parse(line)
        # A result may be that there is no such session.
        if (
            session_id
            and session_id != self._session
            and not any(isinstance(m, said.Result) for m in messages)
        ):
            self._session = self.transcript.session_id = session_id
            self._channel.report(
                Progress(kind="session", text=session_id, data=FrozenDict(session_id=session_id))
            )
            await self._channel.session_opened(session_id)
        for message in messages:
            self._is_asking = isinstance(message, said.ControlRequest)
            self.transcript.add(message)
            self._show(message)
            if isinstance(message, said.ControlRequest):
                await conversation.send(_refusal(message))
            elif isinstance(message, said.Usage | said.Result):
                self.tell_spent()

    def _show(self, message: said.Message) -> None:
        progress = progress_of(message)
        if isinstance(message, said.Usage):
            progress = Progress(kind="tokens", data=FrozenDict(tokens=self.transcript.tokens))
        self._channel.report(progress or Progress(kind="alive"))

    def tell_spent(self) -> None:
        """Say what the attempt has cost up to now."""
        self._channel.spent(cost_usd=self.transcript.cost_usd, tokens=self.transcript.tokens)

    def _hopeless(self) -> AgentError | None:
        """Return why listening on is of no use."""
        if self.transcript.garbled > _MOST_GARBLED:
            message = f"more than {_MOST_GARBLED:,} lines of claude's output are no messages, the first is: {self.transcript.sample[:100]!r}"
            return failure("no_result", message)
        retry = self.transcript.retry
        if retry is None or self.transcript.result is not None:
            return None
        if self.transcript.is_limited:
            return limit_failure(self.transcript, self.transcript.text, now=self._clock())
        if retry.status == 429 and _is_long(retry):
            message = f"the service answers with 429 (too many requests), {retry.attempt} time(s) in a row"
            return failure("rate_limit", message, retry_after_seconds=retry.delay_seconds)
        if retry.status in (401, 403) and retry.attempt >= _MOST_REFUSALS:
            return failure("authentication", f"the service refuses the login ({retry.status})")
        return None

    # --- what to make of it --------------------------------------------------------------------------------------------

    async def _judge(self) -> Message | None:
        """Return what to say next; None when it is over, with ``output`` or ``error`` set."""
        result = self.transcript.result
        if result is None:
            return None
        error = failure_of(self.transcript, result, now=self._clock())
        if error is not None and error.kind != "invalid_output":
            self.error = error
            return None
        output, complaints = self._answer_of(result)
        if error is not None:
            complaints = complaints or [error.message]
        if complaints:
            return await self._ask_again(complaints)
        if self._options.permission_denials == "fail" and self.transcript.denied:
            self.error = failure("permission_denied", f"refused: {', '.join(self.transcript.denied)}")
            return None
        if self._request.verify is not None:
            self._verified += 1
            verdict = await verify(self._request, self._channel, self._verified, is_taken_up=self._is_mute)
            if not verdict.is_good:
                return await self._send_back(verdict)
        self.output, self.is_answered = output, True
        return None

    def _answer_of(self, result: said.Result) -> tuple[Frozen, list[str]]:
        """Return the output that a result holds, and what is wrong with it."""
        schema = self._request.output_schema
        if schema is None:
            return result.text or self.transcript.text, []
        if not result.has_structured:
            return None, ["there is no structured output"]
        output = unwrapped(result.structured) if self._is_wrapped else result.structured
        return output, check_schema_value(schema, output)

    async def _ask_again(self, complaints: list[str]) -> Message | None:
        if self._is_repaired:
            self.error = failure(
                "invalid_output", f"the output does not fit output_schema: {'; '.join(complaints[:5])}"
            )
            return None
        if self._is_mute:
            self.error = _cannot_be_told(f"its answer does not fit output_schema: {complaints[0]}")
            return None
        self._is_repaired = True
        self._channel.report(Progress(kind="repair", text="; ".join(complaints)))
        again = partial(
            feedback,
            self._request,
            "Your answer cannot be taken: the structured output is missing, or does not fit the schema that was asked for.",
            FrozenDict(problems=tuple(complaints)),
            end="Give the answer again with the StructuredOutput tool, so that it fits the schema.",
        )
        return await with_room(self._channel, again)

    async def _send_back(self, verdict: Verdict) -> Message | None:
        if self._verified > self._options.verify_retries:
            message = f"verify {verdict.ending}: {verdict.last_line}".rstrip(": ")
            self.error = failure("verify_failed", message)
            return None
        if self._is_mute:
            self.error = _cannot_be_told(f"verify {verdict.ending}")
            return None
        self.notes.append(f"verify failed and went back to the agent: {verdict.last_line}".rstrip(": "))
        again = partial(
            feedback,
            self._request,
            f"The work was checked with the command below, which {verdict.ending}.",
            FrozenDict(command=self._request.verify, stdout=verdict.output, stderr=verdict.errors),
            end="Find out why, put it right, and answer as before. The same command will decide again.",
        )
        return await with_room(self._channel, again)

    # --- the end -----------------------------------------------------------------------------------------------------

    async def _take_leave(self, conversation: Conversation) -> None:
        """Let the program end by itself; what it still says may replace the answer."""
        conversation.close_input()
        if self.transcript.background.commands:
            return
        with trio.move_on_after(LEAVE_SECONDS):
            while (line := await conversation.next_line()) is not None:
                await self._take(line, conversation)
                self._reconsider()
            return
        self.notes.append(
            f"claude did not end by itself within {LEAVE_SECONDS:g} s of its answer, and was ended"
        )

    def _reconsider(self) -> None:
        """Take a later answer, if it is one."""
        result = self.transcript.result
        if result is None or result.is_error or not self.is_answered:
            return
        output, complaints = self._answer_of(result)
        if not complaints:
            self.output = output

    async def _interrupt(self, conversation: Conversation) -> None:
        await conversation.send(INTERRUPT)
        conversation.close_input()
        with trio.move_on_after(STOP_SECONDS):
            while (line := await conversation.next_line()) is not None:
                await self._take(line, conversation)


def _cannot_be_told(what: str) -> AgentError:
    return lost(f"{what}, and its driver, which could have told it, died")


def _is_long(retry: said.ApiRetry) -> bool:
    return retry.attempt >= _MOST_429 or retry.delay_seconds > _LONGEST_429_SECONDS


def _user_message(message: Message) -> bytes:
    blocks: Any = [{"type": "text", "text": block} for block in message.blocks]
    return msgspec.json.encode({"type": "user", "message": {"role": "user", "content": blocks}})


def _refusal(asked: said.ControlRequest) -> bytes:
    response = {
        "subtype": "error",
        "request_id": asked.request_id,
        "error": "nobody is here who could answer",
    }
    return msgspec.json.encode({"type": "control_response", "response": response})
