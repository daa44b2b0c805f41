"""Random workflows for the simulation, as documents that the real loader reads, and what their agents are going to do.

The same seed gives the same workflow. What an agent does depends on the task and on how often it has failed since it was last made PENDING, never on the number of the
attempt: a run that lost attempts to crashes plays the same script as one that did not, and must end the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Act: TypeAlias = Literal[
    "ok", "fail", "fatal", "crash", "hang", "lie", "nonsense", "limit", "usage", "flood", "big"
]

FAILING: tuple[Act, ...] = ("fail", "fail", "crash", "lie", "nonsense")
SCHEMA = {"type": "object", "required": ["by"], "properties": {"by": {"type": "string"}}}
AGENTS: tuple[str | list[str], ...] = (
    "sim",
    "sim",
    "paid",
    "paid",
    "second",
    ["paid", "second"],
    ["second", "sim"],
)
LONG = 864_000
"""Ten days: a run that takes as long has lost a wake-up."""


@dataclass(frozen=True)
class Role:
    """What the agent of one task does.

    Attributes:
        failures: one act for each attempt that fails, in order.
        last: how it goes after that.
        limits: how many attempts hit a rate limit before the first act; ``usages``: and then a usage limit.
        cost: what an attempt says that it cost; None says nothing.
        seconds: how long an attempt works.
        cleanup: how long it takes to stop when it is cancelled.
        retry_after: what its failures ask for.
        outlives: whether what it has set going can be found by another driver.
    """

    failures: tuple[Act, ...] = ()
    last: Act = "ok"
    limits: int = 0
    usages: int = 0
    cost: float | None = 0.5
    seconds: float = 1.0
    cleanup: float = 0.0
    retry_after: float | None = None
    opens_session: bool = False
    outlives: bool = True

    def act(self, failed: int, limited: int) -> Act:
        if limited < self.limits + self.usages:
            return "limit" if limited < self.limits else "usage"
        return self.failures[failed] if failed < len(self.failures) else self.last


@dataclass(frozen=True)
class Scenario:
    """A workflow and its cast."""

    document: Mapping[str, Any]
    roles: Mapping[str, Role] = field(default_factory=dict)


def draw_scenario(rng: random.Random, *, run_timeout: bool = False) -> Scenario:
    """Draw a workflow of 1 to 9 tasks, with hooks now and then.

    Args:
        run_timeout: whether the run's own timeout is short enough to be hit.
    """
    roles: dict[str, Role] = {}
    tasks: list[dict[str, Any]] = []
    for index in range(rng.randint(1, 9)):
        task, role = _draw_task(rng, index)
        tasks.append(task)
        roles[task["id"]] = role
    document: dict[str, Any] = {
        "name": "simulated",
        "settings": _draw_settings(rng, run_timeout),
        "tasks": tasks,
    }
    hooks = _draw_hooks(rng, roles)
    if hooks:
        document["hooks"] = hooks
    return Scenario(document, roles)


def _draw_settings(rng: random.Random, run_timeout: bool) -> dict[str, Any]:
    budgets = ({"usd": 1}, {"usd": 2.5}, {"agents": 2}, {"tokens": 25}, {"usd": 3, "agents": 4})
    return {
        **({"budget": rng.choice(budgets)} if rng.random() < 0.45 else {}),
        "max_parallel": rng.randint(1, 4),
        "on_failure": rng.choice(("stop", "continue", "continue")),
        "timeout": rng.randint(2, 40) if run_timeout else LONG,
        "resources": {"gpu": rng.randint(1, 2)},
    }


def _draw_task(rng: random.Random, index: int) -> tuple[dict[str, Any], Role]:
    earlier = [f"t{i}" for i in range(index)]
    dependencies = sorted(rng.sample(earlier, min(len(earlier), rng.choice((0, 1, 1, 2, 3)))))
    agent = rng.choice(AGENTS)
    task: dict[str, Any] = {"id": f"t{index}", "agent": agent, "dependencies": dependencies}
    task["parameters"] = {"from": [f"${{{name}.output}}" for name in dependencies], "n": index}
    if rng.random() < 0.3:
        task["priority"] = rng.randint(-2, 2)
    if rng.random() < 0.3:
        task["resources"] = {"gpu": 1}
    if rng.random() < 0.2:
        task["on_failure"] = "skip"
    if dependencies and rng.random() < 0.35:
        task |= _draw_rule(rng, dependencies[0])
    role = _draw_role(rng, task)
    return task, role


def _draw_rule(rng: random.Random, name: str) -> dict[str, Any]:
    if rng.random() < 0.4:
        rules = "all_success all_failed all_done one_success one_failed none_failed always".split()
        return {"run_if": rng.choice(rules)}
    conditions = (
        "always()",
        "failure()",
        "success()",
        f"{name}.status == 'success'",
        f"{name}.status == 'failed'",
        "true",
        "false",
    )
    return {"condition": rng.choice(conditions)}


def _draw_role(rng: random.Random, task: dict[str, Any]) -> Role:
    """Draw what the agent does; adds the retries and limits that the task needs for it."""
    failures = tuple(rng.choice(FAILING) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3))))
    attempts = max(1, len(failures) + rng.choice((0, 1, 1, 1, 2)))  # now and then one too few
    if attempts > 1:
        task["retry"] = {
            "max_attempts": attempts,
            "delay": rng.choice((0, 0.5, 5, 30)),
            "backoff": rng.choice(("fixed", "exponential")),
            "max_delay": 40,
        }
    if rng.random() < 0.15:
        failures += ("hang",)
        task["timeout" if rng.random() < 0.6 else "idle_timeout"] = rng.choice((15, 20))
    if {"lie"} & set(failures):
        task["output_schema"] = SCHEMA
    return Role(
        failures=failures,
        last=rng.choice(("ok",) * 12 + ("big", "flood", "flood", "fatal")),  # type: ignore[arg-type]  # literals
        limits=rng.choice((0,) * 8 + (1, 2)),
        usages=rng.choice((0,) * 9 + (1,)),
        cost=rng.choice((0.5,) * 6 + (0.125, 0.125, None)),
        seconds=rng.choice((0.0, 0.0, 0.5, 1.0, 3.0, 9.0, 12.0)),
        cleanup=rng.choice((0.0, 0.0, 2.0, 8.0)),
        retry_after=rng.choice((None, None, None, 12.0)),
        opens_session=rng.random() < 0.2,
    )


def _draw_hooks(rng: random.Random, roles: dict[str, Role]) -> dict[str, list[dict[str, Any]]]:
    hooks: dict[str, list[dict[str, Any]]] = {}
    for phase, chance in (("on_start", 0.2), ("on_success", 0.3), ("on_failure", 0.3), ("on_complete", 0.4)):
        if rng.random() < chance:
            hooks[phase] = [{"id": f"{phase}_{n}", "agent": "sim"} for n in range(rng.randint(1, 2))]
            for hook in hooks[phase]:
                last = "fatal" if rng.random() < 0.1 else "ok"
                roles[hook["id"]] = Role(last=last, seconds=rng.choice((0.0, 1.0, 4.0)))  # type: ignore[arg-type]  # literals
    return hooks


TEN = Scenario(
    {
        "name": "ten",
        "settings": {"max_parallel": 4, "timeout": LONG},
        "tasks": [
            {
                "id": f"t{i}",
                "agent": "sim",
                "dependencies": [f"t{i - 2}"] if i > 1 else [],
                "retry": {"max_attempts": 4, "delay": 5},
            }
            for i in range(10)
        ],
    }
)
"""Ten tasks in two chains, four attempts each."""
