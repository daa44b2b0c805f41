"""Children that are started and stopped while the tree runs, and background tasks."""

from __future__ import annotations

import gc
import weakref

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.actors import (
    Actor,
    ChildSpec,
    NameTaken,
    NoSuchActor,
    StartFailed,
    SupervisorFailed,
    SupervisorSpec,
    SupervisorStopped,
    open_runtime,
    service,
)

pytestmark = pytest.mark.trio

EMPTY = SupervisorSpec("sup")


async def test_start_child_returns_when_the_child_is_up(stage):
    async with open_runtime(EMPTY) as runtime:
        ref = await runtime.root.start_child(stage.child("a"))

        assert stage.log == ["start a"]
        assert runtime.ref("sup/a") is ref
        assert runtime.root.child("a") is ref
        assert runtime.root.children() == (ref,)


async def test_start_child_reports_a_failed_start_and_keeps_nothing(stage, boom):
    stage.failing_starts["a"] = 1
    async with open_runtime(SupervisorSpec("sup", max_restarts=0)) as runtime:
        with pytest.raises(StartFailed, match="sup/a") as caught:
            await runtime.root.start_child(stage.child("a"))

        assert isinstance(caught.value.__cause__, boom)
        assert runtime.tree().children == ()
        assert await runtime.root.start_child(stage.child("a"))


async def test_start_child_counts_later_failures_like_any_other(stage, settle):
    async with open_runtime(EMPTY) as runtime:
        ref = await runtime.root.start_child(stage.child("a"))
        ref.tell_nowait("crash")
        await settle()

        assert stage.log == ["start a", "stop a", "start a"]


async def test_start_child_nowait_takes_messages_before_the_child_is_up(stage):
    async with open_runtime(EMPTY) as runtime:
        ref = runtime.root.start_child_nowait(stage.child("a"))
        assert stage.log == []

        assert await ref.ask("early", timeout_seconds=1) == "early"


async def test_start_child_nowait_treats_a_failed_start_as_a_crash(stage, settle):
    stage.failing_starts["a"] = 1
    async with open_runtime(EMPTY) as runtime:
        runtime.root.start_child_nowait(stage.child("a"))
        await settle()

        assert stage.log == ["fail a", "start a"]


async def test_a_caller_who_gives_up_leaves_no_child_behind(stage, autojump_clock):
    stage.start_gates["a"] = trio.Event()
    async with open_runtime(EMPTY) as runtime:
        with trio.move_on_after(1):
            await runtime.root.start_child(stage.child("a"))
        await wait_all_tasks_blocked()

        assert runtime.tree().children == ()
        assert runtime.root.statistics().running == 0


async def test_a_name_is_taken_once(stage):
    async with open_runtime(EMPTY) as runtime:
        await runtime.root.start_child(stage.child("a"))

        with pytest.raises(NameTaken, match="sup/a"):
            await runtime.root.start_child(stage.child("a"))
        with pytest.raises(NameTaken):
            runtime.root.start_child_nowait(stage.child("a"))


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_dynamic_child_that_finishes_leaves_the_tree_and_its_name_is_free(stage, settle, restart):
    async with open_runtime(EMPTY) as runtime:
        first = await runtime.root.start_child(stage.child("a", restart=restart))
        first.tell_nowait("finish")
        await settle()
        assert runtime.tree().children == ()

        second = await runtime.root.start_child(stage.child("a", restart=restart))
        assert second is not first
        assert not first.is_alive


async def test_stop_child_stops_in_an_orderly_way_and_forgets(stage):
    async with open_runtime(stage.group("one_for_one", "ab")) as runtime:
        ref = runtime.ref("sup/a")
        stage.clear()
        await runtime.root.stop_child("a")

        assert stage.log == ["stop a"]
        assert not ref.is_alive
        with pytest.raises(NoSuchActor):
            await runtime.root.stop_child("a")


async def test_stop_child_goes_on_when_its_caller_gives_up(stage, autojump_clock):
    async with open_runtime(stage.group("one_for_one", "a")) as runtime:
        runtime.ref("sup/a").tell_nowait(("sleep", 3))
        await wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await runtime.root.stop_child("a")
        assert runtime.root.statistics().running == 1
        await trio.sleep(3)

        assert runtime.tree().children == ()


async def test_stop_child_cancels_at_the_deadline(stage, autojump_clock):
    async with open_runtime(EMPTY) as runtime:
        ref = await runtime.root.start_child(stage.child("a", shutdown_seconds=2))
        ref.tell_nowait(("sleep", 100))
        await wait_all_tasks_blocked()
        await runtime.root.stop_child("a")

        assert trio.current_time() == 2
        assert stage.log == ["start a", "stop a"]


