"""``load_workflow``: bytes in, a valid workflow out, or all problems at once.

The pipeline: read (YAML or JSON to plain values), decode (to a draft), check (names, graph, agents,
expressions), and only when something was found, look up its places. Pure: the caller reads the file and says
how it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from actorflow.errors import SpecErrors
from actorflow.workflow.agent_checks import check_agents, check_resources
from actorflow.workflow.catalog import Catalog
from actorflow.workflow.checks import check_expressions
from actorflow.workflow.conditions import inner_start
from actorflow.workflow.decode import Draft, decode_workflow
from actorflow.workflow.document import Document, read_document, too_large
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.findings import Finding
from actorflow.workflow.graph_checks import check_graph, check_large_knots
from actorflow.workflow.literal_secrets import check_repeated, cut_secrets, literal_values
from actorflow.workflow.model import Workflow
from actorflow.workflow.name_checks import check_names
from actorflow.workflow.placing import problem_of_fault, problems_of
from actorflow.workflow.problems import Problem, has_errors
from actorflow.workflow.report import Complaint, Enough, Path, Report

__all__ = ["Loaded", "load_workflow", "too_large_problem"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid workflow and what was found besides.

    Attributes:
        warnings: in the order of the file.
        secret_literals: name -> value of secrets that stand in the file itself. Never part of the workflow,
            never shown.
    """

    workflow: Workflow
    warnings: tuple[Problem, ...] = ()
    secret_literals: Mapping[str, str] = field(default_factory=dict, repr=False)


def load_workflow(data: bytes, *, file: str, catalog: Catalog, limits: ReadLimits | None = None) -> Loaded:
    """Read, decode and check a workflow file.

    Args:
        data: the file's bytes, YAML or JSON.
        file: its name, for messages; ``.json``, ``.yaml`` and ``.yml`` at its end say what it is.
        catalog: the agents that are known.
        limits: how large the file may be.

    Raises:
        SpecErrors: with all problems, warnings among them, in the order of the file.
    """
    document = read_document(data, file=file, limits=limits or ReadLimits())
    report = Report()
    workflow: Workflow | None = None
    literals: dict[str, str] = {}
    if document.is_readable:
        with suppress(Enough):
            workflow, literals = _checked(document, catalog, report)
    problems = problems_of(document, report)
    if workflow is None or has_errors(problems):
        raise SpecErrors(problems)
    text = cut_secrets(document, literals) if literals else document.text
    return Loaded(replace(workflow, file=file, text=text, format=document.format), problems, literals)


def too_large_problem(file: str, size: int, limits: ReadLimits | None = None) -> Problem:
    """Return the problem of a file of ``size`` bytes, so that the caller need not read it."""
    return problem_of_fault(file, too_large(size, limits or ReadLimits()))


def _checked(document: Document, catalog: Catalog, report: Report) -> tuple[Workflow | None, dict[str, str]]:
    """Return the workflow, valid if the report has no error, and its literal secrets."""
    check_large_knots(document.value, report)
    draft = decode_workflow(document.value, report)
    if draft is None:
        return None, {}
    literals = literal_values(document, draft)
    check_repeated(document, literals, report)
    check_names(draft, report)
    check_graph(draft, report)
    check_agents(draft, catalog, report)
    check_resources(draft, report)
    return _with_expressions(document, draft, catalog, report), literals


def _with_expressions(document: Document, draft: Draft, catalog: Catalog, report: Report) -> Workflow:
    paths = [task.path for task in draft.tasks]
    checked = check_expressions(draft.workflow, catalog, paths=paths, broken=draft.broken_names)
    for finding in checked.findings:
        report.add(_complaint(finding, document))
    return replace(draft.workflow, inputs=(*draft.workflow.inputs, *checked.implicit_inputs))


def _complaint(finding: Finding, document: Document) -> Complaint:
    """Turn an offset in an expression into one in the text that the file has: a condition may stand in a hole."""
    offset = finding.offset
    if finding.path[0] == "tasks" and finding.path[2:] == ("condition",):
        offset += inner_start(_value_at(document, finding.path))
    return Complaint(
        finding.path,
        finding.code,
        finding.message,
        finding.hint,
        finding.severity,
        offset=offset,
        length=finding.length,
    )


def _value_at(document: Document, path: Path) -> str:
    value = document.value
    for step in path:
        value = value[step]
    return value if isinstance(value, str) else ""
