"""Another agent's command line, played from a file: ``python fake_cli.py SCENARIO [ARGUMENT…]``.

SCENARIO is a JSON list, one entry for each call: what to print (``out``, text), to stderr (``err``), the exit
code (``code``), ``reads`` (false leaves stdin alone). What each call was given is appended to ``SCENARIO.calls``, a JSON object a line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> int:
    scenario = Path(sys.argv[1])
    log = scenario.with_suffix(".calls")
    number = len(log.read_text().splitlines()) if log.exists() else 0
    call = json.loads(scenario.read_text())[number]
    stdin = sys.stdin.buffer.read().decode() if call.get("reads", True) else None
    files = {arg: Path(arg).read_text() for arg in sys.argv[2:] if arg.endswith((".md", "schema.json"))}
    given = {
        "argv": sys.argv[2:],
        "stdin": stdin,
        "files": files,
        "cwd": os.getcwd(),
        "env": os.environ.get("FAKE", ""),
    }
    with log.open("a") as stream:
        stream.write(json.dumps(given) + "\n")
    sys.stderr.write(call.get("err", ""))
    sys.stdout.write(call.get("out", ""))
    sys.stdout.flush()
    return int(call.get("code", 0))


if __name__ == "__main__":
    sys.exit(main())
