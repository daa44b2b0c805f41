"""The events of a run: facts in the past tense, and all that a run is.

A closed set of plain records with a fixed JSON form (``encode``, ``decode``). Fields may be added with
defaults; none is ever renamed or given another meaning, because old journals are read for ever. The time of
an event is not in it: the journal stamps every record. Values inside are frozen JSON, so an event cannot be
part of a cycle, and the garbage collector need not look (``gc=False``). Nothing here knows how an event
changes a state (``transitions``) or where it is stored.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from actorflow.ids import TaskId
from actorflow.state.status import RunStatus, SkipReason
from actorflow.values import freeze, freeze_mapping

__all__ = [
    "ActorRestarted",
    "AttemptCancelled",
    "AttemptFailed",
    "AttemptLost",
    "AttemptRequeued",
    "AttemptStarted",
    "AttemptSucceeded",
    "BlobRef",
    "BudgetChanged",
    "Capacity",
    "ControlAnswered",
    "DriverStarted",
    "Event",
    "Failure",
    "RetryScheduled",
    "RoomFound",
    "RoomRanOut",
    "RunAccepted",
    "RunCancelRequested",
    "RunFinished",
    "RunPaused",
    "RunResumed",
    "RunSettled",
    "RunTimedOut",
    "SessionOpened",
    "SpecChanged",
    "TaskCancelled",
    "TaskEntry",
    "TaskFailed",
    "TaskSkipped",
    "TaskSucceeded",
    "decode",
    "encode",
    "kind_of",
]


class BlobRef(msgspec.Struct, frozen=True, gc=False):
    """An output that is too large for the journal: a blob named by its SHA-256, ``size`` bytes of JSON text."""

    sha256: str
    size: int


class Failure(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Why an attempt or a task failed: an ``AgentError`` as data."""

    kind: str
    message: str
    hint: str = ""
    retryable: bool = True
    retry_after_seconds: float | None = None


class TaskEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reader of the journal must know of a task without reading the workflow.

    ``run_if``, ``condition`` (as it is written; ``false`` for one that is never met) and ``resources`` are there
    where the spec has a ``capacity``; in older journals only the workflow's text says them.
    """

    id: TaskId
    agents: tuple[str, ...]
    dependencies: tuple[TaskId, ...] = ()
    hook: str = ""
    max_attempts: int = 1
    run_if: str = ""
    condition: str = ""
    resources: dict[str, int] = {}


class Capacity(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much of a run may go on at once, as its workflow says: attempts, and units of each pool."""

    max_parallel: int
    resources: dict[str, int] = {}


class _Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type"):
    pass


class RunAccepted(_Event, frozen=True):
    """A run exists. Always the first event; everything that a resume needs is in it.

    ``text`` is the workflow file with literal secrets cut out; ``values`` are inputs and rendered variables,
    replayed as they were. ``max_parallel`` is what the command line said, or None, and ``permission_mode`` what it
    said agents may do, or "". ``mode`` is ``live`` or
    ``rehearsal``; a rehearsal carries its ``stubs``, so that a resume needs no file of them. ``salvaged_from``
    is the damaged run that this one is a copy of; its tasks keep the idempotency keys that they had there.
    ``capacity`` is None in journals that are older than it.
    """

    run_id: str
    workflow: str
    tasks: tuple[TaskEntry, ...]
    text: str
    format: str = "yaml"
    file: str = ""
    project_root: str = ""
    inputs: dict[str, Any] = {}
    values: dict[str, Any] = {}
    max_parallel: int | None = None
    permission_mode: str = ""
    mode: str = "live"
    actorflow_version: str = ""
    stubs: dict[str, Any] = {}
    salvaged_from: str = ""
    capacity: Capacity | None = None


class DriverStarted(_Event, frozen=True):
    """A process began to drive the run.

    ``taken_over`` are the tasks whose open attempts have outlived the driver before: this one goes on with them.
    """

    pid: int
    host: str
    epoch: int
    boot_id: str = ""
    taken_over: tuple[TaskId, ...] = ()


