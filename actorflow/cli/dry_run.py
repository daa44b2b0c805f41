"""What ``run --dry-run`` prints: the plan of a run that is not made, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from actorflow import api
from actorflow.cli.output import print_json
from actorflow.cli.streams import say
from actorflow.cli.validate import input_json
from actorflow.ids import TaskId
from actorflow.values import thaw
from actorflow.views.escape import escape
from actorflow.workflow.budget import Budget

__all__ = ["tell_dry_run"]


def tell_dry_run(found: api.DryRun, *, as_json: bool) -> None:
    """Print the plan of a run."""
    if as_json:
        print_json(_report(found))
    else:
        say("\n".join(escape(line) for line in _lines(found)))


def _lines(found: api.DryRun) -> Iterator[str]:
    plan = found.plan
    tasks = len(found.fates)
    yield f"{plan.workflow.name}: {tasks} task{'s' if tasks != 1 else ''}, at most {plan.max_parallel} at a time{_pools(found)}"
    if found.inputs:
        yield ""
        yield "inputs"
        width = max(len(fact.spec.name) for fact in found.inputs)
        yield from (f"  {fact.spec.name:<{width}}  {_input(fact)}" for fact in found.inputs)
    yield from ([] if not found.problem else ["", f"these inputs do not do: {found.problem}"])
    yield ""
    yield "order (what has the same number starts together, if all tasks take the same time)"
    yield from _order(found)
    hooks = [task for task in plan.tasks.values() if task.hook is not None]
    if hooks:
        yield ""
        yield "hooks"
        yield from (f"  {task.hook}  {task.id}  {' or '.join(task.spec.agents)}" for task in hooks)
    yield ""
    yield "agents"
    yield from _availability(found)
    yield from _rest(found)


def _pools(found: api.DryRun) -> str:
    pools = found.plan.workflow.settings.resources
    return "".join(f", {amount} of {name}" for name, amount in pools.items())


def _input(fact: api.InputFact) -> str:
    if fact.is_missing:
        about = f"  ({fact.spec.description})" if fact.spec.description else ""
        return f"missing: --set {fact.spec.name}=…{about}"
    value = json.dumps(thaw(fact.value), ensure_ascii=False)
    return value if fact.is_given else f"{value}  (default)"


def _order(found: api.DryRun) -> Iterator[str]:
    plan = found.plan
    names = max((len(task) for task in found.fates), default=0)
    agents = max((len(_agents(found, task)) for task in found.fates), default=0)
    for number, wave in enumerate(found.waves, 1):
        for place, task in enumerate(wave):
            head = f"{number:>3}" if place == 0 else "   "
            notes = [found.fates[task].why]
            attempts = plan.tasks[task].retry.max_attempts
            notes += [f"up to {attempts} attempts"] if attempts > 1 else []
            shown = ", ".join(note for note in notes if note)
            yield f"{head}  {task:<{names}}  {_agents(found, task):<{agents}}  {shown}".rstrip()
    for task, fate in found.fates.items():
        if fate.will in ("skipped", "on_failure"):
            word = "-" if fate.will == "skipped" else "!"
            yield f"  {word}  {task:<{names}}  {_agents(found, task):<{agents}}  {_skipped(fate.will)}{fate.why}"


def _skipped(will: str) -> str:
    return "skipped: " if will == "skipped" else ""


def _agents(found: api.DryRun, task: TaskId) -> str:
    return " or ".join(found.plan.tasks[task].spec.agents)


def _availability(found: api.DryRun) -> Iterator[str]:
    """Yield a line for all agents that are there, and one for all that are not for the same reason."""
    by_reason: dict[str, list[str]] = {}
    for agent in found.agents:
        by_reason.setdefault(agent.unavailable, []).append(agent.name)
    for reason, names in by_reason.items():
        yield f"  {', '.join(names)}: {f'not available: {reason}' if reason else 'available'}"


def _rest(found: api.DryRun) -> Iterator[str]:
    yield ""
    yield from found.secrets
    least, most = found.least_calls, found.most_calls
    calls = f"{least}" if least == most else f"{least} to {most}"
    yield f"agents are called {calls} times; what that costs is not known before it is done{_budget(found)}"
    yield "nothing was run"


def _budget(found: api.DryRun) -> str:
    budget = found.plan.workflow.settings.budget
    if budget == Budget():
        return ""
    parts = [f"{budget.usd:g} USD"] if budget.usd is not None else []
    parts += [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    parts += [f"{budget.agents:,} calls"] if budget.agents is not None else []
    return f" (at most {', '.join(parts)})"


def _report(found: api.DryRun) -> dict[str, Any]:
    plan = found.plan
    wave_of = {task: number for number, wave in enumerate(found.waves, 1) for task in wave}
    return {
        "workflow": plan.workflow.name,
        "max_parallel": plan.max_parallel,
        "resources": thaw(plan.workflow.settings.resources),
        "inputs": [
            {**input_json(fact.spec), "value": thaw(fact.value), "missing": fact.is_missing}
            for fact in found.inputs
        ],
        "problem": found.problem,
        "waves": [list(wave) for wave in found.waves],
        "tasks": {
            task: {
                "will": fate.will,
                "why": fate.why,
                "wave": wave_of.get(task),
                "agents": list(plan.tasks[task].spec.agents),
                "dependencies": list(plan.tasks[task].dependencies),
                "condition": None if (c := plan.tasks[task].condition) is None else c.source,
                "max_attempts": plan.tasks[task].retry.max_attempts,
            }
            for task, fate in found.fates.items()
        },
        "hooks": {
            task.id: {"hook": task.hook.value, "agents": list(task.spec.agents)}
            for task in plan.tasks.values()
            if task.hook is not None
        },
        "agents": {
            agent.name: {
                "available": not agent.unavailable,
                "reason": agent.unavailable,
                "tasks": list(agent.tasks),
            }
            for agent in found.agents
        },
        "missing_secrets": list(found.secrets),
        "calls": {"least": found.least_calls, "most": found.most_calls},
        "cost_usd": None,
    }
