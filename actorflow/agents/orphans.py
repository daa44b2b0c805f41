"""Orphans that this process has adopted, and which attempt each belongs to.

On Linux whoever loses its parent becomes our child (``process_table.adopt_orphans``). An orphan belongs to an
attempt by its session, by the marker in its environment, or because it was seen as a descendant before it
lost its parent. Each is judged once, so that looking costs one small file when there is nothing new, however
many attempts run. One table for the process, as there is one list of children. Ends nobody; reaps those that
have exited.
"""

from __future__ import annotations

import os
import time

from actorflow.agents import process_table
from actorflow.agents.process_table import Process

__all__ = ["Orphans", "orphans"]

_UNKNOWN_ZOMBIE_SECONDS = 30.0


class Orphans:
    """See the module. Attempts are named by the pid of their program, their *leader*."""

    def __init__(self) -> None:
        self._leaders: dict[int, str] = {}
        """leader -> marker."""
        self._by_marker: dict[str, int] = {}
        self._owners: dict[int, int] = {}
        """Adopted orphan -> its leader."""
        self._seen: dict[int, dict[int, str]] = {}
        """leader -> its descendants ever seen, pid -> start time: who clears its environment later does not
        get away."""
        self._sessions: dict[int, int] = {}
        """Session -> the leader whose descendants it holds; a session can only be entered by birth."""
        self._unknown_zombies: dict[int, float] = {}
        """pid -> when it was first seen, on the monotonic clock."""

    def expect(self, leader: int, marker: str) -> None:
        """Know a program that has just been started."""
        self._leaders[leader] = marker
        self._by_marker[marker] = leader
        self._seen[leader] = {}
        self._sessions[leader] = leader

    def forget(self, leader: int) -> None:
        """Know it no more."""
        self._by_marker.pop(self._leaders.pop(leader), None)
        self._seen.pop(leader)
        self._owners = {pid: owner for pid, owner in self._owners.items() if owner != leader}
        self._sessions = {session: owner for session, owner in self._sessions.items() if owner != leader}

    def saw(self, process: Process, leader: int) -> None:
        """Remember that a process descends from ``leader``."""
        self._seen[leader][process.pid] = process.started
        self._sessions[process.session] = leader

    def of(self, leader: int) -> list[Process]:
        """Return the living orphans of an attempt; reaps those of all attempts that have exited."""
        children = set(process_table.adopted_children()).difference(self._leaders)
        self._forget_gone(children)
        found = []
        for pid in children:
            if self._owners.get(pid, leader) == leader and (process := process_table.look(pid)) is not None:
                owner = self._owner(process)
                if not process.is_alive:
                    self._reap(process, is_known=owner is not None)
                elif owner == leader:
                    found.append(process)
        return found

    def _owner(self, process: Process) -> int | None:
        owner = self._owners.get(process.pid)
        if owner is None:
            owner = self._find_owner(process)
            if owner is not None:
                self._owners[process.pid] = owner
        return owner

    def _find_owner(self, process: Process) -> int | None:
        if process.session in self._sessions:
            return self._sessions[process.session]
        for leader, seen in self._seen.items():
            if seen.get(process.pid) == process.started:
                return leader
        owners = (self._by_marker.get(marker) for marker in process_table.markers_of(process.pid))
        return next((owner for owner in owners if owner is not None), None)

    def _forget_gone(self, children: set[int]) -> None:
        for table in (self._owners, self._unknown_zombies):
            for pid in table.keys() - children:
                del table[pid]

    def _reap(self, zombie: Process, *, is_known: bool) -> None:
        """Take a zombie out of the process table, without ever taking the exit status that somebody else here waits for.

        Programs that other code of this process starts are in our own session, or are waited for soon after
        they exit. So a zombie that nobody can name is reaped only when it is in another session and has been
        one for a while.
        """
        if not is_known:
            first_seen = self._unknown_zombies.setdefault(zombie.pid, time.monotonic())
            is_old = time.monotonic() - first_seen > _UNKNOWN_ZOMBIE_SECONDS
            if zombie.session == os.getsid(0) or not is_old:
                return
        try:
            os.waitpid(zombie.pid, os.WNOHANG)
        except ChildProcessError:  # another thread has just reaped it
            return


orphans = Orphans()
"""Those of this process."""
