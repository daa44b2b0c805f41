"""The messages that Claude Code is given: the task with its data, and what sends it back to work.

What is task and what is data, and how data is fenced, is ``agents.prompt``'s business; here it becomes the blocks
of one message. The last block is never data, nor may anything of data be in it: there, and only there, Claude
Code looks for commands (``/…``) and for files to read (``@…``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from actorflow.agents.interface import AgentRequest
from actorflow.agents.prompt import compose_prompt
from actorflow.values import FrozenDict

__all__ = ["Message", "feedback", "opening"]

_END: Final = "That is all there is. Begin with the task now."
_TASK_LAST: Final = "The task itself follows at the end of this message."


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the agent.

    Attributes:
        blocks: its texts.
        folder: where the files lie that it names; None when it names none.
    """

    blocks: tuple[str, ...]
    folder: Path | None = None


def opening(request: AgentRequest, *, initial: str = "", expands: bool = False) -> Message:
    """Return the first message of an attempt; files that it names are written.

    Args:
        initial: what the agent's definition says first.
        expands: the task is the last block, for Claude Code to look for commands and files in it.

    Raises:
        AgentError: there is no task to tell.
    """
    before = [text for text in (_again(request.interrupted_by), initial) if text]
    has_data = len(request.parameters) > 1 or bool(request.handoff)
    if expands and has_data:
        task = _composed(
            replace(request, parameters=FrozenDict(task=request.parameters.get("task")), handoff=())
        )
        data = _composed(replace(request, parameters=request.parameters | {"task": _TASK_LAST}))
        return Message((*before, *data.blocks, *task.blocks), data.folder)
    message = _composed(request)
    blocks = (*before, *message.blocks)
    is_plain = len(blocks) == 1 and not has_data and not _is_expanded(blocks[0])
    return Message(blocks if is_plain or expands else (*blocks, _END), message.folder)


def feedback(request: AgentRequest, happened: str, data: FrozenDict, *, end: str) -> Message:
    """Return a message that sends the agent back to work.

    Args:
        happened: what happened.
        data: what is known about it: name -> value.
        end: what is to be done about it.
    """
    told = replace(request, parameters=FrozenDict({"task": happened, **data}), handoff=())
    message = _composed(told)
    return Message((*message.blocks, end), message.folder)


def _composed(request: AgentRequest) -> Message:
    prompt = compose_prompt(request, nonce=secrets.token_hex(8))
    for attachment in prompt.attachments:
        attachment.write()
    return Message((prompt.text,), prompt.attachments[0].path.parent if prompt.attachments else None)


def _again(reason: str) -> str:
    if not reason:
        return ""
    return (
        f"This session has worked on the task below before, and ended early ({reason}). Look at what is there "
        "already, do not repeat what is done, and bring the task to its end."
    )


def _is_expanded(text: str) -> bool:
    return text.lstrip().startswith("/") or "@" in text
