"""The runtime block: how it is entered and left, what comes out of it, and the tree as people see it."""

from __future__ import annotations

import pytest
import trio

from actorflow.actors import (
    Actor,
    Backoff,
    ChildSpec,
    NoSuchActor,
    Runtime,
    SupervisorFailed,
    SupervisorRef,
    SupervisorSpec,
    TreeNode,
    format_tree,
    open_runtime,
)

pytestmark = pytest.mark.trio


async def test_what_the_block_raises_comes_out_bare_after_an_ordered_stop(stage):
    with pytest.raises(LookupError, match="mine"):
        async with open_runtime(stage.group("one_for_one", "ab")):
            raise LookupError("mine")

    assert stage.log[-2:] == ["stop b", "stop a"]


async def test_a_keyboard_interrupt_in_the_block_comes_out_bare_after_an_ordered_stop(stage):
    with pytest.raises(KeyboardInterrupt):
        async with open_runtime(stage.group("one_for_one", "ab")):
            raise KeyboardInterrupt

    assert stage.log[-2:] == ["stop b", "stop a"]


async def test_a_keyboard_interrupt_in_an_actor_is_not_a_crash_and_stops_everything_in_order(stage):
    async def interrupt(ctx):
        raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_runtime(stage.group("one_for_one", "abc")) as runtime:
            runtime.ref("sup/b").tell_nowait(interrupt)
            await trio.sleep_forever()

    assert caught.group_contains(KeyboardInterrupt)
    assert stage.log[3:] == ["stop c", "stop a"]


async def test_a_keyboard_interrupt_in_a_background_task_ends_the_tree(stage):
    async def interrupt():
        raise KeyboardInterrupt

    async def start(ctx):
        ctx.start_soon(interrupt)

    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_runtime(stage.group("one_for_one", "ab")) as runtime:
            runtime.ref("sup/a").tell_nowait(start)
            await trio.sleep_forever()

    assert caught.group_contains(KeyboardInterrupt)
    assert stage.log[-2:] == ["stop b", "stop a"]


async def test_a_keyboard_interrupt_in_an_actor_takes_its_background_tasks_along(stage):
    cancelled = []

    async def background():
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append("background")

    async def start(ctx):
        ctx.start_soon(background)

    async def interrupt(ctx):
        raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_runtime(stage.group("one_for_one", "a")) as runtime:
            await runtime.ref("sup/a").ask(start, timeout_seconds=1)
            await trio.testing.wait_all_tasks_blocked()
            await runtime.ref("sup/a").ask(interrupt, timeout_seconds=60)

    assert caught.group_contains(KeyboardInterrupt)
    assert cancelled == ["background"]


async def test_clean_up_is_not_cut_short_by_a_keyboard_interrupt_elsewhere(stage, autojump_clock):
    cleaned = []

    class Careful(Actor):
        async def on_start(self, ctx):
            ctx.start_soon(self.background)

        async def background(self):
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(1)
                cleaned.append("background")

        async def on_stop(self):
            await trio.sleep(1)
            cleaned.append("on_stop")

    async def interrupt(ctx):
        raise KeyboardInterrupt

    spec = SupervisorSpec("sup", children=[ChildSpec("careful", Careful), stage.child("a")])
    with pytest.raises(BaseExceptionGroup):
        async with open_runtime(spec) as runtime:
            await trio.sleep(1)
            runtime.ref("sup/a").tell_nowait(interrupt)
            await trio.sleep_forever()

    assert cleaned == ["background", "on_stop"]


async def test_a_keyboard_interrupt_deep_in_the_tree_stops_the_outer_levels_too(stage):
    async def interrupt(ctx):
        raise KeyboardInterrupt

    spec = SupervisorSpec("root", children=[stage.child("x"), stage.group("one_for_one", "ab")])
    with pytest.raises(BaseExceptionGroup):
        async with open_runtime(spec) as runtime:
            runtime.ref("root/sup/b").tell_nowait(interrupt)
            await trio.sleep_forever()

    assert stage.log[-2:] == ["stop a", "stop x"]


async def test_the_root_giving_up_wins_over_what_the_block_raises_because_of_it(stage):
    with pytest.raises(SupervisorFailed) as caught:
        async with open_runtime(stage.group("one_for_one", "a", max_restarts=0)) as runtime:
            runtime.ref("sup/a").tell_nowait("crash")
            try:
                await trio.sleep_forever()
            finally:
                raise LookupError("on the way out")

    assert isinstance(caught.value.__context__, LookupError)


async def test_the_block_is_cancelled_when_the_root_gives_up(stage):
    went_on = False
    with pytest.raises(SupervisorFailed):
        async with open_runtime(stage.group("one_for_one", "a", max_restarts=0)) as runtime:
            runtime.ref("sup/a").tell_nowait("crash")
            await trio.sleep_forever()
            went_on = True

    assert not went_on


async def test_after_the_block_everything_is_closed_and_can_still_be_looked_at(stage):
    async with open_runtime(stage.group("one_for_one", "ab")) as runtime:
        ref = runtime.ref("sup/a")
        await runtime.root.start_child(stage.child("dynamic"))

    assert not ref.is_alive
    assert format_tree(runtime.tree()) == (
        "sup (one_for_one, finished)\n├─ a (finished, mailbox 0/64)\n└─ b (finished, mailbox 0/64)"
    )


