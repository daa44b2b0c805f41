"""Reads one word of shell text: quotes, escapes and expansions, as dash and bash do.

A cursor over text in which holes are single characters. Reading a word notes the place of every hole in it:
bare, inside double quotes, or why no value can stand there. Substitutions are read as commands by the
subclass in ``shell_lexer``, with quoting of their own. What dash and bash would end at different characters
raises ``Tangled``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from actorflow.workflow.shell_parts import DYNAMIC, HOLE, HereDocument, Lexed, Refusal, Tangled, Word

__all__ = ["WORD_END", "WordReader"]

WORD_END = frozenset(" \t\n;&|<>()")
"""Unquoted, these end a word."""

_MAX_DEPTH = 40
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ARRAY_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[.*\])?\+?=")
_SPECIAL_PARAMETERS = frozenset("0123456789@*#?$!-")
_EVALUATING = re.compile(r"[\[!@]|:(?![-=?+])")
"""In the shell's own ``${…}``: subscripts, indirection, ``@P`` and offsets read values as code."""

_SINGLE = Refusal("E910", "inside single quotes the shell reads nothing, so a value cannot get in")
_ANSI = Refusal("E910", "inside $'…' the shell reads nothing, so a value cannot get in")
_LOCALE = Refusal("E910", 'inside $"…" the text is looked up for translation first')
_ARITHMETIC = Refusal("E911", "arithmetic evaluates what it is given as code")
_BACKTICKS = Refusal("E913", "inside back-ticks quoting is read twice; $( … ) is safe")
_PARAMETER = Refusal(
    "E914", "inside the shell's own ${…} a value would be read as a pattern or as text to expand"
)
_PATTERN = Refusal(
    "E914", "inside [ … ] of a file pattern its characters would be matched one by one; quote the brackets"
)
_ESCAPED = Refusal("E915", "a back-slash stands before it; for the literal text write $${…}")
_DOLLAR = Refusal("E915", "a lone $ stands before it")
_ARRAY = Refusal("E916", "array literals are not portable, and their elements can be read as subscripts")


