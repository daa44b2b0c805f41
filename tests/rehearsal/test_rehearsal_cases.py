"""Files of tests: what they say, what can be wrong with them, and what is said when a test fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorflow import api
from actorflow.settings import Settings

WORKFLOW = """\
name: review
inputs: {file: {type: string}, strict: {type: boolean, default: false}}
tasks:
  - id: review
    agent: planner
    parameters: {task: "Review ${file}", strict: "${strict}", areas: [style, bugs]}
    output_schema: {type: object, required: [found], properties: {found: {type: boolean}}}
    retry: {max_attempts: 2, delay: 10, backoff: fixed}
  - id: fix
    agent: coder
    dependencies: [review]
    condition: review.output.found
    parameters: {task: "Fix it"}
  - id: docs
    agent: coder
    dependencies: [review]
    on_failure: skip
    parameters: {task: "Describe ${review.output}"}
  - id: check
    agent: shell
    dependencies: [fix, docs]
    run_if: none_failed
    parameters: {command: "test -n ${file} && make check"}
hooks:
  on_failure:
    - {id: tell, agent: shell, parameters: {command: "echo ${run.failed_tasks}"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "review.yaml").write_text(WORKFLOW, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path):
    """Run a file of tests, given as text, and return its result."""

    def run(text: str, *, only: str = "") -> api.FileResult:
        file = folder / "review.tests.yaml"
        file.write_text(text, encoding="utf-8")
        settings = Settings(project_root=folder, state_dir=folder / "state", user_folder=folder / "user")
        (result,) = api.run_tests([file], settings=settings, only=only)
        assert not (folder / "state").exists()
        return result

    return run


def one(expect: str, *, stubs: str = "{}") -> str:
    return f"inputs: {{file: a.py}}\ntests:\n  - name: one\n    stubs: {stubs}\n    expect: {expect}\n"


ALL = """
workflow: review.yaml
inputs: {file: a.py}
stubs: {defaults: {delay: 5, cost_usd: 0.1}}
tests:
  - name: something is found
    inputs: {file: "a b.py", strict: true}
    max_parallel: 2
    stubs:
      tasks:
        review: {output: {found: true}, fail: [timeout]}
        docs: {output: {pages: [1, {title: T, size: 9}]}}
    expect:
      status: success
      duration: 30
      cost_usd: {least: 0.5, most: 0.5}
      order: [review, [fix, docs], check]
      together: [fix, docs]
      tasks:
        review: {status: success, attempts: 2, agent: planner, duration: 20, parameters: {task: [Review, a b.py], strict: true, areas: [style, bugs]}}
        fix: {handoff: [review]}
        docs: {output: {pages: [1, {title: T}]}, handoff: [], parameters: {task: '"found":true'}}
        check: {parameters: {command: "test -n a b.py && make"}}
        tell: pending
  - name: nothing is found
    stubs: {tasks: {review: {output: {found: false}}, docs: {fail: [authentication]}}}
    expect:
      tasks:
        fix: {status: skipped, reason: condition_false}
        docs: {status: skipped, reason: tolerated_failure, error: authentication, message: login}
      together: [[docs, docs]]
  - name: it is too slow
    stubs: {tasks: {review: {delay: 2h}}}
    expect: {status: failed, error: timeout, duration: {least: 1h, most: 3605}, tasks: {review: cancelled, tell: success}}
"""


def test_everything_that_can_be_expected_is_and_is_met(run) -> None:
    result = run(ALL)

    assert result.problems == ()
    assert [(case.name, case.not_met) for case in result.cases] == [
        ("something is found", ()),
        ("nothing is found", ()),
        ("it is too slow", ()),
    ]
    assert [case.line for case in result.cases] == [6, 25, 32]
    assert [what for _, what in result.never] == ["run_if of check kept it from starting"]
    assert result.never[0][0].line == 22
    assert result.branches == 11


@pytest.mark.parametrize(
    ("expect", "place", "message"),
    [
        ("{status: failed}", "5:22", "the run's status: expected failed, got success"),
        ("{error: timeout}", "5:21", "expected timeout, got no error of the run's own"),
        ("{duration: 7}", "5:24", "the run's duration: expected 7 s, got 0 s"),
        ("{duration: {least: 1s}}", "5:24", "expected at least 1 s, got 0 s"),
        ("{cost_usd: {least: 1, most: 2}}", "5:24", "expected at least 1 and at most 2, got 0"),
        ("{tasks: {fix: skipped}}", "5:27", "fix: expected status skipped, got success"),
        ("{tasks: {fix: {status: failed}}}", "5:36", "fix: expected status failed, got success"),
        ("{tasks: {fix: {reason: condition_false}}}", "5:36", "fix: expected reason condition_false, got none"),
        ("{tasks: {fix: {error: timeout}}}", "5:35", "fix: expected error timeout, got none"),
        ("{tasks: {fix: {message: no}}}", "5:37", "fix: expected message 'no' in it, got 'none'"),
        ("{tasks: {fix: {attempts: 2}}}", "5:38", "fix: expected attempts 2, got 1"),
        ("{tasks: {fix: {duration: 2}}}", "5:38", "fix: expected duration 2 s, got 0 s"),
        ("{tasks: {review: {output: {found: false}}}}", "5:47", "review: output.found: expected false, got true"),
        ("{tasks: {review: {output: {lost: false}}}}", "5:46", "output.lost: there is no 'lost'; there are: found"),
        ("{tasks: {fix: {output: [1]}}}", "5:36", 'fix: output: expected [1], got "rehearsed output of fix"'),
        ("{tasks: {fix: {parameters: {task: Break}}}}", "5:47", 'parameter task: expected "Break" in it, got "Fix it"'),
        ("{tasks: {fix: {parameters: {tusk: Break}}}}", "5:47", "fix: it was called without the parameter tusk"),
        ("{tasks: {review: {parameters: {areas: [style]}}}}", "5:51", 'areas: expected ["style"], got ["style", "bugs"]'),
        ("{tasks: {fix: {handoff: []}}}", "5:37", "fix: expected handoff nothing, got review"),
        ("{tasks: {tell: {parameters: {command: x}}}}", "5:41", "tell: its agent was never called"),
        ("{order: [fix, review]}", "5:21", "order: review began before fix had ended"),
        ("{order: [review, tell]}", "5:21", "order: tell never ran"),
        ("{together: [review, fix]}", "5:24", "together: review, fix did not all run at one time"),
    ],
)  # fmt: skip
def test_what_was_not_met_is_told_with_its_place(run, expect: str, place: str, message: str) -> None:
    (case,) = run(one(expect)).cases

    (found,) = case.not_met
    assert f"{found.place.line}:{found.place.column}" == place, found
    assert message in found.message
    assert found.place.excerpt.splitlines()[1].strip("^ ") == ""


def test_a_run_that_ends_otherwise_says_why(run) -> None:
    (case,) = run(one("{tasks: {check: success}}", stubs="{tasks: {fix: {fail: [authentication]}}}")).cases

    status, check = case.not_met
    assert (status.place.line, status.hint) == (
        5,
        "fix: it ended with authentication: rehearsed: the login was refused",
    )
    assert check.hint == "it was skipped: a task before it failed"


def test_success_is_expected_when_nothing_is_said(run) -> None:
    text = "tests: [{name: one, inputs: {file: a}, stubs: {tasks: {fix: {fail: [timeout]}}}}]"

    (case,) = run(text).cases

    assert [found.message for found in case.not_met] == ["the run's status: expected success, got failed"]


def test_tasks_that_take_no_time_have_an_order_all_the_same(run) -> None:
    (case,) = run(one("{order: [review, fix, check], together: [fix, docs]}")).cases

    assert case.not_met == ()


def test_only_some_tests_are_run_and_then_branches_say_nothing(run) -> None:
    result = run(ALL, only="FOUND")

    assert [case.name for case in result.cases] == ["something is found", "nothing is found"]
    assert (result.branches, result.never) == (0, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tests: []", ["1:8 E607"]),
        ("name: x", ["1:1 E602", "1:1 E603"]),
        ("tests: [{inputs: {file: a}}]", ["1:9 E603"]),
        ("tests: [{name: a}]", ["1:9 E966"]),
        ("inputs: {fill: a}\ntests: [{name: a}]", ["1:10 E966"]),
        ("tests: [{name: a, inputs: {file: 1}}]", ["1:27 E966"]),
        ("tests: [{name: a, inputs: {file: x, strikt: true}}]", ["1:37 E966"]),
        ("tests: [{name: a, inputs: {file: x}}, {name: a, inputs: {file: x}}]", ["1:46 E707"]),
        (one("{tasks: {fux: success}}"), ["5:22 E961"]),
        (one("{order: [review, fux]}"), ["5:21 E961"]),
        (one("{together: [[review, fux]]}"), ["5:24 E961"]),
        (one("{tasks: {fix: {agent: planner}}}"), ["5:35 E964"]),
        (one("{tasks: {fix: {status: success, reason: condition_false}}}"), ["5:53 E968"]),
        (one("{tasks: {fix: pending}}"), ["5:27 E968"]),
        (one("{tasks: {fix: {handoff: [docs]}}}"), ["5:37 E968"]),
        (one("{tasks: {fix: sucess}}"), ["5:27 E604"]),
        (one("{status: sucess}"), ["5:22 E604"]),
        (one("{status: running}"), ["5:22 E604"]),
        (one("{duration: {}}"), ["5:24 E607"]),
        (one("{duration: soon}"), ["5:24 E606"]),
        (one("{order: [review]}"), ["5:21 E607"]),
        (one("{}", stubs="{tasks: {review: {output: {}}}, agents: {x: {}}}"), ["4:38 E963", "4:53 E964"]),
        ("workflow: none.yaml\ntests: [{name: a}]", ["1:11 E967"]),
    ],
)
def test_everything_wrong_with_the_file_is_told_with_its_place(run, text: str, expected: list[str]) -> None:
    result = run(text)

    assert [f"{p.line}:{p.column} {p.code}" for p in result.problems] == expected
    assert result.cases == ()