async def test_messages_left_at_the_end_are_dead_letters(stage, settle):
    letters = []
    async with open_runtime(stage.group("one_for_one", "a"), on_dead_letter=letters.append) as runtime:
        runtime.ref("sup/a").tell_nowait(("sleep", 0))
        runtime.ref("sup/a").tell_nowait("never read")

    assert "never read" in [letter.message for letter in letters]
    assert runtime.dead_letters.count == len(letters)


async def test_two_runtimes_live_side_by_side(stage):
    async with (
        open_runtime(stage.group("one_for_one", "a")) as one,
        open_runtime(stage.group("one_for_one", "a")) as two,
    ):
        assert one.ref("sup/a") is not two.ref("sup/a")
        with pytest.raises(ZeroDivisionError):
            async with open_runtime(SupervisorSpec("inner")):
                raise ZeroDivisionError
        assert await one.ref("sup/a").ask("there", timeout_seconds=1) == "there"


@pytest.mark.parametrize("path", ["", "sup", "other", "sup/x", "sup/a/b", "a", "/sup/a"])
async def test_ref_says_when_there_is_no_such_actor(stage, path):
    async with open_runtime(stage.group("one_for_one", "a")) as runtime:
        with pytest.raises(NoSuchActor):
            runtime.ref(path)


async def test_supervisor_says_when_there_is_no_such_supervisor(stage):
    async with open_runtime(stage.group("one_for_one", "a")) as runtime:
        assert runtime.supervisor("sup").path == "sup"
        for path in ("sup/a", "sup/x"):
            with pytest.raises(NoSuchActor, match=path):
                runtime.supervisor(path)


async def test_handles_have_no_public_constructor():
    for handle in (Runtime, SupervisorRef):
        with pytest.raises(TypeError):
            handle()


async def test_the_tree_is_drawn_with_states_mailboxes_and_restarts(stage, settle, autojump_clock):
    inner = SupervisorSpec(
        "attempts",
        "one_for_all",
        [stage.child("task:api", restart="transient"), stage.child("task:ui", mailbox_capacity=8)],
        backoff=Backoff(initial_seconds=9),
    )
    spec = SupervisorSpec("run", "rest_for_one", [stage.child("journal"), inner, stage.child("last")])
    async with open_runtime(spec) as runtime:
        runtime.ref("run/attempts/task:api").tell_nowait("finish")
        runtime.ref("run/last").tell_nowait("crash")
        await settle()
        runtime.ref("run/attempts/task:ui").tell_nowait("crash")
        runtime.ref("run/attempts/task:ui").tell_nowait("waits")
        await settle()

        assert format_tree(runtime.tree()).splitlines() == [
            "run (rest_for_one, running)",
            "├─ journal (running, mailbox 0/64)",
            "├─ attempts (one_for_all, running)",
            "│  ├─ task:api (finished, mailbox 0/64)",
            "│  └─ task:ui (crashed, mailbox 1/8)",
            "└─ last (running, mailbox 0/64, restarts 1)",
        ]


async def test_the_tree_is_a_value(stage):
    async with open_runtime(stage.group("one_for_one", "a")) as runtime:
        before = runtime.tree()
        await runtime.root.start_child(stage.child("b"))

        assert [node.name for node in before.children] == ["a"]
        assert runtime.root.which() == runtime.tree().children
        assert isinstance(hash(before), int)
        assert before == TreeNode(
            name="sup",
            path="sup",
            kind="supervisor",
            state=before.state,
            restart="permanent",
            restarts=0,
            strategy="one_for_one",
            children=before.children,
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChildSpec("", Actor),
        lambda: ChildSpec("a/b", Actor),
        lambda: ChildSpec("a", Actor, restart="always"),
        lambda: ChildSpec("a", Actor, mailbox_capacity=0),
        lambda: ChildSpec("a", Actor, shutdown_seconds=-1),
        lambda: SupervisorSpec("a", "one_for_some"),
        lambda: SupervisorSpec("a", max_restarts=-1),
        lambda: SupervisorSpec("a", within_seconds=0),
        lambda: SupervisorSpec("a", children=[ChildSpec("x", Actor), ChildSpec("x", Actor)]),
        lambda: SupervisorSpec("a", restart="often"),
        lambda: Backoff(initial_seconds=-1),
        lambda: Backoff(max_seconds=float("inf")),
        lambda: Backoff(factor=0.5),
        lambda: Backoff(jitter=2),
    ],
)
async def test_a_wrong_spec_is_refused_when_it_is_made(make):
    with pytest.raises(ValueError):
        make()


async def test_a_spec_does_not_change_with_the_list_it_was_made_from(stage):
    children = [stage.child("a")]
    spec = SupervisorSpec("sup", children=children)
    children.clear()

    assert [child.name for child in spec.children] == ["a"]


async def test_a_cancellation_in_the_tick_in_which_the_tree_comes_up_is_only_a_cancellation() -> None:
    for _ in range(40):  # the order of tasks in a tick is chance
        with trio.CancelScope() as scope:

            class CancelsAtTheStart(Actor):
                async def on_start(self, ctx) -> None:
                    scope.cancel()

            async with open_runtime(
                SupervisorSpec("run", "one_for_one", (ChildSpec("a", CancelsAtTheStart),))
            ):
                await trio.sleep_forever()
        assert scope.cancelled_caught
