"""For tests of workflows and of agents: an agent that plays a script, a channel that remembers, and what every agent must do.

``ScriptedAgent`` stands in for any agent: each attempt of a task takes the next outcome of its script, and
gates hold attempts where a test wants them. ``AGENT_CASES`` is what every agent must do; each case is an
async function of an ``AgentUnderTest`` and an empty folder that returns or raises ``AssertionError`` saying
which rule is broken::

    @pytest.mark.trio
    @pytest.mark.parametrize("case", AGENT_CASES, ids=lambda case: case.__name__)
    async def test_my_agent(case, tmp_path):
        await case(AgentUnderTest(MyAgent(), succeeds={"task": "hello"}, output="hello"), tmp_path)

Real processes need the real clock; the cases wait for events and have a deadline.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

import trio
import trio.testing

from actorflow.agents import process_table
from actorflow.agents.environment import attempt_marker
from actorflow.agents.interface import Agent, AgentRequest, AgentResult, AttemptChannel, Progress
from actorflow.errors import AgentError
from actorflow.ids import RunId, TaskId
from actorflow.values import Frozen, FrozenDict, freeze
from actorflow.workflow.catalog import AgentTraits, TaskFeature

__all__ = [
    "AGENT_CASES",
    "AgentCase",
    "AgentUnderTest",
    "Gate",
    "Outcome",
    "RecordingChannel",
    "ScriptedAgent",
    "make_request",
]

Outcome: TypeAlias = "AgentResult | Exception"
"""What an attempt ends with: a result is returned, an exception raised."""

_DEADLINE_SECONDS = 30.0


class RecordingChannel:
    """An attempt's channel that keeps what it is told.

    Attributes:
        reports: the progress, in order.
        sessions: the ids of the sessions that were opened.
        cost_usd: what the agent last said that it has cost; None when it did not.
        tokens: likewise.
    """

    def __init__(self) -> None:
        self.reports: list[Progress] = []
        self.sessions: list[str] = []
        self.cost_usd: float | None = None
        self.tokens: int | None = None
        self._changed = trio.Event()

    def report(self, progress: Progress) -> None:
        """Keep the report."""
        self.reports.append(progress)
        self._changed.set()
        self._changed = trio.Event()

    async def session_opened(self, session_id: str) -> None:
        """Keep the id."""
        await trio.lowlevel.checkpoint()
        self.sessions.append(session_id)

    def spent(self, *, cost_usd: float | None = None, tokens: int | None = None) -> None:
        """Keep the latest."""
        self.cost_usd = self.cost_usd if cost_usd is None else cost_usd
        self.tokens = self.tokens if tokens is None else tokens

    @property
    def output(self) -> str:
        """The text of all reports of output, a line break between two."""
        return "\n".join(report.text for report in self.reports if report.kind == "output")

    async def wait_reported(self, kind: str, text: str = "") -> Progress:
        """Wait until a report of this kind holds ``text``; returns the first one."""
        while True:
            for report in self.reports:
                if report.kind == kind and text in report.text:
                    return report
            await self._changed.wait()


def make_request(folder: Path, parameters: Mapping[str, Any] | None = None, **fields: Any) -> AgentRequest:
    """Return a request as the engine makes them.

    Args:
        folder: an empty folder; the project is ``folder/project`` and the attempt's own is
            ``folder/attempt``, both are made.
        parameters: a mapping of JSON values.
        fields: other fields of ``AgentRequest``.
    """
    project, own = folder / "project", folder / "attempt"
    project.mkdir(parents=True, exist_ok=True)
    own.mkdir(mode=0o700, exist_ok=True)
    run_id = RunId("20260101-000000-" + hashlib.sha256(bytes(own)).hexdigest()[:6])  # one folder, one marker
    request = AgentRequest(
        run_id=run_id,
        task_id=TaskId("task"),
        attempt=1,
        agent="",
        parameters=FrozenDict({name: freeze(value) for name, value in (parameters or {}).items()}),
        cwd=project,
        project_root=project,
        folder=own,
        idempotency_key=f"{run_id}/task",
    )
    return replace(request, **fields)


class Gate:
    """Holds an attempt of a ``ScriptedAgent``.

    Attributes:
        reached: set when the attempt has begun and waits here.
        opened: set it to let the attempt go on to its outcome.
    """

    def __init__(self) -> None:
        self.reached = trio.Event()
        self.opened = trio.Event()

    def open(self) -> None:
        """Let the attempt go on."""
        self.opened.set()


@dataclass(slots=True)
class _Script:
    outcomes: deque[Outcome] = field(default_factory=deque)
    gates: deque[Gate] = field(default_factory=deque)
    progress: tuple[Progress, ...] = ()
    was_scripted: bool = False


class ScriptedAgent:
    """An agent that plays a script: attempt after attempt of a task takes the next of its outcomes.

    A task without a script succeeds with its parameters. A script that is used up fails the attempt with the
    kind ``script_ended``, not to be retried: a test that runs more attempts than it planned should notice.

    Args:
        name: what workflows call it.
        traits: what it takes; by default anything, every feature included.

    Attributes:
        requests: every request, in the order in which attempts began.
        running: the tasks of attempts that run now.
        most_running: the most attempts that ever ran at once.
        cancelled: the (task, attempt) pairs that were cancelled.
    """

    def __init__(self, name: str = "scripted", *, traits: AgentTraits | None = None) -> None:
        self._traits = traits or AgentTraits(name=name, supports=frozenset(get_args(TaskFeature)))
        self._scripts: dict[str, _Script] = {}
        self.requests: list[AgentRequest] = []
        self.running: list[TaskId] = []
        self.most_running = 0
        self.cancelled: list[tuple[TaskId, int]] = []

    @property
    def traits(self) -> AgentTraits:
        """What the constructor was given."""
        return self._traits

    def script(self, task: str, *outcomes: Any, progress: Sequence[Progress] = ()) -> None:
        """Say how the next attempts of ``task`` end.

        Args:
            outcomes: results and exceptions as they are; any other JSON value is the output of a success.
            progress: what each attempt reports when it begins.
        """
        script = self._scripts.setdefault(task, _Script())
        script.outcomes.extend(_outcome(outcome) for outcome in outcomes)
        script.was_scripted = script.was_scripted or bool(outcomes)
        script.progress = tuple(progress) or script.progress

    def hold(self, task: str) -> Gate:
        """Make the next attempt of ``task`` that has no gate yet wait; returns its gate."""
        gate = Gate()
        self._scripts.setdefault(task, _Script()).gates.append(gate)
        return gate

    def attempts(self, task: str) -> list[int]:
        """Return the numbers of the attempts of ``task`` that have begun."""
        return [request.attempt for request in self.requests if request.task_id == task]

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Play the next outcome of the task."""
        script = self._scripts.get(request.task_id)
        outcome = _next_outcome(script, request)
        gate = script.gates.popleft() if script is not None and script.gates else None
        self.requests.append(request)
        self.running.append(request.task_id)
        self.most_running = max(self.most_running, len(self.running))
        try:
            for progress in script.progress if script is not None else ():
                channel.report(progress)
            await trio.lowlevel.checkpoint()
            if gate is not None:
                gate.reached.set()
                await gate.opened.wait()
        except trio.Cancelled:
            self.cancelled.append((request.task_id, request.attempt))
            raise
        finally:
            self.running.remove(request.task_id)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _outcome(given: Any) -> Outcome:
    return given if isinstance(given, AgentResult | Exception) else AgentResult(output=freeze(given))


