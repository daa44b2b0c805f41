"""How the options of shells, interpreters and wrappers are read, as far as it takes to find their program text and their operands.

Pure functions over the words of a command and the tables of ``shell_programs``. Must not judge anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from actorflow.workflow import shell_programs as programs
from actorflow.workflow.shell_parts import DYNAMIC, HOLE, Word

__all__ = [
    "OptionKind",
    "argument_is_data",
    "has_attached_argument",
    "is_plain_test",
    "known_name",
    "option_kind",
    "shell_option_takes_argument",
    "words_of_wrapper_option",
]

OptionKind: TypeAlias = Literal["code", "value", "final", "flag"]
"""What an option of an interpreter has: program text, another argument, an argument that ends the options,
none."""

_BINARY_OPERATORS = frozenset("= == != < > =~ -eq -ne -lt -le -gt -ge -nt -ot -ef".split())
_UNARY_OPERATORS = frozenset("-n -z -e -f -d -r -w -x -s -L -h -b -c -p -S -u -g -k -O -G -N -t".split())


def known_name(word: Word) -> str:
    """Return the program that the word names, as far as it can be told; "" when it cannot."""
    last = word.text.rsplit("/", 1)[-1]
    if word.splits or not last or HOLE in last or DYNAMIC in last:
        return ""
    return programs.program_name(last)


def shell_option_takes_argument(option: str) -> bool:
    """Whether the word after an option of a shell belongs to it."""
    if option in ("--rcfile", "--init-file"):
        return True
    return not option.startswith("--") and option[-1:] in "oO" and len(option) > 1


def _letters(option: str) -> str:
    return option[1:] if option.startswith("-") and not option.startswith("--") else ""


def option_kind(rule: programs.Interpreter, option: str) -> OptionKind:
    """Say what an option of an interpreter has."""
    long = option.split("=", maxsplit=1)[0]
    if long in rule.code_long:
        return "code"
    if long in rule.takes_long:
        return "value"
    for letter in _letters(option):
        if letter in rule.final:
            return "final"
        if letter in rule.code:
            return "code"
        if letter in rule.takes:
            return "value"
    return "flag"


def has_attached_argument(rule: programs.Interpreter, option: str) -> bool:
    """Whether the option's argument is part of the same word."""
    if option.startswith("--"):
        return "=" in option
    for i, letter in enumerate(_letters(option), 1):
        if letter in rule.final or letter in rule.code or letter in rule.takes:
            return i < len(option) - 1
    return False


def argument_is_data(rule: programs.Interpreter, option: str) -> bool:
    """Whether the option is one whose argument is plain data (only awk's are known to be)."""
    return rule.operand_is_code and (
        option[:2] in ("-v", "-F") or option.split("=", maxsplit=1)[0] in rule.takes_long
    )


def words_of_wrapper_option(rule: programs.Wrapper, option: str) -> int | None:
    """Return how many words after an option belong to it; None when the option is not known."""
    letters = _letters(option)
    if not letters:
        return None
    for i, letter in enumerate(letters):
        if letter in rule.takes:
            return 0 if i < len(letters) - 1 else 1
        if letter not in rule.flags:
            return None
    return 0


def is_plain_test(shape: Sequence[Word]) -> bool:
    """Whether the operands of ``test`` have one meaning only, whatever the values."""
    match len(shape):
        case 0 | 1:
            return True
        case 2:
            return shape[0].is_static and shape[0].text in _UNARY_OPERATORS
        case 3:
            return shape[1].is_static and shape[1].text in _BINARY_OPERATORS
        case _:
            return False
