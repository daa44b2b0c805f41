"""Static checks: everything that can be said about an expression without evaluating it.

``check_expression`` gives all findings at once: what does not parse, unknown functions and names (with the nearest that exist), wrong
numbers of arguments, fields a schema does not have, operators that can never work, values that may be absent. Templates and conditions
are checked hole by hole. Nothing here raises, whatever the text. Must not know what the names of the scope stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actorflow.expressions.calls import resolve
from actorflow.expressions.compiler import compile_tree
from actorflow.expressions.failures import Diagnostic, ExpressionFailure, LimitError, StaticError, suggestion
from actorflow.expressions.inference import SCHEMA_KINDS, infer, mismatch
from actorflow.expressions.parsing import parse
from actorflow.expressions.references import Reference, Visit, find_references, inner_scopes
from actorflow.expressions.schemas import inner_schema, no_field, wrong_step
from actorflow.expressions.scope import NameInfo, Scope
from actorflow.expressions.syntax import (
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    Constant,
    Index,
    Logical,
    Name,
    Node,
    Not,
    Select,
)
from actorflow.expressions.templates import Raw, condition_source, cut_template

if TYPE_CHECKING:
    from actorflow.expressions.environment import Environment

__all__ = ["check_condition", "check_expression", "check_template"]


def check_expression(
    source: str, environment: Environment, scope: Scope, *, condition: bool = False
) -> list[Diagnostic]:
    """Check an expression; as a condition it must also be able to be true and false."""
    try:
        tree = parse(source, environment.limits)
        compile_tree(
            tree, environment.functions, environment.context_functions, environment.limits, strict=False
        )
    except ExpressionFailure as failure:
        return [failure.diagnostic()]
    except RecursionError:
        return [LimitError("E403", "the expression is nested too deeply", 0, len(source)).diagnostic()]
    checker = _Checker(environment, scope, tree)
    found = [*checker.calls_and_types(), *checker.names()]
    if condition:
        found.extend(checker.condition())
    return sorted(
        dict.fromkeys(found), key=lambda diagnostic: (diagnostic.start, diagnostic.end, diagnostic.code)
    )


def check_template(source: str, environment: Environment, scope: Scope) -> list[Diagnostic]:
    """Check every hole of a template."""
    try:
        cut = cut_template(source, environment.limits)
    except ExpressionFailure as failure:
        return [failure.diagnostic()]
    return [
        _shifted(diagnostic, hole.start + 2)
        for hole in cut
        if isinstance(hole, Raw)
        for diagnostic in check_expression(hole.source, environment, scope)
    ]


def check_condition(source: str, environment: Environment, scope: Scope) -> list[Diagnostic]:
    """Check a condition, bare or as one whole hole."""
    try:
        inner, offset = condition_source(source, environment.limits)
    except ExpressionFailure as failure:
        return [failure.diagnostic()]
    return [
        _shifted(diagnostic, offset)
        for diagnostic in check_expression(inner, environment, scope, condition=True)
    ]


def _shifted(diagnostic: Diagnostic, offset: int) -> Diagnostic:
    return (
        replace(diagnostic, start=diagnostic.start + offset, end=diagnostic.end + offset)
        if offset
        else diagnostic
    )


class _Checker:
    """The checks of one expression."""

    def __init__(self, environment: Environment, scope: Scope, tree: Node) -> None:
        self.functions = environment.functions
        self.context_functions = environment.context_functions
        self.scope = scope
        self.tree = tree
        self.known = frozenset(environment.functions)
        self.references = find_references(tree, self.known)
        self.by_span = {(reference.start, reference.end): reference for reference in self.references}
        self.kinds: dict[int, str] = {}

    # Calls and types: a walk over the tree, each node with the macro variables in scope.

    def calls_and_types(self) -> Iterator[Diagnostic]:
        """Yield unknown functions, wrong calls and operators that never work."""
        waiting = [Visit(self.tree, frozenset(), optional=False)]
        while waiting:
            visit = waiting.pop()
            if isinstance(visit.node, Call):
                yield from self._call(visit.node, visit.bound)
            yield from self._types(visit.node, visit.bound)
            waiting.extend(inner_scopes(visit, self.known))

    def _call(self, node: Call, bound: frozenset[str]) -> Iterator[Diagnostic]:
        try:
            resolve(node, self.functions, self.context_functions, bound)
        except StaticError as wrong:
            yield wrong.diagnostic()

    def _kind(self, node: Node, bound: frozenset[str]) -> str:
        found = self.kinds.get(id(node))
        if found is None:
            found = self.kinds[id(node)] = infer(node, lambda path: self._path_kind(path, bound))
        return found

    def _path_kind(self, node: Node, bound: frozenset[str]) -> str:
        schema = self._path_schema(node, bound)
        name = schema.get("type") if schema is not None else None
        return SCHEMA_KINDS.get(name, "") if isinstance(name, str) else ""

    def _path_schema(self, node: Node, bound: frozenset[str]) -> Mapping[str, Any] | None:
        """Return the schema of a path without optional parts, if the scope knows one."""
        reference = self.by_span.get((node.start, node.end))
        if reference is None or reference.optional or reference.computed or _root(node) in bound:
            return None
        return _schema_at(self._info(reference))

    def _types(self, node: Node, bound: frozenset[str]) -> Iterator[Diagnostic]:
        match node:
            case (
                Arithmetic(operator=operator, left=left, right=right)
                | Comparison(operator=operator, left=left, right=right)
            ):
                yield from self._operands(node, operator, left, right, bound)
            case Logical(operands=operands):
                for operand in operands:
                    yield from self._needs_bool(operand, bound)
            case Not(operand=test) | Conditional(test=test):
                yield from self._needs_bool(test, bound)
            case Index(target=target) if self._kind(target, bound) in {
                "int",
                "double",
                "bool",
                "string",
                "null",
            }:
                yield Diagnostic("E206", f"{self._kind(target, bound)} has no elements", node.start, node.end)

    def _operands(
        self, node: Node, operator: str, left: Node, right: Node, bound: frozenset[str]
    ) -> Iterator[Diagnostic]:
        first, second = self._kind(left, bound), self._kind(right, bound)
        if mismatch(operator, first, second):
            message = f"'{operator}' does not work for {first or 'any value'} and {second or 'any value'}"
            hint = (
                "string(x) makes a text of a value" if operator == "+" and "string" in {first, second} else ""
            )
            yield Diagnostic("E206", message, node.start, node.end, hint)
        elif operator in {"==", "!="}:
            yield from self._never_equal(node, left, right, bound)

    def _never_equal(
        self, node: Node, left: Node, right: Node, bound: frozenset[str]
    ) -> Iterator[Diagnostic]:
        for path, literal in ((left, right), (right, left)):
            schema = self._path_schema(path, bound) if isinstance(path, Name | Select | Index) else None
            allowed = schema.get("enum") if schema is not None else None
            if (
                isinstance(allowed, list | tuple)
                and isinstance(literal, Constant)
                and literal.value not in allowed
            ):
                near = suggestion(str(literal.value), allowed) if isinstance(literal.value, str) else ""
                words = ", ".join(str(value) for value in allowed[:12])
                hint = (f"did you mean '{near}'? " if near else "") + f"(it is one of: {words})"
                yield Diagnostic(
                    "W253", "the two sides can never be equal", node.start, node.end, hint, "warning"
                )

    def _needs_bool(self, node: Node, bound: frozenset[str]) -> Iterator[Diagnostic]:
        found = self._kind(node, bound)
        if found not in {"", "bool"}:
            yield Diagnostic(
                "E206",
                f"a bool is needed here, not {found}",
                node.start,
                node.end,
                "compare it, as in x != ''",
            )

    # Names: the references one by one.

    def names(self) -> Iterator[Diagnostic]:
        """Yield unknown and forbidden names, unknown fields, and what may be absent."""
        if self.scope.names is None:
            return
        for reference in self.references:
            if reference.root not in self.scope.names:
                if not reference.type_name:
                    yield self._unknown(reference.root, self.scope.names, reference.start, self.scope.noun)
                continue
            yield from self._name(reference, self.scope.names[reference.root], reference.path, 0)

    def _unknown(self, name: str, names: Iterable[str], start: int, noun: str) -> Diagnostic:
        near = suggestion(name, names)
        hint = " ".join(
            filter(
                None, [f"did you mean '{near}'?" if near else "", self.scope.note and f"({self.scope.note})"]
            )
        )
        return Diagnostic("E203", f"unknown {noun} '{name}'", start, start + len(name), hint)

    def _name(
        self, reference: Reference, info: NameInfo | None, path: tuple[str | int, ...], depth: int
    ) -> Iterator[Diagnostic]:
        if info is None:
            return
        if info.error is not None:
            yield Diagnostic("E204", info.error, reference.start, reference.end, info.hint)
        elif info.members is not None:
            yield from self._member(reference, info, path, depth)
        else:
            yield from self._field(reference, info, path, depth)
            yield from self._guard(reference, info, path)

    def _member(
        self, reference: Reference, info: NameInfo, path: tuple[str | int, ...], depth: int
    ) -> Iterator[Diagnostic]:
        members = info.members or {}
        if not path:
            if reference.computed:
                message = f"'{reference.root}' needs a constant key here"
                yield Diagnostic(
                    "E209", message, reference.start, reference.end, f"write {reference.root}['name']"
                )
            return
        member = path[0]
        if member in members:
            yield from self._name(reference, members[str(member)], path[1:], depth + 1)
        elif not reference.optional:
            start, end = (
                reference.key_starts[depth],
                reference.end if len(path) == 1 else reference.key_starts[depth + 1],
            )
            found = self._unknown(str(member), members, start, info.kind)
            yield replace(found, end=min(end, start + len(str(member)) + 2) if end > start else found.end)

    def _field(
        self, reference: Reference, info: NameInfo, path: tuple[str | int, ...], depth: int
    ) -> Iterator[Diagnostic]:
        if not path:
            return
        start = reference.key_starts[depth]
        if info.fields is not None and path[0] not in info.fields:
            yield no_field(str(path[0]), f"a {info.kind}", info.fields, start)
            return
        schema: Any = info.schema
        for place, key in enumerate(path):
            if not isinstance(schema, Mapping):
                return
            wrong = wrong_step(schema, key, reference.key_starts[depth + place])
            if wrong is not None and (place or info.fields is None):
                yield wrong
                return
            schema = inner_schema(schema, key)

    def _guard(
        self, reference: Reference, info: NameInfo, path: tuple[str | int, ...]
    ) -> Iterator[Diagnostic]:
        if info.warn_unless_guarded is None or reference.optional:
            return
        if info.guarded_fields and (
            not path or path[0] not in info.guarded_fields or self._looked_at(reference, info)
        ):
            return
        yield Diagnostic(
            "W252", info.warn_unless_guarded, reference.start, reference.end, info.hint, "warning"
        )

    def _looked_at(self, reference: Reference, info: NameInfo) -> bool:
        """Whether the expression looks at another field of the same name (a status check), or calls a context function."""
        if any(
            isinstance(v.node, Call) and v.node.function in self.context_functions
            for v in _walk(self.tree, self.known)
        ):
            return True
        depth = len(reference.path) - len(_tail(reference, info))
        before = reference.path[:depth]
        for other in self.references:
            if other.root == reference.root and other.path[:depth] == before:
                rest = other.path[depth:]
                if other.optional or (rest and rest[0] not in info.guarded_fields):
                    return True
        return False

    def _info(self, reference: Reference) -> tuple[NameInfo | None, tuple[str | int, ...]]:
        """Return the facts about what a reference reads, and the part of its path that lies within."""
        info = self.scope.names.get(reference.root) if self.scope.names is not None else None
        path = reference.path
        while info is not None and info.members is not None and path:
            info, path = info.members.get(str(path[0])), path[1:]
        return info, path

    # Conditions.

    def condition(self) -> Iterator[Diagnostic]:
        """Yield what is wrong with the expression as a condition."""
        found = self._kind(self.tree, frozenset())
        start, end = self.tree.start, self.tree.end
        if found not in {"", "bool"}:
            yield Diagnostic(
                "E208", f"a condition is true or false, not {found}", start, end, "compare it, as in x != ''"
            )
        elif not self.references and not any(
            self._is_open(visit.node) for visit in _walk(self.tree, self.known)
        ):
            yield Diagnostic(
                "W251", "the condition is always the same", start, end, "it reads no name", "warning"
            )

    def _is_open(self, node: Node) -> bool:
        return isinstance(node, Call) and node.function in self.context_functions


def _tail(reference: Reference, info: NameInfo) -> tuple[str | int, ...]:
    """Return the part of a path from the field that the guard is about."""
    for place, key in enumerate(reference.path):
        if key in info.guarded_fields:
            return reference.path[place:]
    return ()


def _root(node: Node) -> str:
    while isinstance(node, Select | Index):
        node = node.target
    return node.name if isinstance(node, Name) else ""


def _walk(tree: Node, functions: frozenset[str]) -> Iterator[Visit]:
    waiting = [Visit(tree, frozenset(), optional=False)]
    while waiting:
        visit = waiting.pop()
        yield visit
        waiting.extend(inner_scopes(visit, functions))


def _schema_at(found: tuple[NameInfo | None, tuple[str | int, ...]]) -> Mapping[str, Any] | None:
    info, path = found
    schema: Any = info.schema if info is not None else None
    for key in path:
        schema = inner_schema(schema, key) if isinstance(schema, Mapping) else None
    return schema if isinstance(schema, Mapping) else None
