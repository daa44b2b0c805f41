"""The conformance table: each strategy with each restart type, for each way a child ends."""

from __future__ import annotations

import pytest
import trio

from actorflow.actors import Actor, Backoff, ChildSpec, ChildState, SupervisorSpec, open_runtime

pytestmark = pytest.mark.trio

RESTARTS = {
    ("permanent", "crash"): True,
    ("permanent", "finish"): True,
    ("transient", "crash"): True,
    ("transient", "finish"): False,
    ("temporary", "crash"): False,
    ("temporary", "finish"): False,
}

AFFECTED = {
    "one_for_one": ["stop b", "start b"],
    "one_for_all": ["stop b", "stop c", "stop a", "start a", "start b", "start c"],
    "rest_for_one": ["stop b", "stop c", "start b", "start c"],
}


@pytest.mark.parametrize("strategy", AFFECTED)
@pytest.mark.parametrize(("restart", "ending"), RESTARTS)
async def test_who_is_stopped_and_started_when_a_child_ends(stage, settle, strategy, restart, ending):
    async with open_runtime(stage.group(strategy, "abc", restart=restart)) as runtime:
        stage.clear()
        runtime.ref("sup/b").tell_nowait(ending)
        await settle()

        assert stage.log == (AFFECTED[strategy] if RESTARTS[restart, ending] else ["stop b"])


@pytest.mark.parametrize("strategy", AFFECTED)
@pytest.mark.parametrize(("restart", "ending"), RESTARTS)
async def test_what_is_left_in_the_tree_when_a_child_ends(stage, settle, strategy, restart, ending):
    async with open_runtime(stage.group(strategy, "abc", restart=restart)) as runtime:
        runtime.ref("sup/b").tell_nowait(ending)
        await settle()

        states = {node.name: node.state for node in runtime.tree().children}
        if restart == "temporary":
            assert list(states) == ["a", "c"]
        else:
            ended = ChildState.RUNNING if RESTARTS[restart, ending] else ChildState.FINISHED
            assert states == {"a": ChildState.RUNNING, "b": ended, "c": ChildState.RUNNING}


@pytest.mark.parametrize("strategy", AFFECTED)
async def test_on_exit_says_how_each_ended_and_whether_it_comes_back(stage, settle, strategy, boom):
    async with open_runtime(stage.group(strategy, "abc")) as runtime:
        runtime.ref("sup/b").tell_nowait("crash")
        await settle()

        first, *others = stage.exits
        assert (first.path, first.reason, type(first.error), first.will_restart) == (
            "sup/b",
            "crashed",
            boom,
            True,
        )
        stopped = [line[-1] for line in AFFECTED[strategy][1:] if line.startswith("stop")]
        assert [(e.path, e.reason, e.error, e.will_restart) for e in others] == [
            (f"sup/{name}", "stopped", None, True) for name in stopped
        ]


async def test_a_temporary_sibling_that_a_group_stops_does_not_come_back(stage, settle):
    spec = SupervisorSpec(
        "sup", "one_for_all", [stage.child("a"), stage.child("t", restart="temporary"), stage.child("b")]
    )
    async with open_runtime(spec) as runtime:
        temporary = runtime.ref("sup/t")
        stage.clear()
        runtime.ref("sup/a").tell_nowait("crash")
        await settle()

        assert stage.log == ["stop a", "stop b", "stop t", "start a", "start b"]
        assert not temporary.is_alive


async def test_a_finished_transient_sibling_stays_finished_when_the_group_is_restarted(stage, settle):
    spec = SupervisorSpec("sup", "one_for_all", [stage.child("once", restart="transient"), stage.child("b")])
    async with open_runtime(spec) as runtime:
        runtime.ref("sup/once").tell_nowait("finish")
        await settle()
        stage.clear()
        runtime.ref("sup/b").tell_nowait("crash")
        await settle()

        assert stage.log == ["stop b", "start b"]


async def test_a_transient_sibling_that_is_just_finishing_does_not_come_back(stage, autojump_clock):
    class Slow(Actor):
        async def on_stop(self):
            await trio.sleep(2)

        async def run(self, ctx):
            await ctx.inbox.get()

    exits = []
    slow = ChildSpec("slow", Slow, restart="transient", on_exit=exits.append)
    async with open_runtime(SupervisorSpec("sup", "one_for_all", [stage.child("a"), slow])) as runtime:
        runtime.ref("sup/slow").tell_nowait("finish")
        await trio.sleep(1)
        runtime.ref("sup/a").tell_nowait("crash")
        await trio.sleep(5)

        assert stage.log == ["start a", "stop a", "start a"]
        assert [(e.reason, e.will_restart) for e in exits] == [("finished", False)]
        assert runtime.tree().children[1].state is ChildState.FINISHED


