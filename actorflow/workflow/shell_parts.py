"""What shell text is made of: words, simple commands, and the place of each hole.

``shell_lexer`` fills these from a text; ``shell_rules`` judges the commands; ``shell_text`` writes the text
anew. Words carry what the judging needs: their characters after quote removal, with marks for holes and for
expansions of the shell's own. Plain data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["DYNAMIC", "HOLE", "Command", "HereDocument", "Lexed", "Refusal", "Tangled", "Word"]

HOLE = "\x00"
"""Stands for a hole in the text; no command can contain it otherwise."""

DYNAMIC = "\x01"
"""Stands, in a word's text, for whatever an expansion of the shell's own gives."""

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


class Tangled(Exception):
    """The text cannot be read in one way only; ``reason`` says what is in the way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a hole cannot stand where it stands."""

    code: str
    reason: str


@dataclass(slots=True)
class Word:
    """One word of a command, after quote removal.

    Attributes:
        text: its characters; ``HOLE`` for a hole, ``DYNAMIC`` for an expansion of the shell's own.
        plain: its characters up to the first quote or expansion.
        holes: every hole in it, those inside its substitutions too.
        names: shell variables it reads.
        splits: whether it may become several words (an unquoted expansion, a brace list, a file pattern).
        quoted: whether any of it was quoted.
        array: whether it assigns an array literal.
        in_pattern: while it is read, whether the place is inside ``[ … ]`` of a file pattern.
    """

    text: str = ""
    plain: str = ""
    holes: tuple[int, ...] = ()
    names: set[str] = field(default_factory=set)
    splits: bool = False
    quoted: bool = False
    array: bool = False
    in_pattern: bool = False

    @property
    def is_static(self) -> bool:
        """Whether the text is all that the shell will see."""
        return not self.splits and HOLE not in self.text and DYNAMIC not in self.text

    @property
    def assigned(self) -> str:
        """The variable that the word assigns, or ""."""
        match = _ASSIGNMENT.match(self.plain)
        return match[1] if match else ""


@dataclass(slots=True)
class Command:
    """One simple command.

    Attributes:
        redirections: the words behind ``<`` and ``>`` in all their forms.
        here_documents: the texts of its here-documents; one that the shell expands has the names of its
            variables.
        duplications: those of them behind ``>&`` and ``<&``.
        holes_end: the number of holes in the text up to the command's end, its redirections included.
        own_stdin: whether a redirection gives it its standard input.
        assigns: variable -> words whose values it gets (prefix assignments, ``for NAME in``).
    """

    words: list[Word] = field(default_factory=list)
    assigns: list[tuple[str, Word]] = field(default_factory=list)
    redirections: list[Word] = field(default_factory=list)
    here_documents: list[Word] = field(default_factory=list)
    duplications: list[Word] = field(default_factory=list)
    holes_end: int = 0
    own_stdin: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the command was read yet."""
        return not (self.words or self.assigns or self.redirections)


@dataclass(slots=True)
class Lexed:
    """What a text is made of.

    Attributes:
        places: for each hole in order: ``"bare"``, ``"quoted"`` (inside double quotes) or why it is refused.
        evaluated: variables whose values the shell reads as code (arithmetic, subscripts, indirection).
        functions: whether the text defines functions.
        arrays: whether the text assigns array literals.
    """

    places: list[str | Refusal] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    evaluated: set[str] = field(default_factory=set)
    functions: bool = False
    arrays: bool = False


@dataclass(frozen=True, slots=True)
class HereDocument:
    """A here-document whose text is still to come: its delimiter after quote removal, how its text is read, whose input it is."""

    delimiter: str
    quoted: bool
    strip_tabs: bool
    command: Command
