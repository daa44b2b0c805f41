"""The embedding interface: an environment compiles expressions and templates, and checks them.

An ``Environment`` is immutable and holds functions, limits and strictness; what it makes is immutable too and can be used from
any number of threads, because everything an evaluation changes lies in its own frame. Takes text, gives ``Expression`` and
``Template``. Must not keep a snapshot or a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, final

from actorflow.expressions.checks import check_condition, check_expression, check_template
from actorflow.expressions.compiler import Program, compile_tree
from actorflow.expressions.failures import Diagnostic, ExpressionFailure, LimitError
from actorflow.expressions.functions import STANDARD, Function, host_function
from actorflow.expressions.kinds import SCALARS, Secret, Value
from actorflow.expressions.limits import TAINT, Frame, Limits
from actorflow.expressions.parsing import parse
from actorflow.expressions.references import Reference, called, find_references
from actorflow.expressions.results import finish
from actorflow.expressions.scope import Scope
from actorflow.expressions.syntax import Node
from actorflow.expressions.templates import Template, condition_source, make_template

__all__ = ["Environment", "Expression"]


@final
class Expression:
    """A compiled expression; made by ``Environment.compile``.

    Attributes:
        source: the text it was made of.
        tree: its syntax tree.
        evaluate: snapshot -> value. The snapshot is a mapping of names to values: plain JSON values or frozen ones, bytes,
            ``Timestamp``, ``Duration``, ``Secret``. Lists of the result may be lists or tuples, maps are dicts. Raises
            ``EvaluationError`` or ``LimitError``. If a secret was looked into, the result is a ``Secret``.
    """

    __slots__ = ("_functions", "_references", "evaluate", "program", "source", "tree")

    evaluate: Callable[[Mapping[str, Value]], Value]

    def __init__(
        self, source: str, tree: Node, program: Program, limits: Limits, functions: frozenset[str]
    ) -> None:
        self.source = source
        self.tree = tree
        self.program = program
        self._functions = functions
        self._references: tuple[Reference, ...] | None = None
        # A closure in a slot and not a method: a method would cost a third more on the shortest expressions.
        self.evaluate = _evaluator(source, program, limits)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every use of a name of the snapshot, in the order of the source."""
        if self._references is None:
            self._references = find_references(self.tree, self._functions)
        return self._references

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of everything it calls, sorted; context functions among them."""
        return called(self.tree, self._functions)


def _evaluator(source: str, program: Program, limits: Limits) -> Callable[[Mapping[str, Value]], Value]:
    run, given = program.run, program.given
    steps, room = limits.steps - program.nodes, limits.allocation
    variables = [None] * program.variables

    def evaluate(snapshot: Mapping[str, Value]) -> Value:
        frame: Frame = [snapshot, steps, room, False, limits]
        if variables:
            frame += variables
        try:
            value = run(frame)
            if type(value) not in SCALARS:
                value = finish(frame, value, given=given)
        except ExpressionFailure as failure:
            if not failure.source:
                _complete(failure, source)
            raise
        except RecursionError:
            raise _too_deep(source) from None
        return Secret(value) if frame[TAINT] else value

    if steps < 0:
        return _refuse(source, limits)
    return evaluate


def _complete(failure: ExpressionFailure, source: str) -> None:
    failure.source = source
    if not failure.end:
        failure.end = len(source)


def _too_deep(source: str) -> LimitError:
    return LimitError("E403", "Python's stack is too full for this expression", 0, len(source), source=source)


def _refuse(source: str, limits: Limits) -> Callable[[Mapping[str, Value]], Value]:
    def evaluate(_: Mapping[str, Value]) -> Value:
        hint = f"at most {limits.steps:,} are allowed"
        raise LimitError(
            "E405", "the evaluation takes too many steps", 0, len(source), source=source, hint=hint
        )

    return evaluate


_NOTHING: Final[frozenset[str]] = frozenset()


@final
class Environment:
    """Compiles and checks expressions and templates.

    Args:
        functions: name -> function; ``STANDARD``, or a mapping made from it, with ``Function`` objects or plain callables. A plain
            callable is given values and returns one; its number of arguments is read from its signature.
        limits: what expressions may cost.
        strict: whether unknown functions and wrong numbers of arguments are refused by ``compile``; otherwise they are evaluation errors.
        context_functions: names of functions without arguments whose value an evaluation finds in the snapshot under the
            name with ``()``, a key that no expression can spell.
    """

    __slots__ = ("context_functions", "functions", "limits", "strict")

    def __init__(
        self,
        functions: Mapping[str, Function | Callable[..., Any]] = STANDARD,
        limits: Limits = Limits(),  # noqa: B008  # immutable
        *,
        strict: bool = True,
        context_functions: Iterable[str] = _NOTHING,
    ) -> None:
        self.functions: Mapping[str, Function] = (
            STANDARD
            if functions is STANDARD
            else MappingProxyType(
                {name: host_function(name, function) for name, function in functions.items()}
            )
        )
        self.limits = limits
        self.strict = strict
        self.context_functions = frozenset(context_functions)

    def compile(self, source: str) -> Expression:
        """Compile an expression.

        Raises:
            ParseError: it is none.
            StaticError: it calls what does not exist, or wrongly (strict only).
            LimitError: it is too large.
        """
        try:
            tree = parse(source, self.limits)
            program = compile_tree(
                tree, self.functions, self.context_functions, self.limits, strict=self.strict
            )
        except ExpressionFailure as failure:
            _complete(failure, source)
            raise
        except RecursionError:
            raise _too_deep(source) from None
        return Expression(source, tree, program, self.limits, self._names())

    def condition(self, source: str) -> Expression:
        """Compile a condition: a bare expression, or exactly one whole hole.

        Raises:
            StaticError: there is text around the hole, or more than one.
            ParseError, LimitError: as ``compile``; offsets are those of the text inside the hole.
        """
        return self.compile(condition_source(source, self.limits)[0])

    def template(self, source: str) -> Template:
        """Compile a text with holes.

        Raises:
            ParseError, StaticError, LimitError: as ``compile``; offsets are those of the template.
        """
        return make_template(source, self.limits, self.compile)

    def check(self, source: str, scope: Scope | None = None) -> list[Diagnostic]:
        """Return what is wrong or doubtful with an expression, in the order of the source. Never raises."""
        return check_expression(source, self, scope or Scope())

    def check_template(self, source: str, scope: Scope | None = None) -> list[Diagnostic]:
        """Return what is wrong or doubtful with a template; offsets are those of the template. Never raises."""
        return check_template(source, self, scope or Scope())

    def check_condition(self, source: str, scope: Scope | None = None) -> list[Diagnostic]:
        """Return what is wrong or doubtful with a condition, bare or as one whole hole; offsets are those of ``source``. Never raises."""
        return check_condition(source, self, scope or Scope())

    def _names(self) -> frozenset[str]:
        return _STANDARD_NAMES if self.functions is STANDARD else frozenset(self.functions)


_STANDARD_NAMES: Final = frozenset(STANDARD)
