"""Standard functions of texts.

Every function pays for the text it makes before it makes it, and for the text it reads where that takes longer than a look.
``format`` knows ``{0}`` and nothing else of Python's format language. Must not depend on a locale.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import a_count, a_list, a_text, an_int, made, wrong
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import Value
from actorflow.expressions.limits import (
    TAINT,
    Frame,
    allocate,
    allocate_parts,
    allocate_text,
    char_size,
    spend,
)
from actorflow.expressions.operations import operand
from actorflow.expressions.results import text_of

__all__ = ["texts"]

texts: Final = Registry("Texts")

_ASCII_UPPER: Final = {code: code - 32 for code in range(97, 123)}
_ASCII_LOWER: Final = {code: code + 32 for code in range(65, 91)}


def _cased(frame: Frame, text: Value) -> str:
    """Take a string whose case is to be changed, which needs 12 bytes a character for a while unless it is ASCII."""
    source = a_text(frame, text)
    if not source.isascii():
        allocate(frame, len(source) // 3)
    return source


@texts("upper", "uppercase")
def upper(frame: Frame, text: Value) -> str:
    """The text in capital letters.

    upper('straße') -> 'STRASSE'
    'web'.upper() -> 'WEB'
    fn:uppercase('web') -> 'WEB'
    """
    return made(frame, _cased(frame, text).upper())


@texts("lower", "lowercase")
def lower(frame: Frame, text: Value) -> str:
    """The text in small letters.

    lower('WEB') -> 'web'
    """
    return made(frame, _cased(frame, text).lower())


@texts("upperAscii", "upper_ascii")
def upper_ascii(frame: Frame, text: Value) -> str:
    """The text with a-z as capital letters and everything else as it is.

    'taßk'.upperAscii() -> 'TAßK'
    """
    return made(frame, a_text(frame, text).translate(_ASCII_UPPER))


@texts("lowerAscii", "lower_ascii")
def lower_ascii(frame: Frame, text: Value) -> str:
    """The text with A-Z as small letters and everything else as it is.

    'TACOÑ'.lowerAscii() -> 'tacoÑ'
    """
    return made(frame, a_text(frame, text).translate(_ASCII_LOWER))


@texts("capitalize")
def capitalize(frame: Frame, text: Value) -> str:
    """The text with its first letter large and the others small.

    capitalize('build IMAGE') -> 'Build image'
    """
    return made(frame, _cased(frame, text).capitalize())


@texts("title")
def title(frame: Frame, text: Value) -> str:
    """The text with the first letter of every word large.

    title('build image') -> 'Build Image'
    """
    return made(frame, _cased(frame, text).title())


@texts("trim")
def trim(frame: Frame, text: Value) -> str:
    r"""The text without white space at its ends.

    trim('  ok\n') -> 'ok'
    """
    return made(frame, _read(frame, text).strip())


@texts("split")
def split(frame: Frame, text: Value, separator: Value = None, limit: Value = -1) -> list[str]:
    """The parts of the text between separators; without one, its words. `limit` is the largest number of parts.

    split('a,b,c', ',') -> ['a', 'b', 'c']
    split(' a  b ') -> ['a', 'b']
    'a,b,c'.split(',', 2) -> ['a', 'b,c']
    'abc'.split('') -> ['a', 'b', 'c']
    """
    source, parts = a_text(frame, text), an_int(frame, limit)
    between = None if separator is None else a_text(frame, separator)
    allocate(frame, 2 * _parts(source, between))
    allocate_text(frame, len(source), char_size(source))
    if parts == 0:
        return []
    if between == "":
        return list(source) if not 0 <= parts < len(source) else [*source[: parts - 1], source[parts - 1 :]]
    return source.split(between, parts - 1 if parts > 0 else -1)


def _parts(text: str, separator: str | None) -> int:
    if separator is None:
        return len(text) // 2 + 1
    return text.count(separator) + 1 if separator else len(text)


@texts("lines")
def lines(frame: Frame, text: Value) -> list[str]:
    r"""The lines of the text, without their ends (`\n` or `\r\n`); a last empty line is none.

    lines('a\nb\n') -> ['a', 'b']
    lines('') -> []
    """
    text = a_text(frame, text)
    allocate(frame, 2 * (text.count("\n") + 1))
    allocate_text(frame, len(text), char_size(text))
    parts = text.split("\n")
    if parts[-1] == "":
        parts.pop()
    return [part.removesuffix("\r") for part in parts]


@texts("replace")
def replace(frame: Frame, text: Value, old: Value, new: Value, limit: Value = -1) -> str:
    """The text with every `old` replaced by `new`, or only the first `limit` of them.

    replace('a-b-c', '-', '+') -> 'a+b+c'
    'a-b-c'.replace('-', '', 1) -> 'ab-c'
    """
    source, count = a_text(frame, text), an_int(frame, limit)
    before, after = a_text(frame, old), a_text(frame, new)
    spend(frame, len(source) >> 6)
    found = source.count(before)
    if count >= 0:
        found = min(found, count)
    allocate_text(
        frame, len(source) + found * (len(after) - len(before)), max(char_size(source), char_size(after))
    )
    return source.replace(before, after, count)


@texts("starts_with", "startsWith")
def starts_with(frame: Frame, text: Value, prefix: Value) -> bool:
    """Whether the text starts with the other one.

    'feature/x'.starts_with('feature/') -> true
    """
    return a_text(frame, text).startswith(_read(frame, prefix))


@texts("ends_with", "endsWith")
def ends_with(frame: Frame, text: Value, suffix: Value) -> bool:
    """Whether the text ends with the other one.

    ends_with('a.txt', '.md') -> false
    """
    return a_text(frame, text).endswith(_read(frame, suffix))


def _read(frame: Frame, value: Value) -> str:
    """Take a string that is read to its end, and pay for that."""
    text = a_text(frame, value)
    spend(frame, len(text) >> 6)
    return text


@texts("substring")
def substring(frame: Frame, text: Value, start: Value, end: Value = None) -> str:
    """The characters from `start` (counted from 0) up to, not including, `end`.

    substring('workflow', 4) -> 'flow'
    'workflow'.substring(0, 4) -> 'work'
    'abc'.substring(2, 9) -> E310
    """
    source, first = a_text(frame, text), a_count(frame, start)
    last = len(source) if end is None else a_count(frame, end)
    if first > last or last > len(source):
        raise EvaluationError("E310", "the places are outside the text", hint="text[a:b] clamps its bounds")
    return made(frame, source[first:last])


@texts("char_at", "charAt")
def char_at(frame: Frame, text: Value, place: Value) -> str:
    """The character at a place; "" directly behind the last one.

    'abc'.char_at(1) -> 'b'
    'abc'.char_at(3) -> ''
    """
    source, number = a_text(frame, text), a_count(frame, place)
    if number > len(source):
        raise EvaluationError("E310", "the place is outside the text")
    return source[number : number + 1]


@texts("pad_start")
def pad_start(frame: Frame, text: Value, width: Value, fill: Value = " ") -> str:
    """The text, filled up on the left to a width.

    pad_start('7', 3, '0') -> '007'
    """
    source = a_text(frame, text)
    return _filling(frame, source, width, fill) + source


@texts("pad_end")
def pad_end(frame: Frame, text: Value, width: Value, fill: Value = " ") -> str:
    """The text, filled up on the right to a width.

    pad_end('ab', 4, '.') -> 'ab..'
    """
    source = a_text(frame, text)
    return source + _filling(frame, source, width, fill)


def _filling(frame: Frame, text: str, width: Value, fill: Value) -> str:
    wanted, filling = an_int(frame, width), a_text(frame, fill)
    if not filling:
        raise EvaluationError("E310", "the filling is an empty text")
    missing = max(0, wanted - len(text))
    allocate_text(frame, max(wanted, len(text)) + len(filling), max(char_size(text), char_size(filling)))
    return (filling * (missing // len(filling) + 1))[:missing]


@texts("repeat")
def repeat(frame: Frame, text: Value, count: Value) -> str:
    """The text, so many times.

    repeat('ab', 3) -> 'ababab'
    """
    source, times = a_text(frame, text), a_count(frame, count)
    allocate_text(frame, len(source) * times, char_size(source))
    return source * times if source else ""


@texts("truncate")
def truncate(frame: Frame, text: Value, length: Value, ending: Value = "…") -> str:
    """The text, cut to a length that includes the ending.

    truncate('a long story', 7) -> 'a long…'
    truncate('short', 7) -> 'short'
    """
    source, longest, last = a_text(frame, text), a_count(frame, length), a_text(frame, ending)
    if len(source) <= longest:
        return source
    return made(frame, source[: max(0, longest - len(last))] + last[:longest])


@texts("slugify")
def slugify(frame: Frame, text: Value) -> str:
    """The text as a name for files and branches: ASCII, small letters, hyphens.

    slugify('Añadir: user Login!') -> 'anadir-user-login'
    """
    text = a_text(frame, text)
    spend(frame, len(text) >> 2)
    allocate_text(frame, 4 * len(text))
    # In pieces, because one character may become eighteen before those that are not ASCII are dropped.
    pieces = (
        unicodedata.normalize("NFKD", text[start : start + 4096]) for start in range(0, len(text), 4096)
    )
    plain = "".join(piece.encode("ascii", "ignore").decode() for piece in pieces)
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


@texts("quote", "strings.quote")
def quote(frame: Frame, text: Value) -> str:
    r"""The text in double quotes, with the escapes of JSON.

    quote('a"b') -> '"a\\"b"'
    """
    import json

    text = a_text(frame, text)
    allocate_text(frame, 2 * len(text) + 2, char_size(text))
    return made(frame, json.dumps(text, ensure_ascii=False))


_PLACE: Final = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})\}|[{}]")


@texts("format")
def format_text(frame: Frame, pattern: Value, *values: Value) -> str:
    """The pattern with `{0}`, `{1}` … replaced by the values, as a template would write them; `{{` and `}}` are braces.

    format('{0} of {1}', 3, 7) -> '3 of 7'
    '{0}: {1}'.format('files', [1, 2]) -> 'files: [1,2]'
    format('{{}}') -> '{}'
    format('{name}', 1) -> E310
    """
    pattern = a_text(frame, pattern)
    spend(frame, len(pattern) >> 3)
    written: list[str | None] = [None] * len(values)
    parts: list[str] = []
    size = last = 0
    for match in _PLACE.finditer(pattern):
        parts += (pattern[last : match.start()], _filled(frame, match, values, written))
        size += len(parts[-1]) + len(parts[-2])
        last = match.end()
        spend(frame, 1)
        if size > 64:
            allocate_text(frame, size)
            size = 0
    if None in written:
        raise EvaluationError(
            "E310", f"the pattern does not use value {written.index(None)}", hint="write {0}, {1} …"
        )
    parts.append(pattern[last:])
    allocate_parts(frame, parts)
    return "".join(parts)


def _filled(frame: Frame, match: re.Match[str], values: tuple[Value, ...], written: list[str | None]) -> str:
    if match[0] in {"{{", "}}"}:
        return match[0][0]
    if match[1] is None:
        raise EvaluationError("E310", "a pattern knows {0}, {1} … only", hint="write {{ and }} for braces")
    number = int(match[1])
    if number >= len(values):
        asked = "a value" if frame[TAINT] else f"value {number}"  # a number in a secret pattern is secret
        raise EvaluationError("E310", f"the pattern asks for {asked}, but there are {len(values)}")
    text = written[number]
    if text is None:
        text = written[number] = text_of(frame, values[number])
    return text


@texts("fixed")
def fixed(frame: Frame, number: Value, digits: Value) -> str:
    """The number with so many digits after the point, up to 20.

    fixed(3.14159, 2) -> '3.14'
    fixed(2, 1) -> '2.0'
    """
    value, places = operand(frame, number), a_count(frame, digits)
    if type(value) is not int and type(value) is not float:
        raise wrong("a number", value)
    if places > 20:
        raise EvaluationError("E310", "at most 20 digits are possible")
    try:
        return f"{value:.{places}f}"
    except OverflowError:
        raise EvaluationError("E307", "the integer does not fit in 64 bits") from None


@texts("join")
def join(frame: Frame, items: Value, separator: Value = "") -> str:
    """The elements as one text, with a separator between them; elements that are no strings as a template writes them.

    join(['a', 'b'], ', ') -> 'a, b'
    [1, 2].join('-') -> '1-2'
    """
    elements, between = a_list(frame, items), a_text(frame, separator)
    spend(frame, len(elements))
    parts: list[str] = []
    size = len(between) * max(0, len(elements) - 1)
    for item in elements:
        text = item if type(item) is str else text_of(frame, item)
        size += len(text)
        if size > 4096:
            allocate_text(frame, size)
            size = 0
        parts.append(text)
    allocate_parts(frame, parts, between)
    return between.join(parts)
