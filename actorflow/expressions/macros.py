"""Compiles the macros that go over nothing: ``has try coalesce let case``; and finds the compiler of every other.

``has`` asks whether a key is there, ``try`` and ``coalesce`` take something else for what fails or is absent, ``let`` names a value, ``case``
chooses. Must not absorb limit errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from actorflow.expressions.access import ABSENT, present
from actorflow.expressions.context import Closure, Context, located
from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.forms import Macro
from actorflow.expressions.limits import NAMES, Frame
from actorflow.expressions.loops import COMPILE_LOOP
from actorflow.expressions.operators import tested
from actorflow.expressions.syntax import Index, Name, Node, Select

__all__ = ["compile_macro"]


def compile_macro(context: Context, macro: Macro) -> Closure:
    """Compile a call of a macro."""
    compiler = COMPILE_LOOP.get(macro.name) or _COMPILE[macro.name]
    return compiler(context, macro)


def _has(context: Context, macro: Macro) -> Closure:
    field: Node = macro.bodies[0]
    if isinstance(field, Index):
        return _has_key(field, context.compile(field.target), context.compile(field.key))
    if not isinstance(field, Select):
        return context.compile(field)  # macro_form lets only fields through
    target, name = context.compile(field.target), field.key
    found = _has_key(field, target, lambda _: name)
    if isinstance(field.target, Name) and field.target.name not in context.variables:
        return _has_dotted(f"{field.target.name}.{name}", field.target.name, found)
    return found


def _has_key(field: Select | Index, target: Closure, key: Closure) -> Closure:
    test, forgiving = located(field, present), field.optional

    def run(frame: Frame) -> Any:
        value = target(frame)
        return False if forgiving and value is None else test(frame, value, key(frame))

    return run


def _has_dotted(whole: str, root: str, found: Closure) -> Closure:
    """``has(a.b)`` where the snapshot may hold the dotted name itself, as CEL allows."""

    def run(frame: Frame) -> Any:
        names = frame[NAMES]
        return True if root not in names and whole in names else found(frame)

    return run


def _try(context: Context, macro: Macro) -> Closure:
    attempt, default = (context.compile(body) for body in macro.bodies)

    def run(frame: Frame) -> Any:
        try:
            return attempt(frame)
        except EvaluationError:
            return default(frame)  # this is what try() is for

    return run


def _coalesce(context: Context, macro: Macro) -> Closure:
    options = tuple(context.compile(body) for body in macro.bodies)

    def run(frame: Frame) -> Any:
        for option in options:
            try:
                value = option(frame)
            except EvaluationError as failure:
                if failure.code not in ABSENT:
                    raise
                continue
            if value is not None:
                return value
        return None

    return run


def _let(context: Context, macro: Macro) -> Closure:
    value = context.compile(macro.bodies[0])
    (place,), (body,), turn = context.body(macro.variables, macro.bodies[1])
    context.cost += turn  # evaluated once, so it belongs to what is around it

    def run(frame: Frame) -> Any:
        frame[place] = value(frame)
        return body(frame)

    return run


def _case(context: Context, macro: Macro) -> Closure:
    closures = [context.compile(body) for body in macro.bodies]
    tests = (tested(node, test) for node, test in zip(macro.bodies[:-1:2], closures[:-1:2], strict=True))
    choices = tuple(zip(tests, closures[1::2], strict=True))
    default = closures[-1]

    def run(frame: Frame) -> Any:
        for test, value in choices:
            if test(frame):
                return value(frame)
        return default(frame)

    return run


_COMPILE: Final[dict[str, Callable[[Context, Macro], Closure]]] = {
    "has": _has,
    "try": _try,
    "coalesce": _coalesce,
    "let": _let,
    "case": _case,
}
