"""The reference of the language, made from the language itself.

Gives the pages ``docs/reference/expressions.md`` and ``docs/reference/grammar.md`` as text: functions and their examples from their docstrings,
macros from their forms, codes and limits from their tables, the grammar from its file. ``grammar/regenerate.py`` writes them and
tests run every example. Must not read or write files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from actorflow.expressions.failures import CODES
from actorflow.expressions.forms import FORMS
from actorflow.expressions.functions import SECTIONS, Function
from actorflow.expressions.limits import Limits

__all__ = ["MACRO_EXAMPLES", "Example", "examples_of", "grammar_page", "reference_page", "summary_of"]

MACRO_EXAMPLES: Final[dict[str, tuple[str, str]]] = {
    "all": ("Whether the condition holds for every element.", "[1, 2].all(x, x > 0) -> true"),
    "exists": ("Whether it holds for at least one.", "[1, 2].exists(x, x > 1) -> true"),
    "exists_one": (
        "Whether it holds for exactly one (also `existsOne`).",
        "{'a': 1}.exists_one(k, v, v == 1) -> true",
    ),
    "filter": ("The elements, or keys, for which it holds.", "[1, 2, 3].filter(x, x > 1) -> [2, 3]"),
    "map": (
        "A value made of each element, or of those for which a condition holds.",
        "[1, 2].map(x, x * 2) -> [2, 4]",
    ),
    "sortBy": (
        "The elements in the order of a key (also `sort_by`).",
        "['bb', 'a'].sortBy(x, size(x)) -> ['a', 'bb']",
    ),
    "transformList": (
        "A list made of each index and element.",
        "['a'].transformList(i, x, x + string(i)) -> ['a0']",
    ),
    "transformMap": (
        "A map with the same keys and new values.",
        "{'a': 1}.transformMap(k, v, v + 1) -> {'a': 2}",
    ),
    "transformMapEntry": (
        "A map with new keys and values.",
        "{'a': 'b'}.transformMapEntry(k, v, {v: k}) -> {'b': 'a'}",
    ),
    "has": ("Whether a map has a key.", "has({'a': null}.a) -> true"),
    "try": ("The default where the expression fails; limit errors are not caught.", "try(1 / 0, -1) -> -1"),
    "coalesce": ("The first value that is there and not null.", "coalesce({}.a, null, 3) -> 3"),
    "let": ("The body, in which the name stands for the value (also `cel.bind`).", "let(x, 2, x * x) -> 4"),
    "case": (
        "The value behind the first condition that holds, else the default.",
        "case(1 > 2, 'a', 2 > 1, 'b', 'c') -> 'b'",
    ),
}
"""Macro -> what it gives, and an example."""

_LIMIT_WORDS: Final[dict[str, tuple[str, str]]] = {
    "source": ("characters of one expression", "E401"),
    "template": ("characters of one template, and of the text it renders to", "E401, E406"),
    "brackets": ("depth of nested brackets", "E402"),
    "depth": ("depth of the syntax tree, and of a result", "E403"),
    "nodes": ("parts of one expression", "E404"),
    "steps": ("steps of one evaluation", "E405"),
    "string": ("characters of one string", "E406"),
    "allocation": ("bytes of everything an evaluation makes", "E407"),
    "result": ("elements of a result, counted as often as they would be printed", "E408"),
    "regex": ("characters of a regular expression", "E409"),
}


@dataclass(frozen=True, slots=True)
class Example:
    """An expression of the reference and what it gives: another expression, or a code."""

    source: str
    result: str


def summary_of(function: Function) -> str:
    """Return the first line of a function's documentation."""
    return (function.call.__doc__ or "").split("\n", 1)[0].strip()


def examples_of(function: Function) -> tuple[Example, ...]:
    """Return the examples of a function."""
    lines = (line.strip() for line in (function.call.__doc__ or "").split("\n")[1:])
    return tuple(example(line) for line in lines if " -> " in line)


def example(line: str) -> Example:
    """Read ``expression -> result``."""
    source, _, result = line.rpartition(" -> ")
    return Example(source, result)


