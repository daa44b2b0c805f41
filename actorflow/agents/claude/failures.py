"""Every way in which Claude Code can fail, as an error with a kind, a hint, and whether another attempt can help.

Takes the last result, or how the program ended without one, and gives an ``AgentError``. The table of kinds is
in docs/reference/claude-code.md, and a test compares the two. What was spent is added by the caller. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actorflow.agents.claude.messages import Result
from actorflow.agents.claude.transcript import Transcript
from actorflow.errors import AgentError

__all__ = ["KINDS", "Kind", "ended_without_result", "failure_of", "limit_failure", "session_is_lost"]

_LONGEST_MESSAGE = 2000
_LOG_IN = (
    "log in with 'claude' and /login, or set ANTHROPIC_API_KEY; 'claude auth status' tells how it stands"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is the same for all errors of a kind.

    Attributes:
        meaning: for the table in the documentation.
    """

    meaning: str
    is_retryable: bool
    hint: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "authentication": Kind("401, 403, or not logged in", False, _LOG_IN),
    "billing": Kind("402, or no credit is left", False, "add credit to the account, or use another one"),
    "model_not_found": Kind("404: the model is not there, or not for this account", False, "options.model chooses another"),
    "invalid_request": Kind("400: the service refuses the request", False),
    "request_too_large": Kind("413: the request has too many bytes", False, "hand over less: handoff, or files instead of text"),
    "prompt_too_long": Kind("the conversation does not fit the model's context", False, "hand over less, or split the task"),
    "rate_limit": Kind("429: too many requests; does not use up an attempt", True),
    "usage_limit": Kind("the subscription's limit is reached; does not use up an attempt", True),
    "overloaded": Kind("529: the service is overloaded", True, "options.fallback_model names models to use meanwhile"),
    "server_error": Kind("500 to 528: the service failed", True),
    "connection": Kind("the service cannot be reached", True, "is the network there? Does ANTHROPIC_BASE_URL say the right place?"),
    "max_turns": Kind("the model answered more often than options.max_turns allows", False, "raise options.max_turns, or split the task"),
    "max_budget": Kind("the attempt cost more than options.max_budget_usd, or what the run's budget had left", False, "raise the budget, or split the task"),
    "invalid_output": Kind("the output does not fit output_schema, in a second turn neither", True),
    "verify_failed": Kind("verify still fails after all that went back to the agent", True),
    "permission_denied": Kind("a tool was refused, and options.permission_denials is 'fail'", False, "name the tool in options.allowed_tools if it is meant to be used"),
    "refused": Kind("the model declines to do this", False),
    "hook_stopped": Kind("a hook of Claude Code's settings stopped the agent", False),
    "interrupted": Kind("somebody interrupted the session", True),
    "session_not_found": Kind("the session to go on with is not there; a fresh one is begun, and no attempt is used up", True),
    "session_in_use": Kind("another process works in the session", True),
    "invalid_options": Kind("Claude Code does not take the options", False, "is it recent enough? 'claude update' brings the newest"),
    "permission_mode": Kind("bypassPermissions as root", False, "run as another user, or set IS_SANDBOX=1 where that is true"),
    "no_result": Kind("the program ended, or was ended, without a result", True),
    "execution": Kind("the session failed in some other way", True),
}  # fmt: skip
"""Kind -> what it means."""


def failure(
    kind: str, message: str, *, hint: str = "", retry_after_seconds: float | None = None
) -> AgentError:
    """Return the error of a kind, with its own hint unless there is a better one."""
    what = KINDS[kind]
    return AgentError(
        kind,
        message,
        hint=hint or what.hint,
        retryable=what.is_retryable,
        retry_after_seconds=retry_after_seconds,
    )


def failure_of(transcript: Transcript, result: Result, *, now: float) -> AgentError | None:
    """Return why a turn that ended with ``result`` has failed; None when it has not.

    Args:
        now: Unix seconds; a limit says when it is lifted.
    """
    if result.stop_reason == "refusal":
        return failure("refused", result.text.strip() or "the model declines to do this")
    if not result.is_error:
        return None
    if transcript.is_limited and (result.api_status in (429, None)):
        return limit_failure(transcript, result.text, now=now)
    kind = _kind_of(transcript, result)
    delay = transcript.retry.delay_seconds if kind == "rate_limit" and transcript.retry else None
    return failure(kind, _message_of(result, kind), retry_after_seconds=delay)


