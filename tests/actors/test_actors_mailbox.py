"""Mailboxes: bound, order, back-pressure, the end."""

from __future__ import annotations

from collections import deque

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from actorflow.actors.dead_letters import DeadLetters
from actorflow.actors.envelope import Envelope, Question
from actorflow.actors.mailbox import Inbox, Mailbox
from actorflow.errors import MailboxClosed, MailboxFull

pytestmark = pytest.mark.trio


@pytest.fixture
def dead_letters():
    return DeadLetters()


@pytest.fixture
def mailbox(dead_letters):
    return Mailbox("app/a", 2, dead_letters)


def fill(mailbox, *messages):
    for message in messages:
        mailbox.put_nowait(Envelope(message))


async def test_a_full_mailbox_refuses_and_keeps_what_it_has(mailbox):
    fill(mailbox, 1, 2)

    with pytest.raises(MailboxFull, match="app/a"):
        mailbox.put_nowait(Envelope(3))

    assert [e.message for e in Inbox(mailbox).drain_nowait()] == [1, 2]


async def test_a_reserved_message_exceeds_the_bound_and_makes_nobody_else_fit(mailbox):
    fill(mailbox, 1, 2)
    mailbox.put_nowait(Envelope("outcome"), reserved=True)

    with pytest.raises(MailboxFull):
        mailbox.put_nowait(Envelope(3))
    mailbox.take()

    with pytest.raises(MailboxFull):
        mailbox.put_nowait(Envelope(3))
    assert mailbox.statistics().depth == 2


async def test_senders_wait_for_room_and_come_in_their_order(mailbox, nursery):
    fill(mailbox, 1, 2)
    for message in (3, 4, 5):
        nursery.start_soon(mailbox.put, Envelope(message))
        await wait_all_tasks_blocked()
    assert mailbox.statistics().tasks_waiting_send == 3

    taken = [mailbox.take().message for _ in range(5)]

    assert taken == [1, 2, 3, 4, 5]
    assert mailbox.statistics().tasks_waiting_send == 0


async def test_nobody_overtakes_a_waiting_sender(mailbox, nursery):
    fill(mailbox, 1, 2)
    nursery.start_soon(mailbox.put, Envelope("first"))
    await wait_all_tasks_blocked()
    mailbox.take()

    with pytest.raises(MailboxFull):
        mailbox.put_nowait(Envelope("second"))

    assert [mailbox.take().message, mailbox.take().message] == [2, "first"]


async def test_a_sender_who_gives_up_leaves_nothing_behind(mailbox):
    fill(mailbox, 1, 2)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mailbox.put, Envelope(3))
            await wait_all_tasks_blocked()
            scope.cancel()

    assert [e.message for e in Inbox(mailbox).drain_nowait()] == [1, 2]


async def test_put_is_a_checkpoint_and_a_cancelled_one_sends_nothing(mailbox):
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.put(Envelope(1))

    assert scope.cancelled_caught
    assert len(mailbox) == 0


async def test_a_cancelled_receiver_loses_no_message(mailbox):
    inbox = Inbox(mailbox)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.get)
            await wait_all_tasks_blocked()
            scope.cancel()
    fill(mailbox, 1)

    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.get()

    assert inbox.get_nowait().message == 1


async def test_get_waits_for_a_message(mailbox, nursery, autojump_clock):
    async def send_later():
        await trio.sleep(3)
        fill(mailbox, "late")

    nursery.start_soon(send_later)

    assert (await Inbox(mailbox).get()).message == "late"
    assert trio.current_time() == 3


async def test_two_receivers_share_the_messages(mailbox, nursery):
    inbox = Inbox(mailbox)
    got = []

    async def receive():
        got.append((await inbox.get()).message)

    nursery.start_soon(receive)
    nursery.start_soon(receive)
    await wait_all_tasks_blocked()
    fill(mailbox, 1, 2)
    await wait_all_tasks_blocked()

    assert sorted(got) == [1, 2]


async def test_get_nowait_raises_would_block_when_empty(mailbox):
    with pytest.raises(trio.WouldBlock):
        Inbox(mailbox).get_nowait()


async def test_drain_takes_at_most_the_limit(mailbox):
    fill(mailbox, 1, 2)
    inbox = Inbox(mailbox)

    assert [e.message for e in inbox.drain_nowait(1)] == [1]
    assert [e.message for e in inbox.drain_nowait()] == [2]
    assert inbox.drain_nowait() == []


async def test_an_ended_inbox_gives_nothing_and_leaves_the_messages_to_the_next(mailbox):
    fill(mailbox, 1)
    old, new = Inbox(mailbox), Inbox(mailbox)
    old.end()

    assert old.drain_nowait() == []
    assert len(old) == 0
    with pytest.raises(trio.EndOfChannel):
        old.get_nowait()
    with pytest.raises(trio.EndOfChannel):
        await old.get()
    assert [e.message async for e in old] == []
    assert new.get_nowait().message == 1


