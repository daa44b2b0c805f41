"""From faults and complaints to problems: looks up every place in one walk and adds the excerpts.

Takes a document and a report and gives problems in the order of the file. Only works when there is something
to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from actorflow.workflow.document import Document
from actorflow.workflow.events import Fault
from actorflow.workflow.positions import Place, Places, locate
from actorflow.workflow.problems import Problem, Severity, in_order
from actorflow.workflow.report import Complaint, Path, Report
from actorflow.workflow.scalar_offsets import source_offsets
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
    placer = _Placer(places, source)
    placed += [placer.place(complaint) for complaint in complaints]
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


class _Placer:
    """Places complaints. Remembers how each scalar was retraced: one text may have hundreds of them."""

    def __init__(self, places: Places, source: Source) -> None:
        self._places = places
        self._source = source
        self._offsets: dict[int, list[int] | None] = {}

    def place(self, complaint: Complaint) -> _Placed:
        place, is_exact = self._places.nearest(complaint.path)
        start, end = self._span(complaint, place) if is_exact else (place.start, place.start + 1)
        first = None
        if complaint.first is not None:
            earlier, _ = self._places.nearest(complaint.first)
            first = earlier.key[0] if complaint.at_key and earlier.key is not None else earlier.start
        return _Placed(
            start, end, complaint.code, complaint.message, complaint.hint, complaint.severity, first
        )

    def _span(self, complaint: Complaint, place: Place) -> tuple[int, int]:
        is_empty = place.style is not None and place.start == place.end
        if place.key is not None and (complaint.at_key or is_empty):
            return place.key  # an empty value is shown by its key
        if place.style is None:
            return place.start, place.start + 1  # a collection is shown by where it starts
        if complaint.offset is None:
            return place.start, place.end
        return self._inside(complaint.offset, complaint.length, place)

    def _inside(self, offset: int, length: int, place: Place) -> tuple[int, int]:
        """Return the span of an offset inside a scalar; the whole scalar when it cannot be retraced."""
        if place.start not in self._offsets:
            raw = self._source.text[place.start : place.end]
            self._offsets[place.start] = source_offsets(raw, place.style or "", place.text)
        offsets = self._offsets[place.start]
        if offsets is None:
            return place.start, place.end
        start = offsets[min(offset, len(offsets) - 1)]
        last = offsets[min(offset + max(length, 1), len(offsets)) - 1]
        return place.start + start, place.start + max(start, last) + 1
