"""Twelve small workflows for real shells. Each attempt says in ``starts.txt`` that it has begun; whatever a run of one goes through, it ends the same."""

from __future__ import annotations

from typing import Any

SAY = "echo $ACTORFLOW_TASK_ID $ACTORFLOW_ATTEMPT >> starts.txt; "
MAX_PARALLEL = 3
LARGE = "head -c 90000 /dev/zero | tr '\\0' x"
ONCE = {"max_attempts": 2, "delay": 0.01, "backoff": "fixed"}


def _task(name: str, *dependencies: str, command: str = "", **fields: Any) -> dict[str, Any]:
    task = {"id": name, "agent": "shell", "parameters": {"command": SAY + (command or f"echo {name}")}}
    return task | ({"dependencies": dependencies} if dependencies else {}) | fields


def _fails_once(name: str) -> str:
    return f"if [ ! -e {name}.tried ]; then touch {name}.tried; exit 1; fi; echo at last"


def _workflow(
    name: str, *tasks: dict[str, Any], hooks: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    return {"name": name, "settings": {"max_parallel": MAX_PARALLEL} | settings, "tasks": tasks} | (
        {"hooks": hooks} if hooks else {}
    )


TEN = _workflow(
    "ten",
    _task("plan"),
    _task("left", "plan"),
    _task("middle", "plan", command='echo "middle of ${plan.output}"'),
    _task("right", "plan", command=LARGE),
    _task("flaky", "left", command=_fails_once("flaky"), retry=ONCE),
    _task("never", "left", condition="left.output == 'no'"),
    _task("join", "middle", "right", command="wc -c", condition="right.output != ''"),
    _task("refused", "middle", command="exit 3", on_failure="skip"),
    _task("after", "refused", "flaky"),
    _task("last", "join", "after", command='echo "${after.output} and ${flaky.output}"'),
    hooks={"on_start": [_task("begin")], "on_complete": [_task("end")]},
)

WORKFLOWS: dict[str, dict[str, Any]] = {
    workflow["name"]: workflow
    for workflow in (
        TEN,
        _workflow("one", _task("a")),
        _workflow("chain", _task("t0"), *(_task(f"t{i}", f"t{i - 1}", command=f'echo "${{t{i - 1}.output}}{i}"') for i in range(1, 7))),
        _workflow("wide", *(_task(f"t{i}") for i in range(8)), _task("all", *(f"t{i}" for i in range(8)))),
        _workflow("narrow", *(_task(f"t{i}") for i in range(5)), max_parallel=1),
        _workflow("large", *(_task(f"t{i}", command=f"{LARGE}; echo {i}") for i in range(3)), _task("sum", "t0", "t1", "t2", command='echo "${t0.output}${t1.output}${t2.output}" | wc -c')),
        _workflow("flaky", *(_task(f"t{i}", command=_fails_once(f"t{i}"), retry=ONCE) for i in range(4)), _task("z", "t0", "t1")),
        _workflow("skips", _task("a", command="exit 1", on_failure="skip"), _task("b", "a"), _task("c", "a", run_if="all_failed"), _task("d", "b", "c", run_if="all_done")),
        _workflow("fails", _task("a"), _task("b", "a", command="exit 1"), _task("c", "b"), _task("d", "a"), on_failure="continue"),
        _workflow("hooks", _task("a"), hooks={"on_start": [_task("s0"), _task("s1")], "on_success": [_task("good")], "on_failure": [_task("bad")], "on_complete": [_task("end")]}),
        _workflow("mended", _task("a", command="exit 4"), _task("mend", "a", run_if="one_failed"), _task("b", "mend"), on_failure="continue"),
        _workflow("diamonds", _task("a"), _task("b", "a"), _task("c", "a"), _task("d", "b", "c", command='echo "${b.output}${c.output}"'), _task("e", "d"), _task("f", "d"), _task("g", "e", "f")),
    )
}  # fmt: skip
END_HOOKS = {"good", "bad", "end"}
"""These run once for each end that a run comes to."""