def limit_failure(transcript: Transcript, text: str, *, now: float) -> AgentError:
    """Return the error of a subscription whose limit is reached."""
    limit = transcript.limit
    resets_at = limit.resets_at if limit is not None else None
    message = text.strip() or "the usage limit is reached"
    delay = None if resets_at is None else max(0.0, resets_at - now)
    return failure("usage_limit", message, retry_after_seconds=delay)


def session_is_lost(result: Result | None) -> bool:
    """Say whether the session that was to be gone on with is not there."""
    return result is not None and any(
        "No conversation found" in error or "requires a valid session ID" in error for error in result.errors
    )


_BY_SUBTYPE: Final = {
    "error_max_turns": "max_turns",
    "error_max_budget_usd": "max_budget",
    "error_max_structured_output_retries": "invalid_output",
}
_BY_REASON: Final = {
    "max_turns": "max_turns",
    "budget_exhausted": "max_budget",
    "structured_output_retry_exhausted": "invalid_output",
    "prompt_too_long": "prompt_too_long",
    "aborted_streaming": "interrupted",
    "aborted_tools": "interrupted",
    "hook_stopped": "hook_stopped",
    "stop_hook_prevented": "hook_stopped",
}
_BY_STATUS: Final = {
    401: "authentication",
    402: "billing",
    403: "authentication",
    404: "model_not_found",
    413: "request_too_large",
    429: "rate_limit",
    529: "overloaded",
}
_BY_WORD: Final = {
    "authentication_failed": "authentication",
    "oauth_org_not_allowed": "authentication",
    "account_on_hold": "billing",
    "billing_error": "billing",
    "model_not_found": "model_not_found",
    "rate_limit": "rate_limit",
    "overloaded": "overloaded",
    "invalid_request": "invalid_request",
}
"""What the CLI calls what went wrong."""


def _kind_of(transcript: Transcript, result: Result) -> str:
    """The most exact word wins: how the session ended, then the service's status, then the CLI's word for it."""
    status = result.api_status
    for table, key in (
        (_BY_SUBTYPE, result.subtype),
        (_BY_REASON, result.terminal_reason),
        (_BY_WORD, transcript.error if transcript.error == "billing_error" else ""),
        (_BY_STATUS, status),
        (_BY_WORD, transcript.error),
    ):
        if key in table:
            return table[key]  # type: ignore[index]  # the keys of each table are of its own type
    if status is not None:
        return "server_error" if status >= 500 else "invalid_request"
    if transcript.error == "server_error" or result.terminal_reason == "api_error":
        return "connection"  # no answer, or one that breaks off
    return "execution"


def _message_of(result: Result, kind: str) -> str:
    said = result.text.strip() or "; ".join(result.errors).strip()
    if said.startswith("[ede_diagnostic]") or not said:
        return KINDS[kind].meaning
    return said if len(said) <= _LONGEST_MESSAGE else f"{said[:_LONGEST_MESSAGE]}…"


_BY_STDERR: Final = (
    ("is already in use", "session_in_use"),
    ("No conversation found with session ID", "session_not_found"),
    ("cannot be used with root", "permission_mode"),
    ("error: unknown option", "invalid_options"),
    ("is not a valid JSON Schema", "invalid_options"),
    ("Error: Invalid", "invalid_options"),
    ("Not logged in", "authentication"),
    ("Invalid API key", "authentication"),
)


def ended_without_result(transcript: Transcript, code: int, stderr: str, *, now: float) -> AgentError:
    """Return the error of a program that ended without telling a result.

    Args:
        code: its exit code; minus the signal's number when a signal ended it.
        stderr: the end of what it wrote there.
        now: Unix seconds.
    """
    kind = next((kind for words, kind in _BY_STDERR if words in stderr), None)
    if kind is not None:
        line = next((line for line in stderr.splitlines() if line.strip()), "")
        return failure(kind, line.removeprefix("Error: ").removeprefix("error: "))
    if transcript.is_limited:
        return limit_failure(transcript, transcript.text, now=now)
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    message = f"claude {ending} without a result"
    if transcript.garbled:
        message += f"; {transcript.garbled} line(s) of its output are no messages, the first is: {transcript.sample[:100]!r}"
    if stderr:
        message += f"\nstderr ends with:\n{stderr}"
    return failure("no_result", message)
