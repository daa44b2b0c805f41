"""The JSON form of events: it round-trips, and what older and newer versions wrote is read."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest
from hypothesis import given

from actorflow.state import events as ev
from actorflow.state.events import BlobRef, Event, Failure
from actorflow.values import FrozenDict
from tests.strategies.events import BY_KIND, events


def test_the_strategy_knows_every_event() -> None:
    assert set(BY_KIND) == set(get_args(Event))


@given(events)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    again = ev.decode(ev.encode(event))

    assert again == event
    assert type(again) is type(event)
    assert ev.encode(again) == ev.encode(event)


@given(events)
def test_fields_that_a_later_version_added_are_passed_over(event: Event) -> None:
    body = json.loads(ev.encode(event)) | {"added_in_2031": {"deep": [1]}}

    assert ev.decode(json.dumps(body).encode()) == event


@given(events)
def test_the_tag_is_the_name_of_the_event(event: Event) -> None:
    assert json.loads(ev.encode(event))["type"] == ev.kind_of(event) == type(event).__name__


OLDEST = [
    (
        '{"type":"RunAccepted","run_id":"r","workflow":"w","tasks":[{"id":"a","agents":["echo"]}],"text":""}',
        ev.RunAccepted("r", "w", (ev.TaskEntry("a", ("echo",)),), text=""),
    ),
    ('{"type":"DriverStarted","pid":1,"host":"h","epoch":1}', ev.DriverStarted(1, "h", 1)),
    ('{"type":"RunResumed","tasks":["a"]}', ev.RunResumed(("a",))),
    ('{"type":"AttemptSucceeded","task":"a","attempt":1}', ev.AttemptSucceeded("a", 1)),
    (
        '{"type":"AttemptFailed","task":"a","attempt":1,"failure":{"kind":"k","message":"m"}}',
        ev.AttemptFailed("a", 1, Failure("k", "m")),
    ),
    ('{"type":"RunCancelRequested"}', ev.RunCancelRequested()),
    ('{"type":"RunTimedOut","timeout_seconds":60}', ev.RunTimedOut(60.0)),
]


@pytest.mark.parametrize(("text", "event"), OLDEST, ids=[ev.kind_of(event) for _, event in OLDEST])
def test_fields_that_an_older_version_did_not_write_have_their_defaults(text: str, event: Event) -> None:
    assert ev.decode(text.encode()) == event


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"type":"TaskExploded","task":"a"}',
        '{"type":"TaskSkipped","task":"a","reason":"bored"}',
        '{"type":"AttemptStarted","task":"a"}',
        '{"type":"AttemptStarted","task":"a","attempt":"1","agent":"echo"}',
        '{"type":"TaskSucceeded","task":"a"',
    ],
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        ev.decode(text.encode())


def test_values_come_out_of_a_journal_frozen() -> None:
    accepted = ev.RunAccepted("r", "w", (), text="", inputs={"a": [1]}, values={"b": {"c": [2]}})
    succeeded = ev.AttemptSucceeded("a", 1, {"rows": [{"n": 1}]})

    read = ev.decode(ev.encode(accepted))
    assert isinstance(read, ev.RunAccepted)
    assert (read.inputs, read.values) == ({"a": (1,)}, {"b": {"c": (2,)}})
    assert type(read.values["b"]) is FrozenDict
    output = ev.decode(ev.encode(succeeded))
    assert isinstance(output, ev.AttemptSucceeded)
    assert output.output == {"rows": ({"n": 1},)}
    assert type(output.output) is FrozenDict


def test_an_output_in_a_blob_is_told_from_one_that_looks_like_it() -> None:
    blob = ev.AttemptSucceeded("a", 1, blob=BlobRef("ab", 5))
    value = ev.AttemptSucceeded("a", 1, FrozenDict(sha256="ab", size=5))

    assert ev.decode(ev.encode(blob)) == blob
    assert ev.decode(ev.encode(value)) == value
    assert blob != value
