"""``explain``: the sentence, and the facts behind it, for every way in which a task can be as it is."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorflow import api
from actorflow.api import reading
from actorflow.ids import TaskId
from actorflow.journal import Lease, RunStore, this_process
from actorflow.journal import reader as journal_reader
from actorflow.settings import read_settings
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure

pytestmark = pytest.mark.slow

WORKFLOW = r"""
name: w
inputs: {kind: {type: string}}
tasks:
  - {id: classify, agent: shell, parameters: {command: "printf '{\"kind\": \"%s\", \"evil\": \"\\\\u001b[31m\"}' $K", output: json}, env: {K: "${kind}"}}
  - {id: bug, agent: echo, dependencies: [classify], condition: "classify.output.kind == 'bug' && kind != ''"}
  - {id: feature, agent: echo, dependencies: [classify], condition: "${classify.output.kind == 'feature'}"}
  - {id: pruned, agent: echo, dependencies: [bug]}
  - {id: flaky, agent: shell, dependencies: [feature], retry: {max_attempts: 3, delay: 0.01, backoff: fixed},
     parameters: {command: "test -e ok || { touch ok; echo last words >&2; exit 3; }"}}
  - {id: broken, agent: shell, dependencies: [flaky], parameters: {command: exit 4}}
  - {id: after, agent: echo, dependencies: [broken]}
  - {id: rescue, agent: echo, dependencies: [broken, feature], condition: "broken.status == 'failed'"}
  - {id: never, agent: echo, dependencies: [rescue], run_if: all_failed, condition: "success()"}
  - {id: wrong, agent: echo, dependencies: [rescue], condition: "rescue.output.x.y == 1"}
  - {id: stopped, agent: echo, dependencies: [flaky], condition: "classify.output.kind == 'x'"}
  - {id: tolerated, agent: shell, on_failure: skip, parameters: {command: exit 5}}
hooks:
  on_success: [{id: party, agent: echo}]
  on_failure: [{id: tell, agent: echo, parameters: {why: "${run.status}"}}]
