"""One workflow with everything in it, through the real command line, shell and SQLite."""

from __future__ import annotations

from itertools import pairwise

import pytest

from actorflow.state import events as ev

# Five tasks and `flaky` meet: each says that it has started and waits until all six have, so they pass only if six run at once.
MEET = (
    "mkdir -p met && touch met/$ACTORFLOW_TASK_ID && until [ $(ls met | wc -l) -ge 6 ]; do sleep 0.01; done"
)

WORKFLOW = f"""
name: twelve
settings: {{max_parallel: 6, on_failure: continue, timeout: 60}}
tasks:
  - {{id: p1, agent: shell, parameters: {{command: '{MEET}; echo 1'}}}}
  - {{id: p2, agent: shell, parameters: {{command: '{MEET}; echo 2'}}}}
  - {{id: p3, agent: shell, parameters: {{command: '{MEET}; echo 3'}}}}
  - {{id: p4, agent: shell, parameters: {{command: '{MEET}; echo 4'}}}}
  - {{id: p5, agent: shell, parameters: {{command: '{MEET}; echo 5'}}}}
  - id: flaky
    agent: shell
    parameters: {{command: '{MEET}; [ $ACTORFLOW_ATTEMPT -ge 2 ]'}}
    retry: {{max_attempts: 3, delay: 0.4, backoff: fixed}}
  - id: never
    agent: shell
    dependencies: [p1]
    condition: p1.output == '2'
    parameters: {{command: touch never-ran}}
  - id: tolerated
    agent: shell
    dependencies: [p2]
    parameters: {{command: exit 3}}
    on_failure: skip
  - id: after_tolerated
    agent: echo
    dependencies: [tolerated]
    parameters: {{why: '${{tolerated.error.kind}}', output: '${{tolerated.output}}'}}
  - id: breaks
    agent: shell
    dependencies: [p3, flaky]
    parameters: {{command: echo "it broke" >&2; exit 7}}
  - id: blocked
    agent: shell
    dependencies: [breaks, p4]
    parameters: {{command: touch blocked-ran}}
  - id: recover
    agent: echo
    dependencies: [breaks]
    condition: breaks.status == 'failed'
    parameters: {{saw: '${{breaks.error.message}}', attempts: '${{flaky.attempts}}'}}
hooks:
  on_start: [{{id: h_start, agent: shell, parameters: {{command: echo start >> hooks.txt}}}}]
  on_success: [{{id: h_success, agent: shell, parameters: {{command: echo success >> hooks.txt}}}}]
  on_failure: [{{id: h_failure, agent: shell, parameters: {{command: 'echo failure ${{join(run.failed_tasks, ",")}} >> hooks.txt'}}}}]
  on_complete: [{{id: h_complete, agent: shell, parameters: {{command: 'echo complete ${{run.status}} >> hooks.txt'}}}}]
"""


@pytest.mark.slow
def test_states_reasons_and_order_are_as_the_rules_say(project) -> None:
    project.write("twelve.yaml", WORKFLOW)

    done = project.call("run", "twelve.yaml", "--json")
    report = project.report("status", "last")

    assert done.returncode == 1
    tasks = report["tasks"]
    assert report["status"] == "failed"
    assert {name: (task["status"], task["reason"]) for name, task in tasks.items()} == {
        "p1": ("success", None),
        "p2": ("success", None),
        "p3": ("success", None),
        "p4": ("success", None),
        "p5": ("success", None),
        "flaky": ("success", None),
        "never": ("skipped", "condition_false"),
        "tolerated": ("skipped", "tolerated_failure"),
        "after_tolerated": ("success", None),
        "breaks": ("failed", None),
        "blocked": ("skipped", "upstream_failed"),
        "recover": ("success", None),
    }
    assert tasks["flaky"]["attempts"] == 2
    assert tasks["breaks"]["error"]["kind"] == "exit_status"
    assert tasks["after_tolerated"]["output"] == {"why": "exit_status", "output": None}
    assert "it broke" in tasks["recover"]["output"]["saw"]
    assert tasks["recover"]["output"]["attempts"] == 2
    assert {
        name: hook["status"] for name, hook in report["hooks"].items() if hook["status"] != "pending"
    } == {
        "h_start": "success",
        "h_failure": "success",
        "h_complete": "success",
    }
    assert project.lines("hooks.txt") == ["start", "failure breaks", "complete failed"]
    assert not project.lines("never-ran")
    assert not (project.root / "never-ran").exists()
    assert not (project.root / "blocked-ran").exists()


@pytest.mark.slow
def test_the_journal_tells_the_order_and_the_measured_back_off(project) -> None:
    project.write("twelve.yaml", WORKFLOW)
    project.call("run", "twelve.yaml")

    from actorflow import api
    from actorflow.settings import read_settings

    seen = api.inspect("last", settings=read_settings({"HOME": "/"}, cwd=project.root))
    started = {
        (r.event.task, r.event.attempt): r for r in seen.events if isinstance(r.event, ev.AttemptStarted)
    }
    ended = {
        r.event.task: r
        for r in seen.events
        if isinstance(r.event, ev.TaskSucceeded | ev.TaskFailed | ev.TaskSkipped | ev.TaskCancelled)
    }
    failed = next(r for r in seen.events if isinstance(r.event, ev.AttemptFailed) and r.event.task == "flaky")
    waited = started["flaky", 2].at - failed.at

    assert waited >= 0.4
    assert ended["h_start"].sequence < min(
        r.sequence for (task, _), r in started.items() if task != "h_start"
    )
    for before, after in [("p3", "breaks"), ("flaky", "breaks"), ("breaks", "recover"), ("p2", "tolerated")]:
        assert ended[before].sequence < started[after, 1].sequence
    assert all(earlier.sequence + 1 == later.sequence for earlier, later in pairwise(seen.events))
    last_task = max(r.sequence for task, r in ended.items() if not task.startswith("h_"))
    settled = next(r for r in seen.events if isinstance(r.event, ev.RunSettled))
    assert last_task < settled.sequence < started["h_failure", 1].sequence < started["h_complete", 1].sequence
    assert isinstance(seen.events[-1].event, ev.RunFinished)
