from __future__ import annotations

import json

from actorflow.ids import TaskId
from actorflow.monitor import order_of, run_report
from actorflow.state import events as ev
from actorflow.state.status import RunStatus, SkipReason
from tests.monitor.run_histories import RUN_ID, START, History, entry

RUN_KEYS = [
    *"run_id workflow mode status started_at finished_at duration inputs tasks hooks".split(),
    *"paused parked_until parked_by limits no_room cancelled_by error budget cost_usd tokens unknown_costs".split(),
]
TASK_KEYS = [
    *"status reason agent attempts started_at finished_at duration output error cost_usd tokens".split(),
    *"sub_state due_at waits_for notes".split(),
]


def report(history: History, now: float = 100.0, **options: object) -> dict[str, object]:
    order = order_of(history.state, history.recorded)
    made = run_report(history.state, now=START + now, order=order, **options)  # type: ignore[arg-type]
    assert json.loads(json.dumps(made)) == made
    return made


def test_a_report_has_exactly_the_keys_of_the_contract_in_its_order() -> None:
    made = report(History("a").start("a").succeed("a").finish(RunStatus.SUCCESS))

    assert list(made) == RUN_KEYS
    assert list(made["tasks"]["a"]) == TASK_KEYS  # type: ignore[index]


def test_a_finished_run_is_reported_with_times_outputs_and_costs() -> None:
    history = History("a", inputs={"feature": ["login"]}).start("a", at=1)
    history.add(
        ev.AttemptSucceeded(TaskId("a"), 1, output={"n": (1, 2)}, cost_usd=0.25, tokens=1200), at=2.5
    ).add(ev.TaskSucceeded(TaskId("a")), at=2.5)
    history.add(ev.RunSettled(RunStatus.SUCCESS), at=2.5).add(ev.RunFinished(RunStatus.SUCCESS), at=3)

    assert report(history) == {
        "run_id": RUN_ID,
        "workflow": "bugfix",
        "mode": "live",
        "status": "success",
        "started_at": "2026-11-22T18:48:00.000000Z",
        "finished_at": "2026-11-22T18:48:03.000000Z",
        "duration": 3.0,
        "inputs": {"feature": ["login"]},
        "tasks": {
            "a": {
                "status": "success",
                "reason": None,
                "agent": "shell",
                "attempts": 1,
                "started_at": "2026-11-22T18:48:01.000000Z",
                "finished_at": "2026-11-22T18:48:02.500000Z",
                "duration": 1.5,
                "output": {"n": [1, 2]},
                "error": None,
                "cost_usd": 0.25,
                "tokens": 1200,
                "sub_state": None,
                "due_at": None,
                "waits_for": None,
                "notes": [],
            }
        },
        "hooks": {},
        "paused": None,
        "parked_until": None,
        "parked_by": None,
        "limits": {},
        "no_room": None,
        "cancelled_by": None,
        "error": None,
        "budget": None,
        "cost_usd": 0.25,
        "tokens": 1200,
        "unknown_costs": 0,
    }


def test_what_is_not_known_is_null_and_not_zero() -> None:
    task = report(History("a"))["tasks"]["a"]  # type: ignore[index]

    known = {"status": "pending", "agent": "shell", "attempts": 0, "waits_for": "a slot", "notes": []}
    assert task == dict.fromkeys(TASK_KEYS) | known


def test_everything_that_keeps_a_run_is_in_its_report() -> None:
    history = History("a", "b").add(ev.AttemptStarted("a", 1, "coder", "claude"), at=1)
    history.add(ev.RoomRanOut("no room on the disk"), at=2).add(ev.BudgetChanged(usd=2.0), at=2)
    limit = ev.Failure("usage_limit", "the limit is used up")
    history.add(ev.AttemptRequeued(TaskId("a"), 1, START + 3600, limit), at=3)
    history.add(ev.RunCancelRequested("somebody"), at=4)

    made = report(history)

    assert made["no_room"] == "no room on the disk"
    assert made["budget"] == {"usd": 2.0, "tokens": None, "agents": None}
    assert made["cancelled_by"] == "somebody"
    [pool] = made["limits"].values()  # type: ignore[attr-defined]
    assert pool == {"allowed": None, "opens_at": "2026-11-22T19:48:00.000000Z"}


def test_what_a_run_is_parked_by_and_why_it_failed_are_in_its_report() -> None:
    limit = ev.Failure("usage_limit", "the limit is used up")
    history = History("a", entry("b", "a")).add(ev.AttemptStarted("a", 1, "coder", "claude"), at=1)
    history.add(ev.AttemptRequeued(TaskId("a"), 1, START + 3600, limit), at=3)
    history.add(ev.RetryScheduled("a", 2, START + 3600, 3600.0), at=3)

    made = report(history)

    assert made["parked_until"] == "2026-11-22T19:48:00.000000Z"
    assert "usage limit" in made["parked_by"]  # type: ignore[operator]
    assert made["tasks"]["b"]["waits_for"] == "a"  # type: ignore[index]
    failed = History("a").start("a").fail("a")
    failed.add(ev.RunSettled(RunStatus.FAILED, ev.Failure("output_not_filled", "there is no x")), at=5)
    expected = {"kind": "output_not_filled", "message": "there is no x", "hint": ""}
    assert report(failed)["error"] == expected


def test_durations_of_what_runs_count_up_to_now() -> None:
    made = report(History("a").start("a", at=10), now=25)

    assert (made["duration"], made["finished_at"]) == (25.0, None)
    assert made["tasks"]["a"]["duration"] == 15.0  # type: ignore[index]


def test_an_error_is_reported_with_kind_message_and_hint() -> None:
    made = report(History("a").start("a").fail("a").finish(RunStatus.FAILED))

    assert made["status"] == "failed"
    assert made["tasks"]["a"]["error"] == {  # type: ignore[index]
        "kind": "exit_status",
        "message": "exit status 1",
        "hint": "look at stderr",
    }


def test_a_skipped_task_is_reported_with_its_reason() -> None:
    history = History("a").add(ev.TaskSkipped(TaskId("a"), SkipReason.CONDITION_FALSE))

    assert report(history)["tasks"]["a"]["reason"] == "condition_false"  # type: ignore[index]


def test_tasks_stand_in_the_order_of_the_workflow_and_hooks_apart() -> None:
    history = History(entry("z"), entry("tell", hook="on_complete"), entry("b", "z"), entry("a", "z"))

    made = report(history)

    assert list(made["tasks"]) == ["z", "b", "a"]  # type: ignore[call-overload]
    assert {name: hook["hook"] for name, hook in made["hooks"].items()} == {"tell": "on_complete"}  # type: ignore[attr-defined]


def test_a_large_output_is_put_in_by_load_and_is_a_reference_without_it() -> None:
    ref = ev.BlobRef("ab" * 32, 70_000)
    history = History("a").start("a").add(ev.AttemptSucceeded(TaskId("a"), 1, blob=ref))

    bare = report(history)["tasks"]["a"]["output"]  # type: ignore[index]
    loaded = report(history, load=lambda found: {"loaded": found.size})["tasks"]["a"]["output"]  # type: ignore[index]

    assert bare == {"$blob": "ab" * 32, "size": 70_000}
    assert loaded == {"loaded": 70_000}


def test_a_reader_of_the_journal_may_know_the_status_better_than_the_state() -> None:
    assert report(History("a"), status="interrupted")["status"] == "interrupted"