def test_an_empty_file_is_told_what_it_needs(run) -> None:
    (problem,) = run("# nothing yet\n").problems

    assert problem.code == "E504"
    assert "'tests'" in problem.hint


def test_an_expectation_too_few_groups_is_refused(run) -> None:
    assert [p.code for p in run(one("{together: [review]}")).problems] == ["E607"]


def test_a_workflow_that_is_not_valid_is_told_with_its_own_problems(run, folder: Path) -> None:
    (folder / "review.yaml").write_text(WORKFLOW.replace("review.output.found", "reviev.output.found"))

    result = run(one("{}"))

    assert [(Path(p.file).name, p.code) for p in result.problems] == [
        ("review.tests.yaml", "E967"),
        ("review.yaml", "E203"),
    ]


def test_tests_without_a_workflow_beside_them(run, folder: Path) -> None:
    (folder / "review.yaml").unlink()

    assert [p.code for p in run(one("{}")).problems] == ["E967"]


def test_a_mistake_planted_in_the_workflow_makes_its_tests_fail_and_shows_where(run, folder: Path) -> None:
    mistake = WORKFLOW.replace("condition: review.output.found", "condition: '!review.output.found'")
    (folder / "review.yaml").write_text(mistake)

    places = [
        (case.name, f"{found.place.line}:{found.place.column}", found.message)
        for case in run(ALL).cases
        for found in case.not_met
    ]

    assert ("something is found", "17:14", "order: fix never ran") in places
    assert ("nothing is found", "29:23", "fix: expected status skipped, got success") in places


