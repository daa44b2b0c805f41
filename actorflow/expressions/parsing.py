"""From text to the syntax tree.

A bare dotted path, the commonest hole by far, is read by one regular expression; everything else goes through Lark's LALR
parser, whose tables are generated from ``grammar/expression.lark`` and shipped as JSON (``tables.json``), so that no
grammar is compiled at run time. Lark is imported when the first real expression is parsed, not before. Sizes are checked
before parsing. Must not read the grammar file, and must not evaluate anything.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from actorflow.expressions.building import RESERVED, Builder
from actorflow.expressions.failures import LimitError, ParseError
from actorflow.expressions.limits import Limits
from actorflow.expressions.syntax import Name, Node, Select

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["RESERVED", "parse"]

_PATH = re.compile(r"[ \t\n\f\r]*([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)[ \t\n\f\r]*")
_SCAN = re.compile(r"""//[^\n]*|[rR]?[bB]?[rR]?(?:"{3}|'{3}|"|')|[(\[{]|[)\]}]""")
_COMMAS = re.compile(r"""//[^\n]*|[rR]?[bB]?[rR]?(?:"{3}|'{3}|"|')|,""")
_OPEN = re.compile(r"""//[^\n]*|\?[?.]|[rR]?[bB]?[rR]?(?:"{3}|'{3}|"|')|[(\[{?:)\]}]""")
_BAD_CHARACTER = re.compile(r"""[^\x09\x0a\x0c\x0d\x20-\x7e]""")


def parse(source: str, limits: Limits) -> Node:
    """Return the syntax tree of ``source``.

    Raises:
        ParseError: ``source`` is no expression.
        LimitError: it is too long, or its brackets are nested too deeply.
    """
    if len(source) > limits.source:
        raise LimitError(
            "E401",
            "the expression is too long",
            0,
            1,
            hint=f"at most {limits.source:,} characters are allowed",
        )
    path = _PATH.fullmatch(source)
    if path is not None and path[1] not in RESERVED:
        return _dotted(path)
    if source.count("(") + source.count("[") + source.count("{") > limits.brackets:
        _check_brackets(source, limits.brackets)
    if source.count(",") >= limits.nodes:
        _check_commas(source, limits.nodes)
    return _parse_with_lark(source)


def _dotted(path: re.Match[str]) -> Node:
    start, end = path.span(1)
    node: Node = Name(path[1], start, end)
    for key in path[2].split(".")[1:]:
        node = Select(node, key, False, start, end + 1 + len(key), end + 1)
        end = node.end
    return node


def _check_brackets(source: str, allowed: int) -> None:
    depth = position = 0
    while (token := _SCAN.search(source, position)) is not None:
        text, position = token[0], token.end()
        if text in "([{":
            depth += 1
            if depth > allowed:
                raise LimitError(
                    "E402",
                    "brackets are nested too deeply",
                    token.start(),
                    position,
                    hint=f"at most {allowed} deep is allowed",
                )
        elif text in ")]}":
            depth = max(0, depth - 1)
        elif not text.startswith("//"):
            position = skip_string(source, text, position)


def _check_commas(source: str, allowed: int) -> None:
    """Refuse a list that has more elements than an expression has parts, before the time to parse it is spent."""
    commas = position = 0
    while (token := _COMMAS.search(source, position)) is not None:
        text, position = token[0], token.end()
        if text == ",":
            commas += 1
            if commas >= allowed:
                raise LimitError(
                    "E404",
                    "the expression has too many parts",
                    token.start(),
                    position,
                    hint=f"at most {allowed:,} are allowed",
                )
        elif not text.startswith("//"):
            position = skip_string(source, text, position)


def skip_string(source: str, opening: str, position: int) -> int:
    """Return the offset behind the string whose opening (with its prefix) ends at ``position``; the end of the text if open."""
    quotes = opening.lstrip("rRbB")
    raw = "r" in opening[: len(opening) - len(quotes)].lower()
    while True:
        found = source.find(quotes, position)
        if found < 0:
            return len(source)
        if raw:
            return found + len(quotes)
        escape = source.find("\\", position, found)
        if escape < 0:
            return found + len(quotes)
        position = escape + 2


@cache
def _lark() -> tuple[Lark, Any]:
    """Build the parser from the shipped tables; about 5 ms, once a process."""
    import json
    from importlib.resources import files

    import lark

    shipped = json.loads(files(__package__).joinpath("tables.json").read_text("utf-8"))
    data, memo = shipped["data"], {int(key): value for key, value in shipped["memo"].items()}
    table = data["parser"]["parser"]
    table["tokens"] = {int(key): value for key, value in table["tokens"].items()}
    table["states"] = {
        int(state): {int(token): action for token, action in actions.items()}
        for state, actions in table["states"].items()
    }
    load: Any = lark.Lark._load_from_dict  # noqa: SLF001  # what the stand-alone parsers Lark writes call themselves
    parser = load(data, memo, transformer=Builder())
    return parser, lark


