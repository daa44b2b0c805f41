"""Tasks, and the tasks of hooks: the table of their keys, and what can be said of one without looking at the others.

Takes a task's mapping and gives a ``DecodedTask`` (the ``TaskSpec`` and where it stands). What needs the
graph, the agents or the other names is checked afterwards, in the ``check_*`` modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actorflow.ids import TASK_ID, TaskId
from actorflow.workflow.conditions import Condition
from actorflow.workflow.decode_inputs import check_reserved
from actorflow.workflow.decode_settings import RESOURCES
from actorflow.workflow.env_names import ENV_NAME, is_forbidden
from actorflow.workflow.json_schema import schema_mistakes
from actorflow.workflow.model import Backoff, HookPhase, OnTaskFailure, RetryPolicy, RunIf, TaskSpec
from actorflow.workflow.paths import path_mistake
from actorflow.workflow.report import Path, Report
from actorflow.workflow.shape_groups import Either, Items, Key, Named, Object
from actorflow.workflow.shapes import INVALID, Choice, Data, Duration, Integer, Shape, Text

__all__ = ["HOOKS", "TASKS", "DecodedTask"]

_ID_RULE = "letters, digits, '_' and '-', at most 64, not starting with a digit or '-'"


@dataclass(frozen=True, slots=True)
class DecodedTask:
    """A task and its path in the document."""

    spec: TaskSpec
    path: Path


@dataclass(frozen=True)
class _Id(Shape):
    """The id of a task that is declared here."""

    noun = "text"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            return self.refuse(value, path, report)
        if not TASK_ID.fullmatch(value):
            report.error(path, "E609", f"'{value[:80]}' cannot be the id of a task", _ID_RULE)
            return INVALID
        return TaskId(value) if check_reserved(value, path, report, at_key=False) else INVALID

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{TASK_ID.pattern}$"}


@dataclass(frozen=True)
class _Folder(Shape):
    """A folder below the project root."""

    noun = "a path"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            return self.refuse(value, path, report)
        mistake = path_mistake(value)
        if mistake:
            report.error(path, "E611", f"cwd: {mistake}")
            return INVALID
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^[^/~]"}


@dataclass(frozen=True)
class _OutputSchema(Data):
    """A JSON Schema of the part that outputs are checked against."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            return self.refuse(value, path, report)
        mistakes = schema_mistakes(value)
        for mistake in mistakes:
            report.error((*path, *mistake.path), "E615", mistake.message, mistake.hint, at_key=mistake.at_key)
        return INVALID if mistakes else super()._decode(value, path, report)


def _check_variable(name: str, path: Path, report: Report) -> bool:
    if not is_forbidden(name):
        return True
    hint = "it could change which code runs or where data goes; set it for actorflow itself if you need it"
    report.error(path, "E612", f"a workflow cannot set the environment variable {name}", hint, at_key=True)
    return False


def _build_retry(keys: dict[str, Any], path: Path, report: Report) -> RetryPolicy:
    defaults = RetryPolicy()
    delay = keys.get("delay", defaults.delay_seconds)
    backoff = keys.get("backoff", defaults.backoff)
    longest = keys.get("max_delay")
    if longest is not None and backoff is Backoff.FIXED:
        report.warning(
            (*path, "max_delay"), "W652", "max_delay has no effect with backoff: fixed", at_key=True
        )
    elif longest is not None and longest < delay:
        report.error(
            (*path, "max_delay"),
            "E605",
            "max_delay is shorter than delay",
            "delay is the first, max_delay the longest",
        )
    return RetryPolicy(
        max_attempts=keys.get("max_attempts", defaults.max_attempts),
        delay_seconds=delay,
        backoff=backoff,
        # A first delay longer than the default maximum is meant as it is written.
        max_delay_seconds=longest if longest is not None else max(delay, defaults.max_delay_seconds),
    )


def _build_task(keys: dict[str, Any], path: Path, _report: Report) -> Any:
    if "id" not in keys:
        return INVALID
    agent = keys.pop("agent", ())
    fields = {_FIELDS.get(key, key): value for key, value in keys.items()}
    hook = HookPhase(str(path[1])) if path[0] == "hooks" else None
    return DecodedTask(
        TaskSpec(agents=(agent,) if isinstance(agent, str) else agent, hook=hook, **fields), path
    )


