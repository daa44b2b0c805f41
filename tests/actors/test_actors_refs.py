"""Refs: telling and asking actors, through their restarts and after their end."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.actors import (
    Actor,
    AskFailed,
    Backoff,
    ChildSpec,
    Ref,
    SupervisorSpec,
    open_runtime,
    service,
)
from actorflow.errors import MailboxClosed, MailboxFull

pytestmark = pytest.mark.trio


def alone(spec, **options):
    return SupervisorSpec("app", children=[spec], **options)


async def test_ask_returns_what_receive_returns(stage):
    async with open_runtime(alone(stage.child("a"))) as runtime:
        assert await runtime.ref("app/a").ask("hello", timeout_seconds=1) == "hello"


async def test_messages_are_handled_in_order_one_at_a_time(stage):
    log = []

    def work(n):
        async def job(ctx):
            log.append(f"begin {n}")
            await trio.lowlevel.checkpoint()
            log.append(f"end {n}")

        return job

    async with open_runtime(alone(stage.child("a"))) as runtime:
        ref = runtime.ref("app/a")
        await ref.tell(work(1))
        ref.tell_nowait(work(2))
        await ref.ask(work(3), timeout_seconds=1)

    assert log == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]


async def test_ask_gives_up_at_its_deadline_and_the_message_is_handled_all_the_same(stage, autojump_clock):
    handled = []

    async def slow(ctx):
        await trio.sleep(10)
        handled.append(trio.current_time())
        return "too late"

    async with open_runtime(alone(stage.child("a", shutdown_seconds=60))) as runtime:
        with pytest.raises(trio.TooSlowError):
            await runtime.ref("app/a").ask(slow, timeout_seconds=4)
        assert trio.current_time() == 4

    assert handled == [10]


async def test_the_deadline_of_ask_covers_waiting_for_room(stage, autojump_clock):
    async def slow(ctx):
        await trio.sleep(10)

    async with open_runtime(alone(stage.child("a", mailbox_capacity=1))) as runtime:
        ref = runtime.ref("app/a")
        ref.tell_nowait(slow)
        await wait_all_tasks_blocked()
        ref.tell_nowait("fills it")

        with pytest.raises(trio.TooSlowError):
            await ref.ask("no room", timeout_seconds=2)

        assert ref.statistics().depth == 1
        with pytest.raises(MailboxFull):
            ref.tell_nowait("no room")


async def test_a_crash_fails_the_question_with_its_cause(stage, boom):
    async with open_runtime(alone(stage.child("a"))) as runtime:
        with pytest.raises(AskFailed, match="app/a") as caught:
            await runtime.ref("app/a").ask("crash", timeout_seconds=1)

        assert isinstance(caught.value.__cause__, boom)


async def test_the_mailbox_survives_a_restart_and_only_the_message_in_hand_is_lost(stage, settle):
    handled = []

    async def note(ctx):
        handled.append(ctx.restarts)

    async with open_runtime(alone(stage.child("a"))) as runtime:
        ref = runtime.ref("app/a")
        ref.tell_nowait(note)
        ref.tell_nowait("crash")
        ref.tell_nowait(note)
        await settle()

        assert handled == [0, 1]
        assert runtime.dead_letters.count == 0
        assert ref.is_alive
        assert runtime.ref("app/a") is ref


async def test_messages_wait_in_the_mailbox_during_the_back_off(stage, autojump_clock):
    spec = alone(stage.child("a"), backoff=Backoff(initial_seconds=5))
    async with open_runtime(spec) as runtime:
        ref = runtime.ref("app/a")
        ref.tell_nowait("crash")
        await wait_all_tasks_blocked()

        assert await ref.ask("still there", timeout_seconds=10) == "still there"
        assert trio.current_time() == 5


async def test_an_actor_that_stopped_for_good_takes_nothing_and_its_mail_is_dead(stage, settle):
    letters = []
    async with open_runtime(
        alone(stage.child("a", restart="transient")), on_dead_letter=letters.append
    ) as runtime:
        ref = runtime.ref("app/a")
        ref.tell_nowait("finish")
        ref.tell_nowait("left")
        await settle()

        assert not ref.is_alive
        with pytest.raises(MailboxClosed):
            await ref.tell("late")
        with pytest.raises(MailboxClosed):
            ref.tell_nowait("later")
        with pytest.raises(MailboxClosed):
            await ref.ask("latest", timeout_seconds=1)
        assert [(d.path, d.message) for d in letters] == [
            ("app/a", "left"),
            ("app/a", "late"),
            ("app/a", "later"),
            ("app/a", "latest"),
        ]
        assert runtime.dead_letters.count == 4


async def test_a_waiting_question_fails_when_the_actor_stops(stage, nursery, settle):
    failures = []

    async def ask(ref):
        with pytest.raises(MailboxClosed):
            await ref.ask("in the mailbox", timeout_seconds=100)
        failures.append("asked")

    async def wait_then_finish(ctx):
        await release.wait()
        ctx.stop_self()

    release = trio.Event()
    async with open_runtime(alone(stage.child("a", restart="temporary"))) as runtime:
        ref = runtime.ref("app/a")
        ref.tell_nowait(wait_then_finish)
        await settle()
        nursery.start_soon(ask, ref)
        await settle()
        release.set()
        await settle()

        assert failures == ["asked"]


class Secretary(Actor):
    """Takes several messages in a turn and answers them later, all at once."""

    async def run(self, ctx):
        held = []
        while True:
            first = await ctx.inbox.get()
            for envelope in [first, *ctx.inbox.drain_nowait()]:
                match envelope.message:
                    case "hold":
                        held.append(envelope)
                    case "answer":
                        for number, question in enumerate(held):
                            question.reply(number)
                        envelope.reply(len(held))
                        held.clear()
                    case "refuse":
                        held.pop().fail(PermissionError("no"))
                    case "crash":
                        raise RuntimeError("secretary")
                    case "leave":
                        return


@pytest.fixture
def secretary():
    return alone(ChildSpec("s", Secretary, restart="transient"))


async def ask_into(results, ref, message):
    try:
        results.append(await ref.ask(message, timeout_seconds=60))
    except (AskFailed, MailboxClosed) as error:
        results.append(error)


async def test_a_question_may_be_answered_in_a_later_turn(secretary, nursery, settle):
    results = []
    async with open_runtime(secretary) as runtime:
        ref = runtime.ref("app/s")
        for _ in range(2):
            nursery.start_soon(ask_into, results, ref, "hold")
        await settle()
        assert results == []

        assert await ref.ask("answer", timeout_seconds=1) == 2
        await settle()
        assert sorted(results) == [0, 1]


async def test_a_held_question_can_be_refused_without_a_crash(secretary, nursery, settle):
    results = []
    async with open_runtime(secretary) as runtime:
        ref = runtime.ref("app/s")
        nursery.start_soon(ask_into, results, ref, "hold")
        await settle()
        await ref.tell("refuse")
        await settle()

        assert isinstance(results[0], AskFailed)
        assert isinstance(results[0].__cause__, PermissionError)
        assert runtime.tree().children[0].restarts == 0


@pytest.mark.parametrize(("last", "error"), [("crash", AskFailed), ("leave", MailboxClosed)])
async def test_a_held_question_fails_when_the_incarnation_ends(secretary, nursery, settle, last, error):
    results = []
    async with open_runtime(secretary) as runtime:
        ref = runtime.ref("app/s")
        nursery.start_soon(ask_into, results, ref, "hold")
        await settle()
        await ref.tell(last)
        await settle()

        assert [type(result) for result in results] == [error]


async def test_leaving_run_by_the_end_of_the_inbox_is_an_orderly_stop(secretary):
    exits = []
    spec = alone(ChildSpec("s", Secretary, on_exit=exits.append))
    async with open_runtime(spec):
        pass

    assert [(e.reason, e.error) for e in exits] == [("stopped", None)]


async def test_the_end_of_the_inbox_is_orderly_even_in_a_nursery_of_the_actor():
    class Nested(Actor):
        async def run(self, ctx):
            async with trio.open_nursery() as inner:
                inner.start_soon(ctx.inbox.get)

    exits = []
    async with open_runtime(alone(ChildSpec("n", Nested, on_exit=exits.append))):
        pass

    assert [(e.reason, e.error) for e in exits] == [("stopped", None)]


async def test_wants_reply_is_false_once_the_asker_has_gone(autojump_clock):
    seen = []

    class Late(Actor):
        async def run(self, ctx):
            async for envelope in ctx.inbox:
                seen.append(envelope.wants_reply)
                await trio.sleep(5)
                seen.append(envelope.wants_reply)
                envelope.reply("nobody reads this")

    async with open_runtime(alone(ChildSpec("late", Late))) as runtime:
        with pytest.raises(trio.TooSlowError):
            await runtime.ref("app/late").ask("?", timeout_seconds=1)
        await trio.sleep(10)

        assert seen == [True, False]
        assert runtime.tree().children[0].restarts == 0


async def test_an_actor_without_receive_crashes_on_a_message_with_a_clear_error():
    class Deaf(Actor):
        pass

    async with open_runtime(alone(ChildSpec("deaf", Deaf))) as runtime:
        with pytest.raises(AskFailed) as caught:
            await runtime.ref("app/deaf").ask("hello", timeout_seconds=1)

        assert "Deaf takes no messages" in str(caught.value.__cause__)


async def test_a_ref_cannot_be_made_or_subclassed_by_others(stage):
    with pytest.raises(TypeError):
        Ref()
    with pytest.raises(TypeError):
        type("Mine", (Ref,), {})


async def test_a_ref_shows_where_its_actor_is(stage, settle):
    async with open_runtime(alone(stage.child("a", restart="temporary"))) as runtime:
        ref = runtime.ref("app/a")
        assert (ref.name, ref.path, repr(ref)) == ("a", "app/a", "<Ref app/a>")

        ref.tell_nowait("finish")
        await settle()
        assert repr(ref) == "<Ref app/a (stopped)>"


async def test_the_context_tells_an_actor_its_place(stage):
    async def look(ctx):
        return ctx.name, ctx.path, ctx.restarts, ctx.self_ref, ctx.is_stopping

    async with open_runtime(alone(stage.child("a"))) as runtime:
        ref = runtime.ref("app/a")
        assert await ref.ask(look, timeout_seconds=1) == ("a", "app/a", 0, ref, False)
        with pytest.raises(AskFailed):
            await ref.ask("crash", timeout_seconds=1)
        assert (await ref.ask(look, timeout_seconds=1))[2] == 1


async def test_a_service_gets_its_arguments_and_reads_its_inbox():
    got = []

    async def echo(ctx, greeting):
        async for envelope in ctx.inbox:
            got.append(envelope.message)
            envelope.reply(f"{greeting} {envelope.message}")

    async with open_runtime(alone(ChildSpec("echo", service(echo, "hello")))) as runtime:
        assert await runtime.ref("app/echo").ask("you", timeout_seconds=1) == "hello you"


async def test_an_actor_that_stops_itself_in_on_start_does_not_run(settle):
    ran = []

    class Shy(Actor):
        async def on_start(self, ctx):
            ctx.stop_self()

        async def run(self, ctx):
            ran.append(ctx.name)

    exits = []
    async with open_runtime(alone(ChildSpec("shy", Shy, restart="transient", on_exit=exits.append))):
        await settle()

    assert ran == []
    assert [e.reason for e in exits] == ["finished"]
