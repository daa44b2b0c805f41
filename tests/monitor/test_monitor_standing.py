"""One word for how a run stands, whoever looks."""

from __future__ import annotations

import pytest

from actorflow.monitor.standing import standing_of
from actorflow.state.status import RunStatus


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
def test_a_run_that_should_run_needs_a_driver_that_is_heard_of(status) -> None:
    driven = standing_of(status, is_driven=True)
    silent = standing_of(status, is_driven=True, silent_since=5.0)
    alone = standing_of(status, is_driven=False)

    assert (driven.status, driven.word, driven.silent_since) == (status.value, status.value, None)
    assert (silent.status, silent.word, silent.silent_since) == (status.value, "silent", 5.0)
    assert (alone.status, alone.word, alone.silent_since) == ("interrupted", "interrupted", None)


@pytest.mark.parametrize("status", [s for s in RunStatus if s not in (RunStatus.PENDING, RunStatus.RUNNING)])
@pytest.mark.parametrize("is_driven", [True, False])
def test_one_that_should_not_is_what_its_journal_says(status, is_driven) -> None:
    standing = standing_of(status, is_driven=is_driven, silent_since=5.0 if is_driven else None)

    assert (standing.status, standing.word, standing.silent_since) == (status.value, status.value, None)


def test_nothing_is_said_of_a_journal_that_says_nothing() -> None:
    assert standing_of(None, is_driven=True, silent_since=5.0).word == "unknown"
