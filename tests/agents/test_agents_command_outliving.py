"""Described programs that outlive their driver: each call that was begun is taken up, and what was judged is judged again in the same way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actorflow.agents.command.agent import CommandAgent
from actorflow.agents.command.decode import read_command
from actorflow.agents.environment import marker_of
from actorflow.agents.interface import Reattaches
from actorflow.agents.process import end_survivors
from actorflow.agents.remains import Remains, remains_of
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import freeze
from tests.agents import command_streams as streams
from tests.agents.dead_drivers import alive

pytestmark = [
    pytest.mark.trio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="who is alive is read from /proc"),
]

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
number = len(list(folder.glob("call-*"))) + 1
(folder / f"call-{number}").write_text(sys.stdin.read())
call = json.loads((folder / "calls.json").read_text())[number - 1]
for line in call.get("before", ()):
    print(line, flush=True)
if call.get("waits"):
    (folder / "waits").touch()
    while not (folder / "go").exists():
        time.sleep(0.02)
for line in call["lines"]:
    print(line, flush=True)
sys.exit(call.get("code", 0))
"""

DESCRIPTION = """
command: [PYTHON, PROGRAM, FOLDER]
resume: [PYTHON, PROGRAM, FOLDER, "{session}"]
output:
  format: FORMAT
  session: {when: {type: thread.started}, take: thread_id}
  text: {when: {type: item.completed, item.type: agent_message}, take: item.text}
  tokens: {when: {type: turn.completed}, take: [usage.input_tokens, usage.output_tokens], total: session}
"""

DRIVER = """
import sys; from pathlib import Path
import trio
from tests.agents.test_agents_command_outliving import World
world = World(Path(sys.argv[1]))
trio.run(world.agent.run, world.request, world.channel)
"""


