"""Drivers that are killed in the middle of an attempt, for tests of what outlives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from actorflow.agents import process_table
from actorflow.agents.environment import marker_of
from actorflow.testing.agents import make_request

DRIVER = """
import json, os, signal, sys, trio
# Lets the process die before or after the n-th call of a function.
def dies_at(owner, name, call, *, before):
    calls, function = [0], getattr(owner, name)
    def dying(*args, **options):
        calls[0] += 1
        if before and calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*args, **options)
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(owner, name, dying)

if "DIES_AT" in os.environ:
    when, name, call = os.environ["DIES_AT"].split()
    from actorflow.agents import running
    owner = {"open_private": running, "start_wrapped": running, "posix_spawn": os, "seal": running}[name]
    dies_at(owner, name, int(call), before=when == "before")
if "WITHOUT_SPLICE" in os.environ:
    del os.splice
if "DIES_WITH_BYTES_IN_HAND" in os.environ:
    def die(file, data, place, write=os.pwrite):
        if b"last" in data:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(file, data, place)
    os.pwrite = die
from pathlib import Path
from actorflow.agents import wrapper
from actorflow.agents.python import PythonAgent
from actorflow.agents.shell import ShellAgent
from actorflow.testing.agents import make_request

class Printing:
    def report(self, progress):
        print(progress.kind, progress.text, flush=True)

signal.alarm(60)  # no test waits for ever
folder, agent, parameters, shell = sys.argv[1:]
wrapper._SHELL = shell
agent = {"shell": ShellAgent, "python": PythonAgent}[agent]()

async def main():
    async with trio.open_nursery() as nursery:
        for place, given in json.loads(Path(parameters).read_text()).items():
            nursery.start_soon(agent.run, make_request(Path(place), given), Printing())

trio.run(main)
"""


def start_driver(folder, attempts, *, agent="shell", shell="/bin/sh", environment=None):
    """Start a process that runs attempts at once, and says on its stdout what is reported.

    Args:
        attempts: parameters, or place -> parameters.
    """
    file = Path(folder) / "attempts.json"
    file.write_text(json.dumps(attempts if all_places(attempts) else {str(folder): attempts}))
    arguments = [sys.executable, "-c", DRIVER, str(folder), agent, str(file), shell]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )


def all_places(attempts):
    return all(isinstance(given, dict) and place.startswith("/") for place, given in attempts.items())


def kill_driver(folder, attempts, *, after="up", before_kill=None, **options):
    """Let a driver work until all its attempts have said ``after`` at the end of a line, and kill it with -9.

    Returns the request of its attempt, or of all, in order.

    Args:
        before_kill: is called in between.
    """
    with start_driver(folder, attempts, **options) as driver:
        missing = len(attempts) if all_places(attempts) else 1
        for line in driver.stdout:
            missing -= line.split()[-1:] == [after]
            if not missing:
                break
        if before_kill is not None:
            before_kill()
        driver.kill()
    if all_places(attempts):
        return [make_request(Path(place), given) for place, given in attempts.items()]
    return make_request(Path(folder), attempts)


def alive(request):
    """Return the processes of the attempt that are alive."""
    processes = process_table.all_processes()
    return [p.pid for p in processes if p.is_alive and process_table.carries(p.pid, marker_of(request))]
