"""Texts with holes: ``${…}`` and ``$<…>``.

A template is cut into plain text and holes once, when it is compiled; what an evaluation puts into a hole is never looked at
again. ``$${`` and ``$$<`` stand for themselves less one ``$``; every other ``$`` is plain text. A template that is one whole hole keeps
the type of its value. One rendering has one budget for all its holes. Must not find a hole by anything but brackets and quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

from actorflow.expressions.context import Closure
from actorflow.expressions.failures import ExpressionFailure, LimitError, ParseError, StaticError
from actorflow.expressions.kinds import SCALARS, Secret, Value
from actorflow.expressions.limits import STEPS, TAINT, Frame, Limits, allocate_text
from actorflow.expressions.parsing import skip_string
from actorflow.expressions.references import Reference
from actorflow.expressions.results import finish, text_of

if TYPE_CHECKING:
    from actorflow.expressions.environment import Expression

__all__ = ["Hole", "Template", "condition_source", "cut_template", "make_template"]

MOST_HOLES: Final = 1_000
"""More holes than this are more than a template has; compiling each takes time."""

# `$${` is text wherever it stands, so a hole starts at a `$` that no other one precedes.
_MARK: Final = re.compile(r"(?<!\$)\$[{<]")
_ESCAPED: Final = re.compile(r"\$\$(?=[{<])")
_SCAN: Final = re.compile(r"""//[^\n]*|[rR]?[bB]?[rR]?(?:"{3}|'{3}|"|')|[(\[{]|[)\]}]|>""")
_OPENING: Final = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole of a template.

    Attributes:
        expression: what stands in it.
        start: offset of its ``$``.
        end: offset after its closing bracket.
    """

    expression: Expression
    start: int
    end: int

    @property
    def offset(self) -> int:
        """Where the text of the expression starts in the template."""
        return self.start + 2


@dataclass(frozen=True, slots=True)
class Raw:
    """A hole that has been found but not compiled."""

    source: str
    start: int
    end: int


@final
class Template:
    """A compiled template; made by ``Environment.template``.

    Attributes:
        source: the text it was made of.
        segments: plain text and holes, in order; no text is empty.
        is_single: whether it is exactly one hole, whose value keeps its type.
        render: snapshot -> text, or the value if ``is_single``. Raises ``EvaluationError`` or ``LimitError``, with offsets of the
            template. If a secret was looked into or put into the text, the result is a ``Secret``.
    """

    __slots__ = ("is_single", "render", "segments", "source")

    render: Callable[[Mapping[str, Value]], Value]

    def __init__(self, source: str, segments: tuple[str | Hole, ...], limits: Limits) -> None:
        self.source = source
        self.segments = segments
        self.is_single = len(segments) == 1 and type(segments[0]) is Hole
        self.render = (
            _single(source, self.holes[0]) if self.is_single else _renderer(source, segments, limits)
        )

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The holes alone."""
        return tuple(segment for segment in self.segments if isinstance(segment, Hole))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references of all holes; offsets are those of the template."""
        return tuple(
            replace(
                reference,
                start=reference.start + hole.offset,
                end=reference.end + hole.offset,
                key_starts=tuple(start + hole.offset for start in reference.key_starts),
            )
            for hole in self.holes
            for reference in hole.expression.references
        )

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of everything its holes call, sorted."""
        return tuple(sorted({name for hole in self.holes for name in hole.expression.functions}))


def shift(failure: ExpressionFailure, source: str, offset: int) -> None:
    """Move a failure of a hole's expression to its place in the template."""
    failure.source = source
    failure.start += offset
    failure.end += offset


def _single(source: str, hole: Hole) -> Callable[[Mapping[str, Value]], Value]:
    evaluate, offset = hole.expression.evaluate, hole.offset

    def render(snapshot: Mapping[str, Value]) -> Value:
        try:
            return evaluate(snapshot)
        except ExpressionFailure as failure:
            if failure.source == hole.expression.source:
                shift(failure, source, offset)
            raise

    return render


def _renderer(
    source: str, segments: tuple[str | Hole, ...], limits: Limits
) -> Callable[[Mapping[str, Value]], Value]:
    pieces = tuple(segment if isinstance(segment, str) else _piece(segment) for segment in segments)
    programs = [hole.expression.program for hole in segments if isinstance(hole, Hole)]
    variables = [None] * max((program.variables for program in programs), default=0)
    steps, room = limits.steps - sum(program.nodes for program in programs), limits.allocation

    def render(snapshot: Mapping[str, Value]) -> Value:
        frame: Frame = [snapshot, steps, room, False, limits, *variables]
        parts: list[str] = []
        piece: Any = ""
        try:
            for piece in pieces:
                if type(piece) is str:
                    parts.append(piece)
                    continue
                value = piece[0](frame)
                parts.append(value if type(value) is str else _text(frame, value, piece[2]))
        except ExpressionFailure as failure:
            _settle(failure, source, piece[1])
            raise
        except RecursionError:
            raise LimitError(
                "E403", "Python's stack is too full for this template", 0, 1, source=source
            ) from None
        text = "".join(parts)
        if len(text) > 4096:
            _check_length(frame, text, source, limits)
        return Secret(text) if frame[TAINT] else text

    return render


