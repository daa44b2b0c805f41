"""Every broken file gets all of its problems, and no other, each at its place."""

from __future__ import annotations

import pytest

from actorflow.errors import SpecErrors
from actorflow.workflow import load_workflow
from actorflow.workflow.problems import Problem
from tests.workflow.agents_catalog import CATALOG
from tests.workflow.broken_files import ALL, Broken


def _problems(broken: Broken) -> list[Problem]:
    try:
        loaded = load_workflow(broken.data, file=broken.file, catalog=CATALOG)
    except SpecErrors as errors:
        return [problem for problem in errors.problems if isinstance(problem, Problem)]
    return list(loaded.warnings)


def test_there_are_enough_of_them():
    assert len(ALL) >= 200
    assert len({broken.name for broken in ALL}) == len(ALL)


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)
def test_every_problem_is_told_at_its_place(broken):
    problems = _problems(broken)

    told = [(p.line, p.column, p.code) for p in problems]
    places = (
        broken.places if len(broken.places) == len(broken.problems) else broken.places * len(broken.problems)
    )
    expected = [(*place, code) for place, (code, _) in zip(places, broken.problems, strict=True)]
    assert sorted(told) == sorted(expected), "\n".join(map(str, problems))
    for (_, word), problem in zip(_by_place(broken, places), problems, strict=True):
        assert word in f"{problem.message} {problem.hint}", str(problem)


def _by_place(broken, places):
    ordered = sorted(zip(places, broken.problems, strict=True), key=lambda pair: (pair[0], pair[1][0]))
    return [problem for _, problem in ordered]


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)
def test_every_excerpt_points_below_its_line(broken):
    for problem in _problems(broken):
        if not problem.excerpt:
            continue
        shown, carets = problem.excerpt.split("\n")
        assert set(carets) <= {" ", "^"}
        assert "^" in carets
        assert len(carets) <= len(shown) * 2 + 1
        assert shown.isprintable()
