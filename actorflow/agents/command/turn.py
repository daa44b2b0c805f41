"""One call of a program: its command line, the prompt on its way in, and its output on its way out.

Takes a prompt and perhaps a session to go on with; gives what was heard and how the program ended. Each call has
a folder of its own for its files. On cancellation nothing of the program is left. Must not judge the ending.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from actorflow.agents.capture import open_private
from actorflow.agents.command.argv import filled
from actorflow.agents.command.definition import CommandDefinition
from actorflow.agents.command.heard import Heard
from actorflow.agents.command_output import read_limited, read_text
from actorflow.agents.conversation import Conversation, reattach_conversation, run_conversation
from actorflow.agents.environment import process_environment
from actorflow.agents.interface import AgentRequest, AttemptChannel, Progress
from actorflow.agents.lines import TooLong
from actorflow.agents.process import ProgramExit, reattach_program, run_program
from actorflow.agents.process_record import RECORD_FILE, call_name
from actorflow.agents.with_room import with_room
from actorflow.values import Frozen

__all__ = ["ARGUMENT_BYTES", "Turn", "TurnEnd", "has_begun", "take_turn", "take_up_turn", "turn_request"]

ARGUMENT_BYTES: Final = 100 * 1024
"""A longer prompt does not fit into an argument (the system's limit is 128 KiB) and goes into a file instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is to be said.

    Attributes:
        session: to go on with; "" begins a fresh one.
        options: placeholder -> value.
        schema: goes to the program itself, if it takes one.
    """

    definition: CommandDefinition
    prompt: str
    session: str
    options: Mapping[str, Frozen]
    schema: Mapping[str, Frozen] | None
    grace_seconds: float


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """What was heard, and how the program ended."""

    heard: Heard
    ending: ProgramExit


async def take_turn(turn: Turn, request: AgentRequest, channel: AttemptChannel) -> TurnEnd:
    """Run the program once in ``request.cwd``, with its files in ``request.folder``.

    Raises:
        AgentError: it could not be started, or its output could not be stored or is too large.
    """
    definition = turn.definition
    argv = await with_room(channel, _argv, turn, request)
    environment = process_environment(request, definition.environment)
    stdin = turn.prompt.encode("utf-8", "replace") if definition.prompt == "stdin" else b""
    heard = Heard(definition.output)
    if definition.output.format == "jsonl":
        _, ending = await run_conversation(
            argv,
            _Listener(heard, channel),
            request=request,
            channel=channel,
            environment=environment,
            stdin=stdin,
            grace_seconds=turn.grace_seconds,
        )
        return TurnEnd(heard, ending)
    ending = await run_program(
        argv,
        request=request,
        channel=channel,
        environment=environment,
        stdin=stdin,
        grace_seconds=turn.grace_seconds,
    )
    return await _heard_whole(definition, heard, ending, channel)


def has_begun(request: AgentRequest) -> bool:
    """Tell whether the call that this request is for was begun, perhaps by a driver that is gone."""
    return (request.folder / RECORD_FILE).exists()


async def take_up_turn(
    definition: CommandDefinition,
    request: AgentRequest,
    channel: AttemptChannel,
    *,
    grace_seconds: float,
    is_followed: bool,
) -> TurnEnd:
    """Go on with a call that a driver began which is gone; what was said is heard from the beginning.

    Args:
        is_followed: whether the next call has begun.

    Raises:
        AgentError: as ``take_turn``; of kind ``lost`` when nobody can know how it ended.
    """
    heard = Heard(definition.output)
    if definition.output.format == "jsonl":
        _, ending = await reattach_conversation(
            _Listener(heard, channel),
            request=request,
            channel=channel,
            grace_seconds=grace_seconds,
            is_followed=is_followed,
        )
        return TurnEnd(heard, ending)
    ending = await reattach_program(request, channel, grace_seconds=grace_seconds, is_followed=is_followed)
    return await _heard_whole(definition, heard, ending, channel)


async def _heard_whole(
    definition: CommandDefinition, heard: Heard, ending: ProgramExit, channel: AttemptChannel
) -> TurnEnd:
    if definition.output.format == "json":
        _hear_document(heard, await read_limited(ending.stdout))
        await _tell(heard, channel, told="")
    else:
        text, notes = await read_text(ending.stdout)
        heard.whole(str(text), notes)
    return TurnEnd(heard, ending)


class _Listener:
    """Listens until the program has ended."""

    def __init__(self, heard: Heard, channel: AttemptChannel) -> None:
        self._heard = heard
        self._channel = channel

    async def __call__(self, conversation: Conversation) -> None:
        await conversation.end_input()
        heard, channel = self._heard, self._channel
        while (line := await conversation.next_line()) is not None:
            told, data = heard.session, line
            if isinstance(data, TooLong):
                data = b"a line of %d bytes" % data.size
            for said in heard.line(data):
                channel.report(Progress(kind=said.kind, text=said.text))
            await _tell(heard, channel, told=told)


async def _tell(heard: Heard, channel: AttemptChannel, *, told: str) -> None:
    """Tell what is worth keeping even if the attempt ends now."""
    channel.report(Progress(kind="alive"))
    channel.spent(cost_usd=heard.cost_usd, tokens=heard.tokens)
    if heard.session and heard.session != told:
        await channel.session_opened(heard.session)


def _hear_document(heard: Heard, data: bytes) -> None:
    """Take one JSON document, perhaps below lines of talk that have nothing to do with it."""
    start = 0
    while start >= 0:
        try:
            thing = msgspec.json.decode(data[start:])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            following = data.find(b"\n{", start)
            start = following + 1 if following >= 0 else -1
            continue
        for _ in heard.thing(thing):
            continue
        return
    heard.skip(data)


def _argv(turn: Turn, request: AgentRequest) -> list[str]:
    definition = turn.definition
    words = definition.resume if turn.session and definition.resume is not None else definition.command
    values: dict[str, Frozen] = {
        **turn.options,
        "session": turn.session or None,
        "cwd": str(request.cwd),
        "folder": str(request.folder),
    }
    if definition.prompt != "stdin":
        values |= _prompt_values(turn.prompt, request.folder / "prompt.md", definition.prompt == "argument")
    if turn.schema is not None:
        schema = msgspec.json.encode(turn.schema)
        values["schema_file"] = str(_written(request.folder / "schema.json", schema))
    argv = filled(words, values)
    if "/" in argv[0] and not argv[0].startswith("/"):
        argv[0] = str(request.project_root / argv[0])
    return argv


def _prompt_values(prompt: str, file: Path, is_argument: bool) -> dict[str, Frozen]:
    data = prompt.encode("utf-8", "replace")
    if is_argument and len(data) <= ARGUMENT_BYTES:
        return {"prompt": prompt}
    _written(file, data)
    if not is_argument:
        return {"prompt_file": str(file)}
    return {
        "prompt": f"Your task is in the file {file} because it is long. Read all of it, then do what it says."
    }


def _written(file: Path, data: bytes) -> Path:
    with open(open_private(file), "wb") as stream:
        stream.write(data)
    return file


def turn_request(request: AgentRequest, number: int) -> AgentRequest:
    """Return the request with a folder of its own for the ``number``-th call, from 1."""
    if number == 1:
        return request
    folder = request.folder / call_name(number)
    folder.mkdir(mode=0o700, exist_ok=True)
    return replace(request, folder=folder)
