"""From faults and complaints to problems: looks up every place in one walk and adds the excerpts.

Takes a document and a report and gives problems in the order of the file. Only works when there is something to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from actorflow.workflow.document import Document
from actorflow.workflow.events import Fault
from actorflow.workflow.positions import Place, Places, locate
from actorflow.workflow.problems import Problem, Severity, in_order
from actorflow.workflow.report import Complaint, Path, Report
from actorflow.workflow.scalar_offsets import source_offset
from actorflow.workflow.source import Source

__all__ = ["problem_of_fault", "problems_of"]


@dataclass(slots=True)
class _Placed:
    """What is to be said, and the offsets in the file that it is about."""

    start: int
    end: int
    code: str
    message: str
    hint: str
    severity: Severity = "error"
    first: int | None = None


def problems_of(document: Document, report: Report) -> tuple[Problem, ...]:
    """Return everything that was found, in the order of the file; most often nothing."""
    complaints = [c for c in report.complaints if not _is_muted(c.path, document)]
    if not complaints and not document.faults:
        return ()
    firsts = [fault.first_key for fault in document.faults if fault.first_key is not None]
    wanted = {*firsts, *(c.path for c in complaints), *(c.first for c in complaints if c.first is not None)}
    places = locate(document, wanted) if wanted else Places({})
    source = Source(document.file, document.text)
    placed = [_fault(fault, places) for fault in document.faults]
    placed += [_complaint(complaint, places, source) for complaint in complaints]
    spans = dict(_problems(placed, source))
    shown = in_order(spans, is_cut=report.is_full)
    return tuple(_with_excerpt(problem, spans.get(problem), source) for problem in shown)


def problem_of_fault(file: str, fault: Fault) -> Problem:
    """Return the problem of a file whose text is not at hand."""
    return Problem(file=file, line=1, column=1, code=fault.code, message=fault.message, hint=fault.hint)


def _problems(placed: list[_Placed], source: Source) -> Iterator[tuple[Problem, tuple[int, int]]]:
    at = source.places([p.start for p in placed] + [p.first for p in placed if p.first is not None])
    for p in placed:
        line, column = at[p.start]
        hint = p.hint
        if p.first is not None:
            hint = f"the first one is in line {at[p.first][0]}" + (f" ({hint})" if hint else "")
        problem = Problem(
            file=source.file,
            line=line,
            column=column,
            code=p.code,
            message=p.message,
            severity=p.severity,
            hint=hint,
        )
        yield problem, (p.start, p.end)


def _with_excerpt(problem: Problem, span: tuple[int, int] | None, source: Source) -> Problem:
    if span is None:
        return problem
    return replace(problem, excerpt=source.excerpt(*span, problem.column))


def _is_muted(path: Path, document: Document) -> bool:
    """Say whether a fault has already spoken of ``path``."""
    if path in document.incomplete:
        return True
    return bool(document.muted) and any(path[:n] in document.muted for n in range(len(path) + 1))


def _fault(fault: Fault, places: Places) -> _Placed:
    first = None
    if fault.first_key is not None:
        place = places.exact(fault.first_key)
        first = place.key[0] if place is not None and place.key is not None else None
    return _Placed(fault.start, fault.end, fault.code, fault.message, fault.hint, first=first)


def _complaint(complaint: Complaint, places: Places, source: Source) -> _Placed:
    place, is_exact = places.nearest(complaint.path)
    start, end = _span(complaint, place, is_exact, source)
    first = None
    if complaint.first is not None:
        earlier, _ = places.nearest(complaint.first)
        first = earlier.key[0] if complaint.at_key and earlier.key is not None else earlier.start
    return _Placed(start, end, complaint.code, complaint.message, complaint.hint, complaint.severity, first)


def _span(complaint: Complaint, place: Place, is_exact: bool, source: Source) -> tuple[int, int]:
    if not is_exact:
        return place.start, place.start + 1
    if complaint.at_key and place.key is not None:
        return place.key
    if place.style is None:
        # A mapping in a list starts at its first key; the caret stands under that key alone.
        return place.start, place.start + 1
    if complaint.offset is None:
        empty = place.start == place.end and place.key is not None
        return place.key if empty and place.key is not None else (place.start, place.end)
    return _inside(complaint, place, source)


def _inside(complaint: Complaint, place: Place, source: Source) -> tuple[int, int]:
    """Return the span of an offset inside a scalar; the whole scalar when it cannot be retraced."""
    raw = source.text[place.start : place.end]
    offset = complaint.offset or 0
    at = source_offset(raw, place.style or "", place.text, offset)
    if at is None:
        return place.start, place.end
    last = source_offset(raw, place.style or "", place.text, offset + max(complaint.length, 1) - 1)
    return place.start + at, place.start + (last + 1 if last is not None and last >= at else at + 1)
