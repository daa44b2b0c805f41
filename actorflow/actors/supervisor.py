"""Supervisors: start children in order, restart what fails, stop all in the reverse order.

The rules are OTP's. A child's end comes in through ``child_ended``, which decides at once whether it is to be
restarted; the restart itself is a *recovery*, a task of the supervisor: count the failure, stop who is
affected (last first), wait out the back-off, start again (first first). ``one_for_one`` children recover
independently of each other. The other strategies have one recovery at a time: a failure in the meantime is
found by it before it starts anything more, and a start that is under way is cut short, since what it builds
on is gone.

More failures than the intensity allows: the supervisor stops its children in order and crashes itself; its
parent is next.

Invariants: children are in start order in ``_cells``; a recovery starts a child of a group only when all
before it run; only the incarnation's own task (``_supervise``) stops the supervisor, whatever the reason for
it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import final

import trio

from actorflow.actors.actor_cell import ActorCell
from actorflow.actors.cell import Cell, House, Parent, crash_of, stop_together
from actorflow.actors.errors import NameTaken, SupervisorFailed, SupervisorStopped
from actorflow.actors.intensity import RestartIntensity
from actorflow.actors.specs import ChildSpec, Restarted, SupervisorSpec
from actorflow.actors.tree import ChildState, TreeNode

__all__ = ["SupervisorCell"]

_logger = logging.getLogger("actorflow.actors")


@final
class SupervisorCell(Cell):
    """A supervisor's place, and the supervisor itself."""

    __slots__ = (
        "_cells",
        "_failure",
        "_intensity",
        "_is_going_down",
        "_is_recovering",
        "_nursery",
        "_recoveries",
        "_starting",
        "_wake",
    )

    spec: SupervisorSpec
    _failure: SupervisorFailed | None
    _is_going_down: bool
    _is_recovering: bool
    _nursery: trio.Nursery | None
    _starting: Cell | None  # whose start is under way, in a group

    def __init__(
        self, spec: SupervisorSpec, path: str, parent: Parent, house: House, *, is_dynamic: bool = False
    ) -> None:
        super().__init__(path, parent, house, is_dynamic=is_dynamic)
        self.spec = spec
        self._cells: dict[str, Cell] = {}
        self._reset()

    @property
    def shutdown_seconds(self) -> float:
        """A supervisor has all the time that its children need."""
        return self.stop_budget_seconds

    @property
    def stop_budget_seconds(self) -> float:
        """The budgets of its children, one after the other."""
        return 1.0 + sum(cell.stop_budget_seconds for cell in self._cells.values())

    @property
    def cells(self) -> Sequence[Cell]:
        """The children in start order."""
        return tuple(self._cells.values())

    def find(self, name: str) -> Cell | None:
        """The child of that name."""
        return self._cells.get(name)

    def node(self) -> TreeNode:
        """This supervisor and all below it as a value."""
        return TreeNode(
            name=self.spec.name,
            path=self.path,
            kind="supervisor",
            state=self.state,
            restart=self.spec.restart,
            restarts=max(self.restarts, 0),
            strategy=self.spec.strategy,
            children=tuple(cell.node() for cell in self._cells.values()),
        )

    # --- from its own supervisor -------------------------------------------------------------------------------------

    def start(self, nursery: trio.Nursery) -> None:
        """Start the next incarnation; the children that its spec lists keep their mailboxes."""
        self._reset()
        for child in self.spec.children:
            cell = self._cells.get(child.name)
            if cell is None or cell.state is ChildState.FINISHED:
                self._cells[child.name] = self._make_cell(child, is_dynamic=False)
            else:
                cell.make_ready()
        # A finished child that was made anew stands where the old one stood; one that had been removed stands at the end.
        self._cells = {child.name: self._cells[child.name] for child in self.spec.children}
        super().start(nursery)

    def request_stop(self, *, will_restart: bool = False) -> None:
        """Stop the children in order, then end."""
        super().request_stop(will_restart=will_restart)
        self._wake.set()

    # --- from whoever holds a SupervisorRef --------------------------------------------------------------------------

    def add(self, spec: ChildSpec | SupervisorSpec, *, reports_start: bool = False) -> Cell:
        """Add a child behind the others, and start it; during a group's recovery the recovery starts it, in its turn.

        Raises:
            SupervisorStopped: this supervisor is not running.
            NameTaken: there is a child of that name.
        """
        if self._nursery is None or self._is_going_down or self.is_stop_requested:
            raise SupervisorStopped(self.path)
        if spec.name in self._cells:
            raise NameTaken(self._cells[spec.name].path)
        cell = self._cells[spec.name] = self._make_cell(spec, is_dynamic=True)
        cell.reports_start = reports_start
        if not self._is_recovering:
            cell.start(self._nursery)
        return cell

    def remove_soon(self, cell: Cell) -> None:
        """Stop a child in an orderly way and take it out of the tree. Returns at once; ``wait_ended`` waits for it."""
        if cell.is_running and self._nursery is not None:
            cell.request_stop()
            self._nursery.start_soon(stop_together, [cell])
        elif not cell.is_running:
            self._drop(cell)

    # --- from its children -------------------------------------------------------------------------------------------

    def child_ended(self, cell: Cell, error: Exception | None) -> None:
        """Decide what becomes of a child whose incarnation is over."""
        # One that had finished when a sibling's crash stopped it stays finished; only its clean-up was still under way.
        is_finished_anyway = cell.has_finished and cell.will_restart
        if cell.is_stop_requested and not is_finished_anyway:
            self._settle_stopped(cell)
        else:
            self._settle_ended(cell, error)

    def _settle_stopped(self, cell: Cell) -> None:
        will_restart = cell.will_restart and cell.spec.restart != "temporary" and not self._is_going_down
        if will_restart:
            cell.settle_end(ChildState.WAITING)
        elif self._is_going_down:
            cell.settle_end(ChildState.STOPPED)
        else:
            self._drop(cell)
        cell.report_exit("stopped", will_restart=will_restart)

    def _settle_ended(self, cell: Cell, error: Exception | None) -> None:
        restart = cell.spec.restart
        if error is not None:
            _logger.warning("%s crashed: %r", cell.path, error, exc_info=error)
        is_refused = cell.reports_start and not cell.has_started
        needs_restart = restart == "permanent" or (restart == "transient" and error is not None)
        will_restart = needs_restart and not is_refused and not self._is_going_down
        if will_restart:
            cell.settle_end(ChildState.CRASHED)
            self._recover_soon(cell)
        elif is_refused or cell.is_dynamic or restart == "temporary":
            self._drop(cell)
        else:
            cell.settle_end(ChildState.STOPPED if needs_restart else ChildState.FINISHED)
        cell.report_exit("crashed" if error is not None else "finished", will_restart=will_restart)

    # --- one incarnation ---------------------------------------------------------------------------------------------

    async def _live(self) -> Exception | None:
        errors: list[Exception] = []
        try:
            with self._scope:
                await self._supervise()
        except* Exception as group:  # noqa: BLE001 - the actor boundary
            errors.append(group)
        return crash_of(errors)

    async def _supervise(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                nursery.start_soon(self._first_start)
                await self._wake.wait()
            finally:  # also when a KeyboardInterrupt in a child's task cancels the nursery: the children are shielded
                await self._go_down()
        if self._failure is not None:
            raise self._failure

    async def _first_start(self) -> None:
        if await self._recovery(None, iter(self.cells)):
            self._mark_started()

    async def _go_down(self) -> None:
        self._is_going_down = True
        for scope in self._recoveries:
            scope.cancel()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + self.stop_budget_seconds):
            for group in self._stop_groups():
                await stop_together(group)
        for cell in reversed(self.cells):
            # Whoever is left after all those deadlines has shielded itself: order is over, but nobody is forgotten.
            cell.request_stop()
            cell.cancel()
            if cell.is_dynamic or cell.spec.restart == "temporary":
                self._drop(cell)
        self._nursery = None

    def _stop_groups(self) -> Iterator[list[Cell]]:
        """Who is stopped together: under ``one_for_one`` the dynamic children, which know nothing of each other."""
        last_first = list(reversed(self.cells))
        if self.spec.strategy == "one_for_one":
            yield [cell for cell in last_first if cell.is_dynamic]
            last_first = [cell for cell in last_first if not cell.is_dynamic]
        for cell in last_first:
            yield [cell]

    # --- recovery ----------------------------------------------------------------------------------------------------

    def _recover_soon(self, cell: Cell) -> None:
        if self.spec.strategy == "one_for_one":
            is_taken_care_of = cell.is_awaited
        else:
            is_taken_care_of = self._is_recovering
            self._is_recovering = True
            if self._starting is not None and self._starting is not cell:
                self._starting.request_stop(will_restart=True)
        if not is_taken_care_of and self._nursery is not None:
            self._nursery.start_soon(self._recovery, cell, iter(()))

    async def _recovery(self, failed: Cell | None, waiting: Iterator[Cell]) -> bool:
        """Restart what a failure affects, then start whoever else is waiting; say whether all came up."""
        is_up = False
        with trio.CancelScope() as scope:
            self._recoveries.add(scope)
            try:
                await self._bring_up(failed, waiting)
                is_up = True
            except SupervisorFailed as failure:
                self._failure = failure
                self._is_going_down = True
                self._wake.set()
            finally:
                self._recoveries.discard(scope)
                self._is_recovering = False
        return is_up

    async def _bring_up(self, failed: Cell | None, waiting: Iterator[Cell]) -> None:
        while True:
            if failed is not None:
                waiting = chain(await self._prepare_restart(failed), waiting)
            failed = await self._start_in_order(waiting)
            if failed is None:
                return

    async def _prepare_restart(self, failed: Cell) -> list[Cell]:
        """Count the failure, stop who is affected and wait out the back-off; return who is to be started, in order.

        Raises:
            SupervisorFailed: it was one failure too many.
        """
        error = failed.error
        if not self._intensity.admit(trio.current_time()):
            limit = self.spec.max_restarts, self.spec.within_seconds
            raise SupervisorFailed(self.path, failed.path, *limit) from error
        affected = self._affected_by(failed)
        for cell in reversed(affected):
            await stop_together([cell], will_restart=True)
        failures = failed.count_failure(self.spec.within_seconds)
        delay = self.spec.backoff.delay_seconds(failures, self._house.chance())
        if delay:
            await trio.sleep(delay)
        again = [cell for cell in affected if cell.state is not ChildState.FINISHED]
        for cell in again:
            cell.make_ready()
        if failed in again:
            self._report_restart(failed, again, delay)
        return again

    def _affected_by(self, failed: Cell) -> list[Cell]:
        """Who is restarted because of a failure, in start order; nobody if the child has been removed meanwhile."""
        if self._cells.get(failed.spec.name) is not failed:
            return []
        cells = list(self._cells.values())
        match self.spec.strategy:
            case "one_for_one":
                return [failed]
            case "one_for_all":
                return cells
            case "rest_for_one":
                return cells[cells.index(failed) :]

    async def _start_in_order(self, waiting: Iterator[Cell]) -> Cell | None:
        """Start one after the other until all are up; return the first that has failed to be, if any."""
        while self._nursery is not None:
            crashed = self._first_crashed()
            cell = None if crashed else self._next_waiting(waiting)
            if cell is None:
                return crashed
            await self._start_and_wait(cell, self._nursery)
            if cell.state is ChildState.CRASHED:
                return cell
        return None

    async def _start_and_wait(self, cell: Cell, nursery: trio.Nursery) -> None:
        cell.is_awaited = True
        self._starting = cell
        try:
            cell.start(nursery)
            await cell.wait_start_over()
        finally:
            cell.is_awaited = False
            self._starting = None

    def _first_crashed(self) -> Cell | None:
        """In a group, the first that has failed: nothing is started over it."""
        if self.spec.strategy == "one_for_one":
            return None
        return next((cell for cell in self._cells.values() if cell.state is ChildState.CRASHED), None)

    def _next_waiting(self, waiting: Iterator[Cell]) -> Cell | None:
        """The next to start: of those given under ``one_for_one``, of all in a group, as others may have been added."""
        candidates = waiting if self.spec.strategy == "one_for_one" else self._cells.values()
        return next((cell for cell in candidates if cell.state is ChildState.WAITING), None)

    # --- small parts -------------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._intensity = RestartIntensity(self.spec.max_restarts, self.spec.within_seconds)
        self._nursery = None
        self._wake = trio.Event()
        self._failure = None
        self._is_going_down = False
        # The first start is a group's first recovery.
        self._is_recovering = self.spec.strategy != "one_for_one"
        self._recoveries: set[trio.CancelScope] = set()
        self._starting = None

    def _make_cell(self, spec: ChildSpec | SupervisorSpec, *, is_dynamic: bool) -> Cell:
        path = f"{self.path}/{spec.name}"
        if isinstance(spec, ChildSpec):
            return ActorCell(spec, path, self, self._house, is_dynamic=is_dynamic)
        return SupervisorCell(spec, path, self, self._house, is_dynamic=is_dynamic)

    def _drop(self, cell: Cell) -> None:
        cell.close()
        if self._cells.get(cell.spec.name) is cell:
            del self._cells[cell.spec.name]

    def _report_restart(self, failed: Cell, again: list[Cell], delay_seconds: float) -> None:
        siblings = tuple(cell.path for cell in again if cell is not failed)
        restarted = Restarted(
            path=failed.path,
            restarts=failed.restarts + 1,
            error=failed.error,
            delay_seconds=delay_seconds,
            siblings=siblings,
        )
        if self._house.on_restart is not None:
            try:
                self._house.on_restart(restarted)
            except Exception:
                _logger.exception("the observer of restarts failed on one of %s", failed.path)

    def _abandon(self) -> None:
        """Nothing to let go of: the nursery has stopped the children on its way out."""

    def _close(self) -> None:
        for cell in self._cells.values():
            cell.close()