class RunResumed(_Event, frozen=True):
    """A run goes on: ``tasks`` are PENDING again, with a renewed attempt budget.

    ``asked`` are those that somebody named (``resume --from``), ``changed`` those whose success the current
    spec does not bear out any more. These, and what comes after them, may have succeeded before; of all
    others none has. ``lifts_limits``: somebody knows that the limits of services are lifted already.
    """

    tasks: tuple[TaskId, ...]
    reason: str = ""
    asked: tuple[TaskId, ...] = ()
    changed: tuple[TaskId, ...] = ()
    lifts_limits: bool = False


class SpecChanged(_Event, frozen=True):
    """From now on the run follows another text of its workflow: tasks may be gone, added, or say something else.

    The fields are those of ``RunAccepted`` and stand in their place.
    """

    tasks: tuple[TaskEntry, ...]
    text: str
    format: str = "yaml"
    file: str = ""
    inputs: dict[str, Any] = {}
    values: dict[str, Any] = {}
    actorflow_version: str = ""
    capacity: Capacity | None = None


class AttemptStarted(_Event, frozen=True):
    """An attempt is about to be handed to its agent; written before the agent is called.

    ``backend`` is the service that the agent calls, "" when it costs nothing; ``pool`` the pool whose limits it
    keeps to, "" when that is the backend's own; ``session`` the agent session that it goes on with.
    """

    task: TaskId
    attempt: int
    agent: str
    backend: str = ""
    pool: str = ""
    session: str | None = None


class SessionOpened(_Event, frozen=True):
    """An agent told the id of its session, which a later attempt can continue."""

    task: TaskId
    attempt: int
    session_id: str


class AttemptSucceeded(_Event, frozen=True):
    """An attempt gave a valid result. The output is inline, or in ``blob``.

    ``fingerprint`` tells what the attempt was asked (``engine.fingerprints``); "" in old journals. ``ended_at``, in
    this event and in the two below, is when the attempt ended, Unix seconds, if that was long before it is recorded:
    nobody drove the run then.
    """

    task: TaskId
    attempt: int
    output: Any = None
    blob: BlobRef | None = None
    cost_usd: float | None = None
    tokens: int | None = None
    session_id: str | None = None
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    ended_at: float | None = None


class AttemptFailed(_Event, frozen=True):
    """An attempt failed. What it cost is the attempt's own, as in every event that ends one."""

    task: TaskId
    attempt: int
    failure: Failure
    cost_usd: float | None = None
    tokens: int | None = None
    session_id: str | None = None
    ended_at: float | None = None


class AttemptLost(_Event, frozen=True):
    """An attempt was running when its driver died."""

    task: TaskId
    attempt: int


class AttemptCancelled(_Event, frozen=True):
    """An attempt was stopped because the run was."""

    task: TaskId
    attempt: int
    cost_usd: float | None = None
    tokens: int | None = None


class AttemptRequeued(_Event, frozen=True):
    """An attempt was sent back without being used up; it may run again at ``due_at`` (Unix seconds).

    A rate or usage limit did it, or the run's budget, or its session was not there any more: the failure's kind
    says which. ``widest`` is how many attempts may run in its pool when there is no limit.
    """

    task: TaskId
    attempt: int
    due_at: float
    failure: Failure
    cost_usd: float | None = None
    tokens: int | None = None
    session_id: str | None = None
    widest: int = 0
    ended_at: float | None = None


class RetryScheduled(_Event, frozen=True):
    """The next attempt of a task may start at ``due_at`` (Unix seconds), ``delay_seconds`` after it was decided.

    ``agent`` is the fallback that takes over, with attempts of its own; "" when it is the same agent.
    """

    task: TaskId
    attempt: int
    due_at: float
    delay_seconds: float
    agent: str = ""


class TaskSucceeded(_Event, frozen=True):
    """A task is done."""

    task: TaskId