def _piece(hole: Hole) -> tuple[Closure, Hole, bool]:
    return (hole.expression.program.run, hole, hole.expression.program.given)


def _text(frame: Frame, value: Value, given: bool) -> str:
    if type(value) not in SCALARS:
        value = finish(frame, value, given=given)
    if frame[STEPS] < 0:
        raise LimitError("E405", "the template takes too many steps")
    return text_of(frame, value)


def _settle(failure: ExpressionFailure, source: str, hole: Hole) -> None:
    """Give a failure of one hole its place in the template."""
    if failure.source:
        return  # a host's function has evaluated an expression of its own
    if not failure.end:
        failure.end = len(hole.expression.source)
    shift(failure, source, hole.offset)


def _check_length(frame: Frame, text: str, source: str, limits: Limits) -> None:
    try:
        if len(text) > limits.template:
            raise LimitError(
                "E406",
                "the text becomes too long",
                hint=f"at most {limits.template:,} characters are allowed",
            )
        allocate_text(frame, len(text))
    except LimitError as failure:
        failure.source, failure.end = source, len(source)
        raise


def cut_template(source: str, limits: Limits) -> list[str | Raw]:
    """Cut a template into plain text and holes.

    Raises:
        ParseError: a hole is not closed.
        LimitError: the template is too long, a hole too deep, or there are too many.
    """
    if len(source) > limits.template:
        raise LimitError(
            "E401",
            "the template is too long",
            0,
            1,
            hint=f"at most {limits.template:,} characters are allowed",
        )
    segments: list[str | Raw] = []
    position = holes = 0
    while (mark := _MARK.search(source, position)) is not None:
        end = _hole_end(source, mark.start(), mark.end(), limits)
        _add_text(segments, source[position : mark.start()])
        segments.append(Raw(source[mark.end() : end - 1], mark.start(), end))
        position, holes = end, holes + 1
        if holes > MOST_HOLES:
            raise LimitError(
                "E404",
                "the template has too many holes",
                mark.start(),
                end,
                hint=f"at most {MOST_HOLES:,} are allowed",
            )
    _add_text(segments, source[position:])
    return segments


def _add_text(segments: list[str | Raw], text: str) -> None:
    if text:
        segments.append(_ESCAPED.sub("$", text))


def _hole_end(source: str, start: int, position: int, limits: Limits) -> int:
    """Return the offset behind the hole that starts at ``start`` and whose text starts at ``position``."""
    closing = "}" if source[start + 1] == "{" else ">"
    open_brackets: list[str] = []
    stop = position + limits.source
    while (token := _SCAN.search(source, position)) is not None and token.start() <= stop:
        text, position = token[0], token.end()
        if text == closing and not open_brackets:
            return position
        if text in "([{":
            open_brackets.append(text)
            if len(open_brackets) > limits.brackets:
                raise LimitError(
                    "E402",
                    "brackets are nested too deeply",
                    token.start(),
                    position,
                    hint=f"at most {limits.brackets} deep is allowed",
                )
        elif text in ")]}":
            if not open_brackets or open_brackets.pop() != _OPENING[text]:
                raise ParseError("E100", f"'{text}' closes nothing", token.start(), position)
        elif text != ">" and not text.startswith("//"):
            position = skip_string(source, text, position)
    if len(source) > stop:
        raise LimitError(
            "E401",
            "the hole is too long",
            start,
            start + 2,
            hint=f"at most {limits.source:,} characters are allowed",
        )
    raise ParseError(
        "E102",
        "the hole is not closed",
        start,
        start + 2,
        hint=f"end it with {closing}, or write $${source[start + 1]} for the text itself",
    )


def make_template(source: str, limits: Limits, compile_source: Callable[[str], Expression]) -> Template:
    """Compile the holes of ``source``."""
    try:
        cut = cut_template(source, limits)
    except ExpressionFailure as failure:
        failure.source = source
        raise
    segments: list[str | Hole] = []
    for segment in cut:
        if isinstance(segment, str):
            segments.append(segment)
            continue
        try:
            segments.append(Hole(compile_source(segment.source), segment.start, segment.end))
        except ExpressionFailure as failure:
            shift(failure, source, segment.start + 2)
            raise
    return Template(source, tuple(segments), limits)


def condition_source(source: str, limits: Limits) -> tuple[str, int]:
    """Return the expression of a condition, and where it starts: all of ``source``, or what is inside its one hole.

    Raises:
        StaticError: there is text around the hole, or more than one hole.
    """
    if not _MARK.search(source):
        return source, 0
    try:
        cut = cut_template(source, limits)
    except ExpressionFailure as failure:
        failure.source = source
        raise
    holes = [segment for segment in cut if isinstance(segment, Raw)]
    if not holes:
        return source, 0
    around = "".join(segment for segment in cut if isinstance(segment, str)).strip()
    if len(holes) > 1 or around:
        raise StaticError(
            "E207",
            "a condition is one expression, without text around it",
            holes[0].start,
            holes[0].end,
            source=source,
            hint="write the names without ${ }, as in a.status == 'success' && b.output > 3",
        )
    return holes[0].source, holes[0].start + 2
