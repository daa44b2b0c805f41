"""The table of figures adds up what slices report, says what is missing, and goes on where a session was interrupted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.parametrize("piece", range(3))
def test_kills(piece, figure, size):
    figure("kills", tried=size(2, 50), of="kills", found=piece // 2, what="lost")

def test_load(figure):
    figure("load", tried=1000, of="tasks", found="3.5 s", promised="60 s")

def test_fails():
    assert FAILS
"""


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    monkeypatch.setattr("tests.figures._fingerprint", lambda: "sources")

    def run(*options: str, fails: bool = False) -> pytest.RunResult:
        pytester.makepyfile(TESTS.replace("FAILS", str(not fails)))
        return pytester.runpytest_inprocess("-p", "tests.figures", "-p", "no:randomly", *options)

    return run


def rows(done: pytest.RunResult) -> dict[str, list[str]]:
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in done.outlines if line.startswith("|")
    ]
    return {row[0]: row[1:4] for row in cells}


def test_slices_are_added_up(session: Callable[..., pytest.RunResult]) -> None:
    done = session()

    assert rows(done)["kills"] == ["6 kills", "1 lost", "0"]
    assert rows(done)["load"] == ["1,000 tasks", "3.5 s", "60 s"]


def test_the_sizes_of_a_night_are_larger(session: Callable[..., pytest.RunResult]) -> None:
    assert rows(session("--sizes", "nightly"))["kills"] == ["150 kills", "1 lost", "0"]


def test_a_session_that_was_interrupted_goes_on(session: Callable[..., pytest.RunResult]) -> None:
    session("--figures", "figures.jsonl", fails=True).assert_outcomes(passed=4, failed=1)

    done = session("--figures", "figures.jsonl")

    done.assert_outcomes(passed=1, deselected=4)
    assert rows(done)["kills"] == ["6 kills", "1 lost", "0"]
    session("--figures", "figures.jsonl").assert_outcomes(passed=5)


def test_other_sizes_are_another_session(session: Callable[..., pytest.RunResult]) -> None:
    session("--figures", "figures.jsonl", fails=True)

    session("--figures", "figures.jsonl", "--sizes", "nightly").assert_outcomes(passed=5)


def test_an_event_that_never_met_a_fault_fails_the_session(
    pytester: pytest.Pytester, session: Callable[..., pytest.RunResult]
) -> None:
    pytester.makepyfile(
        test_simulated="""
from collections import Counter

def test_simulated(figure, coverage):
    coverage(Counter({("RunAccepted", "cancel"): 3}))
    figure("simulation", tried=500, of="runs")
"""
    )

    done = session()

    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["RunFinished has never met disk_full"])
    assert not any(line == "RunAccepted has never met cancel" for line in done.outlines)