class TaskFailed(_Event, frozen=True):
    """A task's attempts are used up, or it could not be started."""

    task: TaskId
    failure: Failure


class TaskSkipped(_Event, frozen=True):
    """A task does not run, or its failure is tolerated."""

    task: TaskId
    reason: SkipReason


class TaskCancelled(_Event, frozen=True):
    """A task was cancelled with its run."""

    task: TaskId


class RunCancelRequested(_Event, frozen=True):
    """Somebody asked to cancel the run; once it is settled, its end hooks."""

    by: str = ""


class RunTimedOut(_Event, frozen=True):
    """The run's own timeout has passed: everything that is left is cancelled. Changes nothing once the run is cancelled or settled."""

    timeout_seconds: float


class RunPaused(_Event, frozen=True):
    """The run stopped by itself with work left.

    ``kind`` is ``budget``, ``parked`` or "" (its actors gave up); ``due_at`` is when a limit is lifted, Unix
    seconds.
    """

    reason: str
    kind: str = ""
    due_at: float | None = None
    cost_usd: float | None = None
    tokens: int | None = None


class BudgetChanged(_Event, frozen=True):
    """A person has set what the run may spend in all, from its beginning; None is no limit."""

    usd: float | None = None
    tokens: int | None = None
    agents: int | None = None


class RoomRanOut(_Event, frozen=True):
    """The disk is full: the driver waits for room, and what runs goes on meanwhile."""

    reason: str


class RoomFound(_Event, frozen=True):
    """There is room again, and the run goes on."""

    waited_seconds: float = 0.0


class RunSettled(_Event, frozen=True):
    """All tasks are done and the outcome is known; the end hooks follow."""

    status: RunStatus
    failure: Failure | None = None


class RunFinished(_Event, frozen=True):
    """The run has ended, its hooks included. Costs are those of the whole run, so that a list of runs need not add them up."""

    status: RunStatus
    cost_usd: float | None = None
    tokens: int | None = None


class ActorRestarted(_Event, frozen=True):
    """A supervisor replaced an actor that crashed. Changes no state; ``tree`` shows it."""

    path: str
    restarts: int
    cause: str


class ControlAnswered(_Event, frozen=True):
    """A request from another process was carried out or refused. Changes no state."""

    request_id: str
    answer: str


Event: TypeAlias = (
    RunAccepted
    | DriverStarted
    | RunResumed
    | SpecChanged
    | AttemptStarted
    | SessionOpened
    | AttemptSucceeded
    | AttemptFailed
    | AttemptLost
    | AttemptCancelled
    | AttemptRequeued
    | RetryScheduled
    | TaskSucceeded
    | TaskFailed
    | TaskSkipped
    | TaskCancelled
    | RunCancelRequested
    | RunTimedOut
    | RunPaused
    | BudgetChanged
    | RoomRanOut
    | RoomFound
    | RunSettled
    | RunFinished
    | ActorRestarted
    | ControlAnswered
)

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Event)


def kind_of(event: Event) -> str:
    """Return the name of the event's class, which is also its tag in the JSON form."""
    return type(event).__name__


def encode(event: Event) -> bytes:
    """Return the event's JSON text."""
    return _ENCODER.encode(event)


def decode(body: bytes) -> Event:
    """Read an event's JSON text; values inside come frozen.

    Raises:
        msgspec.DecodeError: the text is no event that this version knows.
    """
    event: Event = _DECODER.decode(body)
    if type(event) is AttemptSucceeded and event.output is not None:
        return msgspec.structs.replace(event, output=freeze(event.output))
    if isinstance(event, RunAccepted | SpecChanged):
        inputs, values = freeze_mapping(event.inputs), freeze_mapping(event.values)
        stubs = {"stubs": freeze_mapping(event.stubs)} if type(event) is RunAccepted else {}
        return msgspec.structs.replace(event, inputs=inputs, values=values, **stubs)
    return event
