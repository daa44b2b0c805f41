"""What can be wrong with the description of a program beyond single keys: placeholders, ways in, ways out.

Takes the keys of a file and those it has together with what it extends, and reports at the file's own keys. A
description that passes can be run: its prompt gets in, and something of its output is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorflow.agents.command.argv import PLACEHOLDERS, placeholders_in
from actorflow.agents.command.definition import CommandOption
from actorflow.workflow.report import Path, Report

__all__ = ["check_description"]

_WAYS = {"argument": "prompt", "file": "prompt_file"}


def check_description(own: Mapping[str, Any], keys: Mapping[str, Any], report: Report) -> None:
    """Report what does not fit together.

    Args:
        own: what the file itself says.
        keys: that, over what it extends.
    """
    if "command" not in keys:
        is_told = any(len(complaint.path) <= 1 for complaint in report.complaints)
        if "extends" not in own and not is_told:
            message = "the description of a program needs the key 'command' (or 'extends')"
            report.error((), "E603", message, "command: [program, argument, …]")
        return
    _check_name(own, report)
    _check_options(own, keys, report)
    for line in ("command", "resume"):
        if line in keys:
            _check_line(line, own, keys, report)
    _check_output(own, keys, report)


def _place(own: Mapping[str, Any], key: str) -> Path:
    """Return where to report something about a key: there, or where it was taken over."""
    return (key,) if key in own else ("extends",)


def _check_name(own: Mapping[str, Any], report: Report) -> None:
    name = own.get("name", "")
    if "/" in name or "\\" in name or name != name.strip():
        report.error(
            ("name",), "E609", f"'{name}' cannot be the name of an agent", "no slashes, no blanks around it"
        )


def _check_options(own: Mapping[str, Any], keys: Mapping[str, Any], report: Report) -> None:
    used = {name for line in ("command", "resume") for name in placeholders_in(keys.get(line, ()))}
    for name in own.get("options", ()):
        here = ("options", name)
        _check_default(here, keys["options"][name], report)
        if name in PLACEHOLDERS:
            report.error(
                here,
                "E609",
                f"'{name}' cannot be the name of an option",
                f"it is {PLACEHOLDERS[name]}",
                at_key=True,
            )
        elif name not in used:
            hint = f"write {{{name}}} into the command where it belongs"
            report.warning(here, "W821", f"the option '{name}' has no effect", hint, at_key=True)
    if "model" in own:
        _check_default(("model",), keys["options"]["model"], report)
    if "model" in own and "model" not in used:
        report.warning(("model",), "W821", "model has no effect", "the command has no {model}", at_key=True)
    if "model" in own and "model" in own.get("options", ()):
        report.error(("model",), "E610", "the model is in options too", "say it once", at_key=True)
    if own.get("schema") == "strict" and "schema_file" not in used:
        report.warning(
            ("schema",), "W821", "schema has no effect", "the command has no {schema_file}", at_key=True
        )


def _check_default(here: Path, option: CommandOption, report: Report) -> None:
    defaults = option.default if isinstance(option.default, tuple) else (option.default,)
    if option.allowed is not None and any(d is not None and d not in option.allowed for d in defaults):
        message = f"the default of '{here[-1]}' must be one of {', '.join(option.allowed)}"
        report.error(here, "E604", message, "or give the list of what is 'allowed' with it", at_key=True)


def _check_line(line: str, own: Mapping[str, Any], keys: Mapping[str, Any], report: Report) -> None:
    known = {*PLACEHOLDERS, *keys.get("options", ())}
    names = set(placeholders_in(keys[line]))
    for index, word in enumerate(own.get(line, ())):
        for name in placeholders_in((word,)):
            if name not in known:
                hint = (
                    report.suggestion(name, known)
                    or f"known: {', '.join(sorted(known))}; for braces write {{{{ and }}}}"
                )
                report.error((line, index), "E832", f"there is no placeholder {{{name}}}", hint)
    way = keys.get("prompt", "stdin")
    place = _place(own, line)
    for kind, name in _WAYS.items():
        if way == kind and name not in names:
            message = f"{line} has no {{{name}}}, so the prompt does not get to the program"
            report.error(place, "E833", message, f"'prompt: {kind}' needs it; 'prompt: stdin' needs nothing")
        elif way != kind and name in names:
            report.error(
                place, "E833", f"{line} has {{{name}}}, which has no value", f"with it write 'prompt: {kind}'"
            )
    if line == "resume" and "session" not in names:
        report.error(
            place, "E833", "resume has no {session}", "the program must be told with which session to go on"
        )
    if line == "command" and "session" in names:
        report.error(
            place,
            "E833",
            "command has {session}, which has no value",
            "a fresh session has no id yet; write it into resume",
        )


def _check_output(own: Mapping[str, Any], keys: Mapping[str, Any], report: Report) -> None:
    output = keys.get("output", {})
    rules = [key for key in output if key != "format"]
    form = output.get("format", "text")
    place = _place(own, "output")
    if form == "text" and rules:
        message = f"'{rules[0]}' needs a format that has places"
        report.error(place, "E610", message, "write 'format: jsonl' or 'format: json'")
    is_told = any(path[:1] == ("output",) for path in report.wrong_paths)
    if form != "text" and not {"text", "result"} & output.keys() and not is_told:
        report.error(place, "E603", "output needs the key 'text' or 'result'", "where is the agent's answer?")
    if "resume" in own and "session" not in output and not is_told:
        message = "resume has no effect: nothing says where the id of the session is"
        report.warning(("resume",), "W821", message, "write output: {session: …}", at_key=True)
