"""A file of tests as it stands on disk: read, checked against its workflow, and asked for places.

``TestDocument`` reads the bytes once. What is wrong with the file is told at once, with places; later the
same document says where an expectation stands that was not met. Pure: the caller reads the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from actorflow.errors import SpecErrors
from actorflow.rehearsal.case_checks import check_cases
from actorflow.rehearsal.cases import CaseFile
from actorflow.rehearsal.decode_cases import CASES
from actorflow.workflow import Workflow
from actorflow.workflow.document import Document, read_document
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.placing import problems_of
from actorflow.workflow.positions import Place, locate
from actorflow.workflow.problems import Problem, has_errors
from actorflow.workflow.report import Enough, Path, Report
from actorflow.workflow.source import Source

__all__ = ["TestDocument", "places_in"]


class TestDocument:
    """A file of tests.

    Args:
        data: its bytes.
        file: how it is called.
    """

    __test__ = False  # its name begins like those of test classes

    def __init__(self, data: bytes, *, file: str) -> None:
        self.file = file
        needs = "it needs 'tests': a list of tests, each with a name"
        self._document = read_document(data, file=file, limits=ReadLimits(), needs=needs)
        self._report = Report()
        self._cases: CaseFile | None = None
        if self._document.is_readable:
            with suppress(Enough):
                decoded = CASES.decode(self._document.value, (), self._report)
                self._cases = decoded if isinstance(decoded, CaseFile) else None

    @property
    def workflow(self) -> str:
        """The path of the workflow that the file names, or "" when it names none."""
        return "" if self._cases is None else self._cases.workflow

    def cases(self, workflow: Workflow | None) -> CaseFile:
        """Return the tests, checked against their workflow when there is one.

        Raises:
            SpecErrors: with all problems of the file.
        """
        if workflow is not None and self._cases is not None:
            with suppress(Enough):
                check_cases(self._cases, workflow, self._report)
        problems = problems_of(self._document, self._report)
        if has_errors(problems) or self._cases is None:
            raise SpecErrors(problems)
        return self._cases

    def refuse_workflow(self, message: str, hint: str) -> SpecErrors:
        """Return the problems of the file, among them that its workflow cannot be had."""
        self._report.error(("workflow",) if self.workflow else (), "E967", message, hint)
        return SpecErrors(problems_of(self._document, self._report))

    def places(self, paths: Iterable[Path]) -> dict[Path, Problem]:
        """Return path -> its place in the file, with an excerpt; messages are empty."""
        return places_in(self._document, paths)


def places_in(document: Document, paths: Iterable[Path]) -> dict[Path, Problem]:
    """Return path -> a problem without a message, for its place and its excerpt. One walk for all of them."""
    wanted = set(paths)
    places = locate(document, wanted)
    source = Source(document.file, document.text)
    spans = {path: _span(*places.nearest(path)) for path in wanted}
    at = source.places(start for start, _ in spans.values())
    found = {}
    for path, (start, end) in spans.items():
        line, column = at[start]
        excerpt = source.excerpt(start, end, column)
        found[path] = Problem(
            file=document.file, line=line, column=column, code="", message="", excerpt=excerpt
        )
    return found


def _span(place: Place, is_exact: bool) -> tuple[int, int]:
    """Return what is marked: a text or number whole, of anything else, or of what is only near, where it begins."""
    if not is_exact or place.style is None:
        return place.start, place.start + 1
    if place.start == place.end and place.key is not None:
        return place.key  # an empty value is shown by its key
    return place.start, place.end
