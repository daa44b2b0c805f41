"""The processes of one attempt: the program, what it started, and what tried to get away; and how they are ended.

A ``Family`` is the program with its wrapper (the *leader* of a session and group of their own, which ends as the
program ends) and all its descendants, without who would take over from us (``wrapper``): that one is dismissed
when all else is done. On Linux we adopt orphans, so descendants are found from our own children: by session, by the
marker in their environment, or because they were seen to belong before. Elsewhere a family is the process
group. Ending is TERM, a grace, KILL, until nobody is left or a deadline passes. Signals go to a group only
while its leader is not reaped, and to a single process only through a handle of it, so a number that was used
again is never hit.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import trio

from actorflow.agents import process_table
from actorflow.agents.handles import open_handle, send_signal, wait_handle
from actorflow.agents.orphans import orphans
from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.process_table import Process
from actorflow.agents.wrapper import is_wrapper

__all__ = ["GRACE_SECONDS", "KILL_SECONDS", "Family", "Survivors", "hurry_all", "kill_all"]

GRACE_SECONDS = 5.0
"""From TERM to KILL."""

KILL_SECONDS = 5.0
"""How long killed processes may take to be gone; only one that hangs in the kernel needs longer."""

_POLL_SECONDS = 0.02

_logger = logging.getLogger("actorflow.agents")


class _Kin:
    """Processes that belong together and can be ended together; who they are is the subclass's business."""

    def __init__(self) -> None:
        self._patience: trio.CancelScope | None = None
        self._is_hurried = False
        self._takers: list[Process] = []
        """Who takes over from us, and what those have started, as of the last look; no members."""

    def members(self) -> list[Process]:
        """Return those alive; reaps what has exited where that is ours to do."""
        raise NotImplementedError

    def signal(self, number: int, members: list[Process]) -> None:
        """Send a signal to ``members``."""
        for member in members:
            _signal_process(member, number)

    async def end(self, grace_seconds: float) -> bool:
        """End all members. Returns whether they are gone.

        TERM (and CONT, for what is stopped), up to ``grace_seconds``, then KILL, up to ``KILL_SECONDS``. What
        is started meanwhile is ended as well. Returns as soon as nobody is left. Call it in a shielded scope
        that has a deadline.
        """
        with self.patience(grace_seconds):
            await self._signal_until_gone(signal.SIGTERM, signal.SIGCONT)
            return True
        with trio.move_on_after(KILL_SECONDS):
            await self._signal_until_gone(signal.SIGKILL)
            return True
        left = self.members()
        if left:
            _logger.warning(
                "processes did not end when killed: %s", ", ".join(str(process.pid) for process in left)
            )
        return not left

    def patience(self, seconds: float) -> trio.CancelScope:
        """Return a scope that gives up what is done inside after ``seconds``, or when we are hurried."""
        self._patience = trio.move_on_after(0.0 if self._is_hurried else seconds)
        return self._patience

    async def _signal_until_gone(self, *numbers: int) -> None:
        while members := self.members():
            for number in numbers:
                self.signal(number, members)
            await _wait_gone(members)

    async def dismiss(self) -> None:
        """End those who would take over from us, or have; all that there was to take must have been taken."""
        for taker in self._takers:
            _signal_process(taker, signal.SIGKILL)
        with trio.move_on_after(KILL_SECONDS, shield=True):
            await _wait_gone(self._takers)

    def hurry(self) -> None:
        """Cut the grace short: what is being ended, or will be, is killed at once."""
        self._is_hurried = True
        if self._patience is not None:
            self._patience.cancel()


_live: set[_Kin] = set()


def hurry_all() -> None:
    """Give no attempt a grace any more: all that is being ended is killed now (the second Ctrl-C). Call it in the trio thread."""
    for family in list(_live):
        family.hurry()


def kill_all() -> None:
    """Kill the programs of all attempts, and wait for nothing: this process is about to leave."""
    for family in list(_live):
        family.signal(signal.SIGKILL, family.members())


