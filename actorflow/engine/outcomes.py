"""From what an agent gave back to the event that records it.

Checks an output (JSON, at most 16 MiB, its schema), masks secrets, and puts a large one into a blob before
the event that names it exists. Limits become ``AttemptRequeued``, other errors ``AttemptFailed``.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import trio

from actorflow.agents.flood import close_gap
from actorflow.agents.interface import AgentResult
from actorflow.agents.masking import Masker
from actorflow.engine.messages import OutcomeEvent
from actorflow.engine.session import MAX_OUTPUT_BYTES, Session
from actorflow.engine.spend import Spend
from actorflow.errors import AgentError, JournalError, JournalFull
from actorflow.journal.storage import NO_ROOM, storage_error
from actorflow.scheduling import StartAttempt
from actorflow.scheduling.services import budget_share, limit_wait
from actorflow.state import RunState
from actorflow.state import events as ev
from actorflow.state.events import BlobRef, Failure
from actorflow.state.services import LIMIT_KINDS, SESSION_NOT_FOUND
from actorflow.values import Frozen, NotJSON, freeze
from actorflow.workflow.json_schema import check_schema_value
from actorflow.workflow.plan import Plan

__all__ = ["INLINE_BYTES", "close_attempt", "event_of_error", "event_of_result", "scrub"]

_logger = logging.getLogger("actorflow.engine")

INLINE_BYTES = 64 * 1024
"""Outputs over this size as JSON text live in blobs."""

SCRUB_SECONDS = 30.0

WRITTEN_BY_AGENTS = ("stdout", "stderr", "reply.json", "prompt.md")
"""The files of an attempt's folder, and of the folders in it (one for each further call of a program), that may hold
what an agent said."""

MOST_WAIT_SECONDS = 31 * 86400.0
"""The longest that an agent can ask for."""


async def event_of_result(
    session: Session,
    start: StartAttempt,
    result: AgentResult,
    said: Spend,
    *,
    state: RunState,
    stop: trio.Event,
    fingerprint: str = "",
) -> OutcomeEvent:
    """Turn a result into its event; the output is durable if it is a blob. An output that is not valid fails the attempt.

    An attempt that is stopped while its output waits for room on the disk is cancelled.

    Args:
        said: what the agent said on the way that it has spent.
        state: the state in which the attempt was started.
        stop: whether the attempt is to stop.
        fingerprint: of what the attempt was asked.
    """
    spend = said.of(result)
    try:
        return await _success(session, start, result, spend, fingerprint=fingerprint, stop=stop)
    except JournalFull:
        return ev.AttemptCancelled(start.task, start.attempt, spend.cost_usd, spend.tokens)
    except AgentError as error:
        error.session_id = result.session_id
        return event_of_error(session, start, error, spend, state)


async def _success(
    session: Session,
    start: StartAttempt,
    result: AgentResult,
    spend: Spend,
    *,
    fingerprint: str,
    stop: trio.Event,
) -> OutcomeEvent:
    output = _checked(session, start, result)
    text = msgspec.json.encode(output)
    if len(text) > MAX_OUTPUT_BYTES:
        raise AgentError(
            "output_too_large",
            f"the output has {len(text)} bytes as JSON; at most {MAX_OUTPUT_BYTES} are kept",
            hint="write it to a file and return the path",
            retryable=False,
        )
    blob = None
    if len(text) > INLINE_BYTES:
        sha256 = await session.room.insist(session.offload, session.blobs.put, text, stop=stop)
        blob = BlobRef(sha256, len(text))
    return ev.AttemptSucceeded(
        start.task,
        start.attempt,
        output=None if blob else output,
        blob=blob,
        cost_usd=spend.cost_usd,
        tokens=spend.tokens,
        session_id=_session_id(result.session_id),
        notes=tuple(_said(session, note) for note in result.notes),
        fingerprint=fingerprint,
    )


def _checked(session: Session, start: StartAttempt, result: AgentResult) -> Frozen:
    try:
        output = freeze(session.masker.value(result.output))
    except NotJSON as error:
        raise AgentError("invalid_output", f"the output is not JSON: {error}") from error
    schema = session.plan.tasks[start.task].spec.output_schema
    problems = [] if schema is None else check_schema_value(schema, output)
    if problems:
        shown = "; ".join(problems[:5])
        raise AgentError("invalid_output", f"the output does not fit output_schema: {shown}")
    return output


def event_of_error(
    session: Session, start: StartAttempt, error: AgentError, said: Spend, state: RunState
) -> OutcomeEvent:
    """Turn a failure into its event: the attempt has failed, or is sent back without being used up.

    Args:
        said: what the agent said on the way that it has spent.
        state: the state in which the attempt was started.
    """
    spend, session_id = said.of(error), _session_id(error.session_id)
    failure = Failure(
        error.kind,
        _said(session, error.message),
        _said(session, error.hint),
        error.retryable,
        _seconds(error.retry_after_seconds),
    )
    wait = _wait_of_requeue(session, start, failure, spend, state)
    if wait is not None:
        return ev.AttemptRequeued(
            start.task,
            start.attempt,
            round((session.clock() + wait) * 1e6) / 1e6,
            failure,
            spend.cost_usd,
            spend.tokens,
            session_id,
            widest=_widest(session.plan, start) if failure.kind in LIMIT_KINDS else 0,
        )
    return ev.AttemptFailed(start.task, start.attempt, failure, spend.cost_usd, spend.tokens, session_id)


def _wait_of_requeue(
    session: Session, start: StartAttempt, failure: Failure, spend: Spend, state: RunState
) -> float | None:
    """Return how long an attempt waits that is not used up by its end; None for one that is.

    It is not when a service set a limit, when its session was gone before it could begin, or when it stopped
    because it had spent its share of the run's budget: it goes on with what is left, or the run pauses.
    """
    if failure.kind in LIMIT_KINDS:
        times = state.tasks[start.task].requeues
        return limit_wait(failure.retry_after_seconds, kind=failure.kind, times=times)
    if failure.kind == SESSION_NOT_FOUND and start.session is not None:
        return 0.0
    share = budget_share(session.plan, state) if failure.kind == "max_budget" and start.backend else None
    is_spent = share is not None and spend.cost_usd is not None and round(spend.cost_usd - share, 9) >= 0
    return 0.0 if is_spent else None


def _widest(plan: Plan, start: StartAttempt) -> int:
    """Return how many attempts may run in the attempt's pool when no service limits it."""
    size: int = plan.workflow.settings.resources.get(start.pool or start.backend, plan.max_parallel)
    return min(plan.max_parallel, size)


