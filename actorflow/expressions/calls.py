"""Compiles calls: which function, macro or context function a name means, and how it is called.

``resolve`` answers the first question for the compiler and for the static checks alike. A qualified name (``json.parse``) is
looked for among the functions only, never in the snapshot: functions are not values. A host's function may return whatever it
likes; what is no value of the language is an error. Must not let an exception of a host's function out as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from actorflow.expressions.access import dotted
from actorflow.expressions.context import Closure, Context, raising
from actorflow.expressions.failures import EvaluationError, ExpressionFailure, LimitError, StaticError
from actorflow.expressions.forms import MACROS, Macro, canonical, macro_form
from actorflow.expressions.functions.registry import Function
from actorflow.expressions.kinds import LISTS, MAPS, MISSING, SCALARS, Secret, Value, adopt, items_of, kind
from actorflow.expressions.limits import NAMES, Frame, allocate, spend
from actorflow.expressions.macros import compile_macro
from actorflow.expressions.operations import operand, shown
from actorflow.expressions.syntax import Call, Node

__all__ = ["Resolution", "compile_call", "qualified_name", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a call means.

    Attributes:
        kind: a function, a macro or a context function.
        name: the function as it was called, qualified; a macro by its own name.
        arguments: everything it is called with, the receiver of a method first; empty for a macro.
        function: the function, for kind ``function``.
        macro: the call taken apart, for kind ``macro``.
    """

    kind: Literal["function", "macro", "context"]
    name: str
    arguments: tuple[Node, ...] = ()
    function: Function | None = None
    macro: Macro | None = None


def resolve(
    node: Call,
    functions: Mapping[str, Function],
    context_functions: frozenset[str],
    bound: Mapping[str, Any] | frozenset[str],
) -> Resolution:
    """Return what ``node`` calls; ``bound`` holds the macro variables in scope.

    Raises:
        StaticError: there is no such function, or not with that many arguments, or the macro is not written like this.
    """
    qualified = qualified_name(node, bound)
    if qualified in functions or qualified in MACROS:
        plain = Call(qualified, None, node.arguments, node.prefixed, node.start, node.end, node.name_start)
        return _named(plain, functions)
    if node.receiver is None and not node.prefixed and node.function in context_functions:
        if node.arguments:
            raise StaticError("E202", f"{node.function}() takes no arguments", node.name_start, node.end)
        return Resolution("context", node.function)
    return _named(node, functions)


def qualified_name(node: Call, bound: Mapping[str, Any] | frozenset[str]) -> str:
    """Return ``a.b.f`` for a call of that form whose root is no macro variable; "" for any other."""
    if node.receiver is None:
        return ""
    path = dotted(node.receiver)
    if path is None or path[0].name in bound:
        return ""
    root, keys = path
    return ".".join([root.name, *(key.key for key in keys), node.function])


def _named(node: Call, functions: Mapping[str, Function]) -> Resolution:
    function = functions.get(node.function)
    if function is None or (canonical(node.function) and _is_macro_call(node)):
        if canonical(node.function):
            return Resolution("macro", canonical(node.function), macro=macro_form(node))
        if function is None:
            raise _unknown(node, functions)
    arguments = node.arguments if node.receiver is None else (node.receiver, *node.arguments)
    if not function.accepts(len(arguments)):
        raise _arity(node, function, len(arguments))
    return Resolution("function", node.function, arguments, function)


def _is_macro_call(node: Call) -> bool:
    """A host may define a function of a macro's name; the macro wins where it is written in the macro's form."""
    try:
        macro_form(node)
    except StaticError:
        return False
    return True


def _unknown(node: Call, functions: Mapping[str, Function]) -> StaticError:
    end = node.name_start + len(node.function)
    return StaticError(
        "E201",
        f"unknown function '{shown(node.function)}'",
        node.name_start,
        end,
        near=(node.function, [*functions, *MACROS]),
    )


