"""The complaints of PyYAML's two parsers in words that say what to do.

A table from what the parser says (both parsers word some things differently) to a message and a hint. What is
not in the table is passed on as it is. Must not quote the file: the excerpt shows it.
"""

from __future__ import annotations

import re

__all__ = ["explain"]

_TABLE: tuple[tuple[str, str, str], ...] = (
    (
        r"found character (?:'\\t' |'\t' )?that cannot start any token.*",
        "no value can start with this character",
        "indent with spaces, not tabs; quote text that starts with @, `, % or a tab",
    ),
    (
        r"found a tab character that violates indentation|found a tab character where an indentation space is expected",
        "a tab in the indentation",
        "indent with spaces",
    ),
    (
        r"mapping values are not allowed (?:in this context|here)",
        "a ':' where no key can stand",
        "quote text that contains ': ', and check the indentation of this line and the one before",
    ),
    (
        r"could not find expected ':'",
        "a key without ':'",
        "every entry of a mapping is 'key: value'; check the indentation and the quotes of the lines before",
    ),
    (
        r"did not find expected key|expected <block end>, but found.*",
        "this line does not continue what stands before it",
        "check its indentation; quote text that contains quotes, brackets or ': '",
    ),
    (
        r"did not find expected '-' indicator",
        "this line is no entry of the list before it",
        "each entry starts with '- ' in the same column",
    ),
    (
        r"did not find expected ',' or '[\]}]'|expected ',' or '[\]}]', but got.*",
        "a ',' or the closing bracket is missing",
        "inside [ ] and { } quote text that contains brackets or holes: \"${name}\"",
    ),
    (
        r"did not find expected node content|expected the node content, but found.*",
        "a value is missing or starts with a character that needs quotes",
        "quote it, or write it on a line of its own",
    ),
    (
        r"found unexpected end of stream|found undefined end of stream",
        "the closing quote is missing",
        "close it; a quote inside single quotes is written twice",
    ),
    (r"found unknown escape character.*", "an unknown escape in double quotes", "write \\\\ for a backslash, or use single quotes"),
    (r"did not find expected hexdecimal number|expected escape sequence of.*", "an incomplete escape in double quotes", "write \\\\ for a backslash, or use single quotes"),
    (r"block sequence entries are not allowed (?:in this context|here)", "a '- ' where no list can start", "put the list on the next line, or write [a, b]"),
    (r"mapping keys are not allowed (?:in this context|here)", "a '? ' where no key can start", "quote text that starts with '?'"),
    (r"(?:did not find|expected) (?:expected )?(?:digit or indentation indicator|chomping or indentation indicators|comment or (?:a )?line ?break).*|expected a comment or a line break.*|did not find expected comment or line break", "text after | or >", "the text starts on the next line; quote text that starts with | or >"),
    (r"found extra document start.*|did not find expected <document start>|expected '<document start>', but found.*", "text where the document has ended", "check the indentation of this line"),
    (r"found (?:a )?(?:duplicate|incompatible|unknown).*directive.*|could not find expected directive name|found incompatible YAML document.*", "a directive that is not supported", "remove the line that starts with %"),
    (r"(?:did not find|while scanning|expected) .*(?:alphabetic or numeric|anchor|alias).*", "an anchor or alias without a name", "quote text that starts with & or *"),
    (r"found undefined tag handle|did not find (?:the )?expected '!'|did not find URI.*|found .*tag.*", "a tag", "tags are not supported; quote text that starts with !"),
    (r"block mapping|block collection", "the indentation is wrong", "check the lines before"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), message, hint) for pattern, message, hint in _TABLE)


def explain(problem: str, context: str, opened: int) -> tuple[str, str]:
    """Return message and hint for what the parser says.

    Args:
        problem: what is wrong at the place.
        context: what the parser was doing ("while scanning a quoted scalar").
        opened: the line where that began, or 0 when it is the same line.
    """
    message, hint = _known(problem)
    if opened and ("flow" in context or "quoted" in context):
        what = "bracket" if "flow" in context else "quote"
        message += f" (the {what} was opened in line {opened})"
    return message, hint


def _known(problem: str) -> tuple[str, str]:
    for pattern, message, hint in _COMPILED:
        if pattern.fullmatch(problem):
            return message, hint
    return f"this is not YAML: {problem}", ""
