"""Lines of ``claude`` to messages: what is known is read exactly, and nothing is too strange to be read at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.agents.claude.messages import (
    ApiRetry,
    Background,
    ControlRequest,
    Denied,
    Garbled,
    Init,
    LimitStatus,
    Other,
    Result,
    Text,
    ToolUse,
    Usage,
    parse,
)
from actorflow.agents.lines import TooLong
from actorflow.values import FrozenDict
from tests.claude import lines


def test_the_beginning_of_a_turn():
    servers = [{"name": "files", "status": "connected"}, {"name": "dead", "status": "failed"}]

    session, [message] = parse(lines.init(mcp_servers=servers, claude_code_version="2.1.330"))

    assert session == lines.SESSION
    assert message == Init(
        session_id=lines.SESSION,
        model="claude-opus-5-5",
        permission_mode="acceptEdits",
        version="2.1.330",
        servers=(("files", "connected"), ("dead", "failed")),
    )


def test_an_answer_of_the_model():
    content = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "I look"},
        {"type": "tool_use", "name": "Bash", "input": {"command": "ls -l\nrm x"}},
    ]
    usage = {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5}

    _, messages = parse(lines.line("assistant", message={"id": "m", "content": content, "usage": usage}))

    assert messages == (
        Text(text="I look"),
        ToolUse(name="Bash", argument="ls -l"),
        Usage(message_id="m", tokens=12),
    )


def test_what_a_subagent_says_is_not_the_agents_answer():
    _, [message, _] = parse(lines.said("sub", parent_tool_use_id="toolu_1"))

    assert message == Text(text="sub", is_subagent=True)


def test_a_result():
    _, [message] = parse(
        lines.result(
            "done",
            cost=0.25,
            structured_output={"a": [1]},
            permission_denials=[{"tool_name": "Write"}],
            origin={"kind": "task-notification"},
        )
    )

    assert message == Result(
        subtype="success",
        text="done",
        structured=FrozenDict(a=(1,)),
        has_structured=True,
        total_cost_usd=0.25,
        session_tokens=120,
        turn_tokens=120,
        denials=("Write",),
        is_woken=True,
    )


def test_null_is_a_structured_output_and_none_is_not():
    assert parse(lines.result(structured_output=None))[1][0].has_structured
    assert not parse(lines.result())[1][0].has_structured


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (lines.retry(2, status=429, delay=1.5), ApiRetry(attempt=2, delay_seconds=1.5, status=429)),
        (lines.limit("rejected", 1000), LimitStatus(status="rejected", resets_at=1000.0, window="five_hour")),
        (lines.background("local_agent", "local_bash", "local_bash"), Background(agents=1, commands=2)),
        (lines.line("system", "permission_denied", tool_name="Write"), Denied(tool="Write")),
        (
            lines.line("control_request", request_id="r", request={"subtype": "can_use_tool"}),
            ControlRequest(request_id="r", subtype="can_use_tool"),
        ),
        (lines.line("system", "something_new", x=1), Other(kind="system", subtype="something_new")),
        (lines.line("brand_new"), Other(kind="brand_new")),
        (b"{}", Other()),
    ],
)
def test_other_lines(line, message):
    assert parse(line)[1] == (message,)


def test_empty_lines_say_nothing():
    assert parse(b"") == parse(b"  \r") == ("", ())


@pytest.mark.parametrize(
    "line",
    [
        b"Warning: something",
        b"{",
        b'{"type": "result", "total_cost_usd": NaN}',
        b"[1, 2]",
        b'"text"',
        b"null",
        b"\x00\x01\xff",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        TooLong(40_000_000),
    ],
    ids=lambda line: repr(line[:20]) if isinstance(line, bytes) else "too long",
)
def test_what_is_no_message_is_said_to_be_garbled(line):
    _, [message] = parse(line)

    assert isinstance(message, Garbled)
    assert message.reason


def test_invalid_utf_8_and_halves_of_characters_are_replaced_and_the_rest_is_read():
    assert parse(lines.said("x").replace(b'"x"', b'"caf\xe9"'))[1][0] == Text(text="caf\ufffd")
    assert parse(lines.said("x").replace(b'"x"', rb'"a \ud83d b"'))[1][0] == Text(text="a \ufffd b")
    assert parse(lines.said("x").replace(b'"x"', rb'"\ud83d\ude00"'))[1][0] == Text(text="\U0001f600")


def test_a_line_of_two_mebibytes_is_read():
    text = "x" * 2 * 1024 * 1024

    assert parse(lines.result(text))[1][0].text == text


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KNOWN = [lines.init(), lines.said("a"), lines.used("Bash"), lines.result(), lines.retry(1, status=1, delay=1), lines.limit("x"), lines.background("a")]  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(line=st.sampled_from(KNOWN), data=st.data())
def test_a_field_of_the_wrong_kind_counts_as_not_given(line, data):
    fields = json.loads(line)
    for name in list(fields):
        if name not in ("type", "subtype") and data.draw(st.booleans()):
            fields[name] = data.draw(JUNK)

    _, messages = parse(json.dumps(fields).encode())

    assert not any(isinstance(message, Garbled) for message in messages)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(line=st.sampled_from(KNOWN), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_changed_byte_does_no_harm(line, at, byte):
    at %= len(line)

    parse(line[:at] + bytes([byte]) + line[at + 1 :])
