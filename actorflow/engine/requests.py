"""From a started attempt to the request that its agent gets.

Takes the snapshot of the state in which the attempt was started, fills every hole, and adds what the agent
works in: folders, environment, the outputs handed over. Secrets go into the environment only. Raises
``AgentError`` of kind ``interpolation`` when a hole cannot be filled: the attempt then fails before any agent
is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from actorflow.agents.interface import Agent, AgentRequest
from actorflow.errors import AgentError, ExpressionError
from actorflow.expressions import Secret
from actorflow.ids import RunId, TaskId
from actorflow.scheduling import StartAttempt
from actorflow.scheduling.services import budget_share
from actorflow.state import RunState, TaskState, TaskStatus
from actorflow.state.events import BlobRef
from actorflow.state.snapshot import LoadBlob, Snapshot, snapshot
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.plan import Plan, PlannedTask
from actorflow.workflow.shell_text import shell_environment

__all__ = ["RequestFacts", "build_request", "start_again"]


class RequestFacts(Protocol):
    """What a request is made from; a ``Session`` has all of it, and says what it is."""

    @property
    def run_id(self) -> RunId:
        """The run."""
        ...

    @property
    def plan(self) -> Plan:
        """Its plan."""
        ...

    @property
    def agents(self) -> Mapping[str, Agent]:
        """Name -> agent."""
        ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """Name -> text."""
        ...

    @property
    def project_root(self) -> Path:
        """Where agents work."""
        ...

    @property
    def load(self) -> LoadBlob:
        """Gives outputs that live in blobs."""
        ...

    @property
    def attempt_folder(self) -> Callable[[TaskId, int], Path]:
        """Gives the folder of an attempt."""
        ...


def build_request(
    session: RequestFacts, state: RunState, start: StartAttempt, *, has_begun: bool = False
) -> AgentRequest:
    """Make the request for an attempt.

    Args:
        has_begun: whether another driver has begun it; then the folder in which it works may be gone by now.

    Raises:
        AgentError: a value cannot be filled in, or the working directory is not there.
    """
    task = session.plan.tasks[start.task]
    try:
        context = snapshot(state, reads=task.reads, dependencies=task.dependencies, load=session.load)
        parameters, environment = _fill(session, task, context)
        description = task.description.render(context)
    except ExpressionError as error:
        raise AgentError("interpolation", error.message, hint=error.hint, retryable=False) from error
    spec = task.spec
    return AgentRequest(
        run_id=session.run_id,
        task_id=start.task,
        attempt=start.attempt,
        agent=start.agent,
        parameters=parameters,
        cwd=_cwd(session, spec.cwd, must_exist=not (state.is_rehearsal or has_begun)),
        project_root=session.project_root,
        folder=_folder(session, start),
        idempotency_key=f"{state.key_id}/{start.task}",
        description=str(description),
        handoff=_handoff(session, state, task, start.agent),
        environment=environment,
        options=session.plan.workflow.settings.options | spec.options,
        output_schema=spec.output_schema,
        verify=None if task.verify is None else task.verify.text,
        session=start.session,
        session_cost_usd=state.session_costs.get(start.session or "", 0.0),
        interrupted_by=_interrupted_by(state.tasks[start.task], start),
        budget_usd=budget_share(session.plan, state) if start.backend else None,
        stored_bytes=session.plan.workflow.settings.stored_output_bytes,
    )


def start_again(task: TaskState) -> StartAttempt:
    """Return the start of a task's open attempt, as it was decided."""
    pool = "" if task.pool == task.backend else task.pool
    return StartAttempt(task.id, task.attempts, task.agent, task.backend, pool, task.session_id)


def _interrupted_by(task: TaskState, start: StartAttempt) -> str:
    """Say why the task's last attempt in this session ended; "" when the session is not its own."""
    if start.session is None or task.session_agent != start.agent:
        return ""
    return "resumed" if task.error is None else task.error.kind


def _handoff(
    session: RequestFacts, state: RunState, task: PlannedTask, agent: str
) -> tuple[tuple[TaskId, Frozen], ...]:
    """Return the outputs that are handed over: of tasks that have succeeded, to an agent that takes them."""
    if "handoff" not in session.agents[agent].traits.supports:
        return ()
    done = [task_id for task_id in task.handoff if state.tasks[task_id].status is TaskStatus.SUCCESS]
    return tuple((task_id, _output(session, state, task_id)) for task_id in done)


def _folder(session: RequestFacts, start: StartAttempt) -> Path:
    if session.agents[start.agent].traits.needs_folder:
        return session.attempt_folder(start.task, start.attempt)
    return session.project_root


def _fill(session: RequestFacts, task: PlannedTask, context: Snapshot) -> tuple[FrozenDict, dict[str, str]]:
    secrets = FrozenDict({name: Secret(text) for name, text in session.secrets.items()})
    parameters = task.parameters.render(context)
    environment = task.env.render(context.with_names(secrets=secrets))
    if not isinstance(parameters, FrozenDict) or not isinstance(environment, FrozenDict):
        raise TypeError("parameters and env are mappings")
    variables = {name: _text(value) for name, value in environment.items()}
    if task.shell is not None:
        parameters = parameters | {"command": task.shell.text}
        variables |= shell_environment(task.shell, context)
    if task.verify is not None:
        variables |= shell_environment(task.verify, context)
    return parameters, variables


def _text(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _cwd(session: RequestFacts, cwd: str | None, *, must_exist: bool) -> Path:
    """Return where the agent works; links are followed, and must not lead out of the project.

    In a rehearsal it need not exist: the task that would make it has not been carried out.
    """
    if cwd is None:
        return session.project_root
    path = (session.project_root / cwd).resolve()
    if not path.is_relative_to(session.project_root.resolve()):
        raise AgentError("invalid_parameters", f"cwd {cwd} leads out of the project", retryable=False)
    if must_exist and not path.is_dir():
        raise AgentError(
            "invalid_parameters", f"cwd {cwd} is no folder", hint="make it in a task before", retryable=False
        )
    return path


def _output(session: RequestFacts, state: RunState, task_id: TaskId) -> Frozen:
    output = state.tasks[task_id].output
    return session.load(output) if isinstance(output, BlobRef) else output