def _next_outcome(script: _Script | None, request: AgentRequest) -> Outcome:
    if script is None or (not script.outcomes and not script.was_scripted):
        return AgentResult(output=request.parameters)
    if not script.outcomes:
        return AgentError(
            "script_ended", f"the script of '{request.task_id}' has no outcome left", retryable=False
        )
    return script.outcomes.popleft()


@dataclass(frozen=True, slots=True)
class AgentUnderTest:
    """An agent, and parameters that make it do what the cases need.

    Attributes:
        succeeds: parameters of an attempt that succeeds ...
        output: ... with this output.
        fails: parameters of an attempt that fails; None when it cannot be made to.
        hangs: parameters of an attempt that reports progress and then goes on until it is cancelled, in
            several processes if it can; None when it cannot be made to.
    """

    agent: Agent
    succeeds: Mapping[str, Any]
    output: Any
    fails: Mapping[str, Any] | None = None
    hangs: Mapping[str, Any] | None = None


AgentCase: TypeAlias = Callable[[AgentUnderTest, Path], Awaitable[None]]


async def traits_do_not_change(subject: AgentUnderTest, _folder: Path) -> None:
    """They are read once, when the agent is registered."""
    await trio.lowlevel.checkpoint()
    traits = subject.agent.traits
    _require(isinstance(traits, AgentTraits), "traits is an AgentTraits")
    _require(bool(traits.name), "an agent has a name")
    _require(traits == subject.agent.traits, "traits are the same each time")
    if traits.parameters is not None:
        _require(traits.required <= traits.parameters, "what is required is among the known parameters")
        _require(traits.parameters >= set(subject.succeeds), "it knows the parameters it succeeds with")


