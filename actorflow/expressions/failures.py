"""What can be wrong with an expression, as errors and as diagnostics.

    ExpressionError (actorflow.errors)
    └── ExpressionFailure
        ├── ParseError        E1xx  the text is no expression
        ├── StaticError       E2xx  it can be seen, without evaluating, that it cannot work
        ├── EvaluationError   E3xx  it does not work over this snapshot; `||`, `try`, `??` and the like may absorb it
        └── LimitError        E4xx  it asks for too much; never absorbed

Every failure carries a code, a span of the source and a hint. Messages name types, names and positions, never values:
a value may be a secret, or may be large. Must not know what a workflow is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Literal, TypeAlias

from actorflow.errors import ExpressionError

__all__ = [
    "CODES",
    "Diagnostic",
    "EvaluationError",
    "ExpressionFailure",
    "Kind",
    "LimitError",
    "ParseError",
    "StaticError",
    "excerpt",
    "suggestion",
]

Kind: TypeAlias = Literal["parse", "static", "eval", "limit"]

CODES: dict[str, str] = {
    "E100": "the text is not an expression: something is missing or stands in the wrong place",
    "E101": "a character that no expression contains (only ASCII outside strings and comments)",
    "E102": "a string, a quoted key or a hole is not closed",
    "E103": "an escape sequence that strings do not know, or a code point that is no character",
    "E104": "an integer that does not fit in 64 bits, or a number that does not fit in a double",
    "E105": "a reserved word used as a name",
    "E106": "the expression is empty",
    "E107": "a hole inside an expression: holes are not nested",
    "E201": "unknown function",
    "E202": "wrong number of arguments, or a macro written in another form than its own",
    "E203": "unknown name",
    "E204": "a name that may not be used here",
    "E205": "a field that the value is known not to have",
    "E206": "an operator or function that never works for values of these types",
    "E207": "a condition with text around its hole, or more than one hole",
    "E208": "a condition that can never be true or false",
    "E209": "a computed key where only a constant one can be checked",
    "W251": "a condition that is always the same",
    "W252": "a value that may be missing, read without `?.`, `??` or a check",
    "W253": "a comparison with a value that the other side never has",
    "E301": "the snapshot has no such name",
    "E302": "a map has no such key, or null was read from",
    "E303": "a field or an index of something that has none",
    "E304": "an index outside the list",
    "E305": "an operator does not work for values of these types",
    "E306": "a boolean is needed",
    "E307": "integer overflow, or a number outside the range of its type",
    "E308": "division by zero",
    "E309": "a value cannot be converted",
    "E310": "a function got an argument it cannot take",
    "E311": "a function that does not exist was called (not strict only)",
    "E312": "a map key that is neither a string, an integer nor a boolean, or a key given twice",
    "E313": "null in a text",
    "E314": "a regular expression that RE2 does not accept",
    "E315": "a value of the snapshot that the language does not have",
    "E401": "the source is too long",
    "E402": "brackets are nested too deeply",
    "E403": "the expression is nested too deeply",
    "E404": "the expression has too many parts",
    "E405": "the evaluation takes too many steps",
    "E406": "a string becomes too long",
    "E407": "the evaluation needs too much memory",
    "E408": "the result has too many elements",
    "E409": "a regular expression is too long or needs too much memory",
}
"""Every code there is, with what it means; the reference page is generated from it."""


def suggestion(name: str, known: Iterable[object]) -> str:
    """Return the known name nearest to ``name``, or "". Looks at the first 200 candidates only."""
    import difflib

    texts = [text for text in islice(known, 200) if isinstance(text, str) and len(text) <= 80]
    near = difflib.get_close_matches(name[:80], texts, n=1, cutoff=0.6)
    return near[0] if near else ""


class ExpressionFailure(ExpressionError):
    """Anything that is wrong with an expression.

    Attributes:
        kind: ``"parse"``, ``"static"``, ``"eval"`` or ``"limit"``.
        code: a stable code, see ``CODES``.
        message: one line, without values.
        start: offset of the first character concerned in ``source``.
        end: offset after the last one.
        source: the whole expression.
    """

    kind: ClassVar[Kind] = "eval"

    def __init__(
        self,
        code: str,
        message: str,
        start: int = 0,
        end: int = 0,
        *,
        source: str = "",
        hint: str = "",
        near: tuple[str, Iterable[object]] | None = None,
    ) -> None:
        # The base class's constructor is passed by: `hint` is worked out on demand here, because most evaluation
        # errors are absorbed and nobody reads their hint.
        Exception.__init__(self, message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.source = source
        self._hint = hint
        self._near = near

    @property
    def hint(self) -> str:  # type: ignore[override]  # the base class has a plain attribute
        """What the reader can do about it, or ""."""
        if self._near is not None:
            name, known = self._near
            self._near = None
            near = suggestion(name, known)
            said = f"did you mean '{near}'?" if near else ""
            self._hint = f"{said} {self._hint}".strip()
        return self._hint

    def __str__(self) -> str:
        head = f"error[{self.code}]: {self.message}"
        return "\n".join(
            filter(None, [head, excerpt(self.source, self.start, self.end), self.hint and f"    {self.hint}"])
        )

    def __reduce__(self) -> tuple[object, ...]:
        facts = (self.code, self.message, self.start, self.end)
        return (_rebuild, (type(self), facts, self.source, self.hint))

    def diagnostic(self) -> Diagnostic:
        """Return the same facts as a value."""
        return Diagnostic(self.code, self.message, self.start, self.end, self.hint, "error", self.kind)


def _rebuild(
    cls: type[ExpressionFailure], facts: tuple[str, str, int, int], source: str, hint: str
) -> ExpressionFailure:
    return cls(*facts, source=source, hint=hint)


class ParseError(ExpressionFailure):
    """The text is no expression (or no template)."""

    kind = "parse"


class StaticError(ExpressionFailure):
    """The expression cannot work, whatever the snapshot holds."""

    kind = "static"


class EvaluationError(ExpressionFailure):
    """The expression does not work over this snapshot."""

    kind = "eval"


class LimitError(ExpressionFailure):
    """The expression asks for more than the limits allow. No construct of the language absorbs it."""

    kind = "limit"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding of a static check.

    Attributes:
        code: see ``CODES``.
        message: one line, without values.
        start: offset of the first character concerned.
        end: offset after the last one.
        hint: what to do about it, or "".
        severity: an error forbids the use, a warning does not.
        kind: the kind of failure it would be.
    """

    code: str
    message: str
    start: int
    end: int
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    kind: Kind = "static"

    def render(self, source: str) -> str:
        """Return the finding in words, with the line of ``source`` concerned and a caret."""
        head = f"{self.severity}[{self.code}]: {self.message}"
        shown = excerpt(source, self.start, self.end)
        return "\n".join(filter(None, [head, shown, self.hint and f"    {self.hint}"]))


def excerpt(source: str, start: int, end: int, *, width: int = 100) -> str:
    """Return the line of ``source`` that ``start`` lies on, cut to ``width``, with carets under the span; "" for no source."""
    if not source.strip():
        return ""
    start = min(max(start, 0), len(source))
    begin = source.rfind("\n", 0, start) + 1
    stop = source.find("\n", start)
    stop = len(source) if stop < 0 else stop
    shift = max(0, start - begin - width // 2)
    line = "".join(c if c.isprintable() else "�" for c in source[begin + shift : stop].rstrip("\r")[:width])
    column = start - begin - shift
    carets = max(1, min(end, stop) - start)
    return f"    {line}\n    {' ' * column}{'^' * min(carets, max(1, len(line) - column))}"
