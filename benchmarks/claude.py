"""What an attempt of Claude Code costs beside the bare command: the same ``claude``, the same message, a stub in the place of the service.

    python -m benchmarks.claude [--rounds N] [--json]

Each round runs the bare command and the agent, one after the other, and the order changes. The overhead is the median of the differences in wall time; beside it stands the processor time of our own process, which other programs of the machine cannot blur. The last line is a whole run of one task, from the start of the attempt to its durable end.
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
        argv, input=json.dumps(_MESSAGE).encode() + b"\n", cwd=folder, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - begun


def ours(program: str, folder: Path, number: int) -> tuple[float, float]:
    """Return the wall time of an attempt and the processor time that we used for it."""
    agent = ClaudeAgent(ClaudeSetup(named=program, search_path=""))
    request = make_request(folder / str(number), {"task": "say hello"})

    async def attempt() -> tuple[float, float]:
        begun, used = time.perf_counter(), time.process_time()
        await agent.run(request, RecordingChannel())
        return time.perf_counter() - begun, time.process_time() - used

    return trio.run(attempt)


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


def measure(program: str, rounds: int) -> dict[str, float]:
    bares, attempts, used, runs, differences = [], [], [], [], []
    with MessagesApi() as service, tempfile.TemporaryDirectory() as name:
        service.when("say hello", text("hello"))
        folder = Path(name)
        (folder / "home").mkdir()
        os.environ.update(
            HOME=str(folder / "home"),
            ANTHROPIC_BASE_URL=service.url,
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
    return {
        "rounds": rounds,
        "bare_ms": 1e3 * statistics.median(bares),
        "attempt_ms": 1e3 * statistics.median(attempts),
        "overhead_ms": 1e3 * statistics.median(differences),
        "own_cpu_ms": 1e3 * statistics.median(used),
        "run_attempt_ms": 1e3 * statistics.median(runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
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
    print(f"  an attempt inside a run   {figures['run_attempt_ms']:8.1f} ms   (start to durable end)")


if __name__ == "__main__":
    main()