class Family(_Kin):
    """The processes of an attempt that this process started.

    Attributes:
        exit_code: the leader's, once it has been reaped; minus the signal's number when a signal killed it.
            None after ``close``: it hangs in the kernel, or somebody else has reaped it.
    """

    def __init__(self, leader: int, marker: str, folder: Path) -> None:
        super().__init__()
        self._leader = leader
        self._marker = marker
        self._folder = folder
        self.exit_code: int | None = None
        self._adopts = process_table.adopt_orphans()
        _live.add(self)
        orphans.expect(leader, marker)

    def close(self) -> None:
        """Forget the family, and reap the leader if it has exited."""
        _live.discard(self)
        orphans.forget(self._leader)
        if self.exit_code is None:
            self._reap(self._leader)

    def _reap(self, pid: int) -> bool:
        """Reap one exited child with this pid, or of this group when negative; whether there was one."""
        try:
            found, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return False
        if found == self._leader:
            self.exit_code = os.waitstatus_to_exitcode(status)
        return found != 0

    def members(self) -> list[Process]:
        """Return those alive, the leader among them. When there are none this costs one read of a small file."""
        if not process_table.HAS_PROC:
            return self._group()
        found: dict[int, Process] = {}
        self._takers = []
        waiting = self._roots()
        while waiting:
            process = waiting.pop()
            if process.pid in found or not process.is_alive:
                continue
            if _is_taker(process, self._leader):
                self._takers.append(process)
                continue
            found[process.pid] = process
            orphans.saw(process, self._leader)
            waiting += [
                child for pid in process_table.children_of(process.pid) if (child := process_table.look(pid))
            ]
        return list(found.values())

    def signal(self, number: int, members: list[Process]) -> None:
        """Send a signal to the group at once, so that nobody in it can fork away, and to those who left the group."""
        _signal_group(self._leader, number)
        super().signal(number, _outside(self._leader, members))

    def kill_group(self) -> None:
        """Kill the group without looking who is in it; for when even looking fails."""
        _signal_group(self._leader, signal.SIGKILL)

    def _group(self) -> list[Process]:
        # Zombies would count as members. Without the leader's the number could be given to another group, but only when this one is
        # empty, and then only in the moment before we look.
        while self._reap(-self._leader):
            continue
        if self.exit_code is not None:
            self._end_recorded_taker()
        try:
            os.killpg(self._leader, 0)
        except (ProcessLookupError, PermissionError):  # macOS says EPERM when only zombies are left
            return []
        return [Process(self._leader, os.getpid(), self._leader, self._leader, "", "")]

    def _end_recorded_taker(self) -> None:
        record = ProcessRecord.read(self._folder)
        with suppress(ProcessLookupError, PermissionError):
            if record is not None and record.taker and os.getpgid(record.taker) == self._leader:
                os.kill(record.taker, signal.SIGKILL)

    async def dismiss(self) -> None:
        """End who would take over from us, and reap it."""
        await super().dismiss()
        for taker in self._takers:
            self._reap(taker.pid)

    def _roots(self) -> list[Process]:
        if not self._adopts:
            return [process for process in process_table.all_processes() if self._is_ours(process)]
        leader = process_table.look(self._leader)
        return [*([leader] if leader is not None else []), *orphans.of(self._leader)]

    def _is_ours(self, process: Process) -> bool:
        return process.session == self._leader or process_table.carries(process.pid, self._marker)


