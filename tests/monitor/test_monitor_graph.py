"""What is in the picture of a workflow or a run: boxes, arrows and their kinds, words, the critical path."""

from __future__ import annotations

import pytest

from actorflow.ids import TaskId
from actorflow.monitor.graph import Edge, EdgeKind, Picture, picture_of_run, picture_of_workflow
from actorflow.monitor.limits import limits_in
from actorflow.state import events as ev
from actorflow.state.status import RunStatus, SubState, TaskStatus
from tests.monitor.picture_runs import EVERY_STATE_TEXT, every_state, workflow_of
from tests.monitor.run_histories import RUN_ID, START, History, entry


def run_picture(history: History, *, now: float = 60, status: str = "running", text: str = "") -> Picture:
    return picture_of_run(
        history.state,
        now=START + now,
        status=status,
        workflow=workflow_of(text) if text else None,
        limits=limits_in(history.recorded),
    )


def kinds(picture: Picture) -> dict[tuple[str, str], EdgeKind]:
    names = [node.name for node in picture.nodes]
    return {(names[edge.source], names[edge.target]): edge.kind for edge in picture.edges}


def lines(picture: Picture) -> dict[str, tuple[str, ...]]:
    return {node.name: node.lines for node in picture.nodes}


def critical(picture: Picture) -> list[str]:
    return [node.name for node in picture.nodes if node.is_critical]


def task(name: str, *dependencies: str, more: str = "") -> str:
    waits = ", ".join(dependencies)
    return (
        f'  - {{id: {name}, agent: shell, parameters: {{command: "true"}}, dependencies: [{waits}]{more}}}\n'
    )


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ("", EdgeKind.PLAIN),
        (", condition: true", EdgeKind.PLAIN),
        (", condition: false", EdgeKind.CONDITION),
        (", condition: \"a.output == 'x'\"", EdgeKind.CONDITION),
        (", condition: \"a.status == 'failed'\"", EdgeKind.RECOVERY),
        (', condition: "a.error != null"', EdgeKind.RECOVERY),
        (', condition: "failure()"', EdgeKind.RECOVERY),
        (', condition: "always()"', EdgeKind.RECOVERY),
        (', condition: "success()"', EdgeKind.CONDITION),
        (", run_if: all_success", EdgeKind.PLAIN),
        (", run_if: one_failed", EdgeKind.RECOVERY),
        (", run_if: all_done", EdgeKind.RECOVERY),
        (", run_if: none_failed", EdgeKind.PLAIN),
    ],
)
def test_an_arrow_says_what_its_task_needs(more: str, kind: EdgeKind) -> None:
    picture = picture_of_workflow(workflow_of(f"name: w\ntasks:\n{task('a')}{task('b', 'a', more=more)}"))

    assert kinds(picture) == {("a", "b"): kind}


def test_a_condition_that_asks_how_one_task_ended_makes_only_that_arrow_one_of_recovery() -> None:
    text = f"name: w\ntasks:\n{task('a')}{task('b')}"
    text += task("c", "a", "b", more=", condition: \"a.status == 'failed'\"")

    found = kinds(picture_of_workflow(workflow_of(text)))

    assert found == {("a", "c"): EdgeKind.RECOVERY, ("b", "c"): EdgeKind.CONDITION}


def test_a_workflow_is_drawn_with_agents_conditions_rules_and_attempts() -> None:
    found = lines(picture_of_workflow(workflow_of(EVERY_STATE_TEXT)))

    assert found["fetch"] == ("shell",)
    assert found["build"] == ("shell", "up to 3 attempts")
    assert found["docs"] == ("shell", "if fetch.output == 'docs'")
    assert found["announce"] == ("shell", "run_if all_done")


def test_a_long_condition_is_cut_in_the_box_and_whole_in_the_tip() -> None:
    condition = " || ".join(["fetch.output == 'docs'"] * 9)
    text = EVERY_STATE_TEXT.replace("fetch.output == 'docs'", condition)

    node = next(n for n in picture_of_workflow(workflow_of(text)).nodes if n.name == "docs")

    assert node.lines[1].endswith("…")
    assert len(node.lines[1]) < 50
    assert condition in node.tip


def test_the_longest_chain_of_a_workflow_is_marked_with_its_arrows() -> None:
    picture = picture_of_workflow(workflow_of(EVERY_STATE_TEXT))

    assert critical(picture) == ["fetch", "build", "unit", "publish", "announce"]
    assert picture.critical == "longest chain"
    assert sum(edge.is_critical for edge in picture.edges) == 4


