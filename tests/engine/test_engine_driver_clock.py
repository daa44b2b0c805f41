"""A driver's clock: nobody can set it, and it never begins before what is recorded."""

from __future__ import annotations

import time

from actorflow.api.driver_clock import DriverClock


class Machine:
    """A machine whose clock can be set, and which can sleep."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.up = 50.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.up += seconds

    def clock(self, not_before: float = 0.0) -> DriverClock:
        return DriverClock(not_before, wall=lambda: self.wall, steady=lambda: self.up)


def test_it_is_the_time_of_day_and_goes_on() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.passes(2.5)

    assert clock() == machine.wall


def test_setting_the_machines_clock_changes_nothing() -> None:
    machine = Machine()
    clock = machine.clock()

    for seconds in (3600.0, -7200.0):
        machine.wall += seconds
        machine.passes(1.0)

    assert clock() == 1_000_002.0


def test_it_begins_where_the_journal_ends_when_the_clock_was_set_back() -> None:
    machine = Machine()
    clock = machine.clock(not_before=1_005_000.25)

    machine.passes(1.0)

    assert clock() == 1_005_001.25


def test_it_is_told_to_the_microsecond_as_the_journal_keeps_it() -> None:
    clock = DriverClock(wall=lambda: 1.23456789, steady=lambda: 0.1)

    assert clock() == 1.234568
    assert abs(DriverClock()() - time.time()) < 1
