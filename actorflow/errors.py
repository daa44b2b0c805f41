"""The one error tree of actorflow, with stable codes and exit codes.

    ActorflowError
    ├── SpecErrors            a workflow file is wrong; carries *all* its problems        exit 2
    ├── InputError            a run was asked for with wrong or missing inputs            exit 2
    ├── ExpressionError       parse, static, eval or limit error of an expression         exit 2
    ├── ConfigurationError    an agent, a login or a program is not there                 exit 3
    ├── RunError              a run cannot do what was asked (unknown run, wrong state)   exit 2
    │   └── SpecDiffers       its workflow file has changed: somebody must say which text counts
    ├── AgentError            an attempt failed; says whether to retry                    exit 1
    ├── JournalError          the storage failed                                          exit 74
    │   ├── JournalDamaged    a journal was read that is not whole
    │   ├── JournalFull       there is no room; nothing was written, and nothing is lost
    │   ├── BlobMissing       a large output that an event names is not there
    │   ├── BlobDamaged       a large output is not what was stored
    │   └── StaleEpoch        another driver has taken the run over                       exit 75
    ├── RunLocked             another process drives this run                             exit 75
    ├── RunParked             a limit of a service keeps this run from going on           exit 75
    ├── DriverSilent          the process that drives this run does not answer            exit 75
    ├── MailboxError
    │   ├── MailboxFull
    │   └── MailboxClosed
    └── InternalError         a bug of ours: please report it                             exit 1

Facts are fields, and the message is built from them. Nothing here imports anything of actorflow.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ActorflowError",
    "AgentError",
    "BlobDamaged",
    "BlobMissing",
    "ConfigurationError",
    "DriverSilent",
    "ExpressionError",
    "InputError",
    "InternalError",
    "JournalDamaged",
    "JournalError",
    "JournalFull",
    "MailboxClosed",
    "MailboxError",
    "MailboxFull",
    "RunError",
    "RunLocked",
    "RunParked",
    "SpecDiffers",
    "SpecErrors",
    "StaleEpoch",
]


class ActorflowError(Exception):
    """Anything that actorflow raises on purpose.

    Attributes:
        message: one line, without a final stop.
        hint: what the reader can do about it, or "".
        exit_code: the documented exit code of a command that ends with this error.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class SpecErrors(ActorflowError):
    """A workflow file has problems; all of them, in the order of the file.

    Attributes:
        problems: the problems, each with ``file line column code severity message hint``
            (``actorflow.workflow.Problem``; typed loosely because this module is below it).
    """

    exit_code = 2

    def __init__(self, problems: tuple[object, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class InputError(ActorflowError):
    """The inputs given to a run do not fit its workflow."""

    exit_code = 2


class ExpressionError(ActorflowError):
    """An expression or template is wrong; its subclasses live in ``actorflow.expressions``."""

    exit_code = 2


class ConfigurationError(ActorflowError):
    """Something outside the workflow is missing: an agent's program, a login, a plug-in."""

    exit_code = 3


class RunError(ActorflowError):
    """A run cannot do what was asked of it."""

    exit_code = 2


class SpecDiffers(RunError):
    """The workflow file of a run has changed since the run took it up.

    Attributes:
        file: its path.
        tasks: what differs, each ``{"task", "kind", "keys"}``.
        elsewhere: keys that differ and belong to no task.
        difference: the lines of a unified difference; () when the file is not valid any more.
    """

    def __init__(
        self,
        run_id: str,
        file: str,
        *,
        tasks: tuple[dict[str, object], ...] = (),
        elsewhere: tuple[str, ...] = (),
        difference: tuple[str, ...] = (),
        problems: int = 0,
    ) -> None:
        state = f", and has {problems} problem{'s' if problems != 1 else ''} now" if problems else ""
        choices = [
            f"go on with what the run began with:  actorflow resume {run_id} --use-pinned-spec",
            f"go on with the file as it is now:    actorflow resume {run_id} --use-current-spec",
            "what either would run again:          add --dry-run",
        ]
        super().__init__(f"{file} has changed since run {run_id} took it up{state}", hint="\n".join(choices))
        self.file = file
        self.tasks = tasks
        self.elsewhere = elsewhere
        self.difference = difference


class AgentError(ActorflowError):
    """An attempt failed. Raised by agents, stored in the journal as data.

    Attributes:
        kind: a stable lower-case word (``exit_status timeout rate_limit authentication …``).
        retryable: whether another attempt can help.
        retry_after_seconds: the earliest moment another attempt makes sense, as the agent told us; None if it
            did not.
        cost_usd: what the failed attempt itself has cost (not its whole session); None when unknown, which is
            not zero.
        tokens: what it has used; None when unknown.
        session_id: the agent's session, if it is known only now; usually the channel was told before.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        hint: str = "",
        retryable: bool = True,
        retry_after_seconds: float | None = None,
        cost_usd: float | None = None,
        tokens: int | None = None,
        session_id: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.cost_usd = cost_usd
        self.tokens = tokens
        self.session_id = session_id


class JournalError(ActorflowError):
    """The journal could not be written or read. After a failed commit nothing may be assumed."""

    exit_code = 74


class JournalDamaged(JournalError):
    """A journal is not whole.

    Attributes:
        path: the damaged file.
        sequence: the first sequence number that cannot be trusted.
    """

    def __init__(self, path: str, sequence: int, detail: str, *, more: str = "") -> None:
        hint = "nothing was changed; keep a copy of the folder"
        super().__init__(
            f"{path}: the journal is damaged at event {sequence}: {detail}",
            hint=f"{hint}. {more}" if more else hint,
        )
        self.path = path
        self.sequence = sequence


class JournalFull(JournalError):
    """There is no room for what should be written. Nothing of it was, so it may be tried again when there is room."""


class BlobMissing(JournalError):
    """A blob that something refers to is not there.

    Attributes:
        path: where it should be.
    """

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path}: the blob is missing",
            hint="the run's folder is not whole; copy it back from where it came",
        )
        self.path = path


class BlobDamaged(JournalError):
    """A blob does not hold what its name says.

    Attributes:
        path: the damaged file.
    """

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(
            f"{path}: the blob is damaged: {detail}", hint="nothing was changed; keep a copy of the folder"
        )
        self.path = path


class StaleEpoch(JournalError):
    """An append was refused because another driver has taken the run over since."""

    exit_code = 75


class RunLocked(ActorflowError):
    """Another process drives the run.

    Attributes:
        run_id: the run.
        driver: who drives it, in words ("process 4711 on host, since 12:03:55").
    """

    exit_code = 75

    def __init__(self, run_id: str, driver: str) -> None:
        super().__init__(
            f"run {run_id} is driven by {driver}",
            hint=f"watch it with 'actorflow status {run_id}', or stop it with 'actorflow cancel {run_id}'",
        )
        self.run_id = run_id
        self.driver = driver


class RunParked(ActorflowError):
    """A run waits for a limit of a service, and nobody said that it is to be waited for.

    Attributes:
        run_id: the run.
        until: when it can go on, Unix seconds.
    """

    exit_code = 75

    def __init__(self, run_id: str, until: float, when: str, why: str) -> None:
        super().__init__(
            f"run {run_id} is PARKED until {when} ({why})",
            hint=f"wait for it and go on with 'actorflow resume {run_id} --when-ready', or come back then",
        )
        self.run_id = run_id
        self.until = until


class DriverSilent(ActorflowError):
    """The process that drives a run is there, and does not answer.

    Attributes:
        driver: who drives it, in words, as in ``RunLocked``.
    """

    exit_code = 75

    def __init__(self, driver: str, seconds: float) -> None:
        super().__init__(
            f"{driver} drives the run and has not answered for {seconds:g} s",
            hint="is it stopped (kill -CONT lets it go on), or its disk stuck? What was asked of it is taken back",
        )
        self.driver = driver


class MailboxError(ActorflowError):
    """A message could not be delivered."""


class MailboxFull(MailboxError):
    """The receiver's bounded mailbox has no room."""


class MailboxClosed(MailboxError):
    """The receiver has stopped for good."""


class InternalError(ActorflowError):
    """Something that cannot happen has happened. Never retried."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="this is a bug in actorflow: please report it with the run's folder")
