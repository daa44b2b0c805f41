"""Agents: each one is known, gets the parameters it takes, and honours every key that its task has.

Takes a draft and the catalog and reports; also resources, which attempts take from the workflow's pools. That
an agent cannot run on this machine is no mistake of the workflow and is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.values import FrozenDict, thaw
from actorflow.workflow.budget import Budget
from actorflow.workflow.catalog import AgentTraits, Catalog, TaskFeature
from actorflow.workflow.decode import Draft
from actorflow.workflow.decode_tasks import DecodedTask
from actorflow.workflow.model import TaskSpec
from actorflow.workflow.report import Path, Report

__all__ = ["check_agents", "check_resources"]

_MANY = 12


def check_agents(draft: Draft, catalog: Catalog, report: Report) -> None:
    """Report agents that are not there and what they cannot do."""
    for task in draft.tasks:
        for index, name in enumerate(task.spec.agents):
            traits = catalog.get(name)
            if traits is None:
                _unknown_agent(task, index, catalog, report)
                continue
            if traits.defect:
                report.error(_place(task, index), "E805", traits.defect, f"actorflow agents show {name!r}")
                continue
            _check_parameters(task, traits, report)
            _check_features(task, traits, report)
        _check_options(task.spec.options, (*task.path, "options"), task.spec.agents, catalog, report)
    used = [name for task in draft.tasks for name in task.spec.agents]
    _check_options(draft.workflow.settings.options, ("settings", "options"), used, catalog, report)
    _check_budget(draft, catalog, report)


def check_resources(draft: Draft, report: Report) -> None:
    """Report pools that are not there, and tasks that want more than there is."""
    pools = draft.workflow.settings.resources
    if ("settings", "resources") in report.wrong_paths or ("settings",) in report.wrong_paths:
        return
    for task in draft.tasks:
        for pool, amount in task.spec.resources.items():
            path = (*task.path, "resources", pool)
            if pool not in pools:
                if ("settings", "resources", pool) in report.wrong_paths:
                    continue
                known = (
                    report.suggestion(pool, pools)
                    or "pools are named in settings: resources: {name: capacity}"
                )
                report.error(path, "E709", f"unknown resource '{pool}'", known, at_key=True)
            elif amount > pools[pool]:
                message = f"task '{task.spec.id}' takes {amount} of '{pool}', which has only {pools[pool]}"
                report.error(path, "E710", message, "it could never start")


def _unknown_agent(task: DecodedTask, index: int, catalog: Catalog, report: Report) -> None:
    name = task.spec.agents[index]
    known = sorted(catalog)
    shown = ", ".join(known[:_MANY]) + (" …; 'actorflow agents list' has all" if len(known) > _MANY else "")
    hint = f"known agents: {shown}" if known else "no agent is known"
    near = report.suggestion(name, known)
    report.error(
        _place(task, index), "E801", f"unknown agent '{name[:80]}'", f"{near} ({hint})" if near else hint
    )


def _place(task: DecodedTask, index: int) -> Path:
    return (*task.path, "agent") if len(task.spec.agents) == 1 else (*task.path, "agent", index)


def _check_parameters(task: DecodedTask, traits: AgentTraits, report: Report) -> None:
    path = (*task.path, "parameters")
    if path in report.wrong_paths:
        return
    given = task.spec.parameters
    meant: set[str] = set()
    if traits.parameters is not None:
        known = sorted(traits.parameters | traits.required)
        for name in given.keys() - set(known):
            near = report.nearest(name, known)
            meant.add(near)
            hint = f"did you mean '{near}'?" if near else f"it takes {', '.join(known)}"
            message = f"agent '{traits.name}' takes no parameter '{name[:80]}'"
            report.error((*path, name), "E802", message, hint, at_key=True)
    for name in sorted(traits.required - given.keys() - meant):
        place = path if given else task.path
        report.error(place, "E803", f"agent '{traits.name}' needs the parameter '{name}'", at_key=bool(given))


def _check_features(task: DecodedTask, traits: AgentTraits, report: Report) -> None:
    for feature in _used(task.spec):
        if feature not in traits.supports:
            message = f"agent '{traits.name}' does not support '{feature}'"
            report.error(
                (*task.path, feature), "E804", message, "remove it, or use another agent", at_key=True
            )


def _check_options(
    given: FrozenDict, path: Path, agents: Iterable[str], catalog: Catalog, report: Report
) -> None:
    """Report options that none of ``agents`` knows, and values that cannot be; with fallbacks, one that knows it is enough."""
    traits = [catalog[name] for name in dict.fromkeys(agents) if name in catalog]
    tables = [agent.options for agent in traits if "options" in agent.supports]
    if not given or not tables or None in tables or path in report.wrong_paths:
        return
    known = {name: key for table in tables if table is not None for name, key in table.items()}
    for name, value in given.items():
        here = (*path, name)
        if name in known:
            known[name].shape.decode(thaw(value), here, report)
            continue
        near = report.suggestion(name, known)
        hint = near or f"known options: {', '.join(sorted(known))}"
        report.error(here, "E806", f"there is no option '{name[:80]}'", hint, at_key=True)


def _used(spec: TaskSpec) -> list[TaskFeature]:
    uses: dict[TaskFeature, bool] = {
        "options": bool(spec.options),
        "verify": spec.verify is not None,
        "session": spec.session is not None,
        "handoff": spec.handoff != "direct",
        "output_schema": spec.output_schema is not None,
        "idle_timeout": spec.idle_timeout_seconds is not None,
    }
    return [feature for feature, is_used in uses.items() if is_used]


def _check_budget(draft: Draft, catalog: Catalog, report: Report) -> None:
    """Warn of a budget that has no effect, or that cannot be kept because agents do not say what they spend."""
    budget = draft.workflow.settings.budget
    if budget == Budget():
        return
    used = dict.fromkeys(name for task in draft.tasks for name in task.spec.agents if name in catalog)
    paid = [catalog[name] for name in used if catalog[name].paid_backend]
    path = ("settings", "budget")
    if not paid:
        message = "no agent of this workflow costs money, so the budget has no effect"
        report.warning(path, "W851", message, at_key=True)
    silent = [traits.name for traits in paid if "budget" not in traits.supports]
    if silent and (budget.usd is not None or budget.tokens is not None):
        message = (
            f"{', '.join(silent[:_MANY])} does not say what it spends: the run pauses after each attempt"
        )
        hint = "limit the number of attempts instead: budget: {agents: 20}"
        report.warning(path, "W851", message, hint, at_key=True)
