"""The table of figures adds up what slices report, says what is missing, and goes on where a session was interrupted."""

from __future__ import annotations

import platform
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


def test_what_has_failed_is_in_the_table_too(session: Callable[..., pytest.RunResult]) -> None:
    done = session(fails=True)

    [red] = [name for name in rows(done) if name.startswith("FAILED")]
    assert red.endswith("::test_fails")
    assert rows(done)[red][1] == "assert False"
    assert rows(done)["kills"] == ["6 kills", "1 lost", "0"]


def test_the_table_is_written_for_the_documentation(
    pytester: pytest.Pytester, session: Callable[..., pytest.RunResult]
) -> None:
    session("--figures", "figures.jsonl", fails=True)

    machine, empty, head, rule, red, *lines = (pytester.path / "figures.md").read_text().splitlines()
    assert f"Python {platform.python_version()}" in machine
    assert empty == ""
    assert [cell.strip() for cell in head.split("|")] == ["", "suite", "tried", "result", "promised", ""]
    assert set(rule) == set("| -")
    assert red.startswith("| FAILED test_")
    assert [line.split("|")[1].strip() for line in lines] == ["kills", "load"]


def test_the_latest_seed_is_told(pytester: pytest.Pytester, session: Callable[..., pytest.RunResult]) -> None:
    pytester.makepyfile(
        test_planted="""
import pytest

@pytest.mark.parametrize("seed", [3, 1200, 7])
def test_planted(figure, seed):
    figure("planted", tried=1, of="mistakes", found=1, what="found", promised="all", seed=seed)
"""
    )

    assert rows(session())["planted"] == ["3 mistakes", "3 found, the latest at seed 1,200", "all"]


def test_in_a_night_long_tests_are_begun_first(
    pytester: pytest.Pytester, session: Callable[..., pytest.RunResult]
) -> None:
    pytester.makepyfile(
        test_a="""
import pytest

def test_short(): pass

@pytest.mark.long
def test_long(): pass
"""
    )

    names = [
        [line.rpartition("::")[2] for line in session("--collect-only", "-q", *more).outlines if "::" in line]
        for more in ((), ("--sizes", "nightly"))
    ]

    assert names[0][:2] == ["test_short", "test_long"]
    assert names[1][:2] == ["test_long", "test_short"]


def test_in_a_night_a_test_that_hangs_fails(
    pytester: pytest.Pytester,
    session: Callable[..., pytest.RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytester.makepyfile(test_hangs="import signal\n\ndef test_hangs(): signal.pause()")
    monkeypatch.setattr("tests.figures.PATIENCE_SECONDS", 0.05)

    done = session("--sizes", "nightly", "test_hangs.py")

    done.assert_outcomes(failed=1)
    assert any("takes longer than 0.05 s" in line for line in done.outlines)


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
    figure("simulation", tried=1000, of="runs")
"""
    )

    done = session()

    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["RunFinished has never met disk_full"])
    assert not any(line == "RunAccepted has never met cancel" for line in done.outlines)
