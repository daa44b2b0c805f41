"""The ledger's books about services and money: who may start, as far as limits and budgets go.

Takes each event before the state has it, and the state before; says what is broken. Keeps its own numbers, from the events alone: when a backend or a pool is closed, how many attempts ran when a
pool was narrowed and how many have succeeded since, what was spent, how many attempts were started.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from actorflow.state import RunState
from actorflow.state import events as ev
from actorflow.workflow.budget import Budget
from actorflow.workflow.plan import Plan

EARLY = 1e-5


@dataclass
class Narrow:
    """A pool after a rate limit: half of what ran, and one more for each success since, at the very most."""

    at: float
    half: int
    successes: int = 0


@dataclass
class Services:
    plan: Plan
    closed: dict[str, float] = field(default_factory=dict)
    narrow: dict[str, Narrow] = field(default_factory=dict)
    spent: float = 0.0
    tokens: int = 0
    attempts: int = 0
    untold: Counter[str] = field(default_factory=Counter)
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        self.budget = self.plan.workflow.settings.budget

    def note(self, event: ev.Event, at: float, before: RunState) -> str:
        """Take note of an event; returns what is broken, "" when nothing is."""
        match event:
            case ev.BudgetChanged():
                self.budget = Budget(usd=event.usd, tokens=event.tokens, agents=event.agents)
                self.untold.clear()
            case ev.RunResumed() if event.lifts_limits:
                self.closed.clear()
                self.narrow.clear()
            case ev.AttemptStarted():
                return self._started(event, at, before)
            case ev.AttemptSucceeded() | ev.AttemptFailed() | ev.AttemptCancelled() | ev.AttemptRequeued():
                self._ended(event, at, before)
            case ev.RunPaused() if event.kind == "budget":
                return "" if self._why_no_money() else "the run pauses and has money left"
        return ""

    def _started(self, event: ev.AttemptStarted, at: float, before: RunState) -> str:
        backend = self.plan.backends.get(event.agent, "")
        if event.backend != backend:
            return f"{event.task} calls {event.backend or 'nobody'} and not {backend or 'nobody'}"
        if not backend:
            return ""
        pool = event.pool or backend
        for name in (backend, pool):
            if at < self.closed.get(name, 0.0) - EARLY:
                return f"{event.task} is started, and {name} is closed for {self.closed[name] - at:g} s more"
        if why := self._why_no_money():
            return f"{event.task} is started, and there is no money left: {why}"
        self.attempts += 1
        if before.tasks[event.task].hook or pool not in self.narrow:
            return ""
        tasks = [t for t in before.tasks.values() if t.is_attempt_open and not t.hook and t.pool == pool]
        most = self.narrow[pool].half + self.narrow[pool].successes
        return f"{len(tasks) + 1} run in {pool}; at most {most} may" if len(tasks) >= most else ""

    def _why_no_money(self) -> str:
        budget = self.budget
        if budget.usd is not None and (self.untold["usd"] or round(self.spent, 9) >= budget.usd):
            return f"${self.spent} of {budget.usd}, unknown {self.untold['usd']}"
        if budget.tokens is not None and (self.untold["tokens"] or self.tokens >= budget.tokens):
            return f"{self.tokens} of {budget.tokens} tokens, unknown {self.untold['tokens']}"
        if budget.agents is not None and self.attempts >= budget.agents:
            return f"{self.attempts} of {budget.agents} attempts"
        return ""

    def _ended(
        self,
        event: ev.AttemptSucceeded | ev.AttemptFailed | ev.AttemptCancelled | ev.AttemptRequeued,
        at: float,
        before: RunState,
    ) -> None:
        self.spent += event.cost_usd or 0.0
        self.tokens += event.tokens or 0
        task = before.tasks[event.task]
        backend = self.plan.backends.get(task.agent, "")
        if not backend:
            return
        pool = task.pool
        if isinstance(event, ev.AttemptRequeued):
            self.attempts -= 1
            self._limited(event, at, before, backend=backend, pool=pool)
            return
        self.untold["usd"] += event.cost_usd is None
        self.untold["tokens"] += event.tokens is None
        if isinstance(event, ev.AttemptSucceeded) and pool in self.narrow:
            self.narrow[pool].successes += 1

    def _limited(
        self, event: ev.AttemptRequeued, at: float, before: RunState, *, backend: str, pool: str
    ) -> None:
        if event.failure.kind == "usage_limit":
            self.closed[backend] = max(self.closed.get(backend, 0.0), event.due_at)
        if event.failure.kind == "rate_limit":
            self.closed[pool] = max(self.closed.get(pool, 0.0), event.due_at)
            started_at = before.tasks[event.task].attempt_started_at or 0.0
            if pool not in self.narrow or started_at >= self.narrow[pool].at:
                ran = sum(t.is_attempt_open and t.pool == pool for t in before.tasks.values())
                self.narrow[pool] = Narrow(at, max(1, ran // 2))
