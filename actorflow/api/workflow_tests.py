"""``test``: finds files of tests, plays each test in memory, and says what differs and which branches were never taken.

Reads workflow files and the files of tests beside them; writes nothing and calls no agent. A file that is not
valid is a result like any other: it never keeps the others from being run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actorflow.api.checking import load_file, read_bytes, registry_of
from actorflow.api.playing import play
from actorflow.errors import ActorflowError, ExpressionError, InputError, SpecErrors
from actorflow.rehearsal.case_checks import inputs_of
from actorflow.rehearsal.case_files import TestDocument, places_in
from actorflow.rehearsal.cases import Case, CaseFile
from actorflow.rehearsal.coverage import Branch, branches_of, branches_taken
from actorflow.rehearsal.expectations import Difference, differences
from actorflow.rehearsal.played import Played
from actorflow.settings import Settings
from actorflow.workflow import Problem, ReadLimits, Workflow
from actorflow.workflow.catalog import Catalog
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.document import read_document

__all__ = [
    "CaseResult",
    "FileResult",
    "NotMet",
    "find_test_files",
    "is_test_file",
    "run_tests",
    "tests_beside",
]

_SUFFIXES = (".yaml", ".yml", ".json")
_SKIPPED_FOLDERS = frozenset({"node_modules", "venv", "__pycache__", "build", "dist", "workflow-state"})
_MOST_FOLDERS = 20_000


@dataclass(frozen=True, slots=True)
class NotMet:
    """Something that a test expects and that did not come; ``place`` is a problem without a message."""

    place: Problem
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """How a test went.

    Attributes:
        not_met: what differs; () when it passed.
        virtual_seconds: how long the run took on its clock; None when there was none.
        seconds: how long the test took.
    """

    name: str
    line: int
    not_met: tuple[NotMet, ...] = ()
    virtual_seconds: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """How the tests of one file went.

    Attributes:
        workflow: the path of the workflow; None when it is not known.
        problems: why the tests could not be run; () when they were.
        branches: how many the workflow has.
        never: (place, words) of those that no test has taken.
    """

    file: Path
    workflow: Path | None = None
    problems: tuple[Problem, ...] = ()
    cases: tuple[CaseResult, ...] = ()
    branches: int = 0
    never: tuple[tuple[Problem, str], ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether the file is valid and all its tests passed; says nothing of branches."""
        return not self.problems and not any(case.not_met for case in self.cases)


def find_test_files(folder: Path) -> list[Path]:
    """Return the files of tests in a folder and below it, sorted; hidden folders other than ``.claude`` are left out.

    Raises:
        InputError: there are too many folders.
    """
    found: list[Path] = []
    for number, (path, folders, files) in enumerate(os.walk(folder)):
        if number > _MOST_FOLDERS:
            raise InputError(f"{folder} has too many folders to be searched", hint="say where the tests are")
        folders[:] = [
            name
            for name in sorted(folders)
            if name not in _SKIPPED_FOLDERS and (name == ".claude" or not name.startswith("."))
        ]
        found += [Path(path, name) for name in sorted(files) if is_test_file(name)]
    return found


def is_test_file(name: str) -> bool:
    """Whether a file is one of tests, by its name: ``NAME.tests.yaml``."""
    stem, suffix = os.path.splitext(name)
    return suffix in _SUFFIXES and stem.endswith(".tests") and stem != ".tests"


def tests_beside(workflow: Path) -> Path:
    """Return the file of tests of a workflow.

    Raises:
        InputError: it has none.
    """
    for suffix in _SUFFIXES:
        file = workflow.with_name(f"{workflow.stem}.tests{suffix}")
        if file.is_file():
            return file
    message = f"{workflow} has no tests"
    raise InputError(message, hint=f"write them into {workflow.with_name(f'{workflow.stem}.tests.yaml')}")


def run_tests(files: Iterable[Path], *, settings: Settings, only: str = "") -> Iterator[FileResult]:
    """Run the tests of files, one after the other.

    Args:
        only: only tests with this in their names; then branches say nothing and are left out.
    """
    catalog = registry_of(settings).catalog()
    for file in files:
        try:
            yield _run_file(file, catalog, settings, only)
        except SpecErrors as errors:
            yield FileResult(file=file, problems=tuple(p for p in errors.problems if isinstance(p, Problem)))


