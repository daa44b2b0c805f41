"""Which states of its dependencies let a task start: rules R2 to R5 of docs/specs/001-start-rules.md, as a table."""

from __future__ import annotations

from itertools import product

import pytest

from actorflow.ids import TaskId
from actorflow.scheduling.start_rules import blocked_by_rule
from actorflow.state import TaskState
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import StartRule
from tests.strategies.plays import finished

STATES = {
    "success": finished("success"),
    "tolerated": finished("skipped", "tolerated_failure"),
    "failed": finished("failed"),
    "cancelled": finished("cancelled"),
    "upstream_failed": finished("skipped", "upstream_failed"),
    "condition_false": finished("skipped", "condition_false"),
    "upstream_skipped": finished("skipped", "upstream_skipped"),
    "workflow_stopped": finished("skipped", "workflow_stopped"),
}

ONE_DEPENDENCY = """
                            success tolerated failed          cancelled       upstream_failed condition_false  upstream_skipped workflow_stopped
default                     run     run       upstream_failed upstream_failed upstream_failed upstream_skipped upstream_skipped workflow_stopped
all_success                 run     run       upstream_failed upstream_failed upstream_failed upstream_skipped upstream_skipped workflow_stopped
one_success                 run     run       upstream_failed upstream_failed upstream_failed upstream_skipped upstream_skipped workflow_stopped
none_failed_min_one_success run     run       upstream_failed upstream_failed upstream_failed upstream_skipped upstream_skipped workflow_stopped
none_failed                 run     run       upstream_failed upstream_failed upstream_failed run              run              run
all_failed                  condition_false condition_false run run run       condition_false condition_false condition_false
one_failed                  condition_false condition_false run run run       condition_false condition_false condition_false
all_done                    run     run       run run run run run run
always                      run     run       run run run run run run
"""

PAIRS = list(product(STATES, STATES))

KIND = {
    "success": "ok",
    "tolerated": "ok",
    "failed": "failed",
    "cancelled": "failed",
    "upstream_failed": "failed",
    "condition_false": "skipped",
    "upstream_skipped": "skipped",
    "workflow_stopped": "stopped",
}
"""How each state counts for a rule (R2)."""

TWO_DEPENDENCIES = """
                            ok+ok           ok+failed       ok+skipped       ok+stopped       failed+failed   failed+skipped  failed+stopped  skipped+skipped  skipped+stopped  stopped+stopped
default                     run             upstream_failed run              run              upstream_failed upstream_failed upstream_failed upstream_skipped workflow_stopped workflow_stopped
all_success                 run             upstream_failed upstream_skipped workflow_stopped upstream_failed upstream_failed upstream_failed upstream_skipped workflow_stopped workflow_stopped
one_success                 run             run             run              run              upstream_failed upstream_failed upstream_failed upstream_skipped workflow_stopped workflow_stopped
none_failed_min_one_success run             upstream_failed run              run              upstream_failed upstream_failed upstream_failed upstream_skipped workflow_stopped workflow_stopped
none_failed                 run             upstream_failed run              run              upstream_failed upstream_failed upstream_failed run              run              run
all_failed                  condition_false condition_false condition_false  condition_false  run             condition_false condition_false condition_false  condition_false  condition_false
one_failed                  condition_false run             condition_false  condition_false  run             run             run             condition_false  condition_false  condition_false
all_done                    run             run             run              run              run             run             run             run              run              run
always                      run             run             run              run              run             run             run             run              run              run
"""


def read(table: str) -> dict[tuple[str, str], str]:
    """(row, column) -> cell."""
    header, *rows = table.strip().splitlines()
    columns = header.split()
    return {
        (name, column): cell
        for name, *cells in (row.split() for row in rows)
        for column, cell in zip(columns, cells, strict=True)
    }


ONE, TWO = read(ONE_DEPENDENCY), read(TWO_DEPENDENCIES)
RULES = ["default", *(rule.value for rule in RunIf)]


def test_tables_cover_every_rule_and_every_state() -> None:
    kinds = ["ok", "failed", "skipped", "stopped"]
    pairs = [f"{a}+{b}" for i, a in enumerate(kinds) for b in kinds[i:]]

    assert set(ONE) == set(product(RULES, STATES))
    assert set(TWO) == set(product(RULES, pairs))


def decision(rule: StartRule, *dependencies: TaskState) -> str:
    """What the rule says: ``run``, or why not."""
    blocked = blocked_by_rule(rule, dependencies)
    return "run" if blocked is None else blocked.value


def rule_of(name: str) -> StartRule:
    """The rule of a row."""
    return StartRule() if name == "default" else StartRule(run_if=RunIf(name))


@pytest.mark.parametrize(("name", "state"), sorted(ONE))
def test_rule_with_one_dependency(name: str, state: str) -> None:
    assert decision(rule_of(name), STATES[state]) == ONE[name, state]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_rule_with_two_dependencies(name: str, first: str, second: str) -> None:
    kinds = KIND[first], KIND[second]
    expected = TWO.get((name, "+".join(kinds))) or TWO[name, "+".join(reversed(kinds))]

    assert decision(rule_of(name), STATES[first], STATES[second]) == expected


@pytest.mark.parametrize("name", RULES)
def test_a_task_without_dependencies_starts(name: str) -> None:
    assert decision(rule_of(name)) == "run"


DECIDED = {state: finished(task.status, task.reason, "decided") for state, task in STATES.items()}
OTHER_IS = {
    "success": "run",
    "tolerated": "run",
    "failed": "upstream_failed",
    "cancelled": "upstream_failed",
    "upstream_failed": "upstream_failed",
    "condition_false": "run",
    "upstream_skipped": "run",
    "workflow_stopped": "run",
}
"""The default rule over what the condition does not decide about, without its second half (R5)."""


@pytest.mark.parametrize(("decided", "other"), PAIRS)
def test_the_condition_decides_alone_about_the_dependency_it_reads(decided: str, other: str) -> None:
    rule = StartRule(overruled=frozenset((TaskId("decided"),)), needs_success=False)

    assert decision(rule, DECIDED[decided], STATES[other]) == OTHER_IS[other]
    assert decision(rule, STATES[other], DECIDED[decided]) == OTHER_IS[other]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_condition_that_decides_about_all_dependencies_is_always_asked(first: str, second: str) -> None:
    rule = StartRule(overruled=frozenset((TaskId("decided"), TaskId("d"))), needs_success=False)

    assert decision(rule, DECIDED[first], STATES[second]) == "run"


@pytest.mark.parametrize("name", sorted(set(RULES) - {"default"}))
@pytest.mark.parametrize("state", STATES)
def test_run_if_is_the_only_rule_whatever_the_condition_reads(name: str, state: str) -> None:
    rule = StartRule(run_if=RunIf(name), overruled=frozenset((TaskId("d"),)), needs_success=False)

    assert decision(rule, STATES[state]) == ONE[name, state]
