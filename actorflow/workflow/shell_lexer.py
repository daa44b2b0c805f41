"""Reads shell text as dash and bash do, as far as it takes to know where a hole stands.

Takes command text in which every hole is one ``HOLE`` character; gives the place of each hole and the simple
commands with their words after quote removal, which ``shell_rules`` judges. Where dash and bash read the same
text differently, or the text does not end, ``Tangled`` is raised: a hole is allowed only where both agree.
One pass from left to right, depth bounded. Must not rewrite the text and knows nothing of what programs do
with their arguments.
"""

from __future__ import annotations

import re

from actorflow.workflow.shell_parts import DYNAMIC, HOLE, Command, HereDocument, Lexed, Refusal, Tangled, Word
from actorflow.workflow.shell_words import WORD_END, WordReader

__all__ = ["lex"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r";;&|;;|;&|;|&&|&>>|&>|&|\|\||\|&|\||\(|\)|\n|<<<|<<-|<<|<&|<>|<|>>|>&|>\||>")
_DESCRIPTOR = re.compile(r"[0-9]+(?=[<>])")
_REDIRECTIONS = frozenset("< > >> <& >& <> >| &> &>> <<<".split())
_INPUTS = frozenset("< << <<- <<< <>".split())
_SEPARATORS = frozenset([";", "&", "&&", "||", "|", "|&", "\n"])
_CASE_ENDS = frozenset([";;", ";&", ";;&"])
_OPENERS = frozenset("if then elif else while until do ! { time coproc fi done }".split())
_WORD_END_OR_END = WORD_END | {""}

_TEST = Refusal("E911", "inside [[ … ]] operands can be evaluated as code; [ … ] is safe")
_HERE_BODY = Refusal("E912", "inside a here-document a value cannot be kept apart from the text")


def lex(text: str) -> Lexed:
    """Read ``text``.

    Raises:
        Tangled: dash and bash do not agree on it, or it does not end.
    """
    reader = _Reader(text)
    reader.read_all()
    return reader.lexed