_FIELDS = {"timeout": "timeout_seconds", "idle_timeout": "idle_timeout_seconds"}

_RETRY = Object(
    "retry",
    {
        "max_attempts": Key(
            Integer(1, hint="the first attempt counts: 1 means no retry"),
            "How many attempts there are, the first one counted. Default: 3.",
        ),
        "delay": Key(Duration(may_be_zero=True), "The delay before the second attempt. Default: 5 seconds."),
        "backoff": Key(Choice.of(Backoff), "How the delay grows. Default: exponential."),
        "max_delay": Key(Duration(), "The longest delay with exponential backoff. Default: 300 seconds."),
    },
    _build_retry,
)

_TASK_KEYS = {
    "id": Key(_Id(), "The name of the task, used in dependencies and expressions.", required=True),
    "agent": Key(
        Either(((str, Text(is_line=True)), (list, Items(Text(is_line=True), least=1, no_twice=True)), (object, Text(is_line=True)))),
        "Who does the work: one agent, or a list of which the next is tried when one cannot.",
        required=True,
    ),
    "description": Key(Text(may_be_blank=True), "What the task is about; may have holes."),
    "parameters": Key(Data(is_mapping=True), "Data for the agent; its text may have holes."),
    "options": Key(Data(is_mapping=True), "How the agent runs: model, tools …"),
    "dependencies": Key(Items(Text(is_line=True)), "The tasks that this one waits for."),
    "handoff": Key(
        Either(((str, Choice(("direct", "none"))), (list, Items(Text(is_line=True), no_twice=True)), (object, Choice(("direct", "none"))))),
        "Which outputs the agent is handed besides those it references. Default: direct.",
    ),
    "condition": Key(Condition(), "The task runs only when this expression is true."),
    "retry": Key(_RETRY, "How failed attempts are repeated."),
    "timeout": Key(Duration(), 'The time that one attempt may take: seconds, or "5m".'),
    "idle_timeout": Key(Duration(), "The time in which the agent may be silent."),
    "on_failure": Key(Choice.of(OnTaskFailure), "What happens when the attempts are used up. Default: fail."),
    "output_schema": Key(_OutputSchema(is_mapping=True), "A JSON Schema that the output must fit."),
    "verify": Key(Text(), "A command whose exit code decides whether the attempt succeeded."),
    "session": Key(Text(is_line=True), "Continue the agent session of this task."),
    "env": Key(
        Named(Text(may_be_blank=True), ENV_NAME, "an environment variable", "letters, digits and '_'", _check_variable),
        "Environment variables for the agent's process; their text may have holes.",
    ),
    "cwd": Key(_Folder(), "Where the agent works: a folder below the project root."),
    "priority": Key(Integer(), "Among tasks that are ready, the highest starts first. Default: 0."),
    "resources": Key(RESOURCES, "How much of which pool one attempt takes."),
    "run_if": Key(Choice.of(RunIf), "Which states of its dependencies let the task start."),
}  # fmt: skip

_NO_GRAPH = "the tasks of hooks run one after the other and have no dependencies"

TASKS = Items(Object("a task", _TASK_KEYS, _build_task, may_be_empty=False), least=1)

_HOOK_TASKS = Items(
    Object(
        "a hook's task",
        {
            key: entry
            for key, entry in _TASK_KEYS.items()
            if key not in ("dependencies", "condition", "run_if")
        },
        _build_task,
        forbidden=dict.fromkeys(("dependencies", "condition", "run_if"), _NO_GRAPH),
        may_be_empty=False,
    )
)


def _build_hooks(keys: dict[str, Any], _path: Path, _report: Report) -> tuple[DecodedTask, ...]:
    return tuple(task for phase in HookPhase for task in keys.get(phase.value, ()))


HOOKS = Object(
    "hooks",
    {
        "on_start": Key(_HOOK_TASKS, "Before the first task; when one fails, the run fails."),
        "on_success": Key(_HOOK_TASKS, "After a run that succeeded."),
        "on_failure": Key(_HOOK_TASKS, "After a run that failed."),
        "on_complete": Key(_HOOK_TASKS, "After every run, also one that was cancelled."),
    },
    _build_hooks,
)
