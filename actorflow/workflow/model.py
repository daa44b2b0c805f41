"""What a workflow file says, as immutable values.

``decode`` makes a ``Workflow`` from a read document and ``compile_plan`` turns it into a ``Plan``; nothing
above this package sees YAML text. Values are as written: strings may still contain holes. Durations are
seconds. A ``Workflow`` that exists is valid: every reference resolves, there is no cycle, every expression
compiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import msgspec

from actorflow.ids import TaskId
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.budget import Budget

__all__ = [
    "DEFAULT_STORED_BYTES",
    "HOOK_TIMEOUT_SECONDS",
    "LEAST_STORED_BYTES",
    "Backoff",
    "HookPhase",
    "InputSpec",
    "InputType",
    "OnTaskFailure",
    "RetryPolicy",
    "RunIf",
    "SecretSource",
    "Settings",
    "TaskSpec",
    "Workflow",
]

HOOK_TIMEOUT_SECONDS = 60.0
"""Default timeout of a hook's task."""

DEFAULT_STORED_BYTES = 256 * 1024 * 1024
LEAST_STORED_BYTES = 64 * 1024 * 1024
"""Four outputs of the largest size: what an agent says has to be there whole until it is understood."""


class InputType(StrEnum):
    """The declared type of an input; ``--set`` text is read by it."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    OBJECT = "object"


class Backoff(StrEnum):
    """How the delay between attempts grows."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class OnTaskFailure(StrEnum):
    """What happens when a task's attempts are used up."""

    FAIL = "fail"
    SKIP = "skip"
    RETRY = "retry"


class RunIf(StrEnum):
    """Trigger rules by Airflow's names."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    ALWAYS = "always"


class HookPhase(StrEnum):
    """When a hook's task runs."""

    ON_START = "on_start"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ON_COMPLETE = "on_complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One input of a workflow.

    Attributes:
        declared: False for an implicit input (a bare name in a hole of a workflow without an ``inputs:``
            block).
        default: the value when none is given; only meaningful when ``required`` is False.
    """

    name: str
    type: InputType = InputType.STRING
    required: bool = True
    default: Frozen = None
    enum: tuple[Frozen, ...] = ()
    description: str = ""
    declared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret comes from; the value itself is never part of a workflow.

    Attributes:
        kind: ``env`` (``locator`` is a variable), ``file`` (a path) or ``literal`` (``locator`` is empty: the
            text was cut).
    """

    name: str
    kind: Literal["env", "file", "literal"]
    locator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts of a task, the first one counted."""

    max_attempts: int = 3
    delay_seconds: float = 5.0
    backoff: Backoff = Backoff.EXPONENTIAL
    max_delay_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the whole run."""

    max_parallel: int = 3
    timeout_seconds: float = 3600.0
    on_failure: Literal["stop", "continue"] = "stop"
    resources: FrozenDict = field(default_factory=FrozenDict)
    """Pool name -> capacity (int)."""
    options: FrozenDict = field(default_factory=FrozenDict)
    budget: Budget = field(default_factory=Budget)
    stored_output_bytes: int = DEFAULT_STORED_BYTES
    """How much is stored of each stream of an agent's program."""


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One task, or one task of a hook (then ``hook`` says which).

    A struct, because a file can have tens of thousands: making one takes a tenth of what a dataclass takes.
    """

    id: TaskId
    agents: tuple[str, ...]
    """The agent, then its fallbacks in order."""
    hook: HookPhase | None = None
    description: str = ""
    parameters: FrozenDict = FrozenDict()
    options: FrozenDict = FrozenDict()
    dependencies: tuple[TaskId, ...] = ()
    handoff: Literal["direct", "none"] | tuple[TaskId, ...] = "direct"
    condition: str | bool | None = None
    """The expression's text without a surrounding ``${…}``, or a literal."""
    retry: RetryPolicy | None = None
    timeout_seconds: float | None = None
    idle_timeout_seconds: float | None = None
    on_failure: OnTaskFailure = OnTaskFailure.FAIL
    output_schema: FrozenDict | None = None
    verify: str | None = None
    session: TaskId | None = None
    env: FrozenDict = FrozenDict()
    """Variable name -> text, which may have holes."""
    cwd: str | None = None
    priority: int = 0
    resources: FrozenDict = FrozenDict()
    """Pool name -> how much of it one attempt takes (int)."""
    run_if: RunIf | None = None

    @property
    def effective_retry(self) -> RetryPolicy:
        """The retry policy with ``on_failure: retry`` and the default of one attempt worked in."""
        if self.retry is not None:
            return self.retry
        return RetryPolicy() if self.on_failure is OnTaskFailure.RETRY else RetryPolicy(max_attempts=1)

    @property
    def effective_timeout(self) -> float:
        """How many seconds an attempt may take, with the default of hooks worked in; infinity when there is no limit."""
        if self.timeout_seconds is not None:
            return self.timeout_seconds
        return math.inf if self.hook is None else HOOK_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A valid workflow.

    Attributes:
        tasks: in order of declaration, hooks' tasks not among them.
        hooks: every hook's tasks, in the order of phases, then of declaration.
        inputs_closed: whether the file has an ``inputs:`` block, which makes the list of inputs complete.
        text: the file's text with literal secrets cut out; what a run pins.
        format: how ``text`` is to be read again.
    """

    name: str
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    inputs_closed: bool = False
    settings: Settings = Settings()
    variables: FrozenDict = field(default_factory=FrozenDict)
    secrets: tuple[SecretSource, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    hooks: tuple[TaskSpec, ...] = ()
    file: str = "<workflow>"
    text: str = ""
    format: Literal["yaml", "json"] = "yaml"
