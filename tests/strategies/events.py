"""Random events, with every field that they can have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from actorflow.state import events as ev
from actorflow.state.events import BlobRef, Event, Failure, TaskEntry
from actorflow.state.status import RunStatus, SkipReason
from actorflow.values import FrozenDict, freeze

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_WORDS = st.sampled_from(["a", "build", "t-1", "été", "日本", 'quo"te', "line\nbreak", "\x00", "\u2028"])
_IDS = st.sampled_from(["a", "b", "build-image", "_x"])
_NUMBERS = st.integers(0, 10**9)
_TIMES = st.floats(0, 4e9, allow_nan=False)
_MAYBE_TIME = st.none() | _TIMES

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | _WORDS
)
json_values = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
).map(freeze)
"""Frozen JSON values."""

_OBJECTS = st.dictionaries(_TEXT, json_values, max_size=3).map(FrozenDict)
failures = st.builds(
    Failure, _WORDS, _TEXT, hint=_TEXT, retryable=st.booleans(), retry_after_seconds=_MAYBE_TIME
)
_ENTRIES = st.builds(
    TaskEntry,
    _IDS,
    st.lists(_WORDS, min_size=1, max_size=2).map(tuple),
    dependencies=st.lists(_IDS, max_size=2).map(tuple),
    hook=st.sampled_from(["", "on_start", "on_complete"]),
)
_ATTEMPT: dict[str, Any] = {"task": _IDS, "attempt": _NUMBERS}
_SPEND: dict[str, Any] = {"cost_usd": _MAYBE_TIME, "tokens": st.none() | _NUMBERS}

BY_KIND: dict[type, st.SearchStrategy[Event]] = {
    ev.RunAccepted: st.builds(
        ev.RunAccepted,
        _TEXT,
        _TEXT,
        st.lists(_ENTRIES, max_size=3).map(tuple),
        text=_TEXT,
        format=st.sampled_from(["yaml", "json"]),
        file=_TEXT,
        project_root=_TEXT,
        inputs=_OBJECTS,
        values=_OBJECTS,
        max_parallel=st.none() | _NUMBERS,
        mode=st.sampled_from(["live", "rehearsal"]),
        salvaged_from=_TEXT,
        actorflow_version=_TEXT,
        stubs=_OBJECTS,
    ),
    ev.DriverStarted: st.builds(ev.DriverStarted, _NUMBERS, _TEXT, _NUMBERS, boot_id=_TEXT),
    ev.RunResumed: st.builds(
        ev.RunResumed,
        st.lists(_IDS, max_size=3).map(tuple),
        reason=_TEXT,
        asked=st.lists(_IDS, max_size=2).map(tuple),
        changed=st.lists(_IDS, max_size=2).map(tuple),
        lifts_limits=st.booleans(),
    ),
    ev.SpecChanged: st.builds(
        ev.SpecChanged,
        st.lists(_ENTRIES, max_size=3).map(tuple),
        text=_TEXT,
        format=st.sampled_from(["yaml", "json"]),
        file=_TEXT,
        inputs=_OBJECTS,
        values=_OBJECTS,
        actorflow_version=_TEXT,
    ),
    ev.AttemptStarted: st.builds(
        ev.AttemptStarted,
        **_ATTEMPT,
        agent=_WORDS,
        backend=_TEXT,
        pool=_TEXT,
        session=st.none() | _TEXT,
    ),
    ev.SessionOpened: st.builds(ev.SessionOpened, **_ATTEMPT, session_id=_TEXT),
    ev.AttemptSucceeded: st.builds(
        ev.AttemptSucceeded,
        **_ATTEMPT,
        output=json_values,
        blob=st.none() | st.builds(BlobRef, st.just("ab" * 32), _NUMBERS),
        **_SPEND,
        session_id=st.none() | _TEXT,
        notes=st.lists(_TEXT, max_size=2).map(tuple),
        fingerprint=_TEXT,
    ),
    ev.AttemptFailed: st.builds(
        ev.AttemptFailed, **_ATTEMPT, failure=failures, **_SPEND, session_id=st.none() | _TEXT
    ),
    ev.AttemptLost: st.builds(ev.AttemptLost, **_ATTEMPT),
    ev.AttemptCancelled: st.builds(ev.AttemptCancelled, **_ATTEMPT, **_SPEND),
    ev.AttemptRequeued: st.builds(
        ev.AttemptRequeued,
        **_ATTEMPT,
        due_at=_TIMES,
        failure=failures,
        **_SPEND,
        session_id=st.none() | _TEXT,
        widest=_NUMBERS,
    ),
    ev.RetryScheduled: st.builds(
        ev.RetryScheduled, **_ATTEMPT, due_at=_TIMES, delay_seconds=_TIMES, agent=_TEXT
    ),
    ev.TaskSucceeded: st.builds(ev.TaskSucceeded, _IDS),
    ev.TaskFailed: st.builds(ev.TaskFailed, _IDS, failures),
    ev.TaskSkipped: st.builds(ev.TaskSkipped, _IDS, st.sampled_from(SkipReason)),
    ev.TaskCancelled: st.builds(ev.TaskCancelled, _IDS),
    ev.RunCancelRequested: st.builds(ev.RunCancelRequested, by=_TEXT),
    ev.RunTimedOut: st.builds(ev.RunTimedOut, _TIMES),
    ev.RunPaused: st.builds(ev.RunPaused, _TEXT, kind=_TEXT, due_at=_MAYBE_TIME, **_SPEND),
    ev.BudgetChanged: st.builds(
        ev.BudgetChanged, usd=_MAYBE_TIME, tokens=st.none() | _NUMBERS, agents=st.none() | _NUMBERS
    ),
    ev.RoomRanOut: st.builds(ev.RoomRanOut, _TEXT),
    ev.RoomFound: st.builds(ev.RoomFound, _TIMES),
    ev.RunSettled: st.builds(ev.RunSettled, st.sampled_from(RunStatus), failure=st.none() | failures),
    ev.RunFinished: st.builds(ev.RunFinished, st.sampled_from(RunStatus), **_SPEND),
    ev.ActorRestarted: st.builds(ev.ActorRestarted, _TEXT, _NUMBERS, _TEXT),
    ev.ControlAnswered: st.builds(ev.ControlAnswered, _TEXT, _TEXT),
}
"""Class of event -> strategy."""

events = st.one_of(*BY_KIND.values())
