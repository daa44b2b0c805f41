from __future__ import annotations

from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--simulation-seeds", type=int, default=500, help="how many simulated runs to play")
    group.addoption("--simulation-first", type=int, default=0, help="the seed of the first of them")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the simulation has counted, also when it ran in another process."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "simulation":
                terminalreporter.write_line(text)
