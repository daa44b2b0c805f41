"""A conversation whose driver died: all is heard again and judged; what would have to be said makes the attempt lost."""

from __future__ import annotations

import math

import pytest
import trio
import trio.testing

from actorflow.agents.claude import talk as talk_module
from actorflow.agents.claude.options import ClaudeOptions
from actorflow.agents.claude.prompt import Message
from actorflow.agents.claude.talk import LEAVE_SECONDS, Talk
from actorflow.agents.claude.verify import Verdict
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import freeze
from tests.claude import lines
from tests.claude.test_claude_talk import Scripted

SCHEMA = freeze({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


@pytest.fixture
def channel():
    return RecordingChannel()


@pytest.fixture
def take_up(tmp_path, channel):
    """Hear what a program says, and then its end; gives the talk, and the seconds it took."""

    def take_up(*said, ends=True, **fields):
        async def main():
            program = Scripted()
            program.coming.extend([*said, None] if ends else said)
            request = make_request(tmp_path, {"task": "do it"}, **fields)
            talk = Talk(
                request, channel, ClaudeOptions(), Message(()), is_wrapped=False, clock=lambda: 1_000.0
            )
            begin = trio.current_time()
            with trio.fail_after(100_000):
                await talk.take_up(program)
            assert program.texts == []
            return talk, trio.current_time() - begin

        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    return take_up


def test_the_answer_session_and_cost_are_those_that_were_said(take_up, channel):
    talk, _ = take_up(lines.init(), lines.said("hello"), lines.result("hello", cost=0.5))

    assert (talk.output, talk.is_answered, talk.error) == ("hello", True, None)
    assert channel.sessions == [lines.SESSION]
    assert (channel.cost_usd, channel.tokens) == (0.5, 120)


def test_it_is_waited_for_as_long_as_it_works(take_up):
    talk, seconds = take_up(lines.init(), 5_000, lines.said("hello"), 5_000, lines.result("hello"))

    assert (talk.output, seconds) == ("hello", 10_000)


def test_one_that_does_not_end_after_its_answer_is_left(take_up):
    talk, seconds = take_up(lines.init(), lines.result("hello"), math.inf, ends=False)

    assert (talk.output, seconds) == ("hello", LEAVE_SECONDS)


def test_one_that_asks_what_nobody_can_answer_is_left(take_up):
    asks = lines.line("control_request", request_id="r7", request={"subtype": "can_use_tool"})

    talk, seconds = take_up(lines.init(), lines.said("hm"), asks, math.inf, ends=False)

    assert talk.error.kind == "lost"
    assert seconds == LEAVE_SECONDS


def test_an_answer_that_was_sent_back_is_replaced_by_the_next(take_up):
    talk, _ = take_up(
        lines.init(),
        lines.result("x", structured_output={"n": "one"}),
        lines.init(),
        lines.result("y", structured_output={"n": 1}),
        output_schema=SCHEMA,
    )

    assert (talk.output, talk.is_answered) == (freeze({"n": 1}), True)


@pytest.mark.parametrize(
    "said",
    [
        [],
        [lines.init()],
        [lines.init(), lines.result("x", structured_output={"n": "one"})],
        [lines.init(), lines.result("x")],
    ],
    ids=["nothing", "no word of the model", "an answer that does not fit", "no structured output"],
)
def test_what_would_have_to_be_said_makes_it_lost(take_up, said):
    talk, _ = take_up(*said, output_schema=SCHEMA)

    assert not talk.is_answered
    assert talk.error.kind == "lost"


@pytest.mark.parametrize("code", [0, 1])
def test_verify_decides_and_its_refusal_makes_it_lost(take_up, monkeypatch, code):
    async def verify(request, channel, number, *, is_taken_up):
        await trio.lowlevel.checkpoint()
        assert is_taken_up
        return Verdict(code, "", "wrong")

    monkeypatch.setattr(talk_module, "verify", verify)

    talk, _ = take_up(lines.init(), lines.result("done"), verify="make test")

    assert talk.is_answered == (code == 0)
    assert (talk.error.kind if talk.error else None) == ("lost" if code else None)


def test_what_ended_in_an_error_fails_as_ever(take_up):
    talk, _ = take_up(lines.init(), lines.said("hm"), lines.failed(status=529))

    assert talk.error.kind == "overloaded"


def test_one_that_worked_and_ended_without_a_result_is_judged_by_its_end(take_up):
    talk, _ = take_up(lines.init(), lines.said("hm"))

    assert (talk.is_answered, talk.error) == (False, None)
