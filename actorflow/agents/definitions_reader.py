"""``.claude/agents/NAME.md`` to an ``AgentDefinition``, or to everything that is wrong with it.

Takes bytes and gives a definition; problems have file, line and column. What decides about rights or limits
(tools, permissions, turns, hooks) is refused when it cannot be understood, never guessed; anything else that
cannot be used is left out, with a warning. A file that is no UTF-8 is read as Windows-1252. Bounded: a
megabyte, and a part of that above the body. Must not open files.
"""

from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path
from typing import Final

from actorflow.agents.definitions import KEYS, AgentDefinition, Scope
from actorflow.agents.definitions_fields import Fields
from actorflow.agents.front_matter import Field, FrontMatter, NotClosed, read_front_matter, split_front_matter
from actorflow.errors import SpecErrors
from actorflow.values import FrozenDict
from actorflow.workflow.problems import Problem, Severity, has_errors, in_order

__all__ = ["MAX_BYTES", "read_definition"]

MAX_BYTES: Final = 1024 * 1024
"""How large a definition may be."""

MAX_FRONT_MATTER: Final = 128 * 1024
"""How many characters may stand above the body."""

_PROSE = frozenset({"description", "initialPrompt"})


def read_definition(data: bytes, *, source: Path, scope: Scope) -> AgentDefinition:
    """Read the definition of an agent.

    Args:
        data: the file's bytes.
        source: where it lies; its name is the agent's when the file says none.

    Raises:
        SpecErrors: it cannot be used; carries all problems.
    """
    problems: list[Problem] = []
    text = _text_of(data, str(source), problems)
    try:
        above, line, body = split_front_matter(text)
    except NotClosed:
        hint = "write a line '---' below the last key; the agent's prompt follows it"
        message = "the front matter begins here and never ends"
        raise SpecErrors((_problem(source, 1, 1, "E821", message, hint),)) from None
    if above is None:
        matter = FrontMatter({"name": Field(source.stem, 1, 1)})
        hint = "Claude Code itself does not take it for an agent: begin it with '---', name and description"
        problems.append(_problem(source, 1, 1, "W821", "no front matter", hint, "warning"))
    elif len(above) > MAX_FRONT_MATTER:
        hint = "what the agent is to know belongs below the second '---'"
        message = f"the front matter has more than {MAX_FRONT_MATTER:,} characters"
        raise SpecErrors((_problem(source, 1, 1, "E501", message, hint),))
    else:
        matter = read_front_matter(above, line, known=KEYS, prose=_PROSE)
    definition = _decoded(matter, body.strip(), source, scope, problems)
    found = in_order(problems)
    if definition is None or has_errors(found):
        raise SpecErrors(found)
    return replace(definition, warnings=found)


def _decoded(
    matter: FrontMatter, prompt: str, source: Path, scope: Scope, problems: list[Problem]
) -> AgentDefinition | None:
    if matter.complaint is not None:
        line, column, reason = matter.complaint
        if not any(key in KEYS for key in matter.fields):
            hint = "write one 'key: value' on each line, at least name and description"
            problems.append(
                _problem(source, line, column, "E505", f"the front matter is not YAML: {reason}", hint)
            )
            return None
        message = f"not YAML, so it was read line by line: {reason}"
        hint = "quote the text, or write it below 'description: |', indented"
        problems.append(_problem(source, line, column, "W822", message, hint, "warning"))
    if not prompt:
        hint = "what stands below the second '---' is its system prompt"
        problems.append(_problem(source, 1, 1, "W821", "the agent has no prompt", hint, "warning"))
    fields = Fields(matter.fields, str(source), problems)
    return AgentDefinition(
        name=fields.name(source.stem),
        description=fields.prose("description"),
        prompt=prompt,
        source=source,
        scope=scope,
        tools=fields.tools("tools"),
        disallowed_tools=fields.tools("disallowedTools") or (),
        model=fields.model(),
        effort=fields.effort(),
        permission_mode=fields.permission_mode(),
        max_turns=fields.max_turns(),
        skills=fields.names("skills"),
        mcp_servers=fields.mcp_servers(),
        hooks=fields.hooks(),
        memory=fields.memory(),
        initial_prompt=fields.prose("initialPrompt"),
        omit_claude_md=fields.flag("omitClaudeMd"),
        ignored=FrozenDict(fields.ignored()),
    )


def _text_of(data: bytes, file: str, problems: list[Problem]) -> str:
    """Return the file as text with plain line ends.

    Raises:
        SpecErrors: it is no text.
    """
    if len(data) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES:,} bytes"
        raise SpecErrors((_problem(file, 1, 1, "E501", message, "an agent's prompt is a few pages at most"),))
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SpecErrors((_problem(file, 1, 1, "E502", "the file is UTF-16, not UTF-8", "save it as UTF-8"),))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        text = data.decode("cp1252", "replace")
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"the byte 0x{data[error.start]:02X} is not UTF-8, so the file was read as Windows-1252"
        problems.append(_problem(file, line, column, "W821", message, "save it as UTF-8", "warning"))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SpecErrors((_problem(file, line, 1, "E503", "a NUL character in the file", "this is no text"),))
    if not text.strip():
        hint = "an agent has a front matter (name, description) and a prompt"
        raise SpecErrors((_problem(file, 1, 1, "E504", "the file is empty", hint),))
    return text


def _problem(  # noqa: PLR0917 - a place, and what is said of it, are read in this order
    file: object, line: int, column: int, code: str, message: str, hint: str, severity: Severity = "error"
) -> Problem:
    return Problem(
        file=str(file), line=line, column=column, code=code, message=message, hint=hint, severity=severity
    )