class WordReader(ABC):
    """The cursor: a position in the text, the here-documents that wait for their line, what was found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = len(text)
        self.pos = 0
        self.depth = 0
        self.forbidden: Refusal | None = None
        self.pending: list[HereDocument] = []
        self.documents = 0
        self.lexed = Lexed()

    @abstractmethod
    def _list(self, stops: frozenset[str]) -> str:
        """Read commands up to one of ``stops`` and return it."""

    @abstractmethod
    def _skip_newlines(self) -> None:
        """Pass over blanks, comments and line ends."""

    # -- words ------------------------------------------------------------------------------------------------------

    def _word(self) -> Word:
        word = Word()
        first_hole = len(self.lexed.places)
        start = self.pos
        while self.pos < self.end:
            char = self.text[self.pos]
            if char in "<>" and self._process_substitution(word):
                continue
            if char == "(" and _ARRAY_ASSIGNMENT.fullmatch(word.plain) and len(word.plain) == len(word.text):
                self._array(word)
            elif char in WORD_END:
                break
            else:
                self._bare_character(char, word)
        word.holes = tuple(range(first_hole, len(self.lexed.places)))
        if self.pos == start:
            raise Tangled(f"unexpected {self.text[self.pos : self.pos + 1] or 'end'}")
        return word

    def _bare_character(self, char: str, word: Word) -> None:
        match char:
            case "\\":
                self._escape(word)
            case "'":
                word.quoted = True
                word.text += self._single_quotes(_SINGLE)
            case '"':
                word.quoted = True
                self.pos += 1
                self._double_quotes(word, '"')
            case "$":
                self._dollar(word, quoted=False)
            case "`":
                self._backticks(word, quoted=False)
            case "\x00":
                self._hole(_PATTERN if word.in_pattern else "bare")
                word.text += HOLE
            case _:
                if self._multiplies(char):
                    word.splits = True
                    word.in_pattern = word.in_pattern or char == "["
                elif char == "]":
                    word.in_pattern = False
                if len(word.plain) == len(word.text) and not word.quoted:
                    word.plain += char
                word.text += char
                self.pos += 1

    def _multiplies(self, char: str) -> bool:
        """Whether an unquoted ``char`` begins a file pattern or a brace list, which can become several words."""
        following = self._next()
        if char == "[":
            return following not in ("", " ", "\t", "\n", "[")
        return char in "*?" or (char == "{" and following not in ("", " ", "\t", "\n", "}"))

    def _escape(self, word: Word) -> None:
        following = self._next()
        if following == "\n":
            self._no_pending_across("\n")
        elif following == HOLE:
            self.pos += 1
            self._hole(_ESCAPED)
            word.text += HOLE
            return
        else:
            word.quoted = True
            word.text += following
        self.pos += 2

    def _single_quotes(self, refusal: Refusal) -> str:
        close = self.text.find("'", self.pos + 1, self.end)
        if close < 0:
            raise Tangled("a single quote is not closed")
        inside = self.text[self.pos + 1 : close]
        self._no_pending_across(inside)
        with self._forbid(refusal):
            self._forbidden_holes(inside)
        self.pos = close + 1
        return inside

    def _double_quotes(self, word: Word, close: str) -> None:
        """Read up to ``close`` (``""``: the end); the opening quote was read."""
        while self.pos < self.end:
            char = self.text[self.pos]
            if char == close:
                self.pos += 1
                return
            match char:
                case "\\":
                    self._quoted_escape(word)
                case "$":
                    self._dollar(word, quoted=True)
                case "`":
                    self._backticks(word, quoted=True)
                case "\x00":
                    self._hole("quoted")
                    word.text += HOLE
                case _:
                    self._no_pending_across(char)
                    word.text += char
                    self.pos += 1
        if close:
            raise Tangled("a double quote is not closed")

    def _quoted_escape(self, word: Word) -> None:
        following = self._next()
        if following == HOLE:
            self.pos += 1
            self._hole(_ESCAPED)
            word.text += HOLE
            return
        self._no_pending_across(following)
        if following != "\n":
            word.text += following if following in '$`"\\' else "\\" + following
        self.pos += 2

    def _array(self, word: Word) -> None:
        self.pos += 1
        self.lexed.arrays = True
        word.array = True
        word.text += DYNAMIC
        with self._forbid(_ARRAY), self._deeper():
            while True:
                self._skip_newlines()
                if self._peek() == ")":
                    self.pos += 1
                    return
                self._word()

    def _process_substitution(self, word: Word) -> bool:
        if self._next() != "(":
            return False
        if word.text:
            raise Tangled("a process substitution in the middle of a word")
        self.pos += 2
        self._substitution()
        word.text += DYNAMIC
        return True

    # -- expansions -------------------------------------------------------------------------------------------------

    def _dollar(self, word: Word, *, quoted: bool) -> None:
        following = self._next()
        if following == HOLE:
            self.pos += 1
            self._hole(_DOLLAR)
            word.text += HOLE
        elif following == "(" and self.text.startswith("((", self.pos + 1):
            self.pos += 3
            self._arithmetic(subshell_view=False)
            self._expanded(word, quoted=quoted)
        elif following == "(":
            self.pos += 2
            self._substitution()
            self._expanded(word, quoted=quoted)
        elif following == "{":
            self._parameter(word, quoted=quoted)
        elif following == "[":
            raise Tangled("$[ … ] is arithmetic in bash and text in dash; write $(( … ))")
        elif following in ("'", '"') and not quoted:
            self._dollar_quotes(following, word)
        else:
            self._variable(following, word, quoted=quoted)

    def _variable(self, following: str, word: Word, *, quoted: bool) -> None:
        name = _NAME.match(self.text, self.pos + 1, self.end)
        if name or (following and following in _SPECIAL_PARAMETERS):
            word.names.add(name[0] if name else following)
            self.pos = name.end() if name else self.pos + 2
            self._expanded(word, quoted=quoted)
        else:
            word.text += "$"
            self.pos += 1

    def _dollar_quotes(self, following: str, word: Word) -> None:
        word.quoted = True
        self.pos += 1
        if following == '"':
            self.pos += 1
            with self._forbid(_LOCALE):
                self._double_quotes(word, '"')
            word.text += DYNAMIC
            return
        inside = self._single_quotes(_ANSI)
        if (len(inside) - len(inside.rstrip("\\"))) % 2:
            raise Tangled("dash and bash end $'…\\'…' at different quotes")
        word.text += DYNAMIC if "\\" in inside else inside

    def _expanded(self, word: Word, *, quoted: bool) -> None:
        word.text += DYNAMIC
        word.splits = word.splits or not quoted

    def _substitution(self) -> None:
        """Read ``… )``: commands with quoting of their own, up to the parenthesis."""
        waiting, self.pending = self.pending, []
        start, documents = self.pos, self.documents
        self._list(frozenset(")"))
        if self.pending or (waiting and "\n" in self.text[start : self.pos]):
            raise Tangled("a here-document and a substitution cross each other")
        if self.documents != documents:
            # bash 5.2 writes a substitution anew before it runs it, and loses a ; behind a here-document: `let; a x` becomes `let a x`.
            raise Tangled(
                "a here-document inside a substitution, which bash 5.2 does not run as it is written"
            )
        self.pending = waiting

    def _parameter(self, word: Word, *, quoted: bool) -> None:
        start = self.pos
        self.pos += 2
        with self._forbid(_PARAMETER), self._deeper():
            while self._peek() != "}" or self.pos == start + 2:
                self._parameter_character(word, quoted=quoted)
        self.pos += 1
        inside = self.text[start + 2 : self.pos - 1]
        word.names |= {*_NAME.findall(inside), *re.findall(r"^[!#]?([0-9@*])", inside)}
        if _EVALUATING.search(inside):
            self.lexed.evaluated |= set(_NAME.findall(inside))
        self._expanded(word, quoted=quoted)

    def _parameter_character(self, word: Word, *, quoted: bool) -> None:
        if self.pos >= self.end:
            raise Tangled("${ is not closed")
        char = self.text[self.pos]
        if char == "{" or (char == "'" and quoted):
            raise Tangled("dash and bash end this ${…} at different places")
        if char == '"' and quoted:
            raise Tangled('dash and bash read a " inside "${…}" differently')
        if char in "\\'\"$`\x00":
            inner = Word()
            self._bare_character(char, inner)
            word.names |= inner.names
        else:
            self._no_pending_across(char)
            self.pos += 1

    def _arithmetic(self, *, subshell_view: bool) -> None:
        """Read up to the matching ``))``; the opening two were read."""
        start, nested = self.pos, 0
        inner = Word()
        with self._forbid(_ARITHMETIC), self._deeper():
            while self.pos < self.end:
                char = self.text[self.pos]
                if char == ")" and not nested:
                    break
                if char == "'":
                    raise Tangled("a single quote inside arithmetic")
                nested += {"(": 1, ")": -1}.get(char, 0)
                if char in "\\'\"$`\x00":
                    self._bare_character(char, inner)
                else:
                    self._no_pending_across(char)
                    self.pos += 1
        inside = self.text[start : self.pos]
        if not self.text.startswith("))", self.pos):
            raise Tangled("(( … is not closed by )); for a nested command write $( (")
        if subshell_view and ("<<" in inside or "#" in inside):
            raise Tangled("dash and bash read this (( … )) differently")
        self.pos += 2
        self.lexed.evaluated |= inner.names | set(_NAME.findall(inside))

    def _backticks(self, word: Word, *, quoted: bool) -> None:
        start = self.pos + 1
        self.pos = start
        while self.pos < self.end and self.text[self.pos] != "`":
            self.pos += 2 if self.text[self.pos] == "\\" else 1
        if self.pos >= self.end:
            raise Tangled("a back-tick is not closed")
        inside = self.text[start : self.pos]
        self._no_pending_across(inside)
        with self._forbid(_BACKTICKS):
            self._forbidden_holes(inside)
        # What back-ticks do with a variable is not looked at, so the worst is taken.
        self.lexed.evaluated |= set(_NAME.findall(inside))
        self.pos += 1
        self._expanded(word, quoted=quoted)

    # -- small steps ------------------------------------------------------------------------------------------------

    def _peek(self) -> str:
        return self.text[self.pos] if self.pos < self.end else ""

    def _next(self) -> str:
        return self.text[self.pos + 1] if self.pos + 1 < self.end else ""

    def _hole(self, place: str | Refusal) -> None:
        self.lexed.places.append(self.forbidden or place)
        self.pos += 1

    def _forbidden_holes(self, inside: str) -> None:
        for _ in range(inside.count(HOLE)):
            self.lexed.places.append(self.forbidden or _SINGLE)

    def _no_pending_across(self, consumed: str) -> None:
        if self.pending and "\n" in consumed:
            raise Tangled("a line break inside quotes stands between a here-document and its text")

    @contextmanager
    def _forbid(self, refusal: Refusal) -> Iterator[None]:
        before = self.forbidden
        self.forbidden = before or refusal
        yield
        self.forbidden = before

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Tangled(f"it is nested more than {_MAX_DEPTH} deep")
        yield
        self.depth -= 1