def _parse_with_lark(source: str) -> Node:
    parser, lark = _lark()
    try:
        tree: Any = parser.parse(source)
    except lark.UnexpectedToken as wrong:
        _refuse_token(source, wrong)
    except lark.UnexpectedCharacters as wrong:
        _refuse_character(source, wrong.pos_in_stream)
    node: Node = tree
    return node


def _refuse_token(source: str, wrong: Any) -> NoReturn:
    token = wrong.token
    if not source.strip():
        raise ParseError("E106", "the expression is empty", 0, 0, hint="write a value, such as true")
    if token.type == "$END":
        end = len(source.rstrip())
        raise ParseError(
            "E100", f"the expression ends too early: {_expected(wrong.expected, source)}", end, end + 1
        )
    hint = _token_hint(source, token)
    text = str(token) if len(token) <= 20 else f"{token[:20]}…"
    if token.type in {"IN", "NOT", "AND", "OR", "TRUE", "FALSE", "NULL"} and "NAME" in wrong.expected:
        raise ParseError("E105", f"'{text}' is a reserved word", token.start_pos, token.end_pos, hint=hint)
    raise ParseError(
        "E100",
        f"'{text}' cannot stand here: {_expected(wrong.expected, source[: token.start_pos])}",
        token.start_pos,
        token.end_pos,
        hint=hint,
    )


_HINTS = {
    "=": "to compare, write ==",
    "&": "write && (or the word and)",
    "|": "write || (or the word or); functions are called as f(x) or x.f()",
    "#": "a comment starts with //",
    ";": "one expression has no statements",
    "$": "inside an expression a name stands without $",
    "\\": "a backslash is only for escapes inside strings",
    "`": "`…` quotes a key after a dot: headers.`content-type`",
    "<": "a comparison needs a value on both sides",
}


def _token_hint(source: str, token: Any) -> str:
    before = source[: token.start_pos].rstrip()
    if token.type == "STAR" and before.endswith("*"):
        return "there is no power operator: write pow(x, y)"
    if token.type == "COLON" and before.endswith(":"):
        return "functions are called as fn:name(x)"
    if token.type in {"STRING", "BYTES"} and before[-1:] in "fuFU":
        return "strings take the prefixes r and b only; put a value in with + or format()"
    if token.type == "NAME" and str(token) in {"if", "for", "else", "is", "lambda"}:
        return "this language has no statements: write condition ? a : b, list.map(x, …) or list.filter(x, …)"
    return ""


def _refuse_character(source: str, position: int) -> NoReturn:
    character = source[position]
    if character in "\"'" or source[position : position + 2].lower() in {"r'", 'r"', "b'", 'b"'}:
        raise ParseError(
            "E102",
            "the string is not closed",
            position,
            position + 1,
            hint="a string in single quotes ends on its line; '''…''' may span lines",
        )
    if character == "$" and source[position + 1 : position + 2] in {"{", "<"}:
        raise ParseError(
            "E107",
            "a hole inside an expression",
            position,
            position + 2,
            hint="write the name alone, without ${ }",
        )
    if _BAD_CHARACTER.match(character):
        raise ParseError(
            "E101",
            f"the character U+{ord(character):04X} is not allowed here",
            position,
            position + 1,
            hint="names, digits and white space are ASCII; other characters only stand in strings and comments",
        )
    raise ParseError(
        "E100", f"'{character}' cannot stand here", position, position + 1, hint=_HINTS.get(character, "")
    )


_CLOSING = {"(": ")", "[": "]", "{": "}", "?": ":"}


def _open_bracket(before: str) -> str:
    """Return what closes the innermost bracket (or question mark) that is open at the end of ``before``, or ""."""
    waiting: list[str] = []
    position = 0
    while (token := _OPEN.search(before, position)) is not None:
        text, position = token[0], token.end()
        if text in _CLOSING:
            waiting.append(_CLOSING[text])
        elif waiting and text == waiting[-1]:
            waiting.pop()
        elif text[-1] in "\"'":
            position = skip_string(before, text, position)
    return waiting[-1] if waiting else ""


def _expected(names: set[str], before: str) -> str:
    if "INT" in names:
        return "a value is needed"
    if names <= {"NAME", "QUOTED_NAME"}:
        return "a name is needed"
    wanted = _open_bracket(before)
    if wanted:
        return f"an operator or '{wanted}' is needed"
    if "LPAR" in names and len(names) <= 3:
        return "'(' is needed"
    return "an operator or the end is needed"
