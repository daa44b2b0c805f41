"""What is shown while an agent works: its messages in words. Pure."""

from __future__ import annotations

from typing import Final

from actorflow.agents.claude.messages import (
    ApiRetry,
    Background,
    Denied,
    LimitStatus,
    Message,
    ModelFallback,
    Text,
    ToolUse,
)
from actorflow.agents.interface import Progress
from actorflow.values import FrozenDict

__all__ = ["progress_of"]

_LONGEST: Final = 4000


def progress_of(message: Message) -> Progress | None:
    """Return what to show of a message; None when there is nothing."""
    match message:
        case Text(text=text, is_subagent=is_subagent) if text.strip():
            return Progress(kind="text", text=_cut(text), data=FrozenDict(subagent=is_subagent))
        case ToolUse(name=name, argument=argument, is_subagent=is_subagent):
            data = FrozenDict(name=name, argument=argument, subagent=is_subagent)
            return Progress(kind="tool", text=f"{name} {argument}".rstrip(), data=data)
        case Denied(tool=tool):
            return Progress(kind="denied", text=f"{tool} was refused", data=FrozenDict(name=tool))
        case ModelFallback(text=text):
            return Progress(kind="model", text=f"another model takes over: {text}")
        case Background(agents=agents, commands=commands) if agents or commands:
            text = f"in the background: {agents} subagent(s), {commands} command(s)"
            return Progress(kind="background", text=text, data=FrozenDict(agents=agents, commands=commands))
        case _:
            return _trouble(message)


def _trouble(message: Message) -> Progress | None:
    match message:
        case ApiRetry(attempt=attempt, delay_seconds=delay, status=status, error=error):
            data = FrozenDict(attempt=attempt, delay_seconds=delay, status=status, error=error)
            text = f"the service failed ({status or error or 'no answer'}); again in {delay:.0f} s, time {attempt}"
            return Progress(kind="retry", text=text, data=data)
        case LimitStatus(status=status, resets_at=resets_at, window=window) if status != "allowed":
            data = FrozenDict(status=status, resets_at=resets_at, window=window)
            return Progress(kind="limit", text=f"usage limit: {status} {window}".rstrip(), data=data)
        case _:
            return None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