def _run_file(file: Path, catalog: Catalog, settings: Settings, only: str) -> FileResult:
    document = TestDocument(read_bytes(file, hint="give the path of a file of tests"), file=str(file))
    path = _workflow_of(file, document)
    try:
        workflow = load_file(path, registry=registry_of(settings)).workflow
    except SpecErrors as errors:
        refused = document.refuse_workflow(f"{path} is not a valid workflow", "see the problems of that file")
        raise SpecErrors((*refused.problems, *errors.problems)) from errors
    cases = document.cases(workflow)
    chosen = [case for case in cases.cases if only.lower() in case.name.lower()]
    runner = _Runner(document, cases, workflow, catalog, settings.project_root)
    results = tuple(runner.run(case) for case in chosen)
    found = FileResult(file=file, workflow=path, cases=results)
    return found if only else _with_branches(found, path, workflow, runner.played)


def _workflow_of(file: Path, document: TestDocument) -> Path:
    """Return the workflow that a file of tests is about.

    Raises:
        SpecErrors: it is not there.
    """
    if document.workflow:
        path = file.parent / document.workflow
        if path.is_file():
            return path
        raise document.refuse_workflow(f"there is no file {path}", "the path is relative to this file")
    stem = file.stem.removesuffix(".tests")
    for suffix in _SUFFIXES:
        if (file.parent / f"{stem}{suffix}").is_file():
            return file.parent / f"{stem}{suffix}"
    document.cases(None)  # what else is wrong with the file says more
    hint = "say which with the key 'workflow', or call the file NAME.tests.yaml beside NAME.yaml"
    raise document.refuse_workflow(f"there is no workflow {file.parent / stem}.yaml", hint)


class _Runner:
    """Runs the tests of one file and keeps what was played."""

    def __init__(
        self, document: TestDocument, cases: CaseFile, workflow: Workflow, catalog: Catalog, root: Path
    ) -> None:
        self._document = document
        self._cases = cases
        self._workflow = workflow
        self._catalog = catalog
        self._root = root
        self.played: list[Played] = []

    def run(self, case: Case) -> CaseResult:
        began = time.perf_counter()
        virtual = None
        try:
            played = self._play(case)
            self.played.append(played)
            virtual = played.state.duration_seconds
            found = list(differences(case, played))
        except (ExpressionError, InputError) as error:  # the run would not even begin
            found = [Difference(case.path, f"the run cannot begin: {error.message}", error.hint)]
        except ActorflowError as error:
            found = [Difference(case.path, f"the engine gave up: {error.message}", error.hint)]
        name = (*case.path, "name")
        places = self._document.places([name, *(difference.path for difference in found)])
        not_met = (NotMet(places[d.path], d.message, d.hint) for d in found)
        return CaseResult(
            name=case.name,
            line=places[name].line,
            not_met=tuple(sorted(not_met, key=lambda found: (found.place.line, found.place.column))),
            virtual_seconds=virtual,
            seconds=time.perf_counter() - began,
        )

    def _play(self, case: Case) -> Played:
        inputs = inputs_of(case, self._cases, self._workflow)
        limit = case.max_parallel
        plan = compile_plan(self._workflow, inputs, catalog=self._catalog, max_parallel=limit)
        stubs = case.stubs.over(self._cases.stubs)
        return play(plan, stubs, catalog=self._catalog, project_root=self._root)


def _with_branches(found: FileResult, path: Path, workflow: Workflow, runs: Sequence[Played]) -> FileResult:
    branches = branches_of(workflow)
    taken = branches_taken(runs)
    missing: list[Branch] = [branch for branch in branches if branch not in taken]
    if not missing:
        return replace(found, branches=len(branches))
    document = read_document(path.read_bytes(), file=str(path), limits=ReadLimits())
    places = places_in(document, {branches[branch] for branch in missing})
    never = tuple((places[branches[branch]], branch.what) for branch in missing)
    return replace(found, branches=len(branches), never=never)
