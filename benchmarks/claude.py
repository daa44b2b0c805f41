"""What an attempt of Claude Code costs beside the bare command: the same ``claude``, the same message, a stub in the place of the service.

    python -m benchmarks.claude [--rounds N] [--json]

Each round runs the bare command and the agent, one after the other, and the order changes; the same once more with a program that only says the two lines which count, because a turn of the real one takes so long that a busy machine hides what we add to it. The overhead is the median of the differences in wall time; beside it stands the processor time of our own process, which other programs of the machine cannot blur. The last line is a whole run of one task, from the start of the attempt to its durable end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from actorflow import api
from actorflow.agents.claude.agent import ClaudeAgent
from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.settings import read_settings
from actorflow.state import events as ev
from actorflow.testing.agents import RecordingChannel, make_request
from tests.claude.messages_api import MessagesApi, text

_ROOT = Path(__file__).parents[1]
_INSTALLED = _ROOT / ".venv" / "claude" / "claude_agent_sdk" / "_bundled" / "claude"
_MESSAGE = {"type": "user", "message": {"role": "user", "content": [{"type": "text", "text": "say hello"}]}}
_AT_ONCE = """#!/bin/sh
read line
echo '{"type": "system", "subtype": "init", "session_id": "s"}'
echo '{"type": "result", "subtype": "success", "is_error": false, "result": "hello", "session_id": "s"}'
read end
exit 0
"""
_WORKFLOW = """
version: "1.0"
name: one
tasks:
- {id: hello, agent: claude, parameters: {task: say hello}}
"""


def bare(program: str, folder: Path) -> float:
    argv = [program, "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    argv += [f"--session-id={uuid.uuid4()}", "--permission-mode=acceptEdits"]
    begun = time.perf_counter()
    subprocess.run(
        argv,
        input=json.dumps(_MESSAGE).encode() + b"\n",
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=True,
        start_new_session=True,  # as ours: on a busy machine Linux shares its time between sessions
    )
    return time.perf_counter() - begun


def ours(program: str, folder: Path, number: int) -> tuple[float, float]:
    """Return the wall time of an attempt and the processor time that we used for it."""
    agent = ClaudeAgent(ClaudeSetup(named=program, search_path=""))
    request = make_request(folder / "attempts" / str(number), {"task": "say hello"}, cwd=folder)

    async def attempt() -> tuple[float, float]:
        begun, used = time.perf_counter(), time.process_time()
        await agent.run(request, RecordingChannel())
        return time.perf_counter() - begun, time.process_time() - used

    return trio.run(attempt)


def at_once(folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Return the differences to a program that answers at once, and the processor time that we used."""
    program = folder / "at-once"
    program.write_text(_AT_ONCE)
    program.chmod(0o755)
    differences, used = [], []
    for number in range(rounds):
        begun = time.perf_counter()
        subprocess.run(
            [program], input=b"{}\n", stdout=subprocess.DEVNULL, check=True, start_new_session=True
        )
        alone = time.perf_counter() - begun
        wall, cpu = ours(str(program), folder, -1 - number)
        differences.append(wall - alone)
        used.append(cpu)
    return differences, used


def whole(folder: Path) -> float:
    """Return the time from the start of the attempt to its durable end, in a run of one task."""
    (folder / ".claude").mkdir(exist_ok=True)
    file = folder / "one.yaml"
    file.write_text(_WORKFLOW)
    settings = read_settings(os.environ, cwd=folder)
    finished = trio.run(lambda: api.run(file, settings=settings))
    assert finished.exit_code == 0
    events = api.inspect("last", settings=settings).events
    [begun] = [r.at for r in events if isinstance(r.event, ev.AttemptStarted)]
    [ended] = [r.at for r in events if isinstance(r.event, ev.AttemptSucceeded)]
    return ended - begun


def serve() -> None:
    """Be the service, until stdin ends: in a process of its own, so that its work is not taken for ours."""
    with MessagesApi() as service:
        service.when("say hello", text("hello"))
        print(service.url, flush=True)
        sys.stdin.read()


@contextmanager
def served() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.claude", "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as service:
        assert service.stdout is not None
        assert service.stdin is not None
        yield service.stdout.readline().strip()
        service.stdin.close()


def measure(program: str, rounds: int) -> dict[str, float]:
    bares, attempts, used, runs, differences = [], [], [], [], []
    with served() as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        os.environ.update(
            HOME=str(folder / "home"),
            ANTHROPIC_BASE_URL=url,
            ANTHROPIC_API_KEY="dummy",
            ACTORFLOW_CLAUDE_BIN=program,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        )
        bare(program, folder)  # the first one in a new home does more
        for number in range(rounds):
            if number % 2:
                wall, cpu = ours(program, folder, number)
                alone = bare(program, folder)
            else:
                alone = bare(program, folder)
                wall, cpu = ours(program, folder, number)
            bares.append(alone)
            attempts.append(wall)
            used.append(cpu)
            differences.append(wall - alone)
            runs.append(whole(folder))
        least, least_used = at_once(folder, 4 * rounds)
    return {
        "rounds": rounds,
        "bare_ms": 1e3 * statistics.median(bares),
        "attempt_ms": 1e3 * statistics.median(attempts),
        "overhead_ms": 1e3 * statistics.median(differences),
        "own_cpu_ms": 1e3 * statistics.median(used),
        "at_once_overhead_ms": 1e3 * statistics.median(least),
        "at_once_cpu_ms": 1e3 * statistics.median(least_used),
        "run_attempt_ms": 1e3 * statistics.median(runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    program = os.environ.get("ACTORFLOW_CLAUDE_BIN") or str(_INSTALLED)
    if not os.access(program, os.X_OK):
        sys.exit(
            "the real claude is not there: 'make test' installs it, or name it with ACTORFLOW_CLAUDE_BIN"
        )
    figures = measure(program, options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    print(f"claude, one trivial turn, median of {options.rounds} rounds")
    print(f"  the bare command          {figures['bare_ms']:8.1f} ms")
    print(f"  an attempt of the agent   {figures['attempt_ms']:8.1f} ms")
    print(f"  overhead                  {figures['overhead_ms']:8.1f} ms   (median of the differences)")
    print(f"  of it our processor time  {figures['own_cpu_ms']:8.1f} ms")
    print(
        f"  overhead, answer at once  {figures['at_once_overhead_ms']:8.1f} ms   (of it {figures['at_once_cpu_ms']:.1f} ms of our processor time)"
    )
    print(f"  an attempt inside a run   {figures['run_attempt_ms']:8.1f} ms   (start to durable end)")


if __name__ == "__main__":
    main()