class World:
    """A program that is described, its calls, and the attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        fields = json.loads((folder / "world.json").read_text())
        description = DESCRIPTION
        for name, value in {
            "PYTHON": sys.executable,
            "PROGRAM": str(folder / "program.py"),
            "FOLDER": str(folder),
            "FORMAT": fields.pop("format", "jsonl"),
        }.items():
            description = description.replace(name, value)
        if "format: text" in description:
            description = description.partition("  session:")[0].replace("resume: [", "# ")
        definition, _ = read_command(
            description.encode(), source=folder / "fake.yaml", scope="project", base=lambda _: None
        )
        self.agent = CommandAgent(definition, grace_seconds=1.0)
        self.channel = RecordingChannel()
        schema = fields.pop("schema", None)
        self.request = make_request(
            folder, {"task": "do it"}, output_schema=None if schema is None else freeze(schema), **fields
        )

    @property
    def calls(self) -> list[str]:
        return [path.read_text() for path in sorted(self.folder.glob("call-*"))]

    def go(self) -> None:
        (self.folder / "go").touch()

    async def reattach(self):
        with trio.fail_after(30):
            return await self.agent.reattach(self.request, self.channel)


def said(answer, *, before=0):
    """Split what the program says: the first lines before it waits, the rest after."""
    lines = [json.dumps(thing) for thing in streams.codex("looking", answer)]
    return {"before": lines[:before], "lines": lines[before:]}


@pytest.fixture
def killed(tmp_path):
    """Let a driver run an attempt until there is a file, kill it with -9, and return the world."""

    def killed(*calls, until="waits", **fields):
        (tmp_path / "program.py").write_text(PROGRAM)
        (tmp_path / "calls.json").write_text(json.dumps(calls))
        (tmp_path / "world.json").write_text(json.dumps(fields))
        with subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], cwd=ROOT) as driver:
            give_up_at = time.monotonic() + 30
            while not (tmp_path / until).exists():
                assert time.monotonic() < give_up_at, f"there is no {until}"
                time.sleep(0.02)
            driver.kill()
        return World(tmp_path)

    return killed


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


async def test_a_call_is_waited_for_and_heard_from_its_first_word(killed):
    world = killed({**said("hello", before=3), "waits": True})
    assert isinstance(world.agent, Reattaches)
    assert remains_of(world.request.folder) is Remains.RUNNING

    world.go()
    result = await world.reattach()

    assert (result.output, result.session_id, result.tokens) == ("hello", streams.CODEX_SESSION, 15)
    assert world.channel.sessions == [streams.CODEX_SESSION]
    assert world.channel.tokens == 15
    assert len(world.calls) == 1
    assert alive(world.request) == []


@pytest.mark.parametrize("format", ["text", "json"])
async def test_what_is_printed_at_the_end_is_taken_whole(killed, format):  # noqa: A002 - its name in descriptions
    answer = {"type": "item.completed", "item": {"type": "agent_message", "text": "hello"}}
    printed = json.dumps(answer) if format == "json" else "hello"
    world = killed({"lines": [printed], "waits": True}, format=format)

    world.go()

    assert (await world.reattach()).output == "hello"


async def test_a_call_that_failed_fails_as_ever(killed):
    world = killed({"lines": [], "waits": True, "code": 7})
    world.go()

    with pytest.raises(AgentError, match="exit code 7") as caught:
        await world.reattach()

    assert caught.value.cost_usd is None


async def test_an_answer_that_does_not_fit_goes_back_although_its_driver_died(killed):
    """Each call is a program of its own, so the next one can be told."""
    world = killed({**said("no json"), "waits": True}, said('{"a": 1}'), schema=SCHEMA)

    world.go()
    result = await world.reattach()

    assert result.output == freeze({"a": 1})
    assert len(world.calls) == 2
    assert "cannot be taken" in world.calls[1]


async def test_a_second_call_is_taken_up_and_the_first_is_not_made_again(killed):
    world = killed(said("no json"), {**said('{"a": 2}'), "waits": True}, schema=SCHEMA)
    assert remains_of(world.request.folder) is Remains.RUNNING

    world.go()
    result = await world.reattach()

    assert result.output == freeze({"a": 2})
    assert len(world.calls) == 2


async def test_what_verify_has_said_is_not_asked_again(killed, tmp_path):
    verify = f"echo x >> {tmp_path}/verified; test $(wc -l < {tmp_path}/verified) = 2"
    world = killed(said("first"), {**said("second"), "waits": True}, verify=verify)

    world.go()
    result = await world.reattach()

    assert result.output == "second"
    assert len(world.calls) == 2
    assert (tmp_path / "verified").read_text() == "x\nx\n"


async def test_a_verify_that_outlived_its_driver_is_waited_for(killed, tmp_path):
    verify = f"echo x >> {tmp_path}/verified; until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 0"
    world = killed(said("first"), until="verified", verify=verify)

    world.go()
    result = await world.reattach()

    assert result.output == "first"
    assert (tmp_path / "verified").read_text() == "x\n"


async def test_a_verify_that_outlived_its_driver_ends_with_the_attempt_that_is_cancelled(killed, tmp_path):
    verify = f"echo x >> {tmp_path}/verified; exec sleep 1000"
    world = killed(said("first"), until="verified", verify=verify)
    assert alive(world.request) != []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.reattach)
        with trio.fail_after(30):
            while not any(report.kind == "verify" for report in world.channel.reports):
                await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()

    assert alive(world.request) == []


async def test_a_verify_that_is_gone_is_run_anew(killed, tmp_path):
    verify = f"echo x >> {tmp_path}/verified; test -e {tmp_path}/go || exec sleep 1000"
    world = killed(said("first"), until="verified", verify=verify)
    for pid in alive(world.request):
        with suppress(ProcessLookupError):  # it has ended with the one before
            os.kill(pid, signal.SIGKILL)

    world.go()
    result = await world.reattach()

    assert result.output == "first"
    assert (tmp_path / "verified").read_text() == "x\nx\n"
    assert alive(world.request) == []


async def test_a_second_call_of_which_nothing_is_known_makes_the_attempt_lost(killed):
    world = killed(said("no json"), {**said('{"a": 2}'), "waits": True}, schema=SCHEMA)
    (world.request.folder / "turn-2" / "process.json").write_text("")
    assert remains_of(world.request.folder) is Remains.GONE

    with pytest.raises(AgentError) as caught:
        await world.reattach()

    assert caught.value.kind == "lost"
    await end_survivors(world.request.folder, marker=marker_of(world.request))
    assert alive(world.request) == []


async def only_taken(world):
    """Return why nothing can be taken of the attempt, where nothing may be started."""
    world.request = replace(world.request, takes_only=True)
    with pytest.raises(AgentError) as caught:
        await world.reattach()
    return caught.value


async def over(world):
    """Let the program end, and wait until it has."""
    world.go()
    with trio.fail_after(30):
        while remains_of(world.request.folder) is not Remains.FINISHED:
            await trio.testing.wait_all_tasks_blocked(0.01)


async def test_a_result_can_be_taken_where_nothing_may_be_started(killed):
    world = killed({**said("hello", before=3), "waits": True})
    await over(world)
    world.request = replace(world.request, takes_only=True)

    result = await world.reattach()

    assert (result.output, result.tokens) == ("hello", 15)


async def test_where_nothing_may_be_started_no_answer_goes_back_and_what_it_has_cost_is_said(killed):
    world = killed({**said("no json"), "waits": True}, said('{"a": 1}'), schema=SCHEMA)
    await over(world)

    error = await only_taken(world)

    assert (error.kind, error.tokens, error.session_id) == ("lost", 15, streams.CODEX_SESSION)
    assert len(world.calls) == 1
    assert not (world.request.folder / "turn-2").exists()


async def test_where_nothing_may_be_started_nothing_is_verified_and_what_still_runs_is_not_waited_for(
    killed, tmp_path
):
    verify = f"echo x >> {tmp_path}/verified; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    never = killed({**said("first"), "waits": True}, verify=verify)
    assert (await only_taken(never)).kind == "lost"  # it still runs
    await over(never)

    assert "would have to be started" in (await only_taken(never)).message
    assert not (tmp_path / "verified").exists()


async def test_where_nothing_may_be_started_a_verify_that_still_runs_is_not_waited_for(killed, tmp_path):
    verify = f"echo x >> {tmp_path}/verified; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    world = killed(said("first"), until="verified", verify=verify)

    error = await only_taken(world)

    assert (error.kind, error.tokens) == ("lost", 15)
    assert "verify: it still runs" in error.message
    await end_survivors(world.request.folder, marker=marker_of(world.request))
    assert alive(world.request) == []


async def test_where_nothing_may_be_started_what_a_verify_has_said_counts(killed, tmp_path):
    verify = f"echo x >> {tmp_path}/verified; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    world = killed(said("first"), until="verified", verify=verify)
    world.go()
    checked = world.request.folder / "verify-1"
    with trio.fail_after(30):
        while remains_of(checked) is not Remains.FINISHED:
            await trio.testing.wait_all_tasks_blocked(0.01)
    world.request = replace(world.request, takes_only=True)

    assert (await world.reattach()).output == "first"
    assert (tmp_path / "verified").read_text() == "x\n"


async def test_who_is_interrupted_while_a_result_is_only_taken_leaves_it_there(killed):
    world = killed({**said("hello", before=3), "waits": True})
    await over(world)
    before, world.request = world.request, replace(world.request, takes_only=True)

    with trio.CancelScope() as interrupted:
        interrupted.cancel()
        await world.reattach()

    assert remains_of(world.request.folder) is Remains.FINISHED
    world.request = before
    assert (await world.reattach()).output == "hello"


async def test_a_second_call_that_was_ended_is_nobodys_result(killed):
    world = killed(said("no json"), {**said('{"a": 2}'), "waits": True}, schema=SCHEMA)
    assert remains_of(world.request.folder) is Remains.RUNNING

    await end_survivors(world.request.folder, marker=marker_of(world.request))

    assert remains_of(world.request.folder) is Remains.GONE
    assert alive(world.request) == []
