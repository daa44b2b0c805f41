"""Why a program has failed, as an error with a kind: from its exit code, its messages, and what it said itself.

Takes a description and how the program ended; gives an ``AgentError``, or None when nothing says that it failed.
Pure, but for the end of stderr, which the caller reads.
"""

from __future__ import annotations

from actorflow.agents.command.definition import CommandDefinition, ErrorRule
from actorflow.agents.command.kinds import KINDS
from actorflow.agents.exit_reasons import printable
from actorflow.errors import AgentError
from actorflow.workflow.patterns import search

__all__ = ["failure_of"]

_LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0


def failure_of(
    definition: CommandDefinition, *, code: int, said: str, stderr: str, stdout_end: str
) -> AgentError | None:
    """Return why a program failed, as far as its description knows; None when it does not.

    Args:
        code: its exit code; minus the signal's number when a signal killed it.
        said: its own words about the error; "" when it has said nothing.
        stderr: the end of it.
        stdout_end: the end of stdout.
    """
    rules = definition.errors
    has_failed = code != 0 or bool(said)
    words = f"{said}\n{stderr}" if has_failed else ""
    for rule in rules.messages:
        text = f"{words}\n{stdout_end}" if rule.in_output else words
        if match := search(f"(?i){rule.pattern}", text):
            message = said or _line_around(text, match.start())
            return _failure(definition, rule.kind, message, _seconds(rule, match))
    if has_failed and (kind := rules.exit_codes.get(code)):
        return _failure(definition, kind, said or stderr.rpartition("\n")[2] or f"exit code {code}")
    return _failure(definition, "agent_failed", said) if said else None


def _failure(
    definition: CommandDefinition, kind: str, message: str, retry_after_seconds: float | None = None
) -> AgentError:
    what = KINDS[kind]
    return AgentError(
        kind,
        printable(f"{definition.program}: {message.strip()}"),
        hint=what.hint,
        retryable=what.is_retryable,
        retry_after_seconds=retry_after_seconds,
    )


def _line_around(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return text[start : end if end >= 0 else len(text)].strip()[:1000]


def _seconds(rule: ErrorRule, match: object) -> float | None:
    """Return when to try again, if the message says it."""
    if "(?P<seconds>" not in rule.pattern:
        return None
    try:
        seconds = float(match.group("seconds"))  # type: ignore[attr-defined]  # a match of RE2, which has no types
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)