def test_files_of_tests_are_found_where_people_keep_them(tmp_path: Path) -> None:
    for name in (
        "a.tests.yaml", "sub/b.tests.json", ".claude/workflows/c.tests.yml", "node_modules/d.tests.yaml",
        ".git/e.tests.yaml", ".claude/workflow-state/f.tests.yaml", ".tests.yaml", "tests.yaml", "g.tests.txt",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = [str(path.relative_to(tmp_path)) for path in api.find_test_files(tmp_path)]

    assert found == ["a.tests.yaml", ".claude/workflows/c.tests.yml", "sub/b.tests.json"]


def test_budgets_and_fallback_agents_are_the_engines(folder: Path) -> None:
    text = "name: w\nsettings: {budget: {usd: 1}}\ntasks:\n  - {id: a, agent: [planner, coder], parameters: {task: x}}\n"
    text += "  - {id: b, agent: planner, dependencies: [a], parameters: {task: x}}\n"
    (folder / "w.yaml").write_text(text)
    (folder / "w.tests.yaml").write_text("""
tests:
  - name: nothing is left for the second task
    stubs: {tasks: {a: {cost_usd: 1.5}}}
    expect: {status: paused, cost_usd: 1.5, tasks: {a: success, b: pending}}
  - name: another agent takes over, and what nobody has said costs nothing
    stubs: {tasks: {a: {fail: [authentication]}}}
    expect: {cost_usd: 0, tasks: {a: {status: success, agent: coder, attempts: 2}}}
""")
    settings = Settings(project_root=folder, state_dir=folder / "state", user_folder=folder / "user")

    (result,) = api.run_tests([folder / "w.tests.yaml"], settings=settings)

    assert (result.problems, [case.not_met for case in result.cases], result.never) == ((), [(), ()], ())
