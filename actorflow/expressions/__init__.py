"""The expression language of actorflow, embeddable on its own.

    from actorflow import expressions as ex

    env = ex.Environment()
    env.compile("task.output.n > 3").evaluate({"task": {"output": {"n": 4}}})   # True
    env.template("hi ${task.name}").render({"task": {"name": "you"}})            # 'hi you'

Small, total and safe: CEL's semantics where CEL has an answer, a budget for everything, no access to anything but the
snapshot. Importing this imports neither Lark nor the rest of actorflow.
"""

from __future__ import annotations

from actorflow.expressions.environment import Environment, Expression
from actorflow.expressions.failures import (
    CODES,
    Diagnostic,
    EvaluationError,
    ExpressionFailure,
    LimitError,
    ParseError,
    StaticError,
)
from actorflow.expressions.functions import STANDARD, Function
from actorflow.expressions.kinds import Duration, Secret, Timestamp, Type
from actorflow.expressions.limits import Limits
from actorflow.expressions.references import Reference
from actorflow.expressions.scope import NameInfo, Scope
from actorflow.expressions.templates import Hole, Template

__all__ = [
    "CODES",
    "STANDARD",
    "Diagnostic",
    "Duration",
    "Environment",
    "EvaluationError",
    "Expression",
    "ExpressionFailure",
    "Function",
    "Hole",
    "LimitError",
    "Limits",
    "NameInfo",
    "ParseError",
    "Reference",
    "Scope",
    "Secret",
    "StaticError",
    "Template",
    "Timestamp",
    "Type",
]