def test_tasks_that_do_not_wait_for_each_other_have_no_chain() -> None:
    picture = picture_of_workflow(workflow_of(f"name: w\ntasks:\n{task('a')}{task('b')}"))

    assert critical(picture) == []
    assert picture.critical == ""


def test_every_state_of_a_run_is_drawn() -> None:
    picture = run_picture(every_state(), text=EVERY_STATE_TEXT)

    assert {node.phase for node in picture.nodes} == {*TaskStatus, *SubState}
    assert picture.is_run


def test_a_run_tells_durations_attempts_costs_and_reasons() -> None:
    found = lines(run_picture(every_state(), text=EVERY_STATE_TEXT))

    assert found["fetch"] == ("shell", "success in 3.8 s")
    assert found["build"] == ("shell", "success in 26 s", "attempt 2 of 3", "$0.42, 12,345 tokens")
    assert found["lint"] == ("shell", "skipped in 1.0 s", "exit status 1")
    assert found["docs"] == ("shell", "skipped", "its condition is false")
    assert found["unit"] == ("shell", "failed in 4.0 s", "exit status 1")
    assert found["integration"] == ("shell", "retry wait, 30 s left", "exit status 1")
    assert found["review"] == ("shell", "parked, 59 m 00 s left", "the service allows no more for now")
    assert found["audit"] == ("shell", "waiting for 27 s", "exit status 1")
    assert found["repair"] == ("shell", "running for 26 s")
    assert found["package"] == ("shell", "cancelled in 17 s")
    assert found["publish"] == ("shell", "pending")


def test_the_title_of_a_run_has_its_id_status_time_and_cost() -> None:
    running = run_picture(every_state(), status="interrupted")
    ended = run_picture(
        History("a").start("a").succeed("a").finish(RunStatus.SUCCESS), now=9999, status="success"
    )

    assert running.title == f"bugfix\n{RUN_ID}\ninterrupted for 1 m 00 s, $0.42"
    assert ended.title == f"bugfix\n{RUN_ID}\nsuccess in 4.0 s"


def test_a_cost_that_nobody_knows_is_not_drawn_as_zero() -> None:
    picture = run_picture(History("a").start("a").succeed("a"))

    assert "$" not in picture.title
    assert lines(picture)["a"] == ("shell", "success in 1.0 s")


def test_without_its_workflow_a_run_is_drawn_with_plain_arrows() -> None:
    picture = run_picture(every_state())

    assert set(kinds(picture).values()) == {EdgeKind.PLAIN}
    assert len(picture.edges) == len(run_picture(every_state(), text=EVERY_STATE_TEXT).edges)


def test_the_critical_path_follows_the_dependency_that_was_done_last() -> None:
    history = History(entry("quick"), entry("slow"), entry("middle", "quick", "slow"), entry("end", "middle"))
    history.start("quick", at=1).start("slow", at=1).succeed("quick", at=2).succeed("slow", at=30)
    history.start("middle", at=30).succeed("middle", at=31).start("end", at=31).succeed("end", at=32)

    picture = run_picture(history)

    assert critical(picture) == ["slow", "middle", "end"]
    assert [edge.is_critical for edge in picture.edges] == [False, True, True]
    assert picture.critical == "critical path"


def test_hooks_and_tasks_that_never_ran_do_not_end_a_critical_path() -> None:
    history = History(entry("a"), entry("b", "a"), entry("c", "b"), entry("h", hook="on_complete"))
    history.start("a", at=1).succeed("a", at=5).start("b", at=5).succeed("b", at=6)
    history.add(ev.TaskCancelled(TaskId("c")), at=7).start("h", at=8).succeed("h", at=20)

    assert critical(run_picture(history)) == ["a", "b"]


def test_a_run_in_which_nothing_has_begun_has_no_critical_path() -> None:
    assert critical(run_picture(History(entry("a"), entry("b", "a")))) == []


def test_a_dependency_that_is_named_twice_is_one_arrow() -> None:
    picture = run_picture(History(entry("a"), entry("b", "a", "a")))

    assert picture.edges == (Edge(0, 1),)


def test_a_chain_of_ten_thousand_tasks_has_a_critical_path() -> None:
    history = History(*(entry(f"t{i}", *([f"t{i - 1}"] if i else [])) for i in range(10_000)))
    for i in range(3):
        history.start(f"t{i}").succeed(f"t{i}")

    assert critical(run_picture(history)) == ["t0", "t1", "t2"]
