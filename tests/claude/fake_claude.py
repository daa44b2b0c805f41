"""A program that looks like ``claude``: does what the task says (one of ``TASKS``), or repeats it."""

import json
import os
import subprocess
import sys
import time

SESSION = "0f9f3a52-0f6c-4c4e-8a55-6f0d3d1f7a11"
TASKS = ("fail", "hang", "die", "argv", "close")


def say(**fields):
    sys.stdout.write(json.dumps({"session_id": SESSION, **fields}) + "\n")
    sys.stdout.flush()


def complain(text):
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def result(text, **fields):
    say(
        type="result",
        **{"subtype": "success", "is_error": False, "result": text, "total_cost_usd": 0.25, **fields},
    )


def answer(task):
    say(type="system", subtype="init", model="fake", argv=sys.argv[1:])
    if task == "fail":
        result("it does not work", is_error=True, api_error_status=500, terminal_reason="api_error")
    elif task == "hang":
        subprocess.Popen(["setsid", "sleep", "1000"])
        subprocess.Popen(["sleep", "1000"])
        complain("up")
        time.sleep(1000)
    elif task == "die":
        complain("Error: I am not well")
        sys.exit(7)
    elif task == "close":
        os.close(1)
        time.sleep(1000)
    elif task == "argv":
        result(json.dumps(sys.argv[1:]))
    else:
        say(type="assistant", message={"id": "m", "content": [{"type": "text", "text": task}]})
        result(task)


for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "user":
        blocks = [block["text"] for block in message["message"]["content"]]
        answer(next((block for block in blocks if block in TASKS), blocks[0]))
