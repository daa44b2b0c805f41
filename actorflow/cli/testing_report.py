"""What is said of tests of workflows: lines for people, and one JSON value.

Takes results, gives text that is escaped already, and plain values. Must not run anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from actorflow import api
from actorflow.cli.options import local_zone
from actorflow.monitor.times import duration_text
from actorflow.values import JSONValue
from actorflow.views.escape import escape, escape_lines
from actorflow.views.style import COLOURS, Look, look_of, paint, symbol
from actorflow.workflow import Problem

__all__ = ["tests_json", "tests_lines"]


def tests_lines(results: Sequence[api.FileResult], *, shows_branches: bool) -> Iterator[str]:
    """Yield the lines about all files, and a last one about all of them together."""
    look = look_of(sys.stdout, os.environ, zone=local_zone())
    for result in results:
        yield escape(str(result.file))
        for problem in result.problems:
            yield from _indented(str(problem), 2)
        for case in result.cases:
            yield from _case(case, look)
        if result.branches:
            yield from _branches(result, look, shows_branches=shows_branches)
    yield _sum(results)


def _case(case: api.CaseResult, look: Look) -> Iterator[str]:
    status = "failed" if case.not_met else "success"
    mark = paint(symbol(status, look), COLOURS.get(status, ""), look)
    took = "" if case.virtual_seconds is None else f"  ({duration_text(case.virtual_seconds)} on its clock)"
    yield f"  {mark} {escape(case.name)}{took}"
    for not_met in case.not_met:
        place = not_met.place
        yield from _indented(f"{place.file}:{place.line}:{place.column}: {not_met.message}", 6)
        yield from _indented(place.excerpt, 10)
        yield from _indented(not_met.hint, 10)


def _branches(result: api.FileResult, look: Look, *, shows_branches: bool) -> Iterator[str]:
    taken = result.branches - len(result.never)
    more = "" if not result.never or shows_branches else "; --coverage lists the others"
    line = f"  {taken} of {result.branches} branches taken{more}"
    yield paint(line, "yellow" if result.never else "bright_black", look)
    if shows_branches:
        for place, what in result.never:
            yield escape(f"      {place.file}:{place.line}:{place.column}: never: {what}")


def _sum(results: Sequence[api.FileResult]) -> str:
    cases = [case for result in results for case in result.cases]
    failed = sum(bool(case.not_met) for case in cases)
    invalid = sum(bool(result.problems) for result in results)
    seconds = duration_text(sum(case.seconds for case in cases))
    parts = [f"{len(cases) - failed} passed"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{invalid} file{'s' if invalid > 1 else ''} not valid"] if invalid else []
    return f"{', '.join(parts)} in {seconds}"


def _indented(text: str, margin: int) -> Iterator[str]:
    return (f"{' ' * margin}{line}" for line in escape_lines(text).splitlines())


def tests_json(results: Sequence[api.FileResult], *, cover_all: bool) -> dict[str, Any]:
    """Return what ``test --json`` prints."""
    is_covered = not (cover_all and any(result.never for result in results))
    return {
        "passed": is_covered and all(result.is_passed for result in results),
        "files": [_file(result) for result in results],
    }


def _file(result: api.FileResult) -> dict[str, JSONValue]:
    return {
        "file": str(result.file),
        "workflow": None if result.workflow is None else str(result.workflow),
        "problems": [problem.as_json() for problem in result.problems],
        "tests": [_test(case) for case in result.cases],
        "branches": result.branches,
        "never": [{**_place(place), "what": what} for place, what in result.never],
    }


def _test(case: api.CaseResult) -> dict[str, JSONValue]:
    return {
        "name": case.name,
        "line": case.line,
        "passed": not case.not_met,
        "virtual_duration": case.virtual_seconds,
        "duration": case.seconds,
        "differences": [
            {**_place(not_met.place), "message": not_met.message, "hint": not_met.hint}
            for not_met in case.not_met
        ],
    }


def _place(place: Problem) -> dict[str, JSONValue]:
    return {"file": place.file, "line": place.line, "column": place.column}
