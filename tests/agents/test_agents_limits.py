"""How many programs can run at once."""

from __future__ import annotations

import resource
import sys

import pytest

from actorflow.agents.process import max_processes


@pytest.mark.parametrize(
    ("limit", "processes"),
    [(1024, 120), (64, 1), (1_048_576, 131_064), (resource.RLIM_INFINITY, sys.maxsize)],
)
def test_the_number_of_processes_follows_the_limit_of_descriptors(monkeypatch, limit, processes):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))

    assert max_processes() == processes
