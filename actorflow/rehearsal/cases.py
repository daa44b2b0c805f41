"""Tests of a workflow: what goes in, what the agents give, and what must come of it. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actorflow.rehearsal.stubs import Stubs
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.report import Path

__all__ = ["Case", "CaseFile", "Expected", "ExpectedTask", "Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """A number that must lie between two others, both included; seconds, or whatever is measured."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTask:
    """What is expected of one task; what is None is not asked.

    Attributes:
        error: the kind of its error.
        message: part of the error's message.
        agent: who made its latest attempt.
        output: of a mapping only these keys, and so on inside; anything else exactly.
        parameters: of its latest attempt; a text is part of the parameter's text, a list of texts are several
            parts, and other values are like ``output``.
        handoff: whose outputs its latest attempt was handed, in any order.
    """

    status: str | None = None
    reason: str | None = None
    error: str | None = None
    message: str | None = None
    attempts: int | None = None
    agent: str | None = None
    has_output: bool = False
    output: Frozen = None
    parameters: FrozenDict | None = None
    handoff: tuple[str, ...] | None = None
    duration: Range | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected of a run.

    Attributes:
        error: the kind of the run's own error (``timeout``).
        order: steps: each begins when the one before has ended; the tasks of one step in any order.
        together: groups of tasks that must all have run at the same time.
    """

    status: str = "success"
    error: str | None = None
    duration: Range | None = None
    cost_usd: Range | None = None
    tasks: Mapping[str, ExpectedTask] = field(default_factory=dict)
    order: tuple[tuple[str, ...], ...] = ()
    together: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test.

    Attributes:
        path: where it stands in its file.
    """

    name: str
    path: Path
    inputs: FrozenDict = field(default_factory=FrozenDict)
    stubs: Stubs = field(default_factory=Stubs)
    max_parallel: int | None = None
    expect: Expected = field(default_factory=Expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of tests.

    Attributes:
        workflow: the path of the workflow, relative to the file; "" for the one that it is called after.
        inputs: of every test, unless it says otherwise.
        stubs: the same.
    """

    workflow: str = ""
    inputs: FrozenDict = field(default_factory=FrozenDict)
    stubs: Stubs = field(default_factory=Stubs)
    cases: tuple[Case, ...] = ()
