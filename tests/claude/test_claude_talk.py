"""The conversation: until there is an answer that holds, or it is clear that there can be none; it never hangs."""

from __future__ import annotations

import json
import math
from collections import deque

import pytest
import trio
import trio.testing

from actorflow.agents.claude import talk as talk_module
from actorflow.agents.claude.options import ClaudeOptions
from actorflow.agents.claude.prompt import opening
from actorflow.agents.claude.talk import INTERRUPT, Talk
from actorflow.agents.claude.verify import Verdict
from actorflow.agents.lines import LineSplitter
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import freeze
from tests.claude import lines

NOW = 1_000.0
SCHEMA = freeze({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


class Scripted:
    """A program that answers each message with the next group of lines; a number is a pause in seconds."""

    def __init__(self, *answers, after_end=()):
        self.answers = deque(answers)
        self.after_end = after_end
        self.coming = deque()
        self.sent = []
        self.is_closed = False
        self.changed = trio.Event()

    async def send(self, line):
        self.sent.append(line if line == INTERRUPT else json.loads(line))
        if line != INTERRUPT and self.sent[-1]["type"] == "user":
            self.coming.extend(self.answers.popleft() if self.answers else ())
        self.changed.set()

    def close_input(self):
        self.is_closed = True
        self.coming.extend([*self.after_end, None])
        self.changed.set()

    async def next_line(self):
        while not self.coming:
            self.changed = trio.Event()
            await self.changed.wait()
        if isinstance(self.coming[0], int | float):
            await trio.sleep(self.coming[0])
            self.coming.popleft()
            return await self.next_line()
        return self.coming.popleft()

    @property
    def texts(self):
        """What was sent: for each message its blocks."""
        return [[block["text"] for block in sent["message"]["content"]] for sent in self.sent if isinstance(sent, dict) and sent["type"] == "user"]  # fmt: skip


@pytest.fixture
def channel():
    return RecordingChannel()


@pytest.fixture
def talking(tmp_path, channel):
    """Hold a conversation with a scripted program; gives the talk."""

    async def talking(program, *, options=None, is_wrapped=False, **fields):
        request = make_request(tmp_path, {"task": "do it"}, **fields)
        options = options or ClaudeOptions()
        talk = Talk(request, channel, options, opening(request), is_wrapped=is_wrapped, clock=lambda: NOW)
        with trio.fail_after(100_000):
            await talk(program)
        return talk

    return talking


@pytest.fixture
def hold(talking):
    """The same in a time of its own; gives the talk, and the seconds it took."""

    def hold(program, **options):
        async def main():
            begin = trio.current_time()
            return await talking(program, **options), trio.current_time() - begin

        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    return hold


def test_a_task_goes_in_and_the_last_message_comes_out(hold, channel):
    program = Scripted([lines.init(), lines.said("hello"), lines.result("hello", cost=0.5)])

    talk, _ = hold(program)

    assert (talk.output, talk.is_answered, talk.error) == ("hello", True, None)
    assert program.texts == [["do it"]]
    assert program.is_closed
    assert channel.sessions == [lines.SESSION]
    assert (channel.cost_usd, channel.tokens) == (0.5, 120)
    assert [report.text for report in channel.reports if report.kind == "text"] == ["hello"]


def test_a_line_that_comes_later_replaces_the_answer(hold):
    program = Scripted([lines.result("first")], after_end=[lines.init(), lines.result("second")])

    assert hold(program)[0].output == "second"


def test_an_error_that_comes_later_does_not(hold):
    program = Scripted([lines.result("first")], after_end=[lines.init(), lines.failed(status=529)])

    talk, _ = hold(program)

    assert (talk.output, talk.error) == ("first", None)


def test_a_subagent_in_the_background_is_waited_for_without_limit(hold):
    program = Scripted([lines.background("local_agent"), lines.result("not yet"), 10_000, lines.background(), 0.1, lines.init(), 5000, lines.result("all done")])  # fmt: skip

    assert hold(program)[0].output == "all done"


def test_a_wake_that_does_not_come_is_not_waited_for_for_ever(hold):
    program = Scripted([lines.background("local_agent"), lines.result("done"), lines.background(), math.inf])

    talk, seconds = hold(program)

    assert talk.output == "done"
    # Once for the model to be woken, once for the program to leave.
    assert seconds == talk_module.WAKE_SECONDS + talk_module.LEAVE_SECONDS


def test_a_command_in_the_background_gets_some_time_and_a_note(hold):
    options = ClaudeOptions(background_seconds=7)
    program = Scripted([lines.background("local_bash"), lines.result("served"), math.inf])

    talk, seconds = hold(program, options=options)

    assert talk.output == "served"
    assert seconds == 7
    assert talk.notes == ["1 command(s) still ran in the background when the agent was done, and were ended"]


def test_a_command_that_ends_in_time_wakes_the_model(hold):
    program = Scripted([lines.background("local_bash"), lines.result("started"), 5, lines.background(), lines.init(), 50, lines.result("it is through")])  # fmt: skip

    assert hold(program)[0].output == "it is through"


def test_a_program_that_does_not_leave_is_left(hold):
    program = Scripted([lines.result("done"), math.inf])

    talk, _ = hold(program)

    assert talk.output == "done"
    assert talk.notes == ["claude did not end by itself within 10 s of its answer, and was ended"]


def test_a_program_that_prints_anything_for_ever_is_not_listened_to_for_ever(hold):
    talk, _ = hold(Scripted([b"y"] * 10_001))

    assert talk.error.kind == "no_result"
    assert "more than 10,000 lines" in talk.error.message
    assert "'y'" in talk.error.message


def test_a_program_that_ends_without_a_result_gives_neither_answer_nor_error(hold):
    talk, _ = hold(Scripted([lines.init(), lines.said("hm"), None]))

    assert (talk.is_answered, talk.error) == (False, None)


@pytest.mark.parametrize("missing", [{}, {"structured_output": {"n": "x"}}, {"structured_output": None}])
def test_output_that_does_not_fit_is_asked_for_once_more_in_the_same_session(hold, missing):
    program = Scripted([lines.result(**missing)], [lines.result(structured_output={"n": 1})])

    talk, _ = hold(program, output_schema=SCHEMA)

    assert talk.output == {"n": 1}
    assert "does not fit the schema" in program.texts[1][0]


def test_and_if_it_does_not_fit_then_either_the_attempt_fails(hold):
    program = Scripted([lines.result()], [lines.result(structured_output={"n": "x"})])

    talk, _ = hold(program, output_schema=SCHEMA)

    assert (talk.error.kind, talk.error.retryable, talk.is_answered) == ("invalid_output", True, False)
    assert "$.n: must be integer, not string" in talk.error.message
    assert len(program.texts) == 2


def test_the_clis_own_tries_at_structured_output_that_failed_count_as_one(hold):
    exhausted = lines.result(
        is_error=True, subtype="error_max_structured_output_retries", errors=["after 5 attempts"]
    )
    program = Scripted([exhausted], [lines.result(structured_output={"n": 1})])

    assert hold(program, output_schema=SCHEMA)[0].output == {"n": 1}


def test_wrapped_output_is_unwrapped(hold):
    program = Scripted([lines.result(structured_output={"value": [1, 2]})])

    talk, _ = hold(program, output_schema=freeze({"type": "array"}), is_wrapped=True)

    assert talk.output == (1, 2)


@pytest.fixture
def verdicts(monkeypatch):
    """What verify says, one after the other."""
    given = deque()

    async def verify(request, channel, number, *, is_taken_up):
        await trio.lowlevel.checkpoint()
        return given.popleft()

    monkeypatch.setattr(talk_module, "verify", verify)
    return given


def test_the_command_decides_and_its_failure_goes_back_into_the_session(hold, verdicts):
    verdicts.extend([Verdict(1, "3 passed", "1 failed: test_x"), Verdict(0, "4 passed", "")])
    program = Scripted([lines.result("I am done")], [lines.result("now I am")])

    talk, _ = hold(program, verify="pytest -q")

    assert talk.output == "now I am"
    sent = "\n".join(program.texts[1])
    assert "pytest -q" in sent
    assert "1 failed: test_x" in sent
    assert "3 passed" in sent
    assert talk.notes == ["verify failed and went back to the agent: 1 failed: test_x"]


def test_it_goes_back_a_bounded_number_of_times(hold, verdicts):
    verdicts.extend([Verdict(1, "", "no")] * 3)
    program = Scripted(*[[lines.result("done", cost=cost)] for cost in (0.1, 0.2, 0.3)])

    talk, _ = hold(program, verify="false", options=ClaudeOptions(verify_retries=2))

    assert (talk.error.kind, talk.error.retryable) == ("verify_failed", True)
    assert talk.error.message == "verify failed with exit code 1: no"
    assert len(program.texts) == 3
    assert not verdicts


def test_a_command_that_a_signal_ends_says_so(hold, verdicts):
    verdicts.extend([Verdict(-9, "", "")])
    talk, _ = hold(Scripted([lines.result("done")]), verify="x", options=ClaudeOptions(verify_retries=0))

    assert talk.error.message == "verify was killed by signal 9"


def test_an_answer_of_a_woken_turn_is_not_taken_for_the_answer_to_what_was_sent_back(hold, verdicts):
    verdicts.extend([Verdict(1, "", "no"), Verdict(0, "", "")])
    woken = lines.result("woken", origin={"kind": "task-notification"})
    program = Scripted([lines.result("one")], [woken, 1, lines.init(), 100, lines.result("two")])

    assert hold(program, verify="x")[0].output == "two"


def test_an_error_ends_the_conversation(hold):
    program = Scripted(
        [
            lines.init(),
            lines.said("bad key", error="authentication_failed"),
            lines.failed("bad key", status=401),
        ]
    )

    talk, _ = hold(program)

    assert (talk.error.kind, talk.error.retryable, talk.error.message) == ("authentication", False, "bad key")
    assert program.is_closed


@pytest.mark.parametrize("retry", [lines.retry(1, status=429, delay=30), lines.retry(3, status=429, delay=1)])
def test_too_many_requests_give_the_place_back_at_once(hold, retry):
    program = Scripted([lines.init(), retry, math.inf])

    talk, _ = hold(program)

    assert (talk.error.kind, talk.error.retryable) == ("rate_limit", True)
    assert talk.error.retry_after_seconds in (30, 1)
    assert program.sent[-1] == INTERRUPT


def test_a_short_wait_is_left_to_the_program(hold):
    program = Scripted(
        [lines.init(), lines.retry(1, status=429, delay=1), 1, lines.said("ok"), lines.result("ok")]
    )

    assert hold(program)[0].output == "ok"


def test_a_login_that_stays_refused_is_not_tried_for_minutes(hold):
    program = Scripted([lines.init(), *[lines.retry(n, status=401, delay=1) for n in (1, 2, 3)], math.inf])

    assert hold(program)[0].error.kind == "authentication"


def test_a_usage_limit_says_when_it_is_lifted(hold):
    limited = [lines.init(), lines.limit("rejected", NOW + 3600), lines.said("You've hit your limit", error="rate_limit"), lines.failed("You've hit your limit", status=429)]  # fmt: skip

    talk, _ = hold(Scripted(limited))

    assert (talk.error.kind, talk.error.retry_after_seconds) == ("usage_limit", 3600)
    assert talk.error.message == "You've hit your limit"


def test_a_program_that_waits_for_a_limit_is_not_waited_for(hold):
    waits = [lines.init(), lines.limit("rejected", NOW + 60), lines.retry(1, status=429, delay=60), math.inf]

    assert hold(Scripted(waits))[0].error.kind == "usage_limit"


def test_refused_tools_fail_the_attempt_only_where_that_was_asked_for(hold):
    denied = [lines.line("system", "permission_denied", tool_name="Write"), lines.result("I could not")]

    assert hold(Scripted(denied))[0].output == "I could not"
    talk, _ = hold(Scripted(denied), options=ClaudeOptions(permission_denials="fail"))
    assert (talk.error.kind, talk.error.message) == ("permission_denied", "refused: Write")


def test_a_question_of_the_program_is_answered_so_that_it_goes_on(hold):
    asks = lines.line("control_request", request_id="r7", request={"subtype": "can_use_tool"})
    program = Scripted([asks, lines.result("done")])

    hold(program)

    assert program.sent[1]["response"]["request_id"] == "r7"
    assert program.sent[1]["response"]["subtype"] == "error"


def test_every_line_is_a_sign_of_life(hold, channel):
    hold(Scripted([lines.line("stream_event"), b"garbage", lines.result()]))

    assert len([report for report in channel.reports if report.kind == "alive"]) == 3


STREAM = b"\n".join(
    [
        lines.init(),
        lines.used("Bash", command="ls"),
        lines.retry(1, status=529, delay=0.5),
        lines.said("h\u00e9llo"),
        lines.background("local_bash"),
        lines.background(),
        lines.result("h\u00e9llo", structured_output={"n": 1}),
    ]
)


def test_a_stream_cut_at_every_byte_gives_an_answer_or_none_and_never_hangs(talking):
    answers = []

    async def main():
        for end in range(len(STREAM) + 1):
            splitter = LineSplitter(1_000_000)
            talk = await talking(
                Scripted([*splitter.feed(STREAM[:end]), *splitter.end(), None]), output_schema=SCHEMA
            )
            answers.append(talk.is_answered)
            assert talk.output == ({"n": 1} if talk.is_answered else None)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    assert answers == [False] * len(STREAM) + [True]
