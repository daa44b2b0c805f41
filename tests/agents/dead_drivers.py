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
import json, signal, sys, trio
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
trio.run(agent.run, make_request(Path(folder), json.loads(parameters)), Printing())
"""


def start_driver(folder, parameters, *, agent="shell", shell="/bin/sh", environment=None):
    """Start a process that runs one attempt, and says on its stdout what is reported."""
    arguments = [sys.executable, "-c", DRIVER, str(folder), agent, json.dumps(parameters), shell]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )


def kill_driver(folder, parameters, *, after="up", **options):
    """Let a driver work until it says ``after`` at the end of a line, kill it with -9, and return the request."""
    with start_driver(folder, parameters, **options) as driver:
        for line in driver.stdout:
            if line.split()[-1:] == [after]:
                break
        driver.kill()
    return make_request(Path(folder), parameters)


def alive(request):
    """Return the processes of the attempt that are alive."""
    processes = process_table.all_processes()
    return [p.pid for p in processes if p.is_alive and process_table.carries(p.pid, marker_of(request))]