class _Reader(WordReader):
    """Lists of commands and here-documents."""

    def read_all(self) -> None:
        self._list(frozenset())
        if self.pending:
            raise Tangled("a here-document does not begin")

    def _list(self, stops: frozenset[str]) -> str:
        """Read commands until one of ``stops`` (or the end, when there are none) and return it."""
        with self._deeper():
            command = Command()
            while True:
                self._skip_blanks()
                operator = self._operator()
                if operator is None:
                    if self.pos >= self.end:
                        self._finish(command)
                        if stops:
                            raise Tangled(f"{' or '.join(sorted(stops))} is missing")
                        return ""
                    found = self._take_word(command, stops)
                else:
                    found = self._take_operator(operator, command, stops)
                if found:
                    self._finish(command)
                    return found
                if operator in _SEPARATORS or operator == "(":
                    command = Command()

    def _take_operator(self, operator: str, command: Command, stops: frozenset[str]) -> str:
        if operator in stops:
            return operator
        command.own_stdin = command.own_stdin or operator in _INPUTS
        if operator in _REDIRECTIONS:
            self._redirection(operator, command)
        elif operator in ("<<", "<<-"):
            self._here_document(command, strip_tabs=operator == "<<-")
        elif operator in _SEPARATORS:
            self._finish(command)
            if operator == "\n":
                self._here_bodies()
        elif operator == "(":
            self._parenthesis(command)
        else:
            raise Tangled(f"unexpected {operator}")
        return ""

    def _take_word(self, command: Command, stops: frozenset[str]) -> str:
        first = not (command.words or command.assigns)
        word = self._word()
        reserved = word.text if first and not word.quoted and not word.splits else ""
        if reserved and reserved in stops:
            return reserved
        if reserved and command.is_empty and self._reserved(reserved):
            return ""
        name = word.assigned
        if not command.words and name:
            command.assigns.append((name, word))
        else:
            command.words.append(word)
        return ""

    def _reserved(self, word: str) -> bool:
        """Read what a reserved word begins; False when ``word`` is none."""
        if word in _OPENERS:
            return True
        if word in ("for", "select"):
            self._for()
        elif word == "case":
            self._case()
        elif word == "[[":
            self._double_bracket()
        elif word == "function":
            self.lexed.functions = True
            self._skip_blanks()
            self._word()
        else:
            return False
        return True

    def _finish(self, command: Command) -> None:
        if not command.is_empty:
            command.holes_end = len(self.lexed.places)
            self.lexed.commands.append(command)

    def _parenthesis(self, command: Command) -> None:
        if command.is_empty:
            if self._peek() == "(":
                self.pos += 1
                self._arithmetic(subshell_view=True)
            else:
                self._list(frozenset(")"))
            return
        self._skip_blanks()
        if len(command.words) == 1 and not command.assigns and self._peek() == ")":
            self.pos += 1
            self.lexed.functions = True
            if command.words[0].holes:
                raise Tangled("a function's name has a hole")
            return
        raise Tangled("a parenthesis in the middle of a command")

    def _redirection(self, operator: str, command: Command) -> None:
        self._skip_blanks()
        if operator in ("<", ">") and self._peek() == "(":
            raise Tangled("unexpected (")
        word = self._word()
        command.redirections.append(word)
        if operator in (">&", "<&"):
            command.duplications.append(word)
        if operator.startswith("&>"):
            self._skip_blanks()
            if self._peek() not in _WORD_END_OR_END:
                raise Tangled("dash reads &> as the end of the command; write > file 2>&1")

    def _for(self) -> None:
        self._skip_blanks()
        if self.text.startswith("((", self.pos):
            self.pos += 2
            self._arithmetic(subshell_view=False)
            return
        variable = self._word()
        if not variable.is_static:
            raise Tangled("the variable of a loop is not a plain name")
        loop = Command()
        self._skip_newlines()
        if self._keyword("in"):
            while True:
                self._skip_blanks()
                if self.pos >= self.end or self.text[self.pos] in WORD_END:
                    break
                loop.assigns.append((variable.text, self._word()))
        self._finish(loop)

    def _case(self) -> None:
        self._skip_blanks()
        subject = Command(redirections=[self._word()])
        self._finish(subject)
        self._skip_newlines()
        if not self._keyword("in"):
            raise Tangled("case without in")
        with self._deeper():
            while True:
                self._skip_newlines()
                if self._keyword("esac"):
                    return
                self._patterns()
                if self._list(_CASE_ENDS | {"esac"}) == "esac":
                    return

    def _patterns(self) -> None:
        if self._peek() == "(":
            self.pos += 1
        while True:
            self._skip_blanks()
            self._word()
            self._skip_blanks()
            operator = self._operator()
            if operator == ")":
                return
            if operator != "|":
                raise Tangled("a case pattern does not end")

    def _double_bracket(self) -> None:
        with self._forbid(_TEST):
            command = Command()
            while True:
                self._skip_newlines()
                if self.pos >= self.end:
                    raise Tangled("]] is missing")
                if self.text.startswith("<<", self.pos):
                    raise Tangled("dash reads << inside [[ … ]] as a here-document")
                if self.text[self.pos] in WORD_END:
                    self.pos += 1
                    continue
                word = self._word()
                if word.text == "]]" and not word.quoted:
                    self.lexed.evaluated |= {name for item in command.words for name in item.names}
                    self.lexed.evaluated |= {
                        item.text for item in command.words if _NAME.fullmatch(item.text)
                    }
                    return
                command.words.append(word)

    # -- here-documents ---------------------------------------------------------------------------------------------

    def _here_document(self, command: Command, *, strip_tabs: bool) -> None:
        self._skip_blanks()
        word = self._word()
        if DYNAMIC in word.text or HOLE in word.text or "\n" in word.text:
            raise Tangled("the delimiter of a here-document is not plain text")
        self.documents += 1
        self.pending.append(HereDocument(word.text, word.quoted, strip_tabs, command))

    def _here_bodies(self) -> None:
        waiting, self.pending = self.pending, []
        for document in waiting:
            self._here_body(document)

    def _here_body(self, document: HereDocument) -> None:
        start = self.pos
        while True:
            line_end = self.text.find("\n", self.pos, self.end)
            stop = self.end if line_end < 0 else line_end
            line = self.text[self.pos : stop]
            if (line.lstrip("\t") if document.strip_tabs else line) == document.delimiter:
                break
            if line_end < 0:
                raise Tangled(f"the here-document {document.delimiter} does not end")
            self.pos = line_end + 1
        body, after = self.text[start : self.pos], min(stop + 1, self.end)
        with self._forbid(_HERE_BODY):
            if document.quoted:
                self._forbidden_holes(body)
                word = Word(text=body, quoted=True)
            else:
                word = self._expanding_body(body, start, document)
        document.command.here_documents.append(word)
        self.pos = after

    def _expanding_body(self, body: str, start: int, document: HereDocument) -> Word:
        joined = body.replace("\\\n", "").split("\n")
        if body.endswith("\\\n") or document.delimiter in joined:
            raise Tangled("a continued line of a here-document hides its end")
        whole, self.end, self.pos = self.end, start + len(body), start
        word = Word()
        self._double_quotes(word, "")
        self.end = whole
        return word

    # -- small steps ------------------------------------------------------------------------------------------------

    def _operator(self) -> str | None:
        """Take the operator here, with the number of a descriptor before it; None when a word begins."""
        descriptor = _DESCRIPTOR.match(self.text, self.pos, self.end)
        at = descriptor.end() if descriptor else self.pos
        if self.text[at : at + 2] in ("<(", ">("):
            return None
        match = _OPERATOR.match(self.text, at, self.end)
        if match is None:
            return None
        self.pos = match.end()
        return match[0]

    def _keyword(self, keyword: str) -> bool:
        stop = self.pos + len(keyword)
        if self.text[self.pos : stop] != keyword or (stop < self.end and self.text[stop] not in WORD_END):
            return False
        self.pos = stop
        return True

    def _skip_blanks(self) -> None:
        while self.pos < self.end:
            if self.text[self.pos] in " \t":
                self.pos += 1
            elif self.text.startswith("\\\n", self.pos):
                self._no_pending_across("\n")
                self.pos += 2
            elif self.text[self.pos] == "#":
                self._comment()
            else:
                return

    def _comment(self) -> None:
        line_end = self.text.find("\n", self.pos, self.end)
        stop = self.end if line_end < 0 else line_end
        # A comment is dropped by the shell, and the hole's replacement has no line break: it cannot get out of it.
        for _ in range(self.text.count(HOLE, self.pos, stop)):
            self.lexed.places.append(self.forbidden or "bare")
        self.pos = stop

    def _skip_newlines(self) -> None:
        while True:
            self._skip_blanks()
            if self._peek() != "\n":
                return
            self.pos += 1
            self._here_bodies()