async def test_ending_an_inbox_wakes_its_receiver(mailbox, nursery):
    inbox = Inbox(mailbox)
    ended = trio.Event()

    async def loop():
        async for _ in inbox:
            pass
        ended.set()

    nursery.start_soon(loop)
    await wait_all_tasks_blocked()
    inbox.end()
    await wait_all_tasks_blocked()

    assert ended.is_set()


async def test_closing_makes_dead_letters_and_fails_questions_and_waiting_senders(
    mailbox, dead_letters, nursery
):
    question = Question("q")
    fill(mailbox, "left")
    mailbox.put_nowait(question)
    failures = []

    async def put():
        with pytest.raises(MailboxClosed):
            await mailbox.put(Envelope("waiting"))
        failures.append("waiting")

    nursery.start_soon(put)
    await wait_all_tasks_blocked()
    mailbox.close()
    mailbox.close()
    await wait_all_tasks_blocked()

    assert failures == ["waiting"]
    with pytest.raises(MailboxClosed):
        await question.wait_answer("app/a")
    with pytest.raises(MailboxClosed):
        mailbox.put_nowait(Envelope("reserved"), reserved=True)
    letters = [(d.message, d.reason) for d in dead_letters.latest()]
    assert letters == [
        ("left", "left_over"),
        ("q", "left_over"),
        ("waiting", "closed"),
        ("reserved", "closed"),
    ]
    assert not mailbox.statistics().is_open


async def test_only_the_first_answer_counts():
    question = Question("q")
    assert question.wants_reply
    question.reply(1)
    question.reply(2)
    question.fail(ValueError())

    assert not question.wants_reply
    assert await question.wait_answer("a") == 1


async def test_an_envelope_that_nobody_waits_for_takes_any_answer():
    envelope = Envelope("hello")
    envelope.reply(1)
    envelope.fail(ValueError())

    assert not envelope.wants_reply
    assert repr(envelope) == "<Envelope 'hello'>"


async def test_the_ring_of_dead_letters_forgets_but_counts():
    seen = []
    letters = DeadLetters(2, seen.append)
    for message in range(5):
        letters.add("a", message, "closed")

    assert [d.message for d in letters.latest()] == [3, 4]
    assert letters.count == 5
    assert len(seen) == 5


async def test_an_observer_of_dead_letters_that_fails_hurts_nobody(caplog):
    def fail(_):
        raise ValueError("observer")

    letters = DeadLetters(2, fail)
    letters.add("a", 1, "closed")

    assert letters.count == 1
    assert "observer" in caplog.text


STEP = st.sampled_from(["tell", "tell_nowait", "reserved", "take", "cancel_sender"])


@settings(deadline=None, max_examples=80)
@given(steps=st.lists(STEP, max_size=40), capacity=st.integers(1, 3), closes=st.booleans())
async def test_any_sequence_of_sends_and_takes_agrees_with_a_plain_queue(steps, capacity, closes):
    letters = DeadLetters(1000)
    mailbox = Mailbox("a", capacity, letters)
    queue, waiting, taken, expected, refused = deque(), deque(), [], [], []

    def admit():
        while waiting and len(queue) < capacity:
            queue.append(waiting.popleft()[0])

    async def put(message, scope):
        with scope:
            try:
                await mailbox.put(Envelope(message))
            except MailboxClosed:
                refused.append(message)

    async with trio.open_nursery() as nursery:
        for message, step in enumerate(steps):
            match step:
                case "tell":
                    scope = trio.CancelScope()
                    nursery.start_soon(put, message, scope)
                    waiting.append((message, scope))
                    admit()
                case "tell_nowait" if len(queue) < capacity:
                    mailbox.put_nowait(Envelope(message))
                    queue.append(message)
                case "tell_nowait":
                    with pytest.raises(MailboxFull):
                        mailbox.put_nowait(Envelope(message))
                case "reserved":
                    mailbox.put_nowait(Envelope(message), reserved=True)
                    queue.append(message)
                case "take" if queue:
                    taken.append(mailbox.take().message)
                    expected.append(queue.popleft())
                    admit()
                case "cancel_sender" if waiting:
                    waiting.pop()[1].cancel()
            await wait_all_tasks_blocked()
            assert len(mailbox) == len(queue)
            assert mailbox.statistics().tasks_waiting_send == len(waiting)
            assert not waiting or len(queue) >= capacity
        if not closes:
            while queue:
                taken.append(mailbox.take().message)
                expected.append(queue.popleft())
                admit()
        mailbox.close()
    assert taken == expected
    assert [d.message for d in letters.latest()] == [*queue, *(message for message, _ in waiting)]
    assert sorted(refused) == sorted(message for message, _ in waiting)