"""


@pytest.fixture
def ran(project: Path, call) -> str:
    """The id of a run in which nearly everything has happened."""
    (project / "w.yaml").write_text(WORKFLOW, encoding="utf-8")
    done = call("run", "w.yaml", "--set", "kind=feature", "-q")
    assert done.exit_code == 1, done.stderr
    return done.stdout.strip()


@pytest.fixture
def explain(call, fits):
    def explain(task: str, run: str = "last") -> dict[str, Any]:
        return fits("explanation", json.loads(call("explain", run, task, "--json").stdout))

    return explain


def test_a_false_condition_is_shown_with_the_values_that_it_read(ran: str, explain) -> None:
    told = explain("bug")

    assert told["summary"] == "skipped: its condition is false: classify.output.kind == 'bug' && kind != ''"
    assert told["condition"] == {
        "source": "classify.output.kind == 'bug' && kind != ''",
        "value": False,
        "asked": True,
        "failure": None,
        "reads": [
            {"name": "classify.output.kind", "value": '"feature"', "failure": None},
            {"name": "kind", "value": '"feature"', "failure": None},
        ],
    }
    assert told["rule"]["met"] is True
    assert [d["counts_as"] for d in told["dependencies"]] == ["ok"]


def test_the_decision_has_its_event_and_its_moment(ran: str, explain, call) -> None:
    told = explain("bug")
    lines = call("events", "--task", "bug", "--json").stdout.splitlines()

    event = json.loads(lines[-1])
    assert (event["type"], event["sequence"], event["at"]) == (
        "TaskSkipped",
        told["sequence"],
        told["decided_at"],
    )


@pytest.mark.parametrize(
    ("task", "summary", "standing"),
    [
        ("pruned", "skipped: everything it depends on was skipped: bug (condition_false)", ["skipped"]),
        ("after", "skipped: it depends on broken, which failed", ["failed"]),
        ("never", "skipped: its run_if all_failed is not met: rescue success", ["ok"]),
    ],
)
def test_a_rule_that_is_not_met_names_the_dependencies(
    ran: str, explain, task: str, summary: str, standing: list[str]
) -> None:
    told = explain(task)

    assert told["summary"] == summary
    assert told["rule"]["met"] is False
    assert [d["counts_as"] for d in told["dependencies"]] == standing
    assert told["condition"] is None or told["condition"]["asked"] is False


def test_a_condition_that_decides_overrules_the_rule_for_what_it_reads(ran: str, explain) -> None:
    told = explain("rescue")

    assert [(d["task"], d["overruled"]) for d in told["dependencies"]] == [
        ("broken", True),
        ("feature", False),
    ]
    assert told["rule"]["name"] == "none_failed"
    assert "about broken the condition decides" in told["rule"]["meaning"]
    assert told["condition"]["value"] is True


def test_a_condition_that_cannot_be_evaluated_says_why(ran: str, explain) -> None:
    told = explain("wrong")

    assert told["summary"].startswith("failed: its condition could not be decided")
    assert told["condition"]["value"] is None
    assert told["condition"]["failure"]
    assert told["attempts"] == []


def test_the_facts_that_are_worked_out_again_lead_to_what_the_journal_says(ran: str, explain, call) -> None:
    tasks = json.loads(call("status", "--json").stdout)["tasks"]
    for task in tasks:
        told = explain(task)
        rule, condition = told["rule"], told["condition"]
        if told["attempts"]:
            assert rule is None or rule["met"] is True, task
            assert condition is None or condition["value"] is True, task
        elif told["reason"] in ("upstream_failed", "upstream_skipped"):
            assert rule["met"] is False, task
        elif told["reason"] == "condition_false":
            assert rule["met"] is False or condition["value"] is False, task


def test_all_attempts_are_there_with_error_and_delay(ran: str, explain) -> None:
    told = explain("flaky")

    assert told["summary"] == "success: attempt 2 of 3 succeeded"
    assert [a["status"] for a in told["attempts"]] == ["failed", "succeeded"]
    assert told["attempts"][0]["delay"] == 0.01
    assert "exit code 3" in told["attempts"][0]["error"]["message"]
    assert told["max_attempts"] == 3


def test_a_failure_says_why_there_is_no_other_attempt(ran: str, explain) -> None:
    assert "attempt 1 of 1 failed and no other is allowed" in explain("broken")["summary"]
    assert explain("tolerated")["summary"].endswith("its on_failure says skip, so the run goes on")


def test_a_hook_of_another_outcome_says_when_it_would_run(ran: str, explain) -> None:
    assert (
        explain("party")["summary"]
        == "pending: it runs after a run that succeeded, and the run ended as failed"
    )
    assert explain("tell")["status"] == "success"


def test_a_stopped_workflow_names_what_stopped_it(call, explain, project: Path) -> None:
    tasks = "[{id: a, priority: 1, agent: shell, parameters: {command: exit 1}}, {id: b, agent: shell, parameters: {command: 'true'}}, "
    tasks += "{id: c, agent: echo, dependencies: [b], condition: \"b.output == ''\"}]"
    (project / "w.yaml").write_text(f"name: w\nsettings: {{max_parallel: 1}}\ntasks: {tasks}\n")
    call("run", "w.yaml", "-q")

    told = explain("b")

    assert told["summary"] == "skipped: the workflow stops at the first failure, and a had failed"
    assert explain("c")["condition"]["asked"] is False


def test_a_run_tells_each_task_that_has_not_succeeded(ran: str, call, fits) -> None:
    told = fits("run_explanation", json.loads(call("explain", "--json").stdout))

    assert told["summary"].startswith("broken, wrong failed: ")
    assert sum(told["counts"].values()) == 12
    tasks = {task["task"]: task["summary"] for task in told["tasks"]}
    assert list(tasks) == ["bug", "pruned", "broken", "after", "never", "wrong", "stopped", "tolerated"]
    assert tasks["after"] == "skipped: it depends on broken, which failed"


def test_of_many_tasks_the_first_are_told_and_the_others_counted(ran: str, project: Path) -> None:
    settings = read_settings({}, cwd=project)
    whole = api.explain_run(ran, settings=settings, now=9e9)

    for most in (0, 3, 8, 9):
        some = api.explain_run(ran, settings=settings, now=9e9, most=most)
        assert some.tasks == whole.tasks[:most]
        assert some.left_out == max(0, 8 - most)
        assert (some.summary, some.counts) == (whole.summary, whole.counts)
    assert (len(whole.tasks), whole.left_out) == (8, 0)


def test_people_are_told_of_many_dependencies_those_that_say_something(call, project: Path) -> None:
    tasks = [{"id": f"t{n}", "agent": "echo"} for n in range(70)]
    tasks[55] |= {"agent": "shell", "parameters": {"command": "exit 1"}}
    tasks[60]["condition"] = "1 > 2"
    names = [task["id"] for task in tasks]
    tasks.append({"id": "join", "agent": "echo", "dependencies": names, "run_if": "all_done"})
    document = {"name": "w", "settings": {"on_failure": "continue"}, "tasks": tasks}
    (project / "w.json").write_text(json.dumps(document))
    call("run", "w.json", "-q")

    text = call("explain", "join").stdout

    assert "and 30 more: --json has them all" in text
    assert "t55  failed" in text
    assert "t60  skipped" in text
    assert text.count("counts as ok") == 38
    assert len(json.loads(call("explain", "join", "--json").stdout)["dependencies"]) == 70


def test_people_are_told_of_a_run_its_first_tasks(call, project: Path) -> None:
    tasks = [{"id": f"t{n}", "agent": "echo", "condition": "1 > 2"} for n in range(70)]
    (project / "w.json").write_text(json.dumps({"name": "w", "tasks": tasks}))
    call("run", "w.json", "-q")

    text = call("explain").stdout

    assert text.count("skipped: its condition is false") == 60
    assert "and 10 more: actorflow explain" in text


def test_people_get_the_same_facts_as_lines_that_drive_no_terminal(ran: str, call, project: Path) -> None:
    text = call("explain", "bug").stdout + call("explain", "broken").stdout + call("explain").stdout

    assert "classify.output.kind = " in text
    assert "the default" in text
    assert f"actorflow logs {ran} broken" in text
    assert "\x1b" not in text


def test_values_with_control_characters_are_escaped(call, project: Path) -> None:
    source = "a.output != 'x'"
    tasks = "[{id: a, agent: shell, parameters: {command: \"printf '\\\\033[31mred'\"}}, "
    tasks += f'{{id: b, agent: echo, dependencies: [a], condition: "{source}"}}]'
    (project / "w.yaml").write_text(f"name: w\ntasks: {tasks}\n")
    call("run", "w.yaml", "-q")

    text = call("explain", "b").stdout

    assert "red" in text
    assert "\x1b" not in text


def test_long_values_are_shortened(call, explain, workflow, project: Path) -> None:
    tasks = "[{id: a, agent: shell, parameters: {command: \"printf 'x%.0s' $(seq 500)\"}}, "
    tasks += "{id: b, agent: echo, dependencies: [a], condition: \"a.output != ''\"}]"
    (project / "w.yaml").write_text(f"name: w\ntasks: {tasks}\n")
    call("run", "w.yaml", "-q")

    value = explain("b")["condition"]["reads"][0]["value"]

    assert len(value) < 120
    assert value.endswith("…")


def test_a_large_output_that_is_gone_is_said_to_be(call, explain, project: Path) -> None:
    tasks = "[{id: a, agent: shell, parameters: {command: \"printf 'x%.0s' $(seq 70000)\"}}, "
    tasks += "{id: b, agent: echo, dependencies: [a], condition: \"a.output == 'x'\"}]"
    (project / "w.yaml").write_text(f"name: w\ntasks: {tasks}\n")
    run_id = call("run", "w.yaml", "-q").stdout.strip()
    for blob in (project / ".claude" / "workflow-state" / "runs" / run_id / "blobs").iterdir():
        blob.unlink()

    told = explain("b")

    assert told["status"] == "skipped"
    assert told["condition"]["value"] is None
    assert told["condition"]["failure"]


def test_secrets_are_in_no_explanation(call, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_X", "hunter2hunter2")
    tasks = (
        "[{id: a, agent: shell, env: {T: '${secrets.t}'}, parameters: {command: 'echo $T; echo $T >&2'}}, "
    )
    tasks += "{id: b, agent: echo, dependencies: [a], condition: \"a.output == 'x'\"}]"
    (project / "w.yaml").write_text(f"name: w\ncontext: {{secrets: {{t: 'env:TOKEN_X'}}}}\ntasks: {tasks}\n")
    ran = call("run", "w.yaml", "-q")

    assert ran.exit_code == 0, ran.stderr
    assert "***" in call("context").stdout
    for arguments in (
        ("explain", "b"),
        ("explain", "a"),
        ("context",),
        ("events",),
        ("diff", "last", "last"),
    ):
        assert "hunter2" not in call(*arguments).stdout
        assert "hunter2" not in call(*arguments, "--json").stdout


def test_a_task_that_is_not_there_is_told_with_the_one_that_is(ran: str, call, fits) -> None:
    done = call("explain", ran, "clasify", "--json")

    assert done.exit_code == 2
    assert "classify" in fits("failure", json.loads(done.stdout))["error"]["hint"]


# --- journals that are not read as a whole ------------------------------------------------------------------------


@pytest.fixture
def journal(ran: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal of ``ran``, which counts as a long one."""
    monkeypatch.setattr(reading, "_VERIFIED_WHOLE", 0)
    return project / ".claude" / "workflow-state" / "runs" / ran / "journal.db"


