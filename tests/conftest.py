from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--simulation-seeds", type=int, default=500, help="how many simulated runs to play")
    group.addoption("--simulation-first", type=int, default=0, help="the seed of the first of them")
