"""What the actor runtime raises on purpose, besides ``MailboxFull`` and ``MailboxClosed``.

    ActorflowError
    ├── AskFailed           the receiver failed while it had the question
    ├── StartFailed         a child that was asked for did not come up
    ├── SupervisorFailed    restarts did not help: the chain of causes is in ``__cause__``
    ├── SupervisorStopped   the supervisor is not running, so it starts no children
    ├── NameTaken           the supervisor has a child of that name
    └── NoSuchActor         nothing in the tree has that path

Facts are fields, and the message is built from them.
"""

from __future__ import annotations

from actorflow.errors import ActorflowError

__all__ = ["AskFailed", "NameTaken", "NoSuchActor", "StartFailed", "SupervisorFailed", "SupervisorStopped"]


class AskFailed(ActorflowError):
    """The receiver crashed while it had the question, or refused it; ``__cause__`` says why.

    Attributes:
        path: the receiver.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} failed before it answered")
        self.path = path


class StartFailed(ActorflowError):
    """A child's first start failed; it was not kept. ``__cause__`` is what it raised, None when it was cut short.

    Attributes:
        path: the child.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} did not start")
        self.path = path


class SupervisorFailed(ActorflowError):
    """A supervisor gave up, because its children failed too often; ``__cause__`` is the last failure.

    Attributes:
        path: the supervisor.
        child: the path of the child that failed last.
        max_restarts: how many restarts were allowed...
        within_seconds: ...in this time.
    """

    def __init__(self, path: str, child: str, max_restarts: int, within_seconds: float) -> None:
        super().__init__(
            f"{path} gave up: {child} ended again after {max_restarts} restarts within {within_seconds:g} s"
        )
        self.path = path
        self.child = child
        self.max_restarts = max_restarts
        self.within_seconds = within_seconds


class SupervisorStopped(ActorflowError):
    """The supervisor is not running (not yet, being restarted, or stopped for good).

    Attributes:
        path: the supervisor.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not running")
        self.path = path


class NameTaken(ActorflowError):
    """The supervisor already has a child of that name.

    Attributes:
        path: the child that is there.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is there already")
        self.path = path


class NoSuchActor(ActorflowError):
    """Nothing of the wanted kind is at that path.

    Attributes:
        path: what was looked for.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"nothing of that kind is at {path!r}")
        self.path = path
