"""The table of figures: what each suite has tried, what it found, and what is promised.

A test that proves a promise calls the fixture ``figure`` and takes its size from the fixture ``size``; the figures of the slices of one suite are added up, over all processes
of xdist, and printed at the end, also of a session in which something failed: that is in the table too. ``--sizes nightly`` is what ``make torture`` runs. With ``--figures FILE`` every figure is
written down as soon as it is known, and a session that was interrupted goes on where it was: what has passed with the same sizes on the same sources is not run again. The table is then
written beside it (``FILE`` with ``.md``), as ``docs/explanation/durability.md`` has it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FIGURE, COVERAGE = "figure", "coverage"
RED = "FAILED"
SIMULATION = "simulation"
"""The suite whose runs are to bring every event together with every kind of fault."""
SLICE = 250
"""Seeds that one test plays: small enough that two processes end at about the same time."""
PATIENCE_SECONDS = 900
"""What a single test may take in a night before it is taken to hang."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("figures")
    group.addoption("--sizes", choices=("ci", "nightly"), default="ci", help="how much the suites try")
    group.addoption("--figures", type=Path, help="write figures to this file, and go on from what is in it")
    group.addoption("--simulation-seeds", type=int, default=1000, help="how many simulated runs to play")
    group.addoption("--simulation-first", type=int, default=0, help="the seed of the first of them")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "long: takes minutes in the sizes of a night, and is begun first there"
    )
    saved = Saved.open(config)
    config.stash[SAVED] = saved
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(config, saved), "table-of-figures")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    done = config.stash[SAVED].passed
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in done])
    items[:] = [item for item in items if item.nodeid not in done]
    if is_nightly(config):
        items.sort(key=lambda item: item.get_closest_marker("long") is None)
        # Each process begins with a piece of the list: all are to have their share of the long ones first, so that none is left for the end.
        processes = getattr(config, "workerinput", {}).get("workercount", 1)
        items[:] = [item for first in range(processes) for item in items[first::processes]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """In a night a test that hangs fails, and the others go on."""
    if not is_nightly(item.config):
        return (yield)

    def give_up(*_: object) -> None:
        raise TimeoutError(f"it takes longer than {PATIENCE_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes ``seeds`` a range of them at a time."""
    if "seeds" in metafunc.fixturenames:
        first, count = (metafunc.config.getoption(f"--simulation-{name}") for name in ("first", "seeds"))
        end = first + count
        slices = [range(start, min(start + SLICE, end)) for start in range(first, end, SLICE)]
        metafunc.parametrize("seeds", slices, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Choose between what is tried in each test run and what is tried in a night."""
    return lambda ci, nightly: nightly if is_nightly(request.config) else ci


def is_nightly(config: pytest.Config) -> bool:
    return bool(config.getoption("--sizes") == "nightly")


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Report what a suite has tried.

    Takes the suite's name, ``tried`` with what they are (``of``), ``found`` with what they are (``what``: a number that is added up, or a text), what is ``promised``, and the ``seed`` at which
    it was found, of which the table has the largest.
    """

    def report(
        suite: str,
        *,
        tried: int,
        of: str,
        found: int | str = 0,
        what: str = "",
        promised: str = "0",
        seed: int | None = None,
    ) -> None:
        figure = {
            "suite": suite,
            "tried": tried,
            "of": of,
            "found": found,
            "what": what,
            "promised": promised,
        }
        record_property(FIGURE, figure if seed is None else {**figure, "seed": seed})

    return report


@pytest.fixture
def coverage(record_property: Callable[[str, object], None]) -> Callable[[Counter[tuple[str, str]]], None]:
    """Report how many events of each type were recorded in runs with each kind of fault."""
    return lambda met: record_property(COVERAGE, [[event, kind, n] for (event, kind), n in met.items()])


@dataclass
class Suite:
    """One line of the table."""

    of: str
    what: str
    promised: str
    tried: int = 0
    found: int = 0
    texts: list[str] = field(default_factory=list)
    seconds: float = 0.0
    seed: int | None = None

    def add(self, figure: dict[str, Any], seconds: float) -> None:
        self.tried += figure["tried"]
        self.seconds += seconds
        if isinstance(figure["found"], int):
            self.found += figure["found"]
        elif figure["found"] not in self.texts:
            self.texts.append(figure["found"])
        if "seed" in figure:
            self.seed = max(self.seed or 0, figure["seed"])

    @property
    def result(self) -> str:
        result = "; ".join(self.texts) if self.texts else f"{self.found:,} {self.what}"
        return result if self.seed is None else f"{result}, the latest at seed {self.seed:,}"


class Saved:
    """The file of figures. One line a test that has passed: its name, its seconds, its properties."""

    def __init__(self, path: Path | None, header: str) -> None:
        self.path = path
        self.header = header
        self.passed: dict[str, dict[str, Any]] = {}

    @classmethod
    def open(cls, config: pytest.Config) -> Saved:
        path: Path | None = config.getoption("--figures")
        wanted = ("--sizes", "--simulation-first", "--simulation-seeds")
        saved = cls(
            path, json.dumps([_fingerprint() if path else "", *(config.getoption(o) for o in wanted)])
        )
        if path is not None and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            if lines and lines[0] == saved.header and lines[-1] != "end":
                saved.passed = {line["test"]: line for line in map(json.loads, lines[1:])}
        return saved

    def begin(self) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines = [self.header, *map(json.dumps, self.passed.values())]
            self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def add(self, line: str) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


SAVED = pytest.StashKey[Saved]()


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for folder in ("actorflow", "grammar", "templates", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()


class Table:
    """Collects the figures of all processes; prints them, and fails the session if an event has never met a fault."""

    def __init__(self, config: pytest.Config, saved: Saved) -> None:
        self._config = config
        self._saved = saved
        self._seconds = 0.0
        self._suites: dict[str, Suite] = {}
        self._met: Counter[tuple[str, str]] = Counter()
        self._others: list[str] = []
        self._red: dict[str, str] = {}
        self._began = time.monotonic()

    def pytest_sessionstart(self) -> None:
        self._saved.begin()
        for line in self._saved.passed.values():
            self._take(line["properties"], line["seconds"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self._red[report.nodeid] = " ".join((crash.message if crash else report.longreprtext).split())
        if report.when != "call":
            self._seconds += report.duration
            return
        self._take(report.user_properties, report.duration)
        if report.passed:
            line = {"test": report.nodeid, "seconds": report.duration, "properties": report.user_properties}
            self._saved.add(json.dumps(line))

    def _take(self, properties: Iterable[tuple[str, Any]], seconds: float) -> None:
        self._seconds += seconds
        figures = [value for name, value in properties if name == FIGURE]
        for value in figures:
            suite = self._suites.setdefault(
                value["suite"], Suite(value["of"], value["what"], value["promised"])
            )
            suite.add(value, seconds / len(figures))
        for name, value in properties:
            if name == COVERAGE:
                self._met.update({(event, kind): n for event, kind, n in value})
            elif name == "note":
                self._others.append(str(value))

    def _coverage(self) -> list[tuple[str, ...]]:
        if not self._met:
            return []
        from tests.simulation.coverage import all_pairs

        pairs = all_pairs()
        least = min(pairs, key=lambda pair: self._met[pair])
        never = sum(not self._met[pair] for pair in pairs)
        result = f"{never} never met; the rarest, {' with '.join(least)}, {self._met[least]:,} times"
        return [
            (
                "simulation: each type of event with each kind of fault",
                f"{len(pairs):,} pairs",
                result,
                "0",
                "",
                "",
            )
        ]

    def holes(self) -> list[tuple[str, str]]:
        """Return the pairs of event and fault that did not meet, if enough was played for all to meet."""
        from tests.simulation.coverage import ENOUGH_FOR_ALL_PAIRS, all_pairs

        played = self._suites.get(SIMULATION)
        if played is None or played.tried < ENOUGH_FOR_ALL_PAIRS:
            return []
        return [pair for pair in all_pairs() if not self._met[pair]]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK:
            self._saved.add("end")
            if self.holes():
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._saved.path is not None and self._suites:
            page = self._saved.path.with_suffix(".md")
            page.write_text(
                "\n".join([self.circumstances(), "", *self.lines(for_page=True)]) + "\n", encoding="utf-8"
            )

    def circumstances(self) -> str:
        """Say where and how long all that was tried."""
        where = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        resumed = ", some of it in sessions before" if self._saved.passed else ""
        return f"{where}; {self._seconds / 60:.0f} minutes of tests, in {(time.monotonic() - self._began) / 60:.0f} minutes{resumed}."

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for text in sorted(self._others):
            terminalreporter.write_line(text)
        if self._met:
            from tests.simulation.coverage import table

            terminalreporter.write_line(table(self._met))
            for event, kind in self.holes():
                terminalreporter.write_line(f"{event} has never met {kind}", red=True)
        if self._suites:
            terminalreporter.section(f"figures ({self._config.getoption('--sizes')} sizes)")
            for line in self.lines():
                terminalreporter.write_line(line, red=line.startswith(f"| {RED}"))
            terminalreporter.write_line(self.circumstances())
            if self._saved.path is not None:
                terminalreporter.write_line(f"for the documentation: {self._saved.path.with_suffix('.md')}")

    def lines(self, *, for_page: bool = False) -> list[str]:
        """Return the table, in Markdown: what has failed, each suite, and how many pairs of event and fault have met.

        Args:
            for_page: without how long each suite took.
        """
        rows: list[tuple[str, ...]] = [("suite", "tried", "result", "promised", "seconds", "share")]
        for test, why in sorted(self._red.items()):
            rows.append((f"{RED} {test}", "", why[:150].replace("|", "/"), "", "", ""))
        for name, suite in sorted(self._suites.items()):
            share = f"{suite.seconds / self._seconds:.1%}" if self._seconds else ""
            tried = f"{suite.tried:,} {suite.of}"
            rows.append((name, tried, suite.result, suite.promised, f"{suite.seconds:.1f}", share))
        rows += self._coverage()
        if for_page:
            rows = [row[:4] for row in rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        rows.insert(1, tuple("-" * width for width in widths))
        return [
            "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"
            for row in rows
        ]