async def a_success_gives_its_output_frozen(subject: AgentUnderTest, folder: Path) -> None:
    """A frozen JSON value, and nothing is left running."""
    request = make_request(folder, subject.succeeds)
    result = await _run(subject.agent, request, RecordingChannel())
    _require(isinstance(result, AgentResult), "run returns an AgentResult")
    _require(
        result.output == freeze(subject.output), f"the output is {subject.output!r}, not {result.output!r}"
    )
    _require(_is_frozen(result.output), "the output is frozen")
    _require(all(isinstance(note, str) for note in result.notes), "notes are texts")
    _require_nothing_left(request)


async def attempts_at_once_do_not_mix(subject: AgentUnderTest, folder: Path) -> None:
    """One agent carries out any number of attempts at the same time."""
    results: list[Frozen] = []

    async def attempt(number: int) -> None:
        request = make_request(folder / str(number), subject.succeeds, attempt=number)
        results.append((await _run(subject.agent, request, RecordingChannel())).output)

    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(attempt, number)
    _require(results == [freeze(subject.output)] * 3, "each attempt gives its own output")


async def a_failure_is_an_agent_error(subject: AgentUnderTest, folder: Path) -> None:
    """With a kind in lower case and a message, and nothing is left running."""
    if subject.fails is None:
        return
    request = make_request(folder, subject.fails)
    try:
        result = await _run(subject.agent, request, RecordingChannel())
    except AgentError as error:
        _require(
            error.kind.replace("_", "").isalnum() and error.kind == error.kind.lower(),
            "a kind is a lower-case word",
        )
        _require(bool(error.message.strip()), "an error says what went wrong")
    else:
        _require(False, f"it fails with an AgentError; it gave {result!r}")
    _require_nothing_left(request)


async def progress_is_typed_and_ends_with_the_attempt(subject: AgentUnderTest, folder: Path) -> None:
    """Only ``Progress`` is reported, and nothing after the end."""
    channel = RecordingChannel()
    await _run(subject.agent, make_request(folder, subject.succeeds), channel)
    reports: list[Any] = list(channel.reports)  # an agent may have said anything
    _require(
        all(isinstance(report, Progress) and bool(report.kind) for report in reports), "reports are Progress"
    )
    await trio.testing.wait_all_tasks_blocked()
    _require(channel.reports == reports, "nothing is reported after the attempt ended")


async def cancellation_ends_the_attempt_and_all_its_processes(subject: AgentUnderTest, folder: Path) -> None:
    """``Cancelled`` comes out, and nothing is left running."""
    if subject.hangs is None:
        return
    request, channel = make_request(folder, subject.hangs), RecordingChannel()
    with trio.fail_after(_DEADLINE_SECONDS), trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(subject.agent.run, request, channel)
            await channel.wait_reported("output")
            scope.cancel()
    _require(scope.cancelled_caught, "a cancelled attempt lets Cancelled through")
    _require_nothing_left(request)


async def an_attempt_cancelled_from_the_start_leaves_nothing(subject: AgentUnderTest, folder: Path) -> None:
    """Whether it begins at all or not."""
    request = make_request(folder, subject.hangs or subject.succeeds)
    with trio.fail_after(_DEADLINE_SECONDS), trio.CancelScope() as scope:
        scope.cancel()
        await subject.agent.run(request, RecordingChannel())
    _require_nothing_left(request)


async def nobody_else_can_read_its_files(subject: AgentUnderTest, folder: Path) -> None:
    """What it writes into the attempt's folder is its owner's alone."""
    request = make_request(folder, subject.succeeds)
    await _run(subject.agent, request, RecordingChannel())
    for name in os.listdir(request.folder):
        mode = stat.S_IMODE(os.lstat(request.folder / name).st_mode)
        _require(mode & 0o077 == 0, f"{name} has the mode {mode:o}; nobody else may read it")


AGENT_CASES: tuple[AgentCase, ...] = (
    traits_do_not_change,
    a_success_gives_its_output_frozen,
    attempts_at_once_do_not_mix,
    a_failure_is_an_agent_error,
    progress_is_typed_and_ends_with_the_attempt,
    cancellation_ends_the_attempt_and_all_its_processes,
    an_attempt_cancelled_from_the_start_leaves_nothing,
    nobody_else_can_read_its_files,
)
"""What every agent must do."""


async def _run(agent: Agent, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
    with trio.fail_after(_DEADLINE_SECONDS):
        return await agent.run(request, channel)


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise AssertionError(rule)


def _is_frozen(value: object) -> bool:
    if isinstance(value, FrozenDict):
        return all(_is_frozen(item) for item in value.values())
    if isinstance(value, tuple):
        return all(_is_frozen(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _require_nothing_left(request: AgentRequest) -> None:
    """Look at every process of the machine for the attempt's marker (on Linux)."""
    marker = attempt_marker(request.run_id, request.task_id, request.attempt)
    left = [
        process.pid for process in process_table.all_processes() if process_table.carries(process.pid, marker)
    ]
    _require(not left, f"no process of the attempt is left; these are: {left}")