async def test_a_child_that_is_being_removed_does_not_come_back_with_its_group(
    stage, autojump_clock, nursery
):
    async with open_runtime(stage.group("one_for_all", "ab")) as runtime:
        runtime.ref("sup/b").tell_nowait(("sleep", 3))
        await trio.sleep(1)
        nursery.start_soon(runtime.root.stop_child, "b")
        await trio.sleep(1)
        runtime.ref("sup/a").tell_nowait("crash")
        stage.clear()
        await trio.sleep(5)

        assert stage.log == ["stop a", "stop b", "start a"]
        assert [node.name for node in runtime.tree().children] == ["a"]


async def test_a_finished_child_starts_anew_with_its_supervisor(stage, settle):
    inner = SupervisorSpec(
        "inner", children=[stage.child("once", restart="transient"), stage.child("b")], max_restarts=0
    )
    async with open_runtime(SupervisorSpec("sup", children=[inner])) as runtime:
        first = runtime.ref("sup/inner/once")
        first.tell_nowait("finish")
        await settle()
        stage.clear()
        runtime.ref("sup/inner/b").tell_nowait("crash")
        await settle()

        assert stage.log == ["stop b", "start once", "start b"]
        assert not first.is_alive
        assert runtime.ref("sup/inner/once").is_alive


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_dynamic_children_belong_to_the_group(stage, settle, strategy):
    async with open_runtime(stage.group(strategy, "ab")) as runtime:
        ref = await runtime.root.start_child(stage.child("d"))
        stage.clear()
        runtime.ref("sup/a").tell_nowait("crash")
        await settle()

        assert stage.log == ["stop a", "stop d", "stop b", "start a", "start b", "start d"]
        assert ref.is_alive


async def test_a_sibling_that_crashes_while_the_group_is_stopped_is_not_counted_again(stage, settle):
    async def crash_at_the_end(ctx):
        while not ctx.is_stopping:
            await trio.lowlevel.checkpoint()
        raise ValueError("too")

    async with open_runtime(stage.group("one_for_all", "ab", max_restarts=1)) as runtime:
        runtime.ref("sup/b").tell_nowait(crash_at_the_end)
        runtime.ref("sup/a").tell_nowait("crash")
        await settle()

        assert [(n.name, n.state, n.restarts) for n in runtime.tree().children] == [
            ("a", ChildState.RUNNING, 1),
            ("b", ChildState.RUNNING, 1),
        ]
        stopped = [e for e in stage.exits if e.path == "sup/b"]
        assert [(e.reason, type(e.error)) for e in stopped] == [("stopped", ValueError)]


async def test_a_start_is_cut_short_when_an_earlier_sibling_crashes(stage, settle):
    async with open_runtime(stage.group("rest_for_one", "abc")) as runtime:
        stage.start_gates["b"] = trio.Event()
        runtime.ref("sup/b").tell_nowait("crash")
        await settle()
        stage.clear()

        del stage.start_gates["b"]  # the start that waits at it would never come to an end
        runtime.ref("sup/a").tell_nowait("crash")
        await settle()

        assert stage.log == ["stop a", "start a", "start b", "start c"]


async def test_an_earlier_sibling_that_crashes_during_the_back_off_is_restarted_first(stage, autojump_clock):
    spec = stage.group("rest_for_one", "abc", backoff=Backoff(initial_seconds=5))
    async with open_runtime(spec) as runtime:
        a = runtime.ref("sup/a")
        runtime.ref("sup/c").tell_nowait("crash")
        await trio.sleep(1)
        stage.clear()
        a.tell_nowait("crash")
        await trio.sleep(20)

        assert stage.log == ["stop a", "stop b", "start a", "start b", "start c"]


async def test_two_children_of_one_for_one_recover_independently(stage, autojump_clock):
    async with open_runtime(stage.group("one_for_one", "ab", backoff=Backoff(initial_seconds=5))) as runtime:
        runtime.ref("sup/a").tell_nowait("crash")
        await trio.sleep(2)
        runtime.ref("sup/b").tell_nowait("crash")
        stage.clear()
        await trio.sleep(20)

        assert stage.moments == [(2, "stop b"), (5, "start a"), (7, "start b")]
