"""What a conversation has come to: when a turn is over, and what it has cost."""

from __future__ import annotations

import pytest

from actorflow.agents.claude.messages import parse
from actorflow.agents.claude.transcript import Transcript
from tests.claude import lines


def transcript_of(*given: bytes, **options) -> Transcript:
    transcript = Transcript(**options)
    transcript.begin_turn()
    for line in given:
        for message in parse(line)[1]:
            transcript.add(message)
    return transcript


WOKEN = {"origin": {"kind": "task-notification"}}


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ((), (False, False)),
        ((lines.init(), lines.said("a")), (False, False)),
        ((lines.init(), lines.said("a"), lines.result()), (True, False)),
        ((lines.background("local_agent"), lines.result()), (False, False)),
        ((lines.background("local_agent"), lines.result(), lines.background()), (True, True)),
        ((lines.background("local_agent"), lines.result(), lines.background(), lines.init()), (False, False)),
        ((lines.background("local_agent"), lines.result(), lines.background(), lines.init(), lines.result(**WOKEN)), (True, False)),
        ((lines.background("local_bash"), lines.result()), (True, False)),
        ((lines.background("local_bash"), lines.result(), lines.background()), (True, True)),
        ((lines.result(**WOKEN),), (True, True)),
        ((lines.result(**WOKEN), lines.init(), lines.result()), (True, False)),
    ],
)  # fmt: skip
def test_a_turn_is_over_when_there_is_a_result_and_nobody_will_wake_the_model(given, settled):
    transcript = transcript_of(*given)

    assert (transcript.has_settled, transcript.is_wake_due) == settled


def test_of_several_results_the_last_one_counts():
    transcript = transcript_of(
        lines.result("first"), lines.init(), lines.result("second", cost=0.75, tokens=300)
    )

    assert transcript.result.text == "second"
    assert (transcript.cost_usd, transcript.tokens) == (0.75, 300)


def test_a_woken_turn_without_structured_output_does_not_take_it_away():
    transcript = transcript_of(
        lines.result(structured_output={"a": 1}), lines.init(), lines.result("ok", **WOKEN)
    )

    assert transcript.result.structured == {"a": 1}
    assert transcript_of(lines.result(structured_output={"a": 1}), lines.failed()).result.is_error


def test_the_cost_of_a_resumed_session_is_what_came_on_top():
    resumed = {"is_resumed": True, "session_cost_usd": 2.0}

    assert transcript_of(lines.result(cost=2.5), **resumed).cost_usd == 0.5
    assert (
        transcript_of(lines.result(cost=0.25), **resumed).cost_usd == 0.25
    )  # it did not count the time before
    assert transcript_of(lines.result(cost=None), **resumed).cost_usd is None
    assert transcript_of(lines.result(cost=2.5), session_cost_usd=2.0).cost_usd == 2.5


def test_the_tokens_of_a_resumed_session_are_those_of_its_turns():
    more = lines.result(tokens=50, modelUsage={"m": {"inputTokens": 10_000}})

    assert transcript_of(more, lines.init(), more, is_resumed=True).tokens == 100
    assert transcript_of(more, lines.init(), more).tokens == 10_000


def test_before_there_is_a_result_tokens_are_counted_by_answer():
    transcript = transcript_of(lines.said("a"), lines.said("a"), lines.said("b"))

    assert (transcript.tokens, transcript.cost_usd) == (202, None)


def test_an_interrupted_first_request_has_an_unknown_cost_not_none_at_all():
    assert (
        transcript_of(lines.result(cost=0, is_error=True, terminal_reason="aborted_streaming")).cost_usd
        is None
    )
    assert transcript_of(lines.failed(status=401)).cost_usd == 0


def test_a_retry_is_over_when_something_goes_well():
    assert transcript_of(lines.retry(1, status=429, delay=1)).retry is not None
    assert transcript_of(lines.retry(1, status=429, delay=1), lines.said("x")).retry is None
    assert (
        transcript_of(lines.retry(1, status=429, delay=1), lines.said("x", error="rate_limit")).retry
        is not None
    )


def test_refusals_and_dead_servers_are_remembered():
    transcript = transcript_of(
        lines.init(mcp_servers=[{"name": "db", "status": "failed"}]),
        lines.line("system", "permission_denied", tool_name="Write"),
        lines.line("system", "permission_denied", tool_name="Write"),
        b"garbage",
    )

    assert (transcript.denied, transcript.failed_servers, transcript.garbled) == ({"Write": 2}, ("db",), 1)
