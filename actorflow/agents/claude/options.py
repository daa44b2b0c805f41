"""The options of a task that Claude Code carries out: what may stand under ``options:``, and the same as typed values.

``OPTIONS`` is what the validator checks a workflow against, before anything runs; ``read_options`` checks once
more for whoever calls the agent without a workflow file. Says nothing about who may grant what: that is
``rights``. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from actorflow.errors import AgentError
from actorflow.values import FrozenDict, thaw
from actorflow.workflow.report import Path, Report, spelled
from actorflow.workflow.shape_groups import Either, Items, Key
from actorflow.workflow.shapes import INVALID, Choice, Data, Duration, Flag, Integer, Number, Shape, Text

__all__ = ["EFFORTS", "OPTIONS", "ClaudeOptions", "read_options"]

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")

_MODES: Final = ("plan", "manual", "default", "dontAsk", "acceptEdits", "auto")


@dataclass(frozen=True)
class _Commas(Shape):
    """Names in one text, as Claude Code's own options have them: commas outside brackets separate."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            return self.refuse(value, path, report)
        names, depth, start = [], 0, 0
        for at, character in enumerate(value):
            depth += (character == "(") - (character == ")" and depth > 0)
            if character == "," and depth == 0:
                names.append(value[start:at])
                start = at + 1
        names.append(value[start:])
        return tuple(name.strip() for name in names if name.strip())

    def _schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class _Mode(Choice):
    """A permission mode that a file may ask for."""

    words: tuple[str, ...] = _MODES

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if value == "bypassPermissions":
            hint = "only a person can, for one run: actorflow run --permission-mode bypassPermissions"
            report.error(path, "E604", f"{spelled(path)}: a file cannot grant bypassPermissions", hint)
            return INVALID
        return super()._decode(value, path, report)


def _names(shape: Shape | None = None) -> Shape:
    entries = Items(shape or Text(is_line=True, longest=1000))
    return Either(((str, _Commas()), (list, entries), (object, entries)))


OPTIONS: Final[Mapping[str, Key]] = {
    "model": Key(Text(is_line=True), "An alias (opus, sonnet, haiku) or the id of a model."),
    "fallback_model": Key(_names(), "The models to use while the first one is overloaded, in order."),
    "effort": Key(Choice(EFFORTS), "How hard the model thinks."),
    "tools": Key(_names(), "The only tools that there are, each of them allowed: names, or rules such as Bash(git *)."),
    "allowed_tools": Key(_names(), "Tools that are allowed without leaving out the others."),
    "disallowed_tools": Key(_names(), "Tools, or uses of them, that are refused whoever allows them."),
    "permission_mode": Key(_Mode(), "What is allowed beyond the tools that are named. Default: acceptEdits."),
    "permission_denials": Key(
        Choice(("note", "fail")), "Whether a refused tool is only noted, or fails the attempt. Default: note."
    ),
    "max_turns": Key(Integer(1), "How often the model may answer before the attempt fails."),
    "max_budget_usd": Key(Number(), "What one attempt may cost before it fails."),
    "mcp_servers": Key(Data(is_mapping=True), "MCP servers, as under mcpServers in .mcp.json."),
    "strict_mcp_config": Key(Flag(), "Use no other MCP servers than those. Default: false."),
    "add_dirs": Key(_names(), "Folders besides its own in which the agent may work."),
    "setting_sources": Key(
        _names(Choice(("user", "project", "local"))), "Which of Claude Code's settings files count. Default: all."
    ),
    "append_system_prompt": Key(Text(), "What is added to the agent's system prompt."),
    "expand_prompt": Key(
        Flag(), "Take a task that begins with '/' for a command, and read the files that it names with '@'."
    ),
    "verify_retries": Key(Integer(0), "How often a verify that failed goes back to the agent. Default: 3."),
    "background_seconds": Key(
        Duration(may_be_zero=True), "How long commands in the background may go on when the agent is done. Default: 60."
    ),
}  # fmt: skip
"""Name -> the shape of its value and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeOptions:
    """The options of one task, by the names of ``OPTIONS``; None, or empty, is what nothing is said about.

    Attributes:
        tools: None is every tool; an empty tuple is none.
    """

    model: str | None = None
    fallback_model: tuple[str, ...] = ()
    effort: str | None = None
    tools: tuple[str, ...] | None = None
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    permission_mode: str | None = None
    permission_denials: Literal["note", "fail"] = "note"
    max_turns: int | None = None
    max_budget_usd: float | None = None
    mcp_servers: FrozenDict = field(default_factory=FrozenDict)
    strict_mcp_config: bool = False
    add_dirs: tuple[str, ...] = ()
    setting_sources: tuple[str, ...] | None = None
    append_system_prompt: str = ""
    expand_prompt: bool = False
    verify_retries: int = 3
    background_seconds: float = 60.0


def read_options(given: FrozenDict) -> ClaudeOptions:
    """Return the options of a task; names that are for other agents are left out.

    Raises:
        AgentError: a value cannot be.
    """
    report = Report()
    values = {
        name: OPTIONS[name].shape.decode(thaw(value), ("options", name), report)
        for name, value in given.items()
        if name in OPTIONS
    }
    if report.complaints:
        first = report.complaints[0]
        message = "; ".join(complaint.message for complaint in report.complaints)
        raise AgentError("invalid_options", message, hint=first.hint, retryable=False)
    return ClaudeOptions(**values)
