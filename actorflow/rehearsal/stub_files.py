"""``read_stubs``: the bytes of a file of stubs in, stubs that fit their workflow out, or all problems at once.

The reader is the one of workflow files: positions, limits, no tags and no anchors. An empty file is a
rehearsal in which everything is made up. Pure: the caller reads the file and says how it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from actorflow.errors import SpecErrors
from actorflow.rehearsal.decode_stubs import STUBS
from actorflow.rehearsal.stub_checks import check_made_up, check_stubs
from actorflow.rehearsal.stubs import Stubs
from actorflow.values import thaw
from actorflow.workflow import Workflow
from actorflow.workflow.document import read_document
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.placing import problems_of
from actorflow.workflow.problems import has_errors
from actorflow.workflow.report import Enough, Report

__all__ = ["read_stubs", "stubs_of"]

_EMPTY = "E504"


def read_stubs(data: bytes, *, file: str, workflow: Workflow) -> Stubs:
    """Read stubs and check them against ``workflow``.

    Raises:
        SpecErrors: with all problems, in the order of the file.
    """
    document = read_document(data, file=file, limits=ReadLimits())
    if [fault.code for fault in document.faults] == [_EMPTY]:
        document.faults.clear()
        document.value, document.is_readable = {}, True
    report = Report()
    stubs: Any = None
    if document.is_readable:
        with suppress(Enough):
            stubs = STUBS.decode(document.value, (), report)
            if isinstance(stubs, Stubs):
                check_stubs(stubs, workflow, (), report)
                check_made_up(stubs, workflow, (), report)
    problems = problems_of(document, report)
    if has_errors(problems) or not isinstance(stubs, Stubs):
        raise SpecErrors(problems)
    return stubs


def stubs_of(source: Mapping[str, Any]) -> Stubs:
    """Return the stubs that ``Stubs.source`` was taken from; it has been checked before."""
    stubs = STUBS.decode(thaw(source), (), Report())
    return stubs if isinstance(stubs, Stubs) else Stubs()