async def test_wait_child_returns_how_the_child_ended(stage, boom, nursery, settle):
    exits = []

    async def wait(supervisor):
        exits.append(await supervisor.wait_child("a"))

    async with open_runtime(EMPTY) as runtime:
        ref = await runtime.root.start_child(stage.child("a", restart="transient"))
        nursery.start_soon(wait, runtime.root)
        await settle()
        ref.tell_nowait("crash")
        await settle()
        assert exits == []

        ref.tell_nowait("finish")
        await settle()
        assert [(e.path, e.reason) for e in exits] == [("sup/a", "finished")]
        with pytest.raises(NoSuchActor):
            await runtime.root.wait_child("a")


async def test_dynamic_children_of_one_for_one_stop_together(stage, autojump_clock):
    async with open_runtime(stage.group("one_for_one", "s")) as runtime:
        for name in "abc":
            ref = await runtime.root.start_child(stage.child(name, shutdown_seconds=9))
            ref.tell_nowait(("sleep", 4))
        await wait_all_tasks_blocked()
        stage.clear()

    assert trio.current_time() == 4
    assert sorted(stage.log[:3]) == ["stop a", "stop b", "stop c"]
    assert stage.log[3:] == ["stop s"]


async def test_children_that_stop_together_are_each_cancelled_at_their_own_deadline(stage, autojump_clock):
    async with open_runtime(EMPTY) as runtime:
        for name, seconds in (("a", 1), ("b", 5), ("c", 3)):
            ref = await runtime.root.start_child(stage.child(name, shutdown_seconds=seconds))
            ref.tell_nowait(("sleep", 100))
        await wait_all_tasks_blocked()
        stage.clear()

    assert stage.moments == [(1, "stop a"), (3, "stop c"), (5, "stop b")]


async def test_a_supervisor_can_be_started_as_a_child(stage):
    async with open_runtime(EMPTY) as runtime:
        inner = await runtime.root.start_child(SupervisorSpec("inner", children=[stage.child("a")]))
        assert stage.log == ["start a"]
        assert inner.path == "sup/inner"
        assert inner.name == "inner"
        assert (await inner.start_child(stage.child("b"))).path == "sup/inner/b"
        assert repr(inner) == "<SupervisorRef sup/inner>"

        await runtime.root.stop_child("inner")
        assert stage.log[-2:] == ["stop b", "stop a"]
        with pytest.raises(SupervisorStopped):
            inner.start_child_nowait(stage.child("c"))


async def test_a_dynamic_supervisor_that_cannot_start_is_reported(stage):
    stage.failing_starts["a"] = 99
    async with open_runtime(EMPTY) as runtime:
        with pytest.raises(StartFailed) as caught:
            await runtime.root.start_child(SupervisorSpec("inner", children=[stage.child("a")]))

        assert isinstance(caught.value.__cause__, SupervisorFailed)
        assert runtime.tree().children == ()


async def test_nothing_starts_after_the_block(stage):
    async with open_runtime(EMPTY) as runtime:
        supervisor = runtime.root

    with pytest.raises(SupervisorStopped, match="sup"):
        await supervisor.start_child(stage.child("a"))


async def test_a_child_added_during_a_group_recovery_starts_in_its_turn(stage, settle):
    async with open_runtime(stage.group("rest_for_one", "ab")) as runtime:
        gate = stage.start_gates["a"] = trio.Event()
        runtime.ref("sup/a").tell_nowait("crash")
        await settle()
        runtime.root.start_child_nowait(stage.child("new"))
        await settle()
        stage.clear()
        gate.set()
        await settle()

        assert stage.log == ["start a", "start b", "start new"]


async def test_an_actor_starts_children_through_the_directory(stage):
    async def hire(ctx):
        supervisor = ctx.directory.supervisor("sup")
        await supervisor.start_child(stage.child("worker"))
        return ctx.directory.ref("sup/worker").path

    async with open_runtime(stage.group("one_for_one", ["boss"])) as runtime:
        assert await runtime.ref("sup/boss").ask(hire, timeout_seconds=1) == "sup/worker"


async def test_statistics_count_the_children(stage, settle):
    spec = SupervisorSpec(
        "sup", children=[stage.child("once", restart="transient"), stage.group("one_for_one", "a")]
    )
    spec = SupervisorSpec("top", children=spec.children)
    async with open_runtime(spec) as runtime:
        runtime.ref("top/once").tell_nowait("finish")
        await settle()

        statistics = runtime.root.statistics()
        assert (statistics.children, statistics.running, statistics.supervisors) == (2, 1, 1)


