"""What ``claude`` says, line by line: bytes to typed messages.

Takes one line of its stdout and gives the messages in it. Nothing is too strange: a line that is not JSON, or
no message that is known, is a message too (``Garbled``, ``Other``), and a field of the wrong kind counts as not
given, so reading a line never fails. Pure; knows nothing of conversations.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from actorflow.agents.lines import Line, TooLong
from actorflow.values import Frozen, NotJSON, freeze

__all__ = [
    "ApiRetry",
    "Background",
    "ControlRequest",
    "Denied",
    "Garbled",
    "Init",
    "LimitStatus",
    "Message",
    "ModelFallback",
    "Other",
    "Result",
    "Text",
    "ToolUse",
    "Usage",
    "parse",
]

_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """A turn begins."""

    session_id: str
    model: str = ""
    permission_mode: str = ""
    version: str = ""
    servers: tuple[tuple[str, str], ...] = ()
    """MCP servers: (name, status)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The model says something."""

    text: str
    is_subagent: bool = False
    error: str = ""
    """What went wrong, in the CLI's words (``rate_limit``, ``authentication_failed`` …); then the text tells about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """The model uses a tool."""

    name: str
    argument: str = ""
    """What it is used on, shortened: a command, a path, a pattern."""
    is_subagent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of one answer of the model, as far as they are known when it is said."""

    message_id: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRetry:
    """A request failed and is repeated after a delay."""

    attempt: int
    delay_seconds: float
    status: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFallback:
    """Another model takes over."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """How a subscription's limit stands."""

    status: str
    resets_at: float | None = None
    """Unix seconds."""
    window: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A tool was refused."""

    tool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What now runs in the background: subagents, whose ends wake the model again, and commands."""

    agents: int = 0
    commands: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end of a turn.

    Attributes:
        structured: the structured output, frozen; ``has_structured`` tells whether there is one.
        total_cost_usd: of the whole session up to now; None when it is not said.
        session_tokens: likewise.
        turn_tokens: of this turn, without its subagents.
        denials: names of the tools that were refused.
        is_woken: whether the turn was not asked for by us: something in the background had ended.
    """

    subtype: str = ""
    is_woken: bool = False
    is_error: bool = False
    text: str = ""
    structured: Frozen = None
    has_structured: bool = False
    total_cost_usd: float | None = None
    session_tokens: int | None = None
    turn_tokens: int | None = None
    denials: tuple[str, ...] = ()
    stop_reason: str = ""
    terminal_reason: str = ""
    api_status: int | None = None
    api_error: str = ""
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """It asks its host something."""

    request_id: str
    subtype: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A message of no interest, or of a kind that is not known."""

    kind: str = ""
    subtype: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """A line that is no message."""

    reason: str
    sample: str = field(default="", repr=False)


Message: TypeAlias = (
    Init
    | Text
    | ToolUse
    | Usage
    | ApiRetry
    | ModelFallback
    | LimitStatus
    | Denied
    | Background
    | Result
    | ControlRequest
    | Other
    | Garbled
)


def parse(line: Line) -> tuple[str, tuple[Message, ...]]:
    """Return the session id that the line names ("" if none) and the messages in it; for an empty line there are none."""
    if isinstance(line, TooLong):
        return "", (Garbled(reason=f"a line of {line.size} bytes is too long to be read"),)
    if not line.strip():
        return "", ()
    try:
        fields = _decode(line)
    except (ValueError, RecursionError) as error:
        return "", (_garbled(line, str(error) or type(error).__name__),)
    if not isinstance(fields, Mapping):
        return "", (_garbled(line, "it is no mapping"),)
    kind, subtype = _text(fields.get("type")), _text(fields.get("subtype"))
    read = _READERS.get((kind, subtype)) or _READERS.get((kind, ""))
    messages = tuple(read(fields)) if read is not None else ()
    return _text(fields.get("session_id")), messages or (Other(kind=kind, subtype=subtype),)