class Survivors(_Kin):
    """The processes of an attempt that another, dead process started: its wrapper, if it is that very one, what descends from that, and all that carry the marker.

    Never this process or one that it descends from: a run may be resumed in a terminal that one of its
    attempts left open. Who has taken over from the dead process is no member.

    Args:
        leader: the wrapper, if it lives.
        taker: who goes on with the output, if it lives.

    Attributes:
        spared: a marker; who carries it, too, is no member as long as it stands here.
    """

    def __init__(self, leader: Process | None, marker: str, *, taker: Process | None = None) -> None:
        super().__init__()
        self.spared = ""
        self._leader = leader
        self._marker = marker
        self._taker = taker
        self._seen: dict[int, str] = {}
        """pid -> start time of who was seen to descend from the leader."""
        _live.add(self)

    def close(self) -> None:
        """Forget them."""
        _live.discard(self)

    def leads(self) -> bool:
        """Whether the leader is alive."""
        leader = self._leader
        current = process_table.look(leader.pid) if leader is not None else None
        return current is not None and current.is_alive and current.is_same(leader)

    def members(self) -> list[Process]:
        """Return those alive; looks at every process of the machine (on macOS only at the program and its group)."""
        if not process_table.HAS_PROC:
            return [self._leader] if self._leader is not None and self.leads() else []
        ours = process_table.own_line()
        alive = {p.pid: p for p in process_table.all_processes() if p.is_alive and p.pid not in ours}
        takers = self._find_takers(alive)
        self._takers = [alive.pop(pid) for pid in takers]
        self.see_descendants()
        return [process for process in alive.values() if self._is_ours(process)]

    def signal(self, number: int, members: list[Process]) -> None:
        """Send a signal to the group when its leader is alive and the very one, and to everybody else."""
        if self._leader is not None and any(member.is_same(self._leader) for member in members):
            _signal_group(self._leader.pid, number)
            members = _outside(self._leader.pid, members)
        super().signal(number, members)

    def _find_takers(self, alive: Mapping[int, Process]) -> set[int]:
        taker = self._taker
        found = {taker.pid} if taker is not None and taker.is_same(alive.get(taker.pid)) else set()
        while more := {process.pid for process in alive.values() if process.parent in found} - found:
            found |= more
        return found

    def see_descendants(self) -> None:
        """Remember who descends from the leader now: who leaves its session, and clears its environment, does not get away later. Cheap."""
        if self._leader is None or not self.leads():
            return
        takers = {self._taker.pid} if self._taker is not None else set()
        waiting, found = [self._leader.pid], {self._leader.pid, *takers}
        while waiting:
            children = set(process_table.children_of(waiting.pop())) - found
            processes = [process for pid in children if (process := process_table.look(pid)) is not None]
            self._seen |= {process.pid: process.started for process in processes}
            waiting += children
            found |= children

    def _is_ours(self, process: Process) -> bool:
        if process.is_same(self._leader) or self._seen.get(process.pid) == process.started:
            return True
        markers = process_table.markers_of(process.pid) if self._marker else frozenset()
        return self._marker in markers and self.spared not in markers


def _is_taker(process: Process, leader: int) -> bool:
    """Tell whether a process is a part of the wrapper besides its leader: who sleeps until we die."""
    return process.pid != leader and process.session == leader and is_wrapper(process.pid)


def _signal_group(leader: int, number: int) -> None:
    try:
        os.killpg(leader, number)
    # Gone, or only another user's (sudo) are left, not ours to end.
    except (
        ProcessLookupError,
        PermissionError,
    ):
        return


def _outside(group: int, members: list[Process]) -> list[Process]:
    """Return who is not in the group *now*: one who left it after the first look, but before the group's signal, has not got that."""
    current = (process_table.look(member.pid) if member.group == group else member for member in members)
    return [process for process in current if process is not None and process.group != group]


def _signal_process(process: Process, number: int) -> None:
    """Send a signal to the very process; where the system has handles (Linux) there is no moment in which its pid could become another's."""
    handle = open_handle(process.pid)
    try:
        if process.is_same(process_table.look(process.pid)):
            send_signal(process.pid, handle, number)
    except (ProcessLookupError, PermissionError):  # gone, or another user's
        return
    finally:
        if handle is not None:
            os.close(handle)


async def _wait_gone(members: list[Process]) -> None:
    """Wait until all of ``members`` have exited, or (where they can only be polled) for a moment."""
    async with trio.open_nursery() as nursery:
        for member in members:
            nursery.start_soon(_wait_process_gone, member)


async def _wait_process_gone(process: Process) -> None:
    handle = open_handle(process.pid)
    if handle is None:
        await trio.sleep(_POLL_SECONDS)
    elif process.is_same(process_table.look(process.pid)):
        await wait_handle(handle)
    else:
        os.close(handle)