# --- background tasks and services -----------------------------------------------------------------------------------


class Host(Actor):
    """Starts what it is told as a background task."""

    log: list[str]

    def __init__(self, log):
        self.log = log

    async def on_start(self, ctx):
        self.ctx = ctx

    async def receive(self, message):
        self.ctx.start_soon(*message)

    async def on_stop(self):
        self.log.append("on_stop")


@pytest.fixture
def log():
    return []


@pytest.fixture
def host(log):
    return SupervisorSpec("sup", children=[ChildSpec("host", lambda: Host(log))])


async def test_background_tasks_run_beside_the_messages_and_end_before_on_stop(host, log, settle):
    async def background(number):
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"cancelled {number}")

    async with open_runtime(host) as runtime:
        ref = runtime.ref("sup/host")
        await ref.ask((background, 1), timeout_seconds=1)
        await ref.ask((background, 2), timeout_seconds=1)
        await settle()
        await ref.ask((background, 3), timeout_seconds=1)
        await settle()

    assert sorted(log[:3]) == ["cancelled 1", "cancelled 2", "cancelled 3"]
    assert log[3:] == ["on_stop"]


async def test_a_background_task_that_fails_crashes_the_actor_with_its_exception(host, log, settle):
    async def fail():
        raise OSError("background")

    restarted = []
    async with open_runtime(host, on_restart=restarted.append) as runtime:
        await runtime.ref("sup/host").ask((fail,), timeout_seconds=1)
        await settle()

        assert [type(r.error) for r in restarted] == [OSError]
        assert log == ["on_stop"]


async def test_a_background_task_that_fails_interrupts_the_message_in_hand(settle):
    class Busy(Actor):
        async def run(self, ctx):
            ctx.start_soon(self.fail)
            await trio.sleep_forever()

        async def fail(self):
            raise OSError("background")

    exits = []
    spec = ChildSpec("busy", Busy, restart="temporary", on_exit=exits.append)
    async with open_runtime(SupervisorSpec("sup", children=[spec])):
        await settle()

    assert [(e.reason, type(e.error)) for e in exits] == [("crashed", OSError)]


async def test_an_incarnation_that_has_ended_starts_no_background_tasks(host, settle):
    contexts = []

    class Leaky(Actor):
        async def on_start(self, ctx):
            contexts.append(ctx)

        async def receive(self, message):
            raise ValueError

    async with open_runtime(SupervisorSpec("sup", children=[ChildSpec("leaky", Leaky)])) as runtime:
        runtime.ref("sup/leaky").tell_nowait("crash")
        await settle()

        with pytest.raises(RuntimeError, match="sup/leaky has ended"):
            contexts[0].start_soon(trio.sleep, 1)


async def test_background_tasks_that_will_not_end_are_left_behind_and_reported(autojump_clock):
    async def stubborn():
        with trio.CancelScope(shield=True):
            await trio.sleep(10)

    class Parent(Actor):
        async def on_start(self, ctx):
            ctx.start_soon(stubborn)

    exits = []
    spec = ChildSpec("p", Parent, shutdown_seconds=2, on_exit=exits.append)
    async with open_runtime(SupervisorSpec("sup", children=[spec])):
        await wait_all_tasks_blocked()

    assert isinstance(exits[0].error, trio.TooSlowError)


async def test_a_service_is_cancelled_at_once_by_a_stop(autojump_clock):
    log = []

    async def loop(ctx, name):
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"{name} {trio.current_time():g}")

    async with open_runtime(SupervisorSpec("sup", children=[ChildSpec("s", service(loop, "loop"))])):
        await wait_all_tasks_blocked()

    assert log == ["loop 0"]


async def test_a_service_that_returns_has_finished(settle):
    async def once(ctx):
        pass

    spec = ChildSpec("once", service(once), restart="transient")
    async with open_runtime(SupervisorSpec("sup", children=[spec])) as runtime:
        await settle()
        assert runtime.tree().children[0].state == "finished"


async def test_an_actor_that_has_ended_leaves_nothing_for_the_garbage_collector(host, log, settle):
    actors = []

    class Short(Actor):
        async def on_start(self, ctx):
            self.ctx = ctx
            actors.append(weakref.ref(self))
            ctx.start_soon(trio.sleep_forever)

        async def receive(self, message):
            self.ctx.stop_self()

    gc.disable()
    try:
        async with open_runtime(SupervisorSpec("sup")) as runtime:
            (await runtime.root.start_child(ChildSpec("short", Short, restart="temporary"))).tell_nowait(
                "end"
            )
            await settle()

            assert [actor() for actor in actors] == [None]
    finally:
        gc.enable()
