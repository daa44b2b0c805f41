"""Agents in words and as JSON, for ``actorflow agents``.

Takes what ``api`` knows of agents; gives lines and documents. Whatever a file says is escaped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from actorflow.agents.command.definition import CommandDefinition, Word
from actorflow.agents.definitions import AgentDefinition
from actorflow.api.describing import KnownAgent
from actorflow.cli.options import width_of
from actorflow.values import thaw
from actorflow.views.escape import cut, escape, escape_lines

__all__ = ["agent_json", "list_lines", "overruled_lines", "show_json", "show_lines"]

_HEADINGS = {
    "project": "of this project (.claude/agents/)",
    "user": "of yours (~/.claude/agents/)",
    "plug-in": "of installed packages",
    "shipped": "shipped with actorflow",
    "built-in": "built in",
}
_KINDS = {
    "claude": "run by Claude Code",
    "command": "another program",
    "code": "runs here",
}


def overruled_lines(found: Iterable[KnownAgent]) -> Iterator[str]:
    """Yield a warning for each file that cannot have the name it wants."""
    for known in found:
        for file in known.overruled:
            yield f"warning: {escape(str(file.path))} is not used: '{known.name}' is built in, and nothing can take its name"


def list_lines(found: tuple[KnownAgent, ...]) -> Iterator[str]:
    """Yield the lines of the list: a block for each origin, then why some cannot run."""
    width = max(40, width_of(sys.stdout))
    longest = min(32, max(len(escape(known.name)) for known in found))
    for origin, heading in _HEADINGS.items():
        group = [known for known in found if known.origin == origin]
        if group:
            yield heading
            for known in group:
                yield cut(
                    f"{_mark(known)} {escape(known.name):<{longest}}  {_what_for(known)}", width
                ).rstrip()
            yield ""
    yield from _reasons(found)


def _mark(known: KnownAgent) -> str:
    return "!" if known.is_broken else "-" if known.reason else " "


def _what_for(known: KnownAgent) -> str:
    if known.is_broken:
        first = next((p for p in known.problems if p.severity == "error"), None)
        return "cannot be used: " + (escape(first.message) if first else "the file cannot be read")
    first_line, _, _ = known.description.strip().partition("\n")
    return escape(first_line)


def _reasons(found: tuple[KnownAgent, ...]) -> Iterator[str]:
    """Yield why agents cannot run, each reason once: those that Claude Code runs have one in common."""
    claude = [known for known in found if known.kind == "claude" and known.reason and not known.is_broken]
    for known in found:
        if known.is_broken:
            yield f"! {escape(known.traits.defect)}; actorflow agents show {escape(known.name)!r}"
        elif known.reason and known not in claude:
            yield f"- {escape(known.reason)}"
    if claude:
        main = next((known for known in claude if known.name == "claude"), claude[0])
        more = f" (the same for {len(claude) - 1} more)" if len(claude) > 1 else ""
        yield f"- {escape(main.reason)}{more}"


def agent_json(known: KnownAgent) -> dict[str, Any]:
    """Return one agent of ``agents list --json``."""
    return {
        "name": known.name,
        "origin": known.origin,
        "kind": known.kind,
        "description": known.description,
        "file": _path(known.file),
        "shadows": [{"file": str(file.path), "origin": file.scope} for file in known.shadowed],
        "can_run": not known.reason,
        "reason": known.reason or None,
    }


def show_json(known: KnownAgent) -> dict[str, Any]:
    """Return the document of ``agents show --json``."""
    definition = known.definition
    settings, prompt, ignored = _settings(definition)
    return {
        **agent_json(known),
        "supports": sorted(known.traits.supports),
        "parameters": None if known.traits.parameters is None else sorted(known.traits.parameters),
        "required": sorted(known.traits.required),
        "settings": settings,
        "ignored": ignored,
        "prompt": prompt,
        "fingerprint": None if definition is None else definition.fingerprint,
        "problems": [problem.as_json() for problem in known.problems],
    }


def _settings(
    definition: AgentDefinition | CommandDefinition | None,
) -> tuple[dict[str, Any], str | None, dict[str, str]]:
    """Return what a definition sets, its prompt, and what has no effect."""
    if definition is None:
        return {}, None, {}
    if isinstance(definition, CommandDefinition):
        return _command_settings(definition), definition.role or None, {}
    settings = {key: thaw(value) for key, value in definition.effective.items() if key != "prompt"}
    return settings, definition.prompt, dict(definition.ignored)


def _command_settings(definition: CommandDefinition) -> dict[str, Any]:
    settings: dict[str, Any] = {"command": _words(definition.command)}
    if definition.resume is not None:
        settings["resume"] = _words(definition.resume)
    settings["prompt"] = definition.prompt
    settings["options"] = {
        name: {"default": thaw(option.default), "allowed": list(option.allowed) if option.allowed else None}
        for name, option in definition.options.items()
    }
    if definition.environment:
        settings["env"] = dict(definition.environment)
    settings["output"] = definition.output.format
    if definition.about:
        settings["about"] = definition.about.strip()
    return settings


def _words(words: tuple[Word, ...]) -> list[str | list[str]]:
    return [word if isinstance(word, str) else list(word) for word in words]


def show_lines(known: KnownAgent) -> Iterator[str]:
    """Yield what is known of one agent."""
    yield f"{escape(known.name)}: {_HEADINGS[known.origin]}, {_KINDS[known.kind]}"
    settings, prompt, ignored = _settings(known.definition)
    rows: list[tuple[str, str]] = [("file", _path(known.file) or "")]
    rows += [("shadows", f"{file.path} ({file.scope})") for file in known.shadowed]
    rows += [("not used", f"{file.path}: the name is built in") for file in known.overruled]
    rows.append(("for", known.description.strip()))
    if known.is_broken and not known.problems:
        rows.append(("broken", known.traits.defect))
    if not known.is_broken:
        rows.append(("can run", f"no: {known.reason}" if known.reason else "yes"))
        rows.append(("supports", ", ".join(sorted(known.traits.supports))))
        rows.append(("parameters", _parameters(known)))
    rows += [(key, _shown(value)) for key, value in settings.items()]
    rows += [("ignored", f"{key}: {reason}") for key, reason in ignored.items()]
    if known.definition is not None:
        rows.append(("fingerprint", known.definition.fingerprint[:16]))
    names = max(len(escape(name)) for name, _ in rows)
    for name, text in rows:
        first, *others = escape_lines(text).split("\n")
        if text:
            yield f"  {escape(name):<{names}}  {first}".rstrip()
            yield from (f"  {'':<{names}}  {line}".rstrip() for line in others)
    if known.problems:
        yield ""
        yield from (escape_lines(str(problem)) for problem in known.problems)
    if prompt:
        yield ""
        yield escape_lines(prompt.strip())


def _parameters(known: KnownAgent) -> str:
    required = ", ".join(f"{name} (required)" for name in sorted(known.traits.required))
    if known.traits.parameters is None:
        return f"{required}, anything else as data" if required else "anything, as data"
    others = ", ".join(sorted(known.traits.parameters - known.traits.required))
    return f"{required}, {others}" if required and others else required or others


def _shown(value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) if value else "none"
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)
