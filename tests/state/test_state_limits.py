"""What a service allows: narrowed by half, widened by one, closed until it says."""

from __future__ import annotations

from pyrsistent import pmap

from actorflow.state.limits import Limit, Limits, narrowed, widened


def hit(
    limits: Limits,
    *,
    running: int,
    at: float = 10.0,
    started_at: float = 5.0,
    kind: str = "rate_limit",
    due_at: float = 40.0,
) -> Limits:
    return narrowed(
        limits,
        kind,
        backend="claude",
        pool="opus",
        started_at=started_at,
        at=at,
        due_at=due_at,
        running=running,
        widest=8,
    )


def after_successes(limits: Limits, count: int, at: float = 100.0) -> Limits:
    for _ in range(count):
        limits = widened(limits, backend="claude", pool="opus", started_at=15.0, at=at)
    return limits


def test_a_rate_limit_halves_what_ran_and_closes_the_pool_until_it_says() -> None:
    assert hit(pmap(), running=8)["opus"] == Limit(allowed=4, widest=8, narrowed_at=10.0, opens_at=40.0)


def test_a_pool_is_never_narrower_than_one_attempt() -> None:
    assert hit(pmap(), running=1)["opus"].allowed == 1


def test_attempts_that_had_started_before_the_jam_do_not_narrow_it_again() -> None:
    limits = hit(pmap(), running=8)
    limits = hit(limits, running=7, at=11.0, started_at=9.0, due_at=60.0)
    assert (limits["opus"].allowed, limits["opus"].opens_at, limits["opus"].narrowed_at) == (4, 60.0, 10.0)

    limits = hit(limits, running=4, at=70.0, started_at=60.0, due_at=65.0)
    assert (limits["opus"].allowed, limits["opus"].opens_at) == (2, 65.0)


def test_an_attempt_that_started_at_the_very_moment_of_narrowing_came_after_it() -> None:
    limits = hit(hit(pmap(), running=8), running=4, at=20.0, started_at=10.0)

    assert limits["opus"].allowed == 2


def test_successes_widen_a_pool_one_by_one_until_the_limit_is_gone() -> None:
    limits = hit(pmap(), running=4)  # two at a time
    widths = [limits["opus"].allowed]
    while limits:
        limits = after_successes(limits, 1)
        widths.append(limits["opus"].allowed if limits else None)

    assert widths == [2] * 2 + [3] * 3 + [4] * 4 + [5] * 5 + [6] * 6 + [7] * 7 + [None]


def test_a_pool_that_is_still_closed_keeps_its_limit_however_wide_it_is() -> None:
    limits = after_successes(hit(pmap(), running=16), 8, at=20.0)

    assert (limits["opus"].allowed, limits["opus"].opens_at) == (9, 40.0)


def test_a_usage_limit_closes_the_backend_and_leaves_it_as_wide_as_it_was() -> None:
    limits = hit(hit(pmap(), running=8), running=3, kind="usage_limit", due_at=9000.0)

    assert limits["claude"] == Limit(opens_at=9000.0, kind="usage_limit")
    assert limits["opus"].allowed == 4
    assert "claude" in after_successes(limits, 1, at=8999.0)
    assert "claude" not in after_successes(limits, 1, at=9000.0)


def test_the_latest_reset_time_counts() -> None:
    limits = hit(pmap(), running=1, kind="usage_limit", due_at=9000.0)

    assert hit(limits, running=1, kind="usage_limit", due_at=500.0)["claude"].opens_at == 9000.0


def test_a_success_in_a_pool_without_a_limit_changes_nothing() -> None:
    limits = hit(pmap(), running=8)

    assert widened(limits, backend="codex", pool="codex", started_at=15.0, at=50.0) is limits


def test_an_attempt_that_had_started_before_the_jam_does_not_widen_the_pool() -> None:
    limits = hit(pmap(), running=2)

    assert widened(limits, backend="claude", pool="opus", started_at=9.0, at=50.0) is limits
