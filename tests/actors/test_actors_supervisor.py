"""Supervisors: order, intensity, escalation, back-off, dynamic children, stops and their deadlines."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.actors import (
    Actor,
    Backoff,
    ChildSpec,
    ChildState,
    SupervisorFailed,
    SupervisorSpec,
    open_runtime,
)
from actorflow.actors.intensity import RestartIntensity

pytestmark = pytest.mark.trio

STRATEGIES = pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])


@STRATEGIES
async def test_children_start_in_order_and_stop_in_the_reverse(stage, strategy):
    async with open_runtime(stage.group(strategy, "abc")):
        assert stage.log == ["start a", "start b", "start c"]
        stage.clear()

    assert stage.log == ["stop c", "stop b", "stop a"]
    assert [(e.path, e.reason, e.will_restart) for e in stage.exits] == [
        ("sup/c", "stopped", False),
        ("sup/b", "stopped", False),
        ("sup/a", "stopped", False),
    ]


@STRATEGIES
async def test_a_child_starts_only_when_the_one_before_is_up(stage, nursery, settle, strategy):
    gate = stage.start_gates["a"] = trio.Event()

    async def run():
        async with open_runtime(stage.group(strategy, "ab")):
            entered.set()

    entered = trio.Event()
    nursery.start_soon(run)
    await settle()
    assert stage.log == []
    assert not entered.is_set()

    gate.set()
    await entered.wait()
    assert stage.log[:2] == ["start a", "start b"]


async def test_a_stop_waits_for_each_child_before_it_stops_the_next(stage, autojump_clock):
    async def slow(ctx):
        await trio.sleep(2)

    async with open_runtime(stage.group("one_for_one", "ab")) as runtime:
        runtime.ref("sup/b").tell_nowait(slow)
        await wait_all_tasks_blocked()
        stage.clear()

    assert stage.moments == [(2, "stop b"), (2, "stop a")]


async def test_nested_supervisors_stop_in_reverse_order_too(stage):
    spec = SupervisorSpec(
        "root",
        "one_for_one",
        [stage.child("first"), stage.group("one_for_one", "ab"), stage.child("last")],
    )
    async with open_runtime(spec):
        assert stage.log == ["start first", "start a", "start b", "start last"]
        stage.clear()

    assert stage.log == ["stop last", "stop b", "stop a", "stop first"]


async def test_a_cancellation_from_outside_stops_in_reverse_order(stage, autojump_clock):
    async def slow(ctx):
        await trio.sleep(1)

    with trio.move_on_after(5) as scope:
        async with open_runtime(stage.group("rest_for_one", "abc")) as runtime:
            await trio.sleep(4.5)
            runtime.ref("sup/b").tell_nowait(slow)
            stage.clear()
            await trio.sleep_forever()

    assert scope.cancelled_caught
    assert stage.moments == [(5, "stop c"), (5.5, "stop b"), (5.5, "stop a")]


async def test_a_message_that_outlasts_the_shutdown_time_is_cancelled_and_on_stop_still_runs(
    stage, autojump_clock
):
    spec = SupervisorSpec("sup", children=[stage.child("a", shutdown_seconds=3)])
    async with open_runtime(spec) as runtime:
        runtime.ref("sup/a").tell_nowait(("sleep", 100))
        await wait_all_tasks_blocked()
        stage.clear()

    assert stage.moments == [(3, "stop a")]
    assert [(e.reason, e.error) for e in stage.exits] == [("stopped", None)]


async def test_on_stop_has_a_deadline_and_the_exit_says_so(autojump_clock):
    class Sticky(Actor):
        async def on_stop(self):
            await trio.sleep(100)

    exits = []
    spec = SupervisorSpec("sup", children=[ChildSpec("a", Sticky, shutdown_seconds=3, on_exit=exits.append)])
    async with open_runtime(spec):
        pass

    assert trio.current_time() == 3
    assert isinstance(exits[0].error, trio.TooSlowError)
    assert exits[0].reason == "stopped"


async def test_on_stop_is_shielded_from_the_cancellation_that_stops_it(autojump_clock):
    cleaned = []

    class Careful(Actor):
        async def on_stop(self):
            await trio.sleep(2)
            cleaned.append(trio.current_time())

    with trio.move_on_after(1):
        async with open_runtime(SupervisorSpec("sup", children=[ChildSpec("a", Careful)])):
            await trio.sleep_forever()

    assert cleaned == [3]


async def test_shutdown_seconds_zero_cancels_at_once_but_keeps_the_order(stage, autojump_clock):
    spec = SupervisorSpec("sup", "rest_for_one", [stage.child(name, shutdown_seconds=0) for name in "abc"])
    async with open_runtime(spec) as runtime:
        for name in "abc":
            runtime.ref(f"sup/{name}").tell_nowait(("sleep", 100))
        await wait_all_tasks_blocked()
        stage.clear()

    assert trio.current_time() == 0
    assert [e.path for e in stage.exits] == ["sup/c", "sup/b", "sup/a"]


async def test_a_failing_on_stop_is_a_crash_of_an_actor_that_had_finished(settle):
    class Messy(Actor):
        async def run(self, ctx):
            if ctx.restarts:
                await ctx.inbox.get()

        async def on_stop(self):
            raise ValueError("mess")

    exits = []
    spec = SupervisorSpec("sup", children=[ChildSpec("m", Messy, restart="transient", on_exit=exits.append)])
    async with open_runtime(spec) as runtime:
        await settle()
        assert runtime.tree().children[0].restarts == 1

    assert [(e.reason, str(e.error)) for e in exits] == [("crashed", "mess"), ("stopped", "mess")]


async def test_failures_in_run_and_in_on_stop_are_both_reported(settle):
    class Messy(Actor):
        async def run(self, ctx):
            raise KeyError("run")

        async def on_stop(self):
            raise ValueError("stop")

    exits = []
    spec = SupervisorSpec("sup", children=[ChildSpec("m", Messy, restart="temporary", on_exit=exits.append)])
    async with open_runtime(spec):
        await settle()

    leaves = [e for group in exits[0].error.exceptions for e in group.exceptions]
    assert [type(e) for e in leaves] == [KeyError, ValueError]


# --- intensity and escalation ----------------------------------------------------------------------------------------


async def test_one_restart_too_many_stops_the_siblings_in_order_and_ends_the_block(stage, boom):
    with pytest.raises(SupervisorFailed, match="sup gave up: sup/b") as caught:
        async with open_runtime(stage.group("one_for_one", "abc", max_restarts=2)) as runtime:
            for _ in range(3):
                runtime.ref("sup/b").tell_nowait("crash")
            await trio.sleep_forever()

    assert stage.log[-3:] == ["stop b", "stop c", "stop a"]
    assert stage.log.count("start b") == 3
    assert isinstance(caught.value.__cause__, boom)


async def test_restarts_that_are_far_enough_apart_are_always_allowed(stage, autojump_clock):
    spec = stage.group("one_for_one", "a", max_restarts=1, within_seconds=10)
    async with open_runtime(spec) as runtime:
        for _ in range(20):
            runtime.ref("sup/a").tell_nowait("crash")
            await trio.sleep(10.5)

        assert runtime.tree().children[0].restarts == 20


async def test_max_restarts_zero_escalates_the_first_failure(stage):
    with pytest.raises(SupervisorFailed):
        async with open_runtime(stage.group("one_for_one", "a", max_restarts=0)) as runtime:
            runtime.ref("sup/a").tell_nowait("crash")
            await trio.sleep_forever()

    assert stage.log == ["start a", "stop a"]


async def test_the_failures_of_all_children_count_together(stage):
    with pytest.raises(SupervisorFailed):
        async with open_runtime(stage.group("one_for_one", "abc", max_restarts=2)) as runtime:
            for name in "abc":
                runtime.ref(f"sup/{name}").tell_nowait("crash")
            await trio.sleep_forever()


async def test_a_failure_exactly_as_old_as_the_window_still_counts():
    intensity = RestartIntensity(1, 10)

    assert [intensity.admit(now) for now in (0, 10, 10.5)] == [True, False, True]


def two_levels(stage, *, outer=1, inner=1):
    return SupervisorSpec(
        "root",
        "rest_for_one",
        [
            stage.child("before"),
            SupervisorSpec("mid", "one_for_one", [stage.child("a"), stage.child("b")], max_restarts=inner),
            stage.child("after"),
        ],
        max_restarts=outer,
    )


async def test_a_supervisor_that_gives_up_is_restarted_by_its_own(stage, settle):
    async with open_runtime(two_levels(stage)) as runtime:
        a = runtime.ref("root/mid/a")
        a.tell_nowait("crash")
        await settle()
        stage.clear()
        a.tell_nowait("crash")
        await settle()

        assert stage.log == ["stop a", "stop b", "stop after", "start a", "start b", "start after"]
        middle = runtime.tree().children[1]
        assert (middle.state, middle.restarts) == (ChildState.RUNNING, 1)
        assert runtime.ref("root/mid/a") is a
        assert await a.ask("same mailbox", timeout_seconds=1) == "same mailbox"


async def test_escalation_through_two_levels_keeps_the_chain_of_causes(stage, settle, boom):
    with pytest.raises(SupervisorFailed) as caught:
        async with open_runtime(two_levels(stage)) as runtime:
            for _ in range(4):
                runtime.ref("root/mid/a").tell_nowait("crash")
                await settle()

    root = caught.value
    assert (root.path, root.child) == ("root", "root/mid")
    middle = root.__cause__
    assert isinstance(middle, SupervisorFailed)
    assert (middle.path, middle.child) == ("root/mid", "root/mid/a")
    assert isinstance(middle.__cause__, boom)
    assert stage.log[-2:] == ["stop after", "stop before"]


async def test_a_restarted_supervisor_counts_anew(stage, settle):
    async with open_runtime(two_levels(stage, outer=5, inner=1)) as runtime:
        for _ in range(6):
            runtime.ref("root/mid/a").tell_nowait("crash")
            await settle()

        assert runtime.tree().children[1].restarts == 3


async def test_dynamic_children_end_for_good_with_their_supervisor(stage, settle):
    async with open_runtime(two_levels(stage)) as runtime:
        middle = runtime.supervisor("root/mid")
        dynamic = await middle.start_child(stage.child("d"))
        for _ in range(2):
            runtime.ref("root/mid/a").tell_nowait("crash")
        await settle()

        assert not dynamic.is_alive
        assert middle.child("d") is None
        assert (await middle.start_child(stage.child("d"))).is_alive


async def test_a_permanent_child_that_ends_normally_too_often_escalates_without_a_cause(stage):
    with pytest.raises(SupervisorFailed) as caught:
        async with open_runtime(stage.group("one_for_one", "a", max_restarts=1)) as runtime:
            for _ in range(2):
                runtime.ref("sup/a").tell_nowait("finish")
            await trio.sleep_forever()

    assert caught.value.__cause__ is None


# --- failed starts ---------------------------------------------------------------------------------------------------


@STRATEGIES
async def test_a_failed_start_is_retried_before_the_next_child_starts(stage, strategy):
    stage.failing_starts["b"] = 2
    async with open_runtime(stage.group(strategy, "abc")):
        assert [line for line in stage.log if line[-1] in "bc"] == ["fail b", "fail b", "start b", "start c"]
        assert stage.log.count("start a") == (3 if strategy == "one_for_all" else 1)


@STRATEGIES
async def test_a_start_that_never_succeeds_fails_the_block_and_stops_what_was_up(stage, strategy, boom):
    stage.failing_starts["b"] = 99
    with pytest.raises(SupervisorFailed) as caught:
        async with open_runtime(stage.group(strategy, "abc")):
            pytest.fail("the block must not be entered")

    assert stage.log[-1] == "stop a"
    assert "start c" not in stage.log
    assert isinstance(caught.value.__cause__, boom)


async def test_a_failed_factory_is_a_failed_start(stage):
    def no_actor():
        raise LookupError("no actor")

    with pytest.raises(SupervisorFailed) as caught:
        async with open_runtime(SupervisorSpec("sup", children=[ChildSpec("x", no_actor)])):
            pytest.fail("the block must not be entered")

    assert isinstance(caught.value.__cause__, LookupError)


async def test_a_temporary_child_that_does_not_start_is_left_out(stage):
    stage.failing_starts["t"] = 1
    spec = SupervisorSpec("sup", "one_for_all", [stage.child("t", restart="temporary"), stage.child("b")])
    async with open_runtime(spec) as runtime:
        assert stage.log == ["fail t", "start b"]
        assert [node.name for node in runtime.tree().children] == ["b"]


async def test_a_temporary_child_behind_a_failed_start_is_still_started(stage):
    stage.failing_starts["a"] = 1
    spec = SupervisorSpec("sup", "one_for_all", [stage.child("a"), stage.child("t", restart="temporary")])
    async with open_runtime(spec):
        assert stage.log == ["fail a", "start a", "start t"]


async def test_a_stop_during_the_first_start_cancels_it_and_stops_what_is_up(stage, autojump_clock):
    stage.start_gates["b"] = trio.Event()
    with trio.move_on_after(3) as scope:
        async with open_runtime(stage.group("one_for_one", "abc")):
            pytest.fail("the block must not be entered")

    assert scope.cancelled_caught
    assert stage.moments == [(0, "start a"), (3, "stop a")]


# --- back-off --------------------------------------------------------------------------------------------------------


async def test_the_back_off_grows_up_to_its_limit(stage, autojump_clock):
    stage.failing_starts["a"] = 4
    backoff = Backoff(initial_seconds=1, factor=3, max_seconds=5)
    async with open_runtime(stage.group("one_for_one", "a", max_restarts=9, backoff=backoff)):
        assert [at for at, _ in stage.moments] == [0, 1, 4, 9, 14]


async def test_a_long_life_resets_the_back_off(stage, autojump_clock):
    spec = stage.group("one_for_one", "a", within_seconds=10, backoff=Backoff(initial_seconds=1))
    async with open_runtime(spec, on_restart=stage.restarted.append) as runtime:
        for pause in (5, 20, 5):
            runtime.ref("sup/a").tell_nowait("crash")
            await trio.sleep(pause)

    assert [r.delay_seconds for r in stage.restarted] == [1, 2, 1]


async def test_jitter_moves_the_wait_both_ways_by_chance_alone(stage):
    backoff = Backoff(initial_seconds=10, jitter=0.5)

    assert [backoff.delay_seconds(1, chance) for chance in (0, 0.5, 1)] == [5, 10, 15]
    assert Backoff().delay_seconds(5, 0.3) == 0
    assert Backoff(initial_seconds=1).delay_seconds(10**6, 0) == 30


async def test_a_stop_during_the_back_off_does_not_wait_for_it(stage, autojump_clock):
    async with open_runtime(
        stage.group("one_for_one", "a", backoff=Backoff(initial_seconds=100, max_seconds=100))
    ) as r:
        r.ref("sup/a").tell_nowait("crash")
        await wait_all_tasks_blocked()

    assert trio.current_time() == 0
    assert stage.log == ["start a", "stop a"]


async def test_a_child_removed_during_its_back_off_stays_away(stage, autojump_clock):
    spec = stage.group("one_for_one", "ab", backoff=Backoff(initial_seconds=5))
    async with open_runtime(spec, on_restart=stage.restarted.append) as runtime:
        ref = runtime.ref("sup/a")
        ref.tell_nowait("crash")
        await wait_all_tasks_blocked()
        await runtime.root.stop_child("a")
        assert not ref.is_alive
        stage.clear()
        await trio.sleep(50)

        assert stage.log == []
        assert stage.restarted == []


@STRATEGIES
async def test_a_child_removed_the_moment_it_crashed_restarts_nobody(stage, settle, strategy):
    def remove(_):
        supervisor = runtime.root._cell
        supervisor.remove_soon(supervisor.find("b"))

    children = [stage.child("a"), stage.child("b", on_exit=remove), stage.child("c")]
    async with open_runtime(SupervisorSpec("sup", strategy, children)) as runtime:
        stage.clear()
        runtime.ref("sup/b").tell_nowait("crash")
        await settle()

        assert [node.name for node in runtime.tree().children] == ["a", "c"]
        assert stage.log == ["stop b"]


async def test_on_restart_says_what_was_restarted_and_why(stage, settle, boom):
    async with open_runtime(stage.group("rest_for_one", "abc"), on_restart=stage.restarted.append) as runtime:
        runtime.ref("sup/b").tell_nowait("crash")
        await settle()

    (restarted,) = stage.restarted
    assert (restarted.path, restarted.restarts, restarted.siblings) == ("sup/b", 1, ("sup/c",))
    assert isinstance(restarted.error, boom)


@pytest.mark.parametrize("observer", ["on_restart", "on_exit"])
async def test_an_observer_that_fails_is_logged_and_hurts_nobody(stage, settle, caplog, observer):
    def fail(_):
        raise LookupError("observer failed")

    spec = SupervisorSpec("sup", children=[stage.child("a", on_exit=fail if observer == "on_exit" else None)])
    async with open_runtime(spec, on_restart=fail if observer == "on_restart" else None) as runtime:
        runtime.ref("sup/a").tell_nowait("crash")
        await settle()
        assert runtime.tree().children[0].state is ChildState.RUNNING

    assert "observer failed" in caplog.text


async def test_a_crash_is_logged_with_its_traceback_and_a_normal_end_is_not(stage, settle, caplog):
    async with open_runtime(stage.group("one_for_one", "ab")) as runtime:
        runtime.ref("sup/a").tell_nowait("crash")
        runtime.ref("sup/b").tell_nowait("finish")
        await settle()

    (record,) = caplog.records
    assert (record.name, record.levelname) == ("actorflow.actors", "WARNING")
    assert record.getMessage().startswith("sup/a crashed")
    assert record.exc_info is not None
