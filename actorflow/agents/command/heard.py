"""What a program has said so far: its lines come in, what matters of them is kept.

Takes lines as they were printed and the rules of its description; gives text, session, tokens, cost and error,
and for each line what a person may see live. A line that is no JSON object is counted and skipped. Pure: knows
neither processes nor files; what it keeps is bounded by what an output may have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import msgspec

from actorflow.agents.command.rules import OutputRules, Rule, fits
from actorflow.agents.command_output import MAX_OUTPUT_BYTES
from actorflow.agents.parameters import as_text
from actorflow.values import freeze

__all__ = ["Heard", "Said"]

_LONGEST_SESSION: Final = 200
_LONGEST_ERROR: Final = 4_000
_LONGEST_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Said:
    """Something to show live: of kind ``text``, ``tool``, or ``output`` for a line that is no message."""

    kind: str
    text: str


@dataclass(slots=True)
class Heard:
    """What was said.

    Attributes:
        session: the id of the session; "" until it is known.
        cost_usd: None until something is said about it, which is not zero.
        error: why the program has failed, in its words; "" when it has not said so.
        objects: how many JSON objects there were.
        skipped: how many lines were none.
        first_skipped: the beginning of the first of those.
        notes: what was changed on the way.
        is_too_long: there was more text than an output may have.
    """

    rules: OutputRules
    session: str = ""
    tokens: int | None = None
    cost_usd: float | None = None
    error: str = ""
    objects: int = 0
    skipped: int = 0
    first_skipped: str = ""
    notes: tuple[str, ...] = ()
    is_too_long: bool = False
    _text: StringIO | None = None  # not a list: a stream of single characters would take fifty times its size
    _size: int = 0
    _result: str | None = None

    @property
    def answer(self) -> str | None:
        """The answer as far as it is known; None when nothing was said."""
        if self._result is not None:
            return self._result
        return None if self._text is None else self._text.getvalue()

    def line(self, line: bytes) -> Iterator[Said]:
        """Take one line; yield what is to be shown."""
        if not line.strip():
            return
        try:
            thing = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            thing = None
        if not isinstance(thing, dict):
            yield Said("output", self.skip(line))
            return
        yield from self.thing(thing)

    def whole(self, text: str, notes: tuple[str, ...] = ()) -> None:
        """Take all that was printed as the answer."""
        self._result = text
        self.notes = notes

    def skip(self, line: bytes) -> str:
        """Count a line that is no message; returns its beginning, as text."""
        self.skipped += 1
        text = line[:_LONGEST_SHOWN].decode("utf-8", "replace").strip()
        self.first_skipped = self.first_skipped or text[:200]
        return text

    def thing(self, thing: Any) -> Iterator[Said]:
        """Take one JSON value; yield what is to be shown."""
        self.objects += 1
        rules = self.rules
        for text in _texts(rules.text, thing):
            self._keep(text, rules.text)
            yield Said("text", text)
        if rules.text is not None and rules.text.restart and fits(rules.text.restart, thing):
            self._forget()
        for text in _texts(rules.result, thing):
            self._result = text
        for text in _texts(rules.tool, thing):
            yield Said("tool", text)
        if words := list(_texts(rules.error, thing)):
            self.error = "; ".join(words)[:_LONGEST_ERROR]
        for text in _texts(rules.session, thing):
            if _is_session(text):
                self.session = text
        self.tokens = _whole(_added(rules.tokens, thing, self.tokens))
        self.cost_usd = _added(rules.cost_usd, thing, self.cost_usd)

    def _keep(self, text: str, rule: Rule | None) -> None:
        if rule is None or not rule.is_joined:
            self._forget()
        self._size += len(text)
        if self._size > MAX_OUTPUT_BYTES:
            self.is_too_long = True
            return
        if self._text is None:
            self._text = StringIO()
        self._text.write(text)

    def _forget(self) -> None:
        self._text = None
        self._size = 0
        self.is_too_long = False


def _texts(rule: Rule | None, thing: Any) -> Iterator[str]:
    """Yield what a rule finds, as text; what is no text is shown as JSON."""
    if rule is not None:
        for value in rule.values(thing):
            yield value if isinstance(value, str) else as_text(freeze(value))


def _added(rule: Rule | None, thing: Any, so_far: float | None) -> float | None:
    if rule is None:
        return so_far
    numbers = [value for value in rule.values(thing) if _is_amount(value)]
    if not numbers or (rule.zero_is_unknown and not any(numbers)):
        return so_far
    return float(sum(numbers)) + (0.0 if rule.total or so_far is None else so_far)


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _is_session(text: str) -> bool:
    """Say whether an id may stand in a command line: it comes from a program, and must not be taken for an option."""
    return (
        0 < len(text) <= _LONGEST_SESSION
        and text.isascii()
        and text.isprintable()
        and text[0] != "-"
        and " " not in text
    )
