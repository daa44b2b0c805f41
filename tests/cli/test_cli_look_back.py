"""``events``, ``context``, ``stats`` and ``diff``, over runs of the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli_group import loaded_by

pytestmark = pytest.mark.slow

WORKFLOW = """
name: w
inputs: {n: {type: integer, default: 1}}
context: {variables: {text: "n is ${n}"}}
tasks:
  - {id: a, agent: echo, parameters: {n: "${n}", text: "${text}"}}
  - {id: side, agent: echo, parameters: {big: "x"}}
  - {id: b, agent: shell, dependencies: [a], retry: {max_attempts: 2, delay: 0.01, backoff: fixed},
     parameters: {command: "test -e ok || { touch ok; exit 1; }"}}
  - {id: c, agent: echo, dependencies: [b], condition: "a.output.n == 1"}
hooks: {on_complete: [{id: end, agent: echo}]}
"""


@pytest.fixture
def ran(project: Path, call) -> str:
    (project / "w.yaml").write_text(WORKFLOW, encoding="utf-8")
    done = call("run", "w.yaml", "-q")
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


# --- events ------------------------------------------------------------------------------------------------------


def test_events_are_one_object_a_line_and_all_of_them(ran: str, call, fits) -> None:
    lines = call("events", ran, "--json").stdout.splitlines()
    events = [fits("event", json.loads(line)) for line in lines]

    assert [e["sequence"] for e in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("RunAccepted", "RunFinished")
    assert events[0]["data"]["inputs"] == {"n": 1}
    assert {e["run_id"] for e in events} == {ran}


def test_events_can_be_chosen(ran: str, call) -> None:
    def numbers(*arguments: str) -> list[int]:
        lines = call("events", *arguments, "--json").stdout.splitlines()
        return [json.loads(line)["sequence"] for line in lines]

    of_b = [json.loads(line) for line in call("events", "--task", "b", "--json").stdout.splitlines()]
    assert {e["task"] for e in of_b} == {"b"}
    assert numbers("--task", "b", "--type", "AttemptFailed") == [
        e["sequence"] for e in of_b if e["type"] == "AttemptFailed"
    ]
    assert numbers("--after", "3") == numbers()[3:]
    assert numbers("--after", "999") == []
    assert "AttemptStarted" in call("events", "--type", "AttemptStartet").stderr


@pytest.mark.parametrize("options", [(), ("--follow",)])
def test_events_of_a_task_that_the_run_does_not_have_are_an_error(ran: str, call, options) -> None:
    done = call("events", "--task", "bb", *options)

    assert done.exit_code == 2
    assert "no task 'bb'" in done.stderr


def test_people_get_a_line_for_each_event(ran: str, call) -> None:
    lines = call("events").stdout.splitlines()

    assert len(lines) == len(call("events", "--json").stdout.splitlines())
    assert "AttemptFailed       b" in "\n".join(lines)


def test_following_gives_events_as_they_come_and_ends_with_the_run(start, workflow, gate, call) -> None:
    up, go = gate("up"), gate("go")
    running = start("run", workflow(a="echo up > up; head -n 1 go > /dev/null", b=["a", "true"]))
    up.wait()
    follower = start("events", "--follow", "--json")
    seen = [json.loads(follower.stdout.readline()) for _ in range(3)]
    go.open()
    rest, _ = follower.communicate()

    seen += [json.loads(line) for line in rest.splitlines()]
    assert running.wait() == 0
    assert follower.returncode == 0
    assert seen == [json.loads(line) for line in call("events", "--json").stdout.splitlines()]


# --- context -----------------------------------------------------------------------------------------------------


def test_a_task_saw_what_came_before_it_and_nothing_else(ran: str, call, fits) -> None:
    seen = fits("context", json.loads(call("context", "--at", "c", "--json").stdout))

    assert list(seen["tasks"]) == ["a", "b"]
    assert seen["tasks"]["a"]["output"] == {"n": 1, "text": "n is 1"}
    assert seen["tasks"]["b"]["attempts"] == 2
    assert (seen["inputs"], seen["vars"]) == ({"n": 1}, {"text": "n is 1"})
    assert seen["at"]["task"] == "c"
    assert "status" not in seen["run"]


def test_each_attempt_has_its_own_moment(ran: str, call) -> None:
    first, second, latest = (
        json.loads(call("context", "--at", at, "--json").stdout)["at"] for at in ("b:1", "b:2", "b")
    )

    assert first["sequence"] < second["sequence"]
    assert second == latest


@pytest.mark.parametrize("at", ["b:3", "b:0", "b:x", "b:", "nobody"])
def test_a_moment_that_never_was_is_an_error(ran: str, call, at: str) -> None:
    assert call("context", "--at", at).exit_code == 2


def test_without_a_task_it_is_the_run_as_it_is_now(ran: str, call, fits) -> None:
    seen = fits("context", json.loads(call("context", "--json").stdout))

    assert list(seen["tasks"]) == ["a", "side", "b", "c", "end"]
    assert seen["run"]["status"] == "success"


def test_the_hooks_of_the_end_saw_every_task(ran: str, call) -> None:
    seen = json.loads(call("context", "--at", "end", "--json").stdout)

    assert list(seen["tasks"]) == ["a", "side", "b", "c"]
    assert seen["run"]["status"] == "success"


def test_two_moments_are_compared(ran: str, call, fits) -> None:
    found = fits("context_difference", json.loads(call("context", "--diff", "b", "c", "--json").stdout))

    assert [(c["path"], c["kind"]) for c in found["changes"]] == [("tasks.b", "added")]
    assert call("context", "--diff", "b", "c").stdout.startswith("+ tasks.b: ")
    assert "saw the same" in call("context", "--diff", "a", "side").stdout
    assert call("context", "--at", "a", "--diff", "b", "c").exit_code == 2


def test_a_large_output_is_put_in_and_a_missing_one_is_told(call, project: Path) -> None:
    text = (
        "name: w\ntasks:\n  - {id: a, agent: shell, parameters: {command: \"printf 'x%.0s' $(seq 70000)\"}}\n"
    )
    (project / "w.yaml").write_text(text)
    run_id = call("run", "w.yaml", "-q").stdout.strip()
    whole = json.loads(call("context", "--json").stdout)["tasks"]["a"]["output"]
    for blob in (project / ".claude" / "workflow-state" / "runs" / run_id / "blobs").iterdir():
        blob.unlink()

    done = call("context", "--json")

    assert whole == "x" * 70000
    assert set(json.loads(done.stdout)["tasks"]["a"]["output"]) == {"$blob", "size"}
    assert "warning: " in done.stderr


def test_people_get_names_with_values(ran: str, call) -> None:
    lines = call("context", "--at", "b").stdout.splitlines()

    assert 'vars.text = "n is 1"' in lines
    assert 'a.output = {"n": 1, "text": "n is 1"}' in lines


# --- stats -------------------------------------------------------------------------------------------------------


def test_statistics_count_over_all_runs_of_the_workflow(ran: str, call, fits, project: Path) -> None:
    call("run", "w.yaml", "-q")
    (project / "other.yaml").write_text("name: other\ntasks: [{id: z, agent: echo}]\n")
    call("run", "other.yaml", "-q")

    found = fits("statistics", json.loads(call("stats", "w", "--json").stdout))

    assert (found["runs"], found["statuses"]) == (2, {"success": 2})
    assert list(found["tasks"]) == ["a", "side", "b", "c"]
    assert (found["tasks"]["b"]["flaky"], found["tasks"]["b"]["flaky_rate"]) == (1, 0.5)
    assert found["parallelism"]["max"] >= 2
    assert found["critical_path"]["tasks"][:2] == ["a", "b"]
    assert json.loads(call("stats", "w", "--last", "1", "--json").stdout)["runs"] == 1


def test_a_workflow_without_runs_is_told_with_those_that_have_some(ran: str, call) -> None:
    assert "did you mean 'w'" in call("stats", "ww").stderr
    assert "there are runs of: w" in call("stats", "quickstart").stderr
    assert call("stats", "quickstart").exit_code == 2


def test_people_get_a_table(ran: str, call) -> None:
    text = call("stats", "w").stdout

    assert "1 run: 1 success" in text
    assert "failure rate   0 %" in text
    assert "1 (100 %)" in text


# --- diff --------------------------------------------------------------------------------------------------------


def test_what_differs_between_two_runs_is_told(ran: str, call, fits, project: Path) -> None:
    (project / "w.yaml").write_text(WORKFLOW.replace("{big: ", "{large: "), encoding="utf-8")
    second = call("run", "w.yaml", "-q", "--set", "n=2").stdout.strip()

    found: dict[str, Any] = fits("run_difference", json.loads(call("diff", ran, second, "--json").stdout))

    assert found["same"] is False
    assert any(line.startswith("+") and "large" in line for line in found["text"])
    assert [c["path"] for c in found["changes"]] == ["inputs.n", "vars.text"]
    assert [c["path"] for c in found["tasks"]["c"]["changes"]] == ["status", "reason", "attempts", "output"]
    assert "attempts" in [c["path"] for c in found["tasks"]["b"]["changes"]]
    assert found["same_tasks"] == 1
    text = call("diff", ran, second).stdout
    assert '~ status: "success" -> "skipped"' in text
    assert "1 task is the same" in text


def test_a_run_is_the_same_as_itself(ran: str, call) -> None:
    found = json.loads(call("diff", ran, "last", "--json").stdout)

    assert found["same"] is True
    assert found["tasks"] == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("history",),
        ("explain", "b"),
        ("explain",),
        ("events",),
        ("context",),
        ("stats", "w"),
        ("diff", "last", "last"),
    ],
)
def test_looking_back_needs_neither_trio_nor_rich(
    ran: str, project: Path, arguments: tuple[str, ...]
) -> None:
    loaded = loaded_by(*arguments, cwd=project)

    assert not loaded & {"trio", "rich", "graphviz"}
