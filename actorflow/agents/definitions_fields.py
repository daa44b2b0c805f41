"""The values of a front matter's keys, each checked for what it must be.

Takes the raw fields and gives typed values; what is wrong is written down as a problem at the line of its
key. An error refuses the file: rights and limits are not guessed. A warning leaves the key out and remembers
why (``ignored``). Must not know how the fields were read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from actorflow.agents.definitions import EFFORTS, KEYS, MEMORIES, PERMISSION_MODES
from actorflow.agents.front_matter import Field
from actorflow.agents.front_matter_lines import UNREADABLE, split_list
from actorflow.values import FrozenDict, freeze_mapping
from actorflow.workflow.problems import Problem, Severity
from actorflow.workflow.shapes import described
from actorflow.workflow.suggest import Suggester

__all__ = ["Fields"]

_LONGEST_NAME: Final = 100
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,199}")
_EVENT = re.compile(r"[A-Z][A-Za-z]{2,40}")
_ALL_TOOLS = frozenset({"*", "all", "all tools"})
_WRITTEN_OTHERWISE = {"allowedtools": "tools", "deniedtools": "disallowedTools", "turns": "maxTurns"}
_NO_KEY = "Claude Code knows no such key of an agent"


class Fields:
    """The fields of one file.

    Args:
        problems: gets what is found.
    """

    def __init__(self, fields: Mapping[str, Field], file: str, problems: list[Problem]) -> None:
        self._fields = fields
        self._file = file
        self._problems = problems
        self._left_out: dict[str, str] = {}

    def ignored(self) -> dict[str, str]:
        """Return key -> why it has no effect. Call it last: what was left out on the way is among them."""
        for key in self._fields:
            if key not in KEYS:
                self._unknown(key)
            elif KEYS[key]:
                self._left_out.setdefault(key, KEYS[key])
        return {key: self._left_out[key] for key in self._fields if key in self._left_out}

    def name(self, stem: str) -> str:
        """Return the agent's name; the file's when the file says none."""
        name = self._text("name")
        if not name:
            self._warn("name", "the agent has no name", f"it is called '{stem}' after its file")
            name = stem
        reason = _name_mistake(name)
        if reason:
            self._refuse(
                "name", "E609", f"this cannot be the name of an agent: {reason}", "write a short name"
            )
        return name

    def prose(self, key: str) -> str:
        r"""Return free text; the characters ``\n`` in it are a line end, as Claude Code's own generator writes them."""
        value = self._value(key)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            value = "\n".join(value)
        if value is None or isinstance(value, str | int | float):
            return "" if value is None else str(value).replace("\\n", "\n").strip()
        self._leave_out(key, f"{key} must be text, not {described(value)}")
        return ""

    def tools(self, key: str) -> tuple[str, ...] | None:
        """Return names of tools, or rules such as ``Bash(git diff:*)``; None when nothing is said, or everything."""
        if key not in self._fields:
            return None
        names = self._names(key, refuse=True)
        if any(name.casefold() in _ALL_TOOLS for name in names):
            return None if key == "tools" else ("*",)
        if not names and key == "tools" and self._fields[key].value is None:
            hint = "as in Claude Code; remove the key to allow everything, or write [] to say it clearly"
            self._warn(key, "'tools' is empty, so the agent has no tools at all", hint)
        return names

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of names."""
        return self._names(key, refuse=False) if key in self._fields else ()

    def model(self) -> str | None:
        """Return an alias or an id; None for "inherit"."""
        model = self._text("model")
        if not model or model == "inherit":
            return None
        if _MODEL.fullmatch(model):
            return model
        self._leave_out(
            "model", "this is no name of a model", "an alias such as opus, sonnet or haiku, or an id"
        )
        return None

    def effort(self) -> str | None:
        """Return how hard the agent is to think."""
        return self._choice("effort", EFFORTS)

    def memory(self) -> str | None:
        """Return which memory the agent keeps."""
        return self._choice("memory", MEMORIES)

    def permission_mode(self) -> str | None:
        """Return the mode, unless a file cannot grant it."""
        mode = self._text("permissionMode")
        if mode and mode not in PERMISSION_MODES:
            hint = self._suggestion(mode, PERMISSION_MODES)
            self._refuse(
                "permissionMode", "E604", f"permissionMode must be one of {', '.join(PERMISSION_MODES)}", hint
            )
            return None
        if mode == "bypassPermissions":
            self._left_out["permissionMode"] = (
                "a file cannot grant bypassPermissions: only the command line can"
            )
            return None
        return mode or None

    def max_turns(self) -> int | None:
        """Return the limit on turns."""
        value = self._value("maxTurns")
        if value is None:
            return None
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self._refuse("maxTurns", "E605", "maxTurns must be a whole number of at least 1", "or remove it")
            return None
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false when nothing is said."""
        value = self._value(key)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            value = value.lower() == "true"
        if value is None or isinstance(value, bool):
            return bool(value)
        self._leave_out(key, f"{key} must be true or false")
        return False

    def mcp_servers(self) -> FrozenDict:
        """Return name -> settings, or None for a server that is configured elsewhere."""
        value = self._value("mcpServers")
        if value is None:
            return FrozenDict()
        if isinstance(value, str):
            value = split_list(value)
        entries = [{key: item} for key, item in value.items()] if isinstance(value, dict) else value
        servers: dict[str, Any] = {}
        for entry in entries if isinstance(entries, list) else [None]:
            named = {entry: None} if isinstance(entry, str) else entry
            if not isinstance(named, dict) or not all(
                v is None or isinstance(v, dict) for v in named.values()
            ):
                hint = "a list of names, or name: {command: …, args: […]}"
                self._leave_out("mcpServers", "this is not how MCP servers are written", hint)
                return FrozenDict()
            servers |= named
        return freeze_mapping(servers)

    def hooks(self) -> FrozenDict:
        """Return event -> matchers. Hooks may be guards, so what cannot be read is refused."""
        value = self._value("hooks")
        if value is None:
            return FrozenDict()
        if not isinstance(value, dict):
            self._refuse("hooks", "E601", "hooks cannot be read", "a mapping: event, then a list of matchers")
            return FrozenDict()
        strange = [event for event, matchers in value.items() if not _is_hook(event, matchers)]
        if strange:
            reason = f"'{strange[0][:40]}' is no event of Claude Code with a list of matchers"
            self._leave_out("hooks", f"these are not hooks of Claude Code: {reason}", "remove them")
            return FrozenDict()
        return freeze_mapping(value)

    def _value(self, key: str) -> Any:
        field = self._fields.get(key)
        return None if field is None else field.value

    def _text(self, key: str) -> str:
        value = self._value(key)
        if value is None or isinstance(value, str | int | float):
            return "" if value is None else str(value).strip()
        self._leave_out(key, f"{key} must be text, not {described(value)}")
        return ""

    def _choice(self, key: str, words: tuple[str, ...]) -> str | None:
        word = self._text(key)
        if word and word not in words:
            self._leave_out(key, f"{key} must be one of {', '.join(words)}", self._suggestion(word, words))
            return None
        return word or None

    def _names(self, key: str, *, refuse: bool) -> tuple[str, ...]:
        value = self._value(key)
        entries = [] if value is None else value if isinstance(value, list) else [value]
        complain: Callable[[str, str], None] = (
            (lambda message, hint: self._refuse(key, "E601", message, hint))
            if refuse
            else (lambda message, hint: self._leave_out(key, message, hint))
        )
        if not all(isinstance(entry, str) for entry in entries):
            what = "a mapping" if isinstance(value, dict) else "a list with something else in it"
            hint = "write names, as in: Read, Grep, Bash(git diff:*)"
            complain(
                f"{key} must be a list of names, not {described(value) if value is UNREADABLE else what}",
                hint,
            )
            return ()
        names = [name for entry in entries for name in split_list(entry)]
        for name in names:
            if not name.isprintable() or len(name) > 500 or name.startswith("-"):
                complain(f"{key}: '{name[:40]}' is no name", "write names, separated by commas")
                return ()
        return tuple(dict.fromkeys(names))

    def _unknown(self, key: str) -> None:
        folded = key.replace("-", "").replace("_", "").casefold()
        meant = _WRITTEN_OTHERWISE.get(folded) or next((k for k in KEYS if k.casefold() == folded), "")
        self._left_out[key] = _NO_KEY
        if meant:
            self._warn(key, f"'{key}' has no effect", f"in an agent it is called '{meant}'")

    def _suggestion(self, word: str, words: tuple[str, ...]) -> str:
        return Suggester().hint(word, words)

    def _leave_out(self, key: str, message: str, hint: str = "") -> None:
        self._left_out[key] = message
        self._warn(key, f"left out: {message}", hint)

    def _warn(self, key: str, message: str, hint: str) -> None:
        self._add(key, "W821", message, hint, "warning")

    def _refuse(self, key: str, code: str, message: str, hint: str) -> None:
        self._add(key, code, message, hint, "error")

    def _add(self, key: str, code: str, message: str, hint: str, severity: Severity) -> None:
        field = self._fields.get(key)
        line, column = (field.line, field.column) if field else (1, 1)
        self._problems.append(
            Problem(
                file=self._file,
                line=line,
                column=column,
                code=code,
                message=message,
                hint=hint,
                severity=severity,
            )
        )


def _name_mistake(name: str) -> str:
    if not name.isprintable():
        return "it has characters that cannot be shown, or more than one line"
    if len(name) > _LONGEST_NAME:
        return f"it has more than {_LONGEST_NAME} characters"
    return "it has a slash" if "/" in name or "\\" in name else ""


def _is_hook(event: str, matchers: Any) -> bool:
    return (
        _EVENT.fullmatch(event) is not None
        and isinstance(matchers, list)
        and all(isinstance(matcher, dict) for matcher in matchers)
    )
