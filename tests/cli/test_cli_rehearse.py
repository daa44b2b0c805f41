"""``run --rehearse`` and ``--rehearse-init``, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

WORKFLOW = """
name: review
inputs: {file: {type: string}}
context: {secrets: {TOKEN: "env:NO_SUCH_VARIABLE_HERE"}}
tasks:
  - id: review
    agent: planner
    parameters: {task: "Review ${file}"}
    output_schema: {type: object, required: [found], properties: {found: {type: boolean}}}
    retry: {max_attempts: 3, delay: 0.01, backoff: fixed}
  - id: fix
    agent: coder
    dependencies: [review]
    condition: review.output.found
    cwd: made/by/the/real/agent
    env: {TOKEN: "${secrets.TOKEN}"}
    parameters: {task: fix}
  - id: ask
    agent: human
    dependencies: [fix]
    parameters: {question: Good?, choices: [good, bad]}
  - id: ship
    agent: shell
    dependencies: [ask]
    parameters: {command: "touch shipped"}
hooks:
  on_complete:
    - {id: tell, agent: shell, parameters: {command: "touch told"}}
"""


@pytest.fixture
def review(project: Path) -> str:
    (project / "review.yaml").write_text(WORKFLOW, encoding="utf-8")
    return "review.yaml"


@pytest.fixture
def stubs(project: Path):
    """Write a file of stubs and return its name."""

    def stubs(**blocks: object) -> str:
        (project / "s.json").write_text(json.dumps(blocks), encoding="utf-8")
        return "s.json"

    return stubs


def test_stubs_that_are_no_mapping_are_a_file_that_is_wrong(call, review, project: Path) -> None:
    (project / "s.yaml").write_text("- a\n")

    done = call("run", review, "--set", "file=a.py", "--rehearse", "s.yaml")

    assert "s.yaml:1:1: error[E601]: the file must be a mapping, not a list" in done.stderr


def rehearsed(call, *arguments: str, exit_code: int = 0) -> dict:
    done = call("run", *arguments, "--set", "file=a.py", "--json")
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


def test_agents_that_cannot_run_here_are_played_and_nothing_is_touched(call, review, project):
    before = sorted(path.name for path in project.iterdir())
    report = rehearsed(call, review, "--rehearse")

    assert report["mode"] == "rehearsal"
    assert {task: (t["status"], t["output"]) for task, t in report["tasks"].items()} == {
        "review": ("success", {"found": True}),
        "fix": ("success", "rehearsed output of fix"),
        "ask": ("success", "good"),
        "ship": ("success", "rehearsed output of ship"),
    }
    assert report["hooks"]["tell"]["status"] == "success"
    assert sorted(path.name for path in project.iterdir()) == before
    assert sorted(path.name for path in (project / ".claude").iterdir()) == ["workflow-state"]


def test_stubs_say_outputs_failures_costs_and_delays(call, review, stubs):
    file = stubs(
        tasks={
            "review": {
                "output": {"found": False},
                "fail": ["timeout", {"kind": "exit_status", "message": "no"}],
            },
        },
        agents={"planner": {"cost_usd": 0.5, "tokens": 10}},
    )
    report = rehearsed(call, review, "--rehearse", file)

    seen = report["tasks"]["review"]
    assert (seen["status"], seen["attempts"], seen["cost_usd"], seen["tokens"]) == ("success", 3, 1.5, 30)
    assert [report["tasks"][task]["reason"] for task in ("fix", "ask", "ship")] == [
        "condition_false",
        "upstream_skipped",
        "upstream_skipped",
    ]


def test_a_failure_without_another_attempt_fails_the_run(call, review, stubs):
    report = rehearsed(
        call, review, "--rehearse", stubs(tasks={"fix": {"fail": ["authentication"]}}), exit_code=1
    )

    assert report["tasks"]["fix"]["error"]["kind"] == "authentication"
    assert report["tasks"]["ship"]["reason"] == "upstream_failed"


def test_a_rehearsal_stays_one_on_resume_without_its_file_of_stubs(call, review, stubs, project):
    file = stubs(tasks={"fix": {"fail": ["authentication"], "output": "mended"}})
    run = rehearsed(call, review, "--rehearse", file, exit_code=1)["run_id"]
    (project / file).unlink()

    done = call("resume", run, "--json")

    report = json.loads(done.stdout)
    assert (done.exit_code, report["mode"], report["status"]) == (0, "rehearsal", "success")
    assert (report["tasks"]["fix"]["attempts"], report["tasks"]["fix"]["output"]) == (2, "mended")
    assert report["tasks"]["review"]["attempts"] == 1
    assert not (project / "shipped").exists()


def test_it_is_marked_everywhere(call, review):
    done = call("run", review, "--rehearse", "--set", "file=a.py")
    run = done.stdout.strip()

    assert "accepted: review, 4 tasks, rehearsal" in done.stderr
    assert f"run {run}  review (rehearsal)" in done.stderr
    assert "mode      rehearsal: no agent was called" in call("status", run).stdout
    assert "review (rehearsal)" in call("history").stdout
    assert json.loads(call("history", "--json").stdout)[0]["mode"] == "rehearsal"
    assert "review (rehearsal)" in call("explain", run).stdout
    assert json.loads(call("explain", run, "--json").stdout)["mode"] == "rehearsal"
    assert f"of run {run} (rehearsal)" in call("explain", run, "fix").stdout
    assert "(rehearsal)" in call("graph", run).stdout
    assert "review (rehearsal)" in call("timeline", run).stdout
    assert "it is a rehearsal, no agent was called" in call("logs", run).stderr
    assert json.loads(call("watch", run, "--json").stdout)["mode"] == "rehearsal"


def test_statistics_leave_rehearsals_out(call, review, workflow):
    call("run", review, "--rehearse", "--set", "file=a.py")
    call("run", workflow(one="true"))

    done = call("stats", "review")
    assert done.exit_code == 2
    assert "there are rehearsals of it, which are not counted" in done.stderr
    assert call("stats", "w").exit_code == 0
    assert [run["workflow"] for run in json.loads(call("history", "--mode", "live", "--json").stdout)] == [
        "w"
    ]


def test_a_live_run_is_not_marked(call, workflow):
    done = call("run", workflow(one="true"), "--json")

    assert json.loads(done.stdout)["mode"] == "live"
    assert "rehears" not in done.output + call("status").stdout + call("history").stdout


def test_the_stubs_to_begin_with_are_written_once(call, review, project):
    done = call("run", review, "--rehearse-init")
    assert (done.exit_code, done.stdout) == (0, "review.stubs.yaml\n")
    assert "actorflow run review.yaml --rehearse review.stubs.yaml" in done.stderr
    written = (project / "review.stubs.yaml").read_text(encoding="utf-8")
    assert written.count("delay: 0.2\n") == 5

    again = call("run", review, "--rehearse-init")
    assert again.exit_code == 2
    assert "review.stubs.yaml is there already" in again.stderr
    (project / "review.stubs.yaml").write_text("mine", encoding="utf-8")
    assert call("run", review, "--rehearse-init", "--force").exit_code == 0
    assert (project / "review.stubs.yaml").read_text(encoding="utf-8") == written


@pytest.mark.parametrize(
    "arguments",
    [
        ("review.yaml", "--rehearse-init", "mine.yaml"),
        ("review.yaml", "--rehearse", "mine.yaml", "--rehearse-init"),
        ("--rehearse-init", "mine.yaml", "review.yaml"),
    ],
)
def test_where_they_are_written_can_be_said(call, review, project, arguments):
    assert call("run", *arguments).stdout == "mine.yaml\n"
    assert (project / "mine.yaml").is_file()


@pytest.mark.parametrize("option", ["--rehearse", "--rehearse-init"])
def test_an_option_that_swallowed_the_workflow_gives_it_back(call, review, option):
    assert call("run", "--set", "file=a.py", option, review).exit_code == 0


def test_stubs_beside_the_workflow_are_found(call, review, project):
    (project / "review.stubs.yaml").write_text("tasks: {fix: {output: mine}}", encoding="utf-8")

    done = call("run", review, "--rehearse", "--set", "file=a.py", "--json")

    assert json.loads(done.stdout)["tasks"]["fix"]["output"] == "mine"
    assert "rehearsed from review.stubs.yaml" in done.stderr


def test_wrong_stubs_are_told_and_nothing_is_run(call, review, stubs, project):
    done = call(
        "run", review, "--set", "file=a.py", "--rehearse", stubs(tasks={"fux": {}, "fix": {"dely": 1}})
    )

    assert done.exit_code == 2
    assert "s.json:1:12: error[E961]" in done.stderr
    assert "did you mean 'fix'?" in done.stderr
    assert "did you mean 'delay'?" in done.stderr
    assert "2 problems; nothing was run" in done.stderr
    assert not (project / ".claude" / "workflow-state").exists()


def test_stubs_that_are_not_there(call, review):
    done = call("run", review, "--set", "file=a.py", "--rehearse", "none.yaml")

    assert done.exit_code == 2
    assert "none.yaml:1:1" in done.stderr
    assert "--rehearse-init" in done.stderr


def test_a_secret_in_stubs_is_not_recorded(call, review, stubs, project, monkeypatch):
    monkeypatch.setenv("NO_SUCH_VARIABLE_HERE", "hunter2-hunter2")
    rehearsed(call, review, "--rehearse", stubs(tasks={"fix": {"output": "it is hunter2-hunter2"}}))

    runs = project / ".claude" / "workflow-state"
    assert not [path for path in runs.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_force_alone_is_a_mistake(call, review):
    assert call("run", review, "--force").exit_code == 2
