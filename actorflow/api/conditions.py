"""A condition evaluated once more, over what it saw when it was asked, and every name in it with its value.

Takes a compiled expression and a snapshot; gives what ``explain`` shows of it. What fails is part of the
answer, never an error. Loads the language of expressions. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorflow.errors import ExpressionError
from actorflow.expressions import Expression
from actorflow.expressions.explaining import shown
from actorflow.monitor.explanation import ConditionFact, ReadFact
from actorflow.state.snapshot import Snapshot
from actorflow.workflow.environment import ENVIRONMENT, STATUS_FUNCTIONS

__all__ = ["condition_fact"]


def condition_fact(expression: Expression, seen: Snapshot) -> ConditionFact:
    """Evaluate a condition once more over what it saw, and every name that it reads."""
    value, failure = _evaluated(expression, seen)
    if failure == "" and not isinstance(value, bool):
        failure = f"it gave {shown(ENVIRONMENT, value)}, which is neither true nor false"
    reads = {name: _read(name, seen) for name in _names_in(expression)}
    gave = value if isinstance(value, bool) else None
    return ConditionFact(
        expression.source, gave, was_asked=True, failure=failure, reads=tuple(reads.values())
    )


def _names_in(expression: Expression) -> Iterator[str]:
    for reference in expression.references:
        yield expression.source[reference.start : reference.end]
    yield from (f"{name}()" for name in expression.functions if name in STATUS_FUNCTIONS)


def _read(name: str, seen: Snapshot) -> ReadFact:
    try:
        expression = ENVIRONMENT.compile(name)
    except ExpressionError as error:
        return ReadFact(name, "", error.message)
    value, failure = _evaluated(expression, seen)
    return ReadFact(name, "" if failure else shown(ENVIRONMENT, value), failure)


def _evaluated(expression: Expression, seen: Snapshot) -> tuple[object, str]:
    """Return a value, or None and what is wrong."""
    try:
        return expression.evaluate(seen), ""
    except ExpressionError as error:
        return None, error.message