def _decode(line: bytes) -> Any:
    """Return the JSON value; bytes that are not UTF-8 and halves of characters are replaced, because the rest is worth having."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = line.decode("utf-8", "replace")
    return _mended(json.loads(text, parse_constant=_no_constant))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return value


def _garbled(line: bytes, reason: str) -> Garbled:
    return Garbled(reason=reason, sample=line[:200].decode("utf-8", "replace"))


# --- kinds of lines ----------------------------------------------------------------------------------------------


def _init(fields: Mapping[str, Any]) -> Iterator[Message]:
    servers = [item for item in _list(fields.get("mcp_servers")) if isinstance(item, Mapping)]
    yield Init(
        session_id=_text(fields.get("session_id")),
        model=_text(fields.get("model")),
        permission_mode=_text(fields.get("permissionMode")),
        version=_text(fields.get("claude_code_version")),
        servers=tuple((_text(item.get("name")), _text(item.get("status"))) for item in servers),
    )


def _assistant(fields: Mapping[str, Any]) -> Iterator[Message]:
    message = _mapping(fields.get("message"))
    is_subagent = bool(_text(fields.get("parent_tool_use_id")))
    error = _text(fields.get("error"))
    for block in _list(message.get("content")):
        match block:
            case {"type": "text", "text": str(text)}:
                yield Text(text=text, is_subagent=is_subagent, error=error)
            case {"type": "tool_use", "name": str(name)}:
                yield ToolUse(name=name, argument=_argument(block.get("input")), is_subagent=is_subagent)
    tokens = _tokens(_mapping(message.get("usage")))
    if tokens is not None:
        yield Usage(message_id=_text(message.get("id")), tokens=tokens)


_TELLING = ("command", "file_path", "path", "pattern", "url", "query", "description", "skill", "subject")


def _argument(given: object) -> str:
    arguments = _mapping(given)
    text = next((_text(arguments[name]) for name in _TELLING if _text(arguments.get(name))), "")
    first = text.strip().partition("\n")[0]
    return first if len(first) <= 200 else f"{first[:199]}…"


def _result(fields: Mapping[str, Any]) -> Iterator[Message]:
    structured = fields.get("structured_output", _MISSING)
    denials = [_mapping(item) for item in _list(fields.get("permission_denials"))]
    models = [_mapping(item) for item in _mapping(fields.get("modelUsage")).values()]
    counts = [count for item in models if (count := _tokens(item, _MODEL_USAGE)) is not None]
    try:
        frozen, has_structured = (None, False) if structured is _MISSING else (freeze(structured), True)
    except NotJSON:
        frozen, has_structured = None, False
    yield Result(
        subtype=_text(fields.get("subtype")),
        is_woken=_text(_mapping(fields.get("origin")).get("kind")) == "task-notification",
        is_error=fields.get("is_error") is True or _text(fields.get("subtype")).startswith("error"),
        text=_text(fields.get("result")),
        structured=frozen,
        has_structured=has_structured,
        total_cost_usd=_number(fields.get("total_cost_usd")),
        session_tokens=sum(counts) if counts else None,
        turn_tokens=_tokens(_mapping(fields.get("usage"))),
        denials=tuple(name for item in denials if (name := _text(item.get("tool_name")))),
        stop_reason=_text(fields.get("stop_reason")),
        terminal_reason=_text(fields.get("terminal_reason")),
        api_status=_integer(fields.get("api_error_status")),
        api_error=_text(fields.get("api_error_type")),
        errors=tuple(_text(item) for item in _list(fields.get("errors")) if _text(item)),
    )


def _api_retry(fields: Mapping[str, Any]) -> Iterator[Message]:
    yield ApiRetry(
        attempt=_integer(fields.get("attempt")) or 0,
        delay_seconds=(_number(fields.get("retry_delay_ms")) or 0.0) / 1000,
        status=_integer(fields.get("error_status")),
        error=_text(fields.get("error")),
    )


def _model_fallback(fields: Mapping[str, Any]) -> Iterator[Message]:
    names = [name for key, value in fields.items() if "model" in key and (name := _text(value))]
    yield ModelFallback(text=" -> ".join(dict.fromkeys(names)) or _text(fields.get("content")))


def _limit(fields: Mapping[str, Any]) -> Iterator[Message]:
    info = _mapping(fields.get("rate_limit_info"))
    yield LimitStatus(
        status=_text(info.get("status")),
        resets_at=_number(info.get("resetsAt")),
        window=_text(info.get("rateLimitType")),
    )


def _denied(fields: Mapping[str, Any]) -> Iterator[Message]:
    yield Denied(tool=_text(fields.get("tool_name")))


def _background(fields: Mapping[str, Any]) -> Iterator[Message]:
    kinds = [_text(_mapping(task).get("task_type")) for task in _list(fields.get("tasks"))]
    agents = sum("agent" in kind or "workflow" in kind for kind in kinds)
    yield Background(agents=agents, commands=len(kinds) - agents)


def _control(fields: Mapping[str, Any]) -> Iterator[Message]:
    request = _mapping(fields.get("request"))
    yield ControlRequest(request_id=_text(fields.get("request_id")), subtype=_text(request.get("subtype")))


_READERS: dict[tuple[str, str], Callable[[Mapping[str, Any]], Iterator[Message]]] = {
    ("system", "init"): _init,
    ("system", "api_retry"): _api_retry,
    ("system", "model_fallback"): _model_fallback,
    ("system", "permission_denied"): _denied,
    ("system", "background_tasks_changed"): _background,
    ("assistant", ""): _assistant,
    ("result", ""): _result,
    ("rate_limit_event", ""): _limit,
    ("control_request", ""): _control,
}

# --- fields ------------------------------------------------------------------------------------------------------

_USAGE = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_MODEL_USAGE = ("inputTokens", "outputTokens", "cacheCreationInputTokens", "cacheReadInputTokens")


def _tokens(usage: Mapping[str, Any], names: tuple[str, ...] = _USAGE) -> int | None:
    counts = [count for name in names if (count := _integer(usage.get(name))) is not None]
    return sum(counts) if counts else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = _float(value) if is_number else math.nan
    return number if math.isfinite(number) and number >= 0 else None


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
