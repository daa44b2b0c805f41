"""Start rules as the author writes them: run_if, and conditions that decide about their dependencies themselves."""

import pytest

from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import StartRule
from actorflow.workflow.start_rule import start_rule, status_reads


def rule(condition, dependencies=("a", "b"), run_if=None):
    return start_rule(run_if, ENVIRONMENT.compile(condition) if condition else None, dependencies)


@pytest.mark.parametrize(
    "condition", [None, "a.output == 1", "x > 1", "run.id == a.output", "other.status == 'failed'"]
)
def test_the_default_rule_stands_unless_the_author_decides(condition):
    assert rule(condition) == StartRule()


@pytest.mark.parametrize(
    ("condition", "overruled", "handles"),
    [
        ("a.status == 'failed'", {"a"}, True),
        ("a.status == 'success'", {"a"}, True),
        ("a.error != null", {"a"}, True),
        ("a.reason == 'condition_false' && b.error == null", {"a", "b"}, True),
        ("tasks['a'].status == 'failed'", {"a"}, True),
        ("tasks.a?.error?.kind == 'timeout'", {"a"}, True),
        ("failure()", {"a", "b"}, True),
        ("always()", {"a", "b"}, True),
        ("success()", {"a", "b"}, False),
        ("success() || failure()", {"a", "b"}, True),
        ("success() && a.output.ok", {"a", "b"}, False),
        ("success() && a.status == 'success'", {"a", "b"}, True),
        ("!failure() && x", {"a", "b"}, True),
    ],
)
def test_a_condition_that_looks_at_the_end_of_a_dependency_replaces_the_rule_for_it(
    condition, overruled, handles
):
    assert rule(condition) == StartRule(
        overruled=frozenset(overruled), needs_success=False, handles_failure=handles
    )


@pytest.mark.parametrize("run_if", RunIf)
def test_run_if_is_the_only_rule(run_if):
    accepts_failure = {RunIf.ALL_FAILED, RunIf.ALL_DONE, RunIf.ONE_SUCCESS, RunIf.ONE_FAILED, RunIf.ALWAYS}

    found = rule("failure()", run_if=run_if)

    assert found == StartRule(run_if=run_if, needs_success=False, handles_failure=run_if in accepts_failure)


def test_macro_variables_are_no_tasks():
    assert status_reads(ENVIRONMENT.compile("x.output.all(a, a.status == 'ok')")) == frozenset()
