"""What a conversation with ``claude`` has come to: the fold of its messages.

Takes messages in order and remembers what counts for the attempt: the session, the last result, what runs in
the background, what was spent, what was refused, which limits were met. ``has_settled`` says when a turn is
over. Pure: no clock, no files; what it means for the attempt is said by ``failures`` and ``talk``.
"""

from __future__ import annotations

from actorflow.agents.claude.messages import (
    ApiRetry,
    Background,
    Denied,
    Garbled,
    Init,
    LimitStatus,
    Message,
    ModelFallback,
    Result,
    Text,
    ToolUse,
    Usage,
)

__all__ = ["Transcript"]


class Transcript:
    """The fold.

    Args:
        session_cost_usd: what the session had cost before, when this conversation goes on with one.
        is_resumed: whether it does.

    Attributes:
        is_wake_due: another turn is about to begin, although there is a result: something in the background
            has ended since, or the result is of a turn that we did not ask for.
        session_id: as last named.
        result: the last result; of a conversation with several turns that of the last one.
        retry: the last repeated request, unless something went well since.
        limit: how the subscription's limit stands, if it was said.
        error: what the CLI calls what went wrong last ("" when nothing did).
        garbled: how many lines were no messages; ``sample`` is the first of them.
        servers: MCP servers that it knows of; None when it was never said.
        failed_servers: those that could not be reached.
        fallbacks: what was said when another model took over.
    """

    def __init__(self, *, session_cost_usd: float = 0.0, is_resumed: bool = False) -> None:
        self._cost_before = session_cost_usd
        self._is_resumed = is_resumed
        self._seen_tokens: dict[str, int] = {}
        self._turn_tokens = 0
        self._total_cost: float | None = None
        self._session_tokens: int | None = None
        self._is_active = False
        self._awaits_answer = False
        self.is_wake_due = False
        self.session_id = ""
        self.version = ""
        self.permission_mode = ""
        self.result: Result | None = None
        self.background = Background()
        self.retry: ApiRetry | None = None
        self.limit: LimitStatus | None = None
        self.error = ""
        self.denied: dict[str, int] = {}
        self.garbled = 0
        self.sample = ""
        self.servers: frozenset[str] | None = None
        self.failed_servers: tuple[str, ...] = ()
        self.fallbacks: tuple[str, ...] = ()
        self.text = ""

    def begin_turn(self) -> None:
        """Something has been said to it: what counts now is the next result."""
        self.result = None
        self.error = ""
        self._is_active = self._awaits_answer = True

    def add(self, message: Message) -> None:
        """Take the next message."""
        match message:
            case Init():
                self._begin(message)
            case Text():
                self._said(message)
            case ToolUse():
                self.retry, self._is_active = None, True
            case Usage(message_id=message_id, tokens=tokens):
                self._seen_tokens[message_id] = max(tokens, self._seen_tokens.get(message_id, 0))
            case Result():
                self._ended(message)
            case Background():
                self._changed(message)
            case _:
                self._noted(message)

    def _noted(self, message: Message) -> None:
        match message:
            case ApiRetry():
                self.retry = message
            case LimitStatus():
                self.limit = message
            case Denied(tool=tool):
                self.denied[tool] = self.denied.get(tool, 0) + 1
            case ModelFallback(text=text):
                self.fallbacks = (*self.fallbacks, text)
            case Garbled(sample=sample):
                self.garbled += 1
                self.sample = self.sample or sample

    def _begin(self, init: Init) -> None:
        self._is_active, self.is_wake_due = True, False
        self.version = init.version or self.version
        self.permission_mode = init.permission_mode or self.permission_mode
        self.servers = frozenset(name for name, _ in init.servers)
        self.failed_servers = tuple(name for name, status in init.servers if status == "failed")

    def _changed(self, background: Background) -> None:
        fewer = background.agents + background.commands < self.background.agents + self.background.commands
        self.is_wake_due = self.result is not None and not self._is_active and fewer
        self.background = background

    def _said(self, text: Text) -> None:
        self._is_active = True
        if text.is_subagent:
            return
        self.error = text.error
        self.text = text.text
        if not text.error:
            self.retry = None

    def _ended(self, result: Result) -> None:
        self._is_active = False
        # What was woken at the same moment is not yet the answer to what was said.
        self._awaits_answer = self.is_wake_due = self._awaits_answer and result.is_woken
        self._turn_tokens += result.turn_tokens or 0
        if result.total_cost_usd is not None and not _leaves_out_everything(result):
            self._total_cost = result.total_cost_usd
        self._session_tokens = (
            self._session_tokens if result.session_tokens is None else result.session_tokens
        )
        # A woken turn often only says "ok": the structured output of the turn before it stays the answer.
        is_answered = self.result is not None and self.result.has_structured
        if not is_answered or result.is_error or result.has_structured:
            self.result = result

    @property
    def has_settled(self) -> bool:
        """Whether there is a result, nothing is being said, and no subagent is left that will wake the model again."""
        return self.result is not None and not self._is_active and not self.background.agents

    @property
    def has_worked(self) -> bool:
        """Whether the model has said or used anything."""
        return bool(self.text or self._seen_tokens)

    @property
    def is_limited(self) -> bool:
        """Whether the subscription's limit has been reached."""
        return self.limit is not None and self.limit.status == "rejected"

    @property
    def cost_usd(self) -> float | None:
        """What the conversation itself has cost; None when it was never said."""
        total = self._total_cost
        if total is None or not self._is_resumed:
            return total
        # A total that is smaller than what had been spent before does not count the time before.
        return total - self._cost_before if total >= self._cost_before else total

    @property
    def tokens(self) -> int | None:
        """What the conversation itself has used; None when it was never said. Of a resumed session without its subagents."""
        if self._session_tokens is not None and not self._is_resumed:
            return self._session_tokens
        return max(self._turn_tokens, sum(self._seen_tokens.values())) or None


def _leaves_out_everything(result: Result) -> bool:
    """Say whether the total is nothing because the only request was interrupted: what that has cost is not known."""
    return result.total_cost_usd == 0 and result.terminal_reason.startswith("aborted")