def _seconds(said: object) -> float | None:
    """Return a wait as it is recorded; what is no time says nothing, and nobody is waited for longer than a month."""
    if isinstance(said, bool) or not isinstance(said, int | float) or math.isnan(said):
        return None
    return min(max(float(said), 0.0), MOST_WAIT_SECONDS)


def _session_id(said: object) -> str | None:
    """Return the id of a session as it is recorded; what is no text is none."""
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) and said else None


def _said(session: Session, text: str) -> str:
    """Return what an agent said as it is recorded: without secrets, and without halves of characters, which JSON cannot say."""
    return session.masker.text(text).encode("utf-8", "replace").decode()


async def close_attempt(session: Session, start: StartAttempt, stop: trio.Event) -> None:
    """Scrub secrets from what the agent has written into its folder, as soon as there is room for what is left of it.

    One that is stopped meanwhile does not wait: what cannot be masked is removed. If the run itself ends, the
    next driver does it.
    """
    try:
        folder = session.attempt_folder(start.task, start.attempt)
    except JournalError:  # it cannot even be made, so nothing is in it
        return
    try:
        await session.room.insist(_scrub_shielded, session, folder, True, stop=stop)
    except JournalFull:
        await _scrub_shielded(session, folder, False)


async def _scrub_shielded(session: Session, folder: Path, keeps: bool) -> None:
    with trio.CancelScope(shield=True, deadline=trio.current_time() + SCRUB_SECONDS):
        await session.offload(scrub, session.masker, folder, keeps)


def scrub(masker: Masker, folder: Path, keeps: bool = True) -> None:
    """Close gaps of floods and mask secrets in the files of an attempt that is over; a file that cannot be masked is removed.

    Args:
        keeps: a file that only cannot be masked because the disk is full is kept as it is.

    Raises:
        JournalFull: there is such a file.
    """
    full: OSError | None = None
    for file in _said_files(folder):
        try:
            _close_gap(masker, file)
            masker.file(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            if keeps and error.errno in NO_ROOM:
                full = error
                continue
            _logger.warning("%s may hold secrets that cannot be masked, and is removed: %s", file, error)
            with suppress(OSError):  # then the disk takes no change at all, and the journal says so
                file.unlink()
    if full is not None:
        raise storage_error(full, "take secrets out of the files in", folder) from full


def _close_gap(masker: Masker, file: Path) -> None:
    try:
        close_gap(file)
    except FileNotFoundError:
        return
    except OSError:
        if masker.has_secrets:  # it cannot be masked then
            raise


def _said_files(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in WRITTEN_BY_AGENTS)
    with suppress(OSError):
        below = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        yield from (Path(path) / name for path in below for name in WRITTEN_BY_AGENTS)