def _arity(node: Call, function: Function, count: int) -> StaticError:
    low, high = function.minimum, function.maximum
    takes = f"at least {low}" if high is None else str(low) if low == high else f"{low} to {high}"
    form = " (the value before the dot is the first)" if node.receiver is not None else ""
    plural = "argument" if takes == "1" else "arguments"
    return StaticError(
        "E202",
        f"{shown(node.function)}() takes {takes} {plural}{form}, not {count}",
        node.name_start,
        node.end,
        hint=f"write {function.signature}",
    )


def compile_call(context: Context, node: Call) -> Closure:
    """``f(a)``, ``a.f()``, ``fn:f(a)``, ``ns.f(a)`` and every macro."""
    try:
        found = resolve(node, context.functions, context.context_functions, context.variables)
    except StaticError as wrong:
        if context.strict:
            raise
        return _unknown_at_run_time(context, node, wrong)
    if found.macro is not None:
        return compile_macro(context, found.macro)
    if found.function is None:
        return _context_function(node)
    return _function(node, found.function, tuple(context.compile(argument) for argument in found.arguments))


def _unknown_at_run_time(context: Context, node: Call, wrong: StaticError) -> Closure:
    context.count(node, len(node.arguments))
    code, message, start, end, hint = "E311", wrong.message, wrong.start, wrong.end, wrong.hint

    def failure() -> ExpressionFailure:
        return EvaluationError(code, message, start, end, hint=hint)

    return raising(failure)


def _context_function(node: Call) -> Closure:
    key, name = f"{node.function}()", node.function

    def run(frame: Frame) -> Any:
        try:
            return frame[NAMES][key]
        except KeyError:
            raise EvaluationError("E301", f"{name}() is not available here", node.start, node.end) from None

    return run


def _function(node: Call, function: Function, arguments: tuple[Closure, ...]) -> Closure:
    call = function.call if function.takes_frame else _hosted(function)
    name, start, end = node.function, node.start, node.end

    def place(failure: ExpressionFailure) -> None:
        if not failure.end:
            failure.message = f"{name}(): {failure.message}"
            failure.start, failure.end = start, end

    if len(arguments) == 1:
        (only,) = arguments

        def one(frame: Frame) -> Any:
            try:
                return call(frame, only(frame))
            except (EvaluationError, LimitError) as failure:
                place(failure)
                raise

        return one

    def several(frame: Frame) -> Any:
        try:
            return call(frame, *[argument(frame) for argument in arguments])
        except (EvaluationError, LimitError) as failure:
            place(failure)
            raise

    return several


def _hosted(function: Function) -> Any:
    """Wrap a host's function: it is given values, never secrets, and what it returns is checked and paid for."""
    call = function.call

    def run(frame: Frame, *arguments: Value) -> Value:
        revealed = [operand(frame, argument) for argument in arguments]
        try:
            result = call(*revealed)
        except ExpressionFailure:
            raise
        except Exception as failure:  # a host's function may raise anything; inside an expression that is an evaluation error
            raise EvaluationError("E310", f"the function failed with {type(failure).__name__}") from failure
        return _admit(frame, result)

    return run


def _admit(frame: Frame, result: Value) -> Value:
    """Return what a host's function returned, if it is a value throughout."""
    if type(result) in SCALARS:
        return result
    waiting = [result]
    while waiting:
        value = waiting.pop()
        spend(frame, 1)
        if type(value) in LISTS:
            allocate(frame, len(value))
            waiting.extend(value)
        elif type(value) in MAPS:
            allocate(frame, 2 * len(value))
            waiting.extend(part for pair in items_of(value) for part in pair)
        elif not _is_leaf(value):
            raise EvaluationError(
                "E315", f"the function returned {kind(value)}, which is no value of the language"
            )
    return operand(frame, result) if type(result) is not Secret else result


def _is_leaf(value: object) -> bool:
    try:
        return adopt(value) is not MISSING
    except OverflowError:  # a time outside of what the language has
        return False
