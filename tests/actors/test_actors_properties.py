"""Supervisors under any sequence of failures: the intensity holds, and order is kept."""

from __future__ import annotations

import contextlib
from collections import deque

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actorflow.actors import Actor, Backoff, ChildSpec, SupervisorFailed, SupervisorSpec, open_runtime
from actorflow.errors import MailboxError

CHILDREN = "abcd"


class Fragile(Actor):
    def __init__(self, name, running, log):
        self.name, self.running, self.log = name, running, log

    async def on_start(self, ctx):
        self.ctx = ctx
        self.log.append(("start", self.name, tuple(self.running)))
        self.running.append(self.name)

    async def receive(self, message):
        if message == "crash":
            raise RuntimeError(self.name)
        self.ctx.stop_self()

    async def on_stop(self):
        self.log.append(("stop", self.name, tuple(self.running)))
        self.running.remove(self.name)


def intensity_allows(moments, max_restarts, within_seconds):
    recent = deque()
    for moment in moments:
        recent.append(moment)
        while moment - recent[0] > within_seconds:
            recent.popleft()
        if len(recent) > max_restarts:
            return False
    return True


PLANS = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        "restarts": st.lists(
            st.sampled_from(["permanent", "transient", "temporary"]),
            min_size=len(CHILDREN),
            max_size=len(CHILDREN),
        ),
        "max_restarts": st.integers(0, 3),
        "initial_seconds": st.sampled_from([0.0, 0.0, 2.0]),
        "steps": st.lists(
            st.tuples(
                st.sampled_from([0.0, 0.0, 1.0, 4.0, 20.0]),
                st.sampled_from(CHILDREN),
                st.sampled_from(["crash", "finish"]),
            ),
            max_size=12,
        ),
    }
)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(plan=PLANS)
def test_any_sequence_of_endings_keeps_the_rules(plan):
    restarts = dict(zip(CHILDREN, plan["restarts"], strict=True))

    log, running, failures, at_the_end = trio.run(
        _play, plan, restarts, clock=MockClock(autojump_threshold=0)
    )

    assert running == [], "everything that started was stopped"
    assert intensity_allows(failures, plan["max_restarts"], 10)
    if plan["strategy"] != "one_for_one":
        _check_group_order(log, restarts)
    if at_the_end is not None:
        left = [name for what, name, _ in log[at_the_end:] if what == "stop"]
        assert left == sorted(left, reverse=True), "the last stop is in reverse start order"
        _check_who_is_left(left, plan, restarts)


async def _play(plan, restarts):
    log, running, failures, at_the_end = [], [], [], None
    children = [
        ChildSpec(name, lambda name=name: Fragile(name, running, log), restart=restart)
        for name, restart in restarts.items()
    ]
    spec = SupervisorSpec(
        "sup",
        plan["strategy"],
        children,
        max_restarts=plan["max_restarts"],
        within_seconds=10,
        backoff=Backoff(initial_seconds=plan["initial_seconds"]),
    )

    def on_restart(restarted):
        # A failure is counted before its back-off is waited out.
        failures.append(trio.current_time() - restarted.delay_seconds)

    try:
        async with open_runtime(spec, on_restart=on_restart) as runtime:
            refs = {name: runtime.ref(f"sup/{name}") for name in CHILDREN}
            for pause, name, ending in plan["steps"]:
                with contextlib.suppress(MailboxError):
                    refs[name].tell_nowait(ending)
                await trio.sleep(pause)
            await trio.sleep(100)
            at_the_end = len(log)
    except SupervisorFailed:
        at_the_end = None
    return log, running, failures, at_the_end


def _check_group_order(log, restarts):
    """In a group a child starts when no later sibling runs, and every earlier one that is never done does."""
    for what, name, running in log:
        if what == "start":
            assert [other for other in running if other > name] == []
            assert {n for n in CHILDREN if n < name and restarts[n] == "permanent"} <= set(running)


def _check_who_is_left(left, plan, restarts):
    """A supervisor that has not given up keeps what its restart types say."""
    got = {name: {ending for _, child, ending in plan["steps"] if child == name} for name in CHILDREN}
    for name, restart in restarts.items():
        if restart == "permanent" or (restart == "transient" and "finish" not in got[name]):
            assert name in left
        elif restart == "transient" or got[name]:
            assert name not in left


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(moments=st.lists(st.integers(0, 40), max_size=25).map(sorted), max_restarts=st.integers(0, 4))
def test_the_supervisor_fails_exactly_at_the_first_failure_past_the_intensity(moments, max_restarts):
    failed_at = trio.run(_crash_at, moments, max_restarts, clock=MockClock(autojump_threshold=0))

    expected = next(
        (m for i, m in enumerate(moments) if not intensity_allows(moments[: i + 1], max_restarts, 10)), None
    )
    assert failed_at == expected


async def _crash_at(moments, max_restarts):
    child = ChildSpec("a", lambda: Fragile("a", [], []))
    spec = SupervisorSpec("sup", children=[child], max_restarts=max_restarts, within_seconds=10)
    try:
        async with open_runtime(spec) as runtime:
            for moment in moments:
                await trio.sleep_until(moment)
                await runtime.ref("sup/a").tell("crash")
                await trio.testing.wait_all_tasks_blocked()
    except SupervisorFailed:
        return trio.current_time()
    return None


@pytest.mark.parametrize("moments", [[0, 1, 2], [0, 10], [0, 10.5, 21]])
def test_the_reference_for_the_intensity_is_itself_right(moments):
    assert intensity_allows(moments, 1, 10) is (moments == [0, 10.5, 21])
