"""The agent that runs another program: what the program is given, what its output becomes, how it fails. Real processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from actorflow.agents.command.agent import CommandAgent
from actorflow.agents.command.decode import read_command
from actorflow.errors import AgentError
from actorflow.testing.agents import AGENT_CASES, AgentUnderTest, RecordingChannel, make_request
from actorflow.values import freeze, thaw
from tests.agents import command_streams as streams
from tests.agents import fake_cli

pytestmark = pytest.mark.trio

CODEX_OUTPUT = """
output:
  format: jsonl
  session: {when: {type: thread.started}, take: thread_id}
  text: {when: {type: item.completed, item.type: agent_message}, take: item.text}
  tool: {when: {type: item.started}, take: item.command}
  tokens: {when: {type: turn.completed}, take: [usage.input_tokens, usage.output_tokens], total: session}
  cost_usd: {when: {type: turn.completed}, take: usage.cost}
  error: {when: {type: turn.failed}, take: error.message}
errors:
  exit: {9: not_trusted}
  match:
    - {pattern: 'no rollout', kind: session_not_found}
    - {pattern: 'retry in (?P<seconds>[0-9]+)', kind: rate_limit}
"""
CODEX = (
    """
command: [PYTHON, FAKE, SCENARIO, --fresh, [--model, "{model}"], [--schema, "{schema_file}"], [--file, "{files}"], "-"]
resume: [PYTHON, FAKE, SCENARIO, resume, "{session}", "-"]
options: {model: small, files: null, sandbox: {default: ro, allowed: [ro, rw]}}
env: {FAKE: "yes"}
schema: strict
"""
    + CODEX_OUTPUT
)
STRICT = freeze(
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
)


def lines(*things):
    return "".join(json.dumps(thing) + "\n" for thing in things)


class Fake:
    """A program in a folder, and what it was given."""

    def __init__(self, folder: Path, description: str, *calls: dict[str, object]) -> None:
        self.folder = folder
        self.scenario = folder / "scenario.json"
        self.scenario.write_text(json.dumps(calls))
        for name, value in (
            ("PYTHON", sys.executable),
            ("FAKE,", f"{fake_cli.__file__},"),
            ("SCENARIO", str(self.scenario)),
        ):
            description = description.replace(name, value)
        definition, _ = read_command(
            description.encode(), source=folder / "fake.yaml", scope="project", base=lambda _: None
        )
        self.agent = CommandAgent(definition, grace_seconds=1.0)
        self.channel = RecordingChannel()

    async def run(self, parameters=None, **fields):
        request = make_request(self.folder, parameters or {"task": "say hi"}, **fields)
        return await self.agent.run(request, self.channel)

    async def fails(self, *args, **fields):
        with pytest.raises(AgentError) as caught:
            await self.run(*args, **fields)
        return caught.value

    def read(self, file):
        return Path(file).read_text()

    @property
    def calls(self):
        return [json.loads(line) for line in self.scenario.with_suffix(".calls").read_text().splitlines()]


@pytest.fixture
def fake(tmp_path):
    return lambda *calls, description=CODEX: Fake(tmp_path, description, *calls)


GOOD = {"out": lines(*streams.codex("looking", "hello"))}


async def test_a_run_gives_the_answer_session_and_tokens(fake, tmp_path):
    program = fake(GOOD)

    result = await program.run({"task": "say hi", "style": "short"})

    assert (result.output, result.session_id, result.tokens, result.cost_usd) == (
        "hello",
        streams.CODEX_SESSION,
        15,
        None,
    )
    assert result.notes == ()
    (call,) = program.calls
    assert call["argv"] == ["--fresh", "--model", "small", "-"]
    assert call["stdin"].startswith("say hi\n\n")
    assert 'parameter="style"' in call["stdin"]
    assert "unattended" in call["stdin"]
    assert (call["cwd"], call["env"]) == (str(tmp_path / "project"), "yes")


async def test_what_it_says_and_does_is_shown_and_its_session_recorded_at_once(fake):
    program = fake(GOOD)

    await program.run()

    shown = [(p.kind, p.text) for p in program.channel.reports if p.kind in ("text", "tool")]
    assert shown == [("tool", "/bin/bash -lc 'echo hi'"), ("text", "looking"), ("text", "hello")]
    assert program.channel.sessions == [streams.CODEX_SESSION]
    assert program.channel.tokens == 15


async def test_options_of_the_task_fill_placeholders_and_others_are_noted(fake):
    program = fake(GOOD)

    result = await program.run(options=freeze({"model": "large", "files": ["a b", "c"], "effort": "high"}))

    assert program.calls[0]["argv"] == ["--fresh", "--model", "large", "--file", "a b", "--file", "c", "-"]
    assert any("effort" in note for note in result.notes)


@pytest.mark.parametrize(
    "options",
    [{"sandbox": "all"}, {"model": "--yolo"}, {"model": "a\nb"}, {"model": {"a": 1}}, {"files": ["a", "-x"]}],
)
async def test_options_that_are_not_allowed_start_nothing(fake, options):
    program = fake(GOOD)

    error = await program.fails(options=freeze(options))

    assert (error.kind, error.retryable) == ("invalid_options", False)
    assert (error.cost_usd, error.tokens) == (0.0, 0)
    assert not program.scenario.with_suffix(".calls").exists()


async def test_a_session_is_gone_on_with(fake):
    program = fake(GOOD)

    await program.run(session="earlier", interrupted_by="timeout")

    (call,) = program.calls
    assert call["argv"] == ["resume", "earlier", "-"]
    assert "ended early (timeout)" in call["stdin"]


async def test_a_session_that_is_lost_is_told(fake):
    error = await fake({"err": "Error: no rollout found for x\n", "code": 1}).fails(session="earlier")

    assert error.kind == "session_not_found"


async def test_tokens_of_a_session_are_counted_once(fake):
    program = fake(
        GOOD,
        {"out": lines(*streams.codex("more", total=40))},
        {"out": lines(*streams.codex("x", total=90, session="other"))},
    )

    first = await program.run()
    second = await program.run(session=streams.CODEX_SESSION)
    third = await program.run(session="other")

    assert (first.tokens, second.tokens, third.tokens) == (15, 25, 90)
    assert third.notes == ("what is counted is what the whole session has used",)


async def test_a_strict_schema_goes_to_the_program_and_others_into_the_prompt(fake):
    strict = fake({"out": lines(*streams.codex('{"a": 1}'))})
    result = await strict.run(output_schema=STRICT)
    assert result.output == {"a": 1}
    (call,) = strict.calls
    assert json.loads(call["files"][call["argv"][call["argv"].index("--schema") + 1]]) == thaw(STRICT)
    assert "JSON Schema" not in call["stdin"]


async def test_a_schema_that_is_not_strict_is_asked_for_in_the_prompt(fake):
    program = fake({"out": lines(*streams.codex('Here it is:\n```json\n{"a": 1}\n```\n'))})

    result = await program.run(output_schema=freeze({"type": "object"}))

    assert result.output == {"a": 1}
    assert "--schema" not in program.calls[0]["argv"]
    assert "fits this JSON Schema" in program.calls[0]["stdin"]


async def test_an_answer_that_does_not_fit_goes_back_once_into_the_session(fake):
    program = fake(
        {"out": lines(*streams.codex('{"a": "x"}'))}, {"out": lines(*streams.codex('{"a": 2}', total=20))}
    )

    result = await program.run(output_schema=STRICT)

    assert (result.output, result.tokens) == ({"a": 2}, 20)
    assert program.calls[1]["argv"] == ["resume", streams.CODEX_SESSION, "-"]
    assert "cannot be taken" in program.calls[1]["stdin"]
    assert [p.kind for p in program.channel.reports].count("started") == 1


async def test_an_answer_that_is_no_json_twice_fails(fake):
    program = fake({"out": lines(*streams.codex("no"))}, {"out": lines(*streams.codex("still no"))})

    error = await program.fails(output_schema=STRICT)

    assert (error.kind, error.retryable, error.tokens, error.session_id) == (
        "invalid_output",
        True,
        15,
        streams.CODEX_SESSION,
    )
    assert len(program.calls) == 2


async def test_work_that_verify_refuses_goes_back_until_it_is_right(fake):
    program = fake(
        GOOD,
        {"out": lines(*streams.codex("better", total=30))},
        {"out": lines(*streams.codex("best", total=40))},
    )
    count = "n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n > n; echo run $n; test $n -ge 3"

    result = await program.run(verify=count)

    assert (result.output, result.tokens) == ("best", 40)
    assert [call["argv"][0] for call in program.calls] == ["--fresh", "resume", "resume"]
    assert "failed with exit code 1" in program.calls[1]["stdin"]
    assert "\nrun 1\n" in program.calls[1]["stdin"]
    assert result.notes == (
        "verify failed and went back to the agent: run 1",
        "verify failed and went back to the agent: run 2",
    )


async def test_verify_goes_back_three_times(fake):
    program = fake(*[GOOD] * 5)

    error = await program.fails(verify="echo still red; exit 4")

    assert (error.kind, error.message, error.retryable) == (
        "verify_failed",
        "verify failed with exit code 4: still red",
        True,
    )
    assert len(program.calls) == 4


async def test_without_sessions_verify_decides_at_once(fake):
    program = fake({"out": "hi\n"}, description="command: [PYTHON, FAKE, SCENARIO]\n")

    assert (await program.fails(verify="false")).kind == "verify_failed"
    assert len(program.calls) == 1


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ({"out": lines(*streams.codex_failed("out of luck")), "code": 1}, "agent_failed", "out of luck"),
        ({"out": lines(*streams.codex_failed("out of luck"))}, "agent_failed", "out of luck"),
        ({"err": "untrusted\n", "code": 9}, "not_trusted", "untrusted"),
        ({"err": "boom\n", "code": 3}, "exit_status", "failed with exit code 3: boom"),
        ({"out": lines(*streams.codex()[:3])}, "no_result", "ended without an answer"),
        ({"out": "warming up\nreally\n"}, "no_result", "no line of its output is a JSON object: warming up"),
        ({}, "no_result", "it printed nothing"),
        ({"out": lines(*streams.codex("hello"))[:-40], "code": 1}, "exit_status", "exit code 1"),
    ],
)  # fmt: skip
async def test_how_it_fails(fake, call, kind, message):
    error = await fake(call).fails()

    assert error.kind == kind
    assert message in error.message


async def test_a_limit_says_when_to_try_again(fake):
    error = await fake({"out": lines(*streams.codex_failed("slow down, retry in 30 s")), "code": 1}).fails()

    assert (error.kind, error.retry_after_seconds, error.retryable) == ("rate_limit", 30.0, True)


async def test_lines_that_are_no_messages_do_no_harm(fake):
    garbage = "not json\n\udcff".encode("utf-8", "surrogateescape").decode("latin-1")
    program = fake({"out": garbage + "\n{]\n" + GOOD["out"] + "tail without an end"})

    result = await program.run()

    assert result.output == "hello"
    assert result.notes == ("4 line(s) of the output were no JSON objects, and were skipped",)


@pytest.mark.slow
async def test_a_line_of_two_megabytes_and_a_prompt_of_three_hundred_kilobytes_pass(fake):
    large = "y" * 2 * 1024 * 1024
    program = fake({"out": lines(*streams.codex(large))})

    result = await program.run({"task": "x" * 300 * 1024})

    assert result.output == large
    assert program.calls[0]["stdin"].startswith("x" * 300 * 1024)


async def test_a_program_that_does_not_read_its_prompt_is_no_trouble(fake):
    result = await fake({**GOOD, "reads": False}).run({"task": "x" * 300 * 1024})

    assert result.output == "hello"


@pytest.mark.parametrize(("length", "is_file"), [(10, False), (200 * 1024, True)])
async def test_a_prompt_as_argument_becomes_a_file_when_it_is_too_long(fake, length, is_file):
    program = fake(
        {"out": "hi\n"},
        description='command: [PYTHON, FAKE, SCENARIO, --say, "{prompt}"]\nprompt: argument\n',
    )

    result = await program.run({"task": "x" * length})

    assert result.output == "hi"
    (call,) = program.calls
    said = call["argv"][1]
    assert call["stdin"] == ""
    assert ("because it is long" in said) == is_file
    if is_file:
        assert len(program.read(said.partition("file ")[2].partition(" because")[0])) > length


async def test_a_prompt_as_file(fake):
    program = fake(
        {"out": "hi\n"},
        description='command: [PYTHON, FAKE, SCENARIO, "{prompt_file}"]\nprompt: file\nrole: You are brief.\n',
    )

    await program.run()

    (text,) = program.calls[0]["files"].values()
    assert text.startswith("You are brief.\n\nsay hi\n\n")


async def test_what_a_program_would_act_upon_is_escaped(fake):
    program = fake({"out": "hi\n"}, description='command: [PYTHON, FAKE, SCENARIO]\nescape: {"@": "\\\\@"}\n')

    await program.run({"task": "mail a@b.c"})

    assert program.calls[0]["stdin"].startswith("mail a\\@b.c")


async def test_no_shell_sees_an_argument(fake):
    program = fake(
        {"out": "hi\n"},
        description='command: [PYTHON, FAKE, SCENARIO, "--x={prompt}", "{{a}}", "$HOME"]\nprompt: argument\n',
    )

    await program.run({"task": "; touch pwned; $(touch pwned) `touch pwned`"})

    argv = program.calls[0]["argv"]
    assert argv[0].startswith("--x=; touch pwned; $(touch pwned) `touch pwned`")
    assert argv[1:] == ["{a}", "$HOME"]


@pytest.mark.parametrize(
    ("out", "output"),
    [('{"response": "hello", "n": 3}', "hello"), ('Loaded.\n{"response": "hello"}\n', "hello")],
)
async def test_one_document_as_output(fake, out, output):
    program = fake(
        {"out": out},
        description="command: [PYTHON, FAKE, SCENARIO]\noutput: {format: json, text: response}\n",
    )

    assert (await program.run()).output == output


@pytest.mark.parametrize("out", ["", "no json", '["a"]', '{"other": 1}'])
async def test_a_document_without_an_answer_is_no_result(fake, out):
    program = fake(
        {"out": out},
        description="command: [PYTHON, FAKE, SCENARIO]\noutput: {format: json, text: response}\n",
    )

    assert (await program.fails()).kind == "no_result"


async def test_costs_are_told_also_when_it_fails(fake):
    finish = {"type": "turn.completed", "usage": {"cost": 0.25}}

    error = await fake({"out": lines(finish, finish), "code": 1}).fails()

    assert error.cost_usd == 0.5


async def test_a_program_that_is_not_there_makes_its_agent_unavailable(tmp_path):
    definition, _ = read_command(
        b"command: [no-such-program-here]", source=tmp_path / "x.yaml", scope="project", base=lambda _: None
    )

    assert CommandAgent(definition).traits.unavailable == (
        "the agent 'x' runs the program 'no-such-program-here', which is not in PATH: is it installed?"
    )


@pytest.mark.parametrize("case", AGENT_CASES, ids=lambda case: case.__name__)
async def test_it_keeps_the_contract_of_agents(case, tmp_path):
    script = tmp_path / "agent.sh"
    script.write_text(
        "read -r line\n"
        'case "$line" in\n'
        "fail*) exit 3;;\n"
        "hang*) setsid sleep 1000 & (sleep 1000 &); echo up; sleep 1000;;\n"
        '*) echo \'{"t": "hello"}\';;\n'
        "esac\n"
    )
    description = f'command: [sh, "{script}"]\noutput: {{format: jsonl, text: t}}\n'
    definition, _ = read_command(
        description.encode(), source=tmp_path / "x.yaml", scope="project", base=lambda _: None
    )
    subject = AgentUnderTest(
        CommandAgent(definition, grace_seconds=1.0),
        succeeds={"task": "go"},
        output="hello",
        fails={"task": "fail"},
        hangs={"task": "hang"},
    )

    await case(subject, tmp_path / "case")


async def test_traits_say_what_the_description_can_do(fake):
    program = fake()

    assert program.agent.traits.supports == {
        "options",
        "session",
        "handoff",
        "output_schema",
        "verify",
        "idle_timeout",
        "budget",
    }
    assert program.agent.traits.backend == sys.executable
