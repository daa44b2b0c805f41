from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import TaskId
from actorflow.monitor import order_of
from actorflow.state import events as ev
from actorflow.state.status import RunStatus, SkipReason
from actorflow.views.style import Look
from actorflow.views.summary import Told, end_lines, status_lines
from tests.monitor.run_histories import RUN_ID, START, History, entry


def told(history: History, **options: object) -> Told:
    given_options: dict[str, object] = {
        "order": order_of(history.state, history.recorded),
        "now": START + 100,
        "folder": "/state/runs/x",
        "look": Look(),
    }
    return Told(**given_options | options)  # type: ignore[arg-type]


def end(history: History, **options: object) -> str:
    return "\n".join(end_lines(history.state, told(history, **options)))


def status(history: History, **options: object) -> str:
    return "\n".join(status_lines(history.state, told(history, **options)))


def failed() -> History:
    history = History(entry("a"), entry("b", "a"), entry("c", "b")).start("a").succeed("a", output="fine")
    history.start("b").fail("b", message="exit status 3\nthe last words")
    return history.add(ev.TaskSkipped(TaskId("c"), SkipReason.UPSTREAM_FAILED)).finish(RunStatus.FAILED)


def test_the_end_of_a_success_tells_the_run_its_tasks_and_where_outputs_are() -> None:
    text = end(History("a").start("a").succeed("a", output="fine").finish(RunStatus.SUCCESS))

    assert f"run {RUN_ID}  bugfix  ✓ success in 4.0 s" in text
    assert "✓ a  success        1.0 s  fine" in text
    assert f"actorflow status {RUN_ID} --json" in text
    assert "resume" not in text


def test_the_end_of_a_failure_tells_what_failed_why_what_to_do_and_how_to_go_on() -> None:
    text = end(failed())

    assert "b failed (exit_status): exit status 3\n  the last words\n  hint: look at stderr" in text
    assert f"actorflow logs {RUN_ID} b" in text
    assert f"actorflow resume {RUN_ID}" in text
    assert "○ c  skipped               a task before it failed" in text


def test_suggested_commands_repeat_the_state_folder() -> None:
    text = end(failed(), options="--state-dir /tmp/s")

    commands = [line for line in text.splitlines() if "actorflow " in line]
    assert len(commands) == 4
    assert all(command.endswith("--state-dir /tmp/s") for command in commands)


def test_a_cancelled_run_is_told_with_who_asked_and_how_to_go_on() -> None:
    history = (
        History("a").start("a").add(ev.RunCancelRequested("ann")).add(ev.AttemptCancelled(TaskId("a"), 1))
    )
    history.add(ev.TaskCancelled(TaskId("a"))).finish(RunStatus.CANCELLED)

    assert "■ cancelled, asked for by ann" in status(history)
    assert f"actorflow resume {RUN_ID}" in end(history)


def test_an_interrupted_run_is_told_at_once_and_by_whom_it_is_not_driven() -> None:
    text = status(History("a").start("a"), status="interrupted")

    assert "! interrupted: its driver is gone" in text
    assert "driver    nobody" in text
    assert f"actorflow resume {RUN_ID}" in text


def test_a_driven_run_tells_its_driver_and_its_duration_so_far() -> None:
    text = status(History("a").start("a"), driver="process 4711 on host")

    assert "driver    process 4711 on host" in text
    assert "duration  1 m 40 s" in text
    assert "finished" not in text


def test_a_paused_run_tells_why_and_how_to_go_on() -> None:
    history = History("a").add(ev.RunPaused("no room on the disk"))

    assert "‖ paused: no room on the disk" in end(history)
    assert f"actorflow resume {RUN_ID}" in end(history)


def test_a_run_that_failed_as_a_whole_tells_why() -> None:
    history = History("a").add(ev.TaskSkipped(TaskId("a"), SkipReason.WORKFLOW_STOPPED))
    history.add(ev.RunSettled(RunStatus.FAILED, ev.Failure("hook", "on_start failed", "look at it")))

    assert "run (hook): on_start failed\n  hint: look at it" in end(history)


def test_outputs_of_several_lines_costs_and_notes_are_in_the_status() -> None:
    history = History("a", inputs={"who": "ann"}).start("a")
    history.add(
        ev.AttemptSucceeded(
            TaskId("a"), 1, output="one\ntwo", cost_usd=1.5, tokens=1234, notes=("3 bytes replaced",)
        )
    )
    text = status(history.add(ev.TaskSucceeded(TaskId("a"))))

    assert "output of a:\n  one\n  two" in text
    assert "cost      1.50 USD, 1,234 tokens" in text
    assert "note on a: 3 bytes replaced" in text
    assert 'inputs    who="ann"' in text


def test_a_long_output_is_cut_and_says_so() -> None:
    history = History("a").start("a").succeed("a", output="\n".join(f"line {i}" for i in range(40)))

    assert "(28 more lines)" in status(history)


def test_an_output_in_a_blob_is_told_by_its_size() -> None:
    history = (
        History("a").start("a").add(ev.AttemptSucceeded(TaskId("a"), 1, blob=ev.BlobRef("ab" * 32, 70_000)))
    )

    assert "(70,000 bytes)" in status(history.add(ev.TaskSucceeded(TaskId("a"))))


def test_many_tasks_are_told_by_those_that_matter_and_counts() -> None:
    history = History(*(f"t{i}" for i in range(500)))
    for i in range(200):
        history.start(f"t{i}").succeed(f"t{i}")
    lines = end(history.start("t400").fail("t400")).splitlines()

    assert len(lines) < 90
    assert any(line.startswith("  ✗ t400") for line in lines)
    assert "    and 440 more; in all: 1 failed, 299 pending, 200 success" in lines


def test_many_failures_are_counted() -> None:
    history = History(*(f"t{i}" for i in range(30)))
    for i in range(30):
        history.start(f"t{i}").fail(f"t{i}")

    assert "and 20 more failed tasks" in end(history)


def test_hooks_are_shown_when_they_have_run() -> None:
    history = (
        History(entry("a"), entry("h", hook="on_start"), entry("z", hook="on_complete"))
        .start("h")
        .succeed("h")
    )

    text = status(history)

    assert "✓ h" in text
    assert " z " not in text


@given(st.integers(min_value=1, max_value=200))
def test_no_line_of_the_table_is_wider_than_the_terminal(width: int) -> None:
    lines = end(failed(), width=width).splitlines()

    assert all(len(line) <= max(width, 24) for line in lines if line.startswith(("  ✓", "  ✗", "  ○")))


@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=60))
def test_nothing_from_outside_is_obeyed_by_the_terminal(text: str) -> None:
    history = History("a", "b", inputs={"i": text}).start("a").succeed("a", output=text).start("b")
    history.fail("b", message=text).add(ev.RunPaused(text))

    shown = status(history, driver=text, folder=text) + end(history)

    assert not [c for c in shown if ord(c) < 32 and c not in "\n\t"]
    assert not [c for c in shown if 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF]
    assert not [c for c in shown if c in "\u202e\u2066\u2028\u2029"]