def change(journal: Path, statement: str, *, of: str) -> None:
    """Change the first event about a task."""
    first = "(SELECT min(sequence) FROM events WHERE instr(CAST(body AS TEXT), ?))"
    with closing(sqlite3.connect(journal)) as connection:
        done = connection.execute(f"{statement} WHERE sequence = {first}", (f',"task":"{of}"',))
        assert done.rowcount == 1
        connection.commit()


def rewritten(old: str, new: str) -> str:
    return f"UPDATE events SET body = CAST(replace(CAST(body AS TEXT), '{old}', '{new}') AS BLOB)"


def test_of_a_long_journal_the_same_is_said(ran: str, call, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = list(json.loads(call("status", "--json").stdout)["tasks"])
    asked = [("explain", ran)]
    asked += [
        question for task in tasks for question in (("explain", ran, task), ("context", ran, "--at", task))
    ]
    short = [call(*question, "--json").stdout for question in asked]

    monkeypatch.setattr(reading, "_VERIFIED_WHOLE", 0)
    assert [call(*question, "--json").stdout for question in asked] == short
    monkeypatch.setattr(journal_reader, "MOST_SUBJECTS", 0)
    assert [call(*question, "--json").stdout for question in asked] == short


def test_what_is_read_of_a_long_journal_is_verified(journal: Path, call) -> None:
    change(journal, rewritten("condition_false", "workflow_stopped"), of="bug")

    refused = call("explain", "bug")
    assert (refused.exit_code, "damaged at event" in refused.stderr) == (74, True)
    assert call("explain", "classify").exit_code == 0  # what is said of it does not rest on that event
    assert call("doctor", "last").exit_code == 74


@pytest.mark.parametrize("task", ["bug", "classify"])
def test_an_event_that_is_missing_from_a_long_journal_is_always_noticed(
    journal: Path, call, task: str
) -> None:
    change(journal, "DELETE FROM events", of="bug")

    refused = call("explain", task)

    assert (refused.exit_code, "damaged at event" in refused.stderr) == (74, True)


def test_a_long_journal_whose_events_make_no_sense_is_read_as_a_whole(journal: Path, call) -> None:
    change(journal, rewritten('"flaky"', '"fl4ky"'), of="flaky")

    refused = call("explain", "flaky")

    assert (refused.exit_code, "damaged at event" in refused.stderr) == (74, True)


# --- runs that are not over --------------------------------------------------------------------------------------


@pytest.fixture(params=["as it is written now", "without the capacity, as it was written before"])
def recorded(project: Path, request: pytest.FixtureRequest):
    """Write a run's journal by hand, and hold its lease if it is to be driven."""
    is_older = request.param.startswith("without")
    leases: list[Lease] = []

    def recorded(text: str, *events: Event, driven: bool = True) -> str:
        import trio

        from actorflow.api.pinning import capacity_of, entry_of
        from actorflow.engine.records import records_of
        from actorflow.ids import RunId
        from actorflow.journal import open_sqlite_journal
        from actorflow.workflow.decode import decode_workflow
        from actorflow.workflow.document import read_document
        from actorflow.workflow.events import ReadLimits
        from actorflow.workflow.report import Report

        run_id = RunId("20261122-184800-k3v9qd")
        folder = RunStore(project / ".claude" / "workflow-state").create(run_id)
        value = read_document(text.encode(), file="w.yaml", limits=ReadLimits()).value
        draft = decode_workflow(value, Report())
        assert draft is not None
        entries = tuple(
            ev.TaskEntry(t.id, t.agents, t.dependencies, t.hook or "", t.effective_retry.max_attempts)
            if is_older
            else entry_of(t)
            for t in (*draft.workflow.tasks, *draft.workflow.hooks)
        )
        capacity = None if is_older else capacity_of(draft.workflow.settings)
        accepted = ev.RunAccepted(run_id, "w", entries, text, file="w.yaml", capacity=capacity)
        first = [accepted, ev.DriverStarted(1, "h", 1)]

        async def write() -> None:
            async with open_sqlite_journal(folder.journal) as journal:
                await journal.append(records_of([*first, *events], 1_795_373_280.0))

        trio.run(write)
        if driven:
            leases.append(
                Lease.acquire(folder.path, run_id, now=1, describe=this_process(now=1, command="test"))
            )
        return run_id

    yield recorded
    for lease in leases:
        lease.release()


CHAIN = """
name: w
settings: {max_parallel: 1, resources: {gpu: 1}}
tasks:
  - {id: a, agent: shell, parameters: {command: x}, retry: {max_attempts: 3}, resources: {gpu: 1}}
  - {id: b, agent: echo, dependencies: [a], condition: "a.output == 1"}
  - {id: c, agent: echo}
hooks: {on_start: [{id: first, agent: echo}]}
"""
A, FIRST = TaskId("a"), TaskId("first")
HOOK_DONE = (
    ev.AttemptStarted(FIRST, 1, "echo"),
    ev.AttemptSucceeded(FIRST, 1),
    ev.TaskSucceeded(FIRST),
)
STARTED = ev.AttemptStarted(A, 1, "shell")
FAILURE = Failure("exit_status", "exit status 1")


def test_a_pending_task_names_what_it_waits_for(recorded, explain) -> None:
    recorded(CHAIN, *HOOK_DONE, STARTED)

    assert explain("b")["waits_for"] == ["a (running), which it depends on, has to be done"]
    assert explain("b")["rule"]["met"] is None
    assert explain("b")["condition"]["asked"] is False
    assert explain("c")["summary"] == "pending: a slot: 1 attempts run, and max_parallel is 1"
    assert explain("a")["summary"].startswith("running: attempt 1 of 3 by shell runs since ")


def test_hooks_of_the_start_come_before_every_task(recorded, explain) -> None:
    recorded(CHAIN, ev.AttemptStarted(FIRST, 1, "echo"))

    assert explain("c")["waits_for"] == ["the hook first of on_start comes first"]


def test_a_pool_that_is_used_up_is_named(recorded, explain) -> None:
    text = CHAIN.replace("max_parallel: 1", "max_parallel: 5").replace(
        "{id: c, agent: echo}", "{id: c, agent: echo, resources: {gpu: 1}}"
    )
    recorded(text, *HOOK_DONE, STARTED)

    assert explain("c")["waits_for"] == ["1 of the pool gpu: 1 of 1 are taken"]


def test_a_task_between_attempts_says_when_it_goes_on(recorded, explain) -> None:
    later = 4_000_000_000.0
    recorded(CHAIN, *HOOK_DONE, STARTED, ev.AttemptFailed(A, 1, FAILURE), ev.RetryScheduled(A, 2, later, 9.0))

    told = explain("a")

    assert told["phase"] == "retry_wait"
    assert told["summary"].startswith("running: attempt 2 of 3 begins in ")
    assert told["summary"].endswith("after: exit status 1")


def test_a_run_that_nobody_drives_says_how_to_go_on(recorded, explain, call) -> None:
    run_id = recorded(CHAIN, *HOOK_DONE, STARTED, driven=False)

    assert explain("c")["waits_for"][0] == f"nobody drives the run: actorflow resume {run_id}"
    of_run = json.loads(call("explain", "--json").stdout)
    assert of_run["status"] == "interrupted"
    lost = "running: attempt 1 of 3 by shell is interrupted; a resume runs it again"
    for told in (explain("a"), *(task for task in of_run["tasks"] if task["task"] == "a")):
        assert (told["status"], told["summary"], told["unattended"]) == ("running", lost, "lost")
    assert explain("c")["unattended"] is None
    line = next(line for line in call("status").stdout.splitlines() if line.startswith("  ! a "))
    assert line.split(maxsplit=2)[2].startswith("lost")
    assert line.endswith("interrupted; a resume runs it again")


def test_cancelled_tasks_name_who_asked(recorded, explain, call) -> None:
    recorded(
        CHAIN,
        *HOOK_DONE,
        STARTED,
        ev.RunCancelRequested("ann on box"),
        ev.AttemptCancelled(A, 1),
        ev.TaskCancelled(A),
        ev.TaskCancelled(TaskId("b")),
    )

    assert explain("a")["summary"] == "cancelled: the run was cancelled by ann on box while attempt 1 ran"
    assert explain("b")["summary"] == "cancelled: the run was cancelled by ann on box before it started"
    of_run = {task["task"]: task["summary"] for task in json.loads(call("explain", "--json").stdout)["tasks"]}
    assert {name: of_run[name] for name in "ab"} == {name: explain(name)["summary"] for name in "ab"}


def test_after_a_resume_the_new_decision_is_explained(recorded, explain) -> None:
    b = TaskId("b")
    recorded(
        CHAIN,
        *HOOK_DONE,
        STARTED,
        ev.AttemptFailed(A, 1, FAILURE),
        ev.TaskFailed(A, FAILURE),
        ev.TaskSkipped(b, "upstream_failed"),  # type: ignore[arg-type]
        ev.RunResumed((A, b)),
        ev.AttemptStarted(A, 2, "shell"),
        ev.AttemptSucceeded(A, 2, output=1),
        ev.TaskSucceeded(A),
        ev.AttemptStarted(b, 1, "echo"),
    )

    told = explain("b")

    assert told["condition"]["value"] is True
    assert [d["counts_as"] for d in told["dependencies"]] == ["ok"]
    assert [a["attempt"] for a in explain("a")["attempts"]] == [1, 2]


def test_an_event_of_a_later_version_is_said_to_be_one(recorded, call, project: Path) -> None:
    from actorflow.journal import NewRecord
    from actorflow.journal.chain import Link, link

    run_id = recorded(CHAIN, driven=False)
    path = project / ".claude" / "workflow-state" / "runs" / run_id / "journal.db"
    with sqlite3.connect(path, isolation_level=None) as connection:
        sequence, crc = connection.execute("SELECT sequence, crc FROM events ORDER BY 1 DESC").fetchone()
        row = link(Link(sequence, crc), [NewRecord(1, "RunDanced", b'{"type":"RunDanced"}')], 1)[0][0]
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.close()

    for command in (("explain",), ("explain", "a"), ("context",), ("events",)):
        done = call(*command)
        assert done.exit_code == 74
        assert "this actorflow does not know" in done.stderr
    listed = json.loads(call("history", "--json").stdout)
    assert [run["status"] for run in listed] == ["unreadable"]
