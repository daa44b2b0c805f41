"""YAML text to events.

Walks the parser events of PyYAML: its C parser when it is there, else the pure one. Constructors and
composers are never used: they recurse (100,000 nested brackets crash the C one) and they expand aliases and
merge keys. Anchors, aliases, tags and directives are faults. The parser's own complaints are told in words
that say what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import yaml

from actorflow.workflow.events import END, MAPPING, SCALAR, SEQUENCE, UNUSABLE, Event, Fault, ReadingStopped
from actorflow.workflow.yaml_messages import explain

__all__ = ["yaml_events"]

_TAG_DIRECTIVE = re.compile(rb"^%TAG\b", re.MULTILINE)


class _Parser(Protocol):
    def get_event(self) -> Any: ...


def yaml_events(
    data: bytes, fault: Callable[[Fault], None], *, parser: Callable[[bytes], _Parser] | None = None
) -> Iterator[Event]:
    """Yield the events of the first document in ``data``.

    Args:
        data: UTF-8 without a byte order mark and without control characters.
        fault: is told what is wrong but does not end the reading.
        parser: makes something with ``get_event()``; PyYAML's C parser by default.

    Raises:
        ReadingStopped: the rest cannot be read.
    """
    # libyaml compares each %TAG with all those before it, so a file of them takes quadratic time inside one call.
    directive = _TAG_DIRECTIVE.search(data)
    if directive is not None:
        at = len(data[: directive.start()].decode())
        raise ReadingStopped(
            Fault(at, at + 4, "E511", "a %TAG directive", "tags are not supported: remove it")
        )
    get_event = (parser or _default_parser())(data).get_event
    try:
        yield from _events(get_event, fault)
    except yaml.MarkedYAMLError as error:
        raise ReadingStopped(_syntax_fault(error)) from None
    except yaml.YAMLError as error:
        raise ReadingStopped(Fault(0, 1, "E505", f"this is not YAML: {error}")) from None


def _events(get_event: Callable[[], Any], fault: Callable[[Fault], None]) -> Iterator[Event]:
    scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    mapping_end, sequence_end = yaml.MappingEndEvent, yaml.SequenceEndEvent
    while True:
        event = get_event()
        kind = type(event)
        start, end = event.start_mark.index, event.end_mark.index
        if kind is scalar:
            if event.anchor is not None or event.tag is not None:
                _report_properties(event, fault)
            yield (SCALAR, start, end, event.value, event.style or "")
        elif kind is mapping_end or kind is sequence_end:
            yield (END, start, end, "", "")
        elif kind is mapping or kind is sequence:
            if event.anchor is not None or event.tag is not None:
                _report_properties(event, fault)
            yield (MAPPING if kind is mapping else SEQUENCE, start, end, "", "")
        elif kind is yaml.AliasEvent:
            fault(_alias(event))
            yield (UNUSABLE, start, end, f"*{event.anchor}", "")
        elif _is_over(kind, get_event, fault):
            return


def _is_over(kind: type, get_event: Callable[[], Any], fault: Callable[[Fault], None]) -> bool:
    """Handle what stands around documents; True when nothing more is to be read."""
    if kind is yaml.StreamEndEvent:
        return True
    if kind is yaml.DocumentEndEvent:
        following = get_event()
        if type(following) is yaml.DocumentStartEvent:
            mark: Any = following.start_mark
            at = mark.index
            hint = "a workflow is one document: remove the '---' and what follows it, or make a file of it"
            fault(Fault(at, at + 3, "E512", "a second document starts here", hint))
        return True
    return False


def _report_properties(event: Any, fault: Callable[[Fault], None]) -> None:
    at = event.start_mark.index
    if event.anchor is not None:
        hint = "anchors and aliases are not supported: write the value out where it is needed"
        fault(Fault(at, at + 1 + len(event.anchor), "E509", f"the anchor '&{event.anchor}'", hint))
    if event.tag is not None:
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        fault(
            Fault(at, event.end_mark.index, "E511", f"the tag '{shown}'", "tags are not supported: remove it")
        )


def _alias(event: Any) -> Fault:
    hint = (
        "anchors and aliases are not supported: write the value out; for text that starts with '*', quote it"
    )
    start, end = event.start_mark.index, event.end_mark.index
    return Fault(start, end, "E509", f"the alias '*{event.anchor}'", hint)


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    problem, context = error.problem or "", error.context or ""
    mark: Any = error.problem_mark or error.context_mark
    opened = 0
    if error.context_mark is not None and mark is not None:
        if "end of stream" in problem and "quoted" in context:
            mark = error.context_mark  # the quote that is never closed says more than the end of the file
        elif error.context_mark.line != mark.line:
            opened = error.context_mark.line + 1
    at = mark.index if mark is not None else 0
    message, hint = explain(problem, context, opened)
    return Fault(at, at + 1, "E505", message, hint)


def _default_parser() -> Callable[[bytes], _Parser]:
    if yaml.__with_libyaml__:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs forget it

        return CParser
    return lambda data: yaml.Loader(data.decode())  # only its events are used, never its constructors
