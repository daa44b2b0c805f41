"""What one compilation knows: the functions, the macro variables in scope, and how large the expression has become.

The parts of the compiler (``access``, ``operators``, ``macros``, ``calls``) take a ``Context`` and a node and give a *closure*:
a function of the frame that gives the node's value. ``Context.compile`` counts, bounds the depth, and dispatches. Must not
evaluate anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from actorflow.expressions.failures import EvaluationError, ExpressionFailure, LimitError
from actorflow.expressions.limits import FIRST_VARIABLE, Frame, Limits
from actorflow.expressions.syntax import Node

if TYPE_CHECKING:
    from actorflow.expressions.functions.registry import Function

__all__ = ["Closure", "Context", "located", "raising"]

Closure: TypeAlias = Callable[[Frame], Any]
"""A compiled node: frame -> value."""


class Context:
    """The state of one compilation.

    Attributes:
        functions: name -> function.
        context_functions: names of functions whose value the snapshot gives.
        strict: whether unknown functions are static errors.
        limits: the limits of the environment.
        variables: macro variable -> its place in the frame.
        size: the places a frame needs.
        nodes: nodes compiled so far.
        cost: nodes that are evaluated once whenever the current body is; bodies of inner macros pay for themselves.
    """

    __slots__ = (
        "_depth",
        "_table",
        "context_functions",
        "cost",
        "functions",
        "limits",
        "nodes",
        "size",
        "strict",
        "variables",
    )

    def __init__(
        self,
        functions: Mapping[str, Function],
        context_functions: frozenset[str],
        limits: Limits,
        *,
        strict: bool,
        table: Mapping[type, Callable[[Context, Any], Closure]],
    ) -> None:
        self.functions = functions
        self.context_functions = context_functions
        self.strict = strict
        self.limits = limits
        self.variables: dict[str, int] = {}
        self.size = FIRST_VARIABLE
        self.nodes = 0
        self.cost = 0
        self._depth = 0
        self._table = table

    def compile(self, node: Node) -> Closure:
        """Return the closure of ``node``."""
        self.count(node, 1)
        depth = self._depth = self._depth + 1
        if depth > self.limits.depth:
            raise LimitError(
                "E403",
                "the expression is nested too deeply",
                node.start,
                node.end,
                hint=f"at most {self.limits.depth} deep is allowed",
            )
        closure = self._table[type(node)](self, node)
        self._depth = depth - 1
        return closure

    def count(self, node: Node, nodes: int) -> None:
        """Count nodes; parts of the compiler that read nodes without compiling them tell it so."""
        self.cost += nodes
        self.nodes += nodes
        if self.nodes > self.limits.nodes:
            raise LimitError(
                "E404",
                "the expression has too many parts",
                node.start,
                node.end,
                hint=f"at most {self.limits.nodes:,} are allowed",
            )

    def body(self, names: tuple[str, ...], *bodies: Node) -> tuple[tuple[int, ...], tuple[Closure, ...], int]:
        """Compile the bodies of a macro with its variables in scope.

        Returns:
            The places of the variables, the closures, and what one turn costs.
        """
        outer, cost, size = self.variables, self.cost, self._next_place()
        places = tuple(range(size, size + len(names)))
        self.variables = {**outer, **dict(zip(names, places, strict=True))}
        self.size = max(self.size, size + len(names))
        closures = tuple(self.compile(body) for body in bodies)
        turn = self.cost - cost
        self.variables, self.cost = outer, cost
        return places, closures, turn

    def _next_place(self) -> int:
        return max(self.variables.values(), default=FIRST_VARIABLE - 1) + 1


def raising(failure: Callable[[], ExpressionFailure]) -> Closure:
    """Return a closure that raises; what ``strict=False`` makes of a static error."""

    def run(_: Frame) -> Any:
        raise failure()

    return run


def located(node: Node, operation: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``operation`` with its errors pointing at ``node``."""
    start, end = node.start, node.end

    def run(*arguments: Any) -> Any:
        try:
            return operation(*arguments)
        except (EvaluationError, LimitError) as failure:
            if not failure.end:
                failure.start, failure.end = start, end
            raise

    return run