def _written(shown: Example) -> str:
    return f"    {shown.source}  →  {shown.result}"


def _function(function: Function) -> str:
    aliases = f" Also: {', '.join(f'`{alias}`' for alias in function.aliases)}." if function.aliases else ""
    lines = [
        f"### `{function.signature}`",
        "",
        summary_of(function) + aliases,
        "",
        *map(_written, examples_of(function)),
    ]
    return "\n".join(lines)


def _sections() -> list[str]:
    parts = []
    for section in SECTIONS:
        unique = {function.name: function for function in section.functions.values()}
        parts.append(f"## {section.section}")
        parts.extend(_function(function) for function in unique.values())
    return parts


def _code(forms: str) -> str:
    return " or ".join(f"`{form}`" for form in forms.split(" or "))


def _macros() -> list[str]:
    parts = [
        "## Macros",
        "Macros bind names, or evaluate an argument not, once or many times. `x`, `k`, `v` are names you choose.",
    ]
    for name, form in FORMS.items():
        words, line = MACRO_EXAMPLES[name]
        parts.append(f"### `{name}`\n\n{words} Written {_code(form)}.\n\n{_written(example(line))}")
    return parts


def _table(head: str, rows: list[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *rows])


def reference_page() -> str:
    """Return the page of functions, macros, limits and codes."""
    defaults = Limits()
    limits = [
        f"| `{name}` | {getattr(defaults, name):,} | {words} | {code} |"
        for name, (words, code) in _LIMIT_WORDS.items()
    ]
    codes = [f"| {code} | {meaning} |" for code, meaning in CODES.items()]
    parts = [
        "# Expressions: functions, limits, codes",
        "<!-- Written by grammar/regenerate.py; change the docstrings and tables it is made of instead. -->",
        (
            "Every function can be called as `f(x)`, `x.f()` and `fn:f(x)`. A `?` marks a parameter that may be left out. An arrow "
            "shows what an expression gives; a code is the error it gives."
        ),
        *_sections(),
        *_macros(),
        "## Limits",
        "A host sets them with `Limits`. A limit error is never absorbed by `||`, `exists`, `try`, `??` or `coalesce`.",
        _table("| limit | default | of what | code |", limits),
        "## Codes",
        "E1xx are parse errors, E2xx static errors, W2xx warnings, E3xx evaluation errors, E4xx limit errors.",
        _table("| code | meaning |", codes),
    ]
    return "\n\n".join(parts) + "\n"


_RULE: Final = re.compile(r"^[?!]?([a-z_]+)\s*:")
_TERMINAL: Final = re.compile(r"^([A-Z_]+)(?:\.\d+)?\s*:\s*(.*)")


def grammar_page(grammar: str) -> str:
    """Return the page of the grammar, as EBNF, from the text of the grammar file."""
    rules, terminals = _ebnf(grammar)
    parts = [
        "# The grammar of expressions",
        "<!-- Written by grammar/regenerate.py from grammar/expression.lark; change that instead. -->",
        (
            "LALR(1). `[ ]` is optional, `( | )` a choice, quoted text stands for itself. After a dot any word is a key, reserved words too. "
            "White space is blank, tab, line feed, form feed and carriage return; `//` starts a comment to the end of the line."
        ),
        "## Rules",
        "```ebnf\n" + "\n".join(rules) + "\n```",
        "## Words",
        "```ebnf\n" + "\n".join(terminals) + "\n```",
        "Reserved: `true false null in and or not fn`.",
    ]
    return "\n\n".join(parts) + "\n"


def _ebnf(grammar: str) -> tuple[list[str], list[str]]:
    rules: list[str] = []
    terminals: list[str] = []
    for line in grammar.splitlines():
        text = re.sub(r"\s*->\s*\w+\s*$", "", line).rstrip()
        terminal = _TERMINAL.match(text)
        if terminal:
            terminals.append(f"{terminal[1]} = {terminal[2]}")
        elif _RULE.match(text):
            rules.append(_RULE.sub(r"\1 =", text))
        elif text.lstrip().startswith("|"):
            rules.append("    " + text.strip())
    return rules, terminals
