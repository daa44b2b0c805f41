"""The agent that plays all others in a rehearsal.

One instance stands for one agent of the workflow, with that agent's traits; it takes what is to be given from
the stubs, waits as long as they say (on whatever clock trio has), and fails the attempts that they say. It
starts nothing, writes nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import trio

from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel, Progress
from actorflow.ids import TaskId
from actorflow.rehearsal.made_up import made_up_output
from actorflow.rehearsal.stubs import Stub, Stubs
from actorflow.values import Frozen
from actorflow.workflow.catalog import AgentTraits

__all__ = ["RehearsedAgent"]

_SIGN_OF_LIFE_SECONDS = 1.0


class RehearsedAgent:
    """Plays one agent.

    Args:
        traits: of the agent that is played.
        guesses: task -> its output where nothing else says it; see ``guessed_outputs``.
        on_call: is told every request, before anything is played.
    """

    def __init__(
        self,
        traits: AgentTraits,
        stubs: Stubs,
        *,
        guesses: Mapping[TaskId, Frozen] | None = None,
        on_call: Callable[[AgentRequest], None] | None = None,
    ) -> None:
        self._traits = replace(traits, needs_folder=False, unavailable="")
        self._stubs = stubs
        self._guesses = guesses or {}
        self._on_call = on_call

    @property
    def traits(self) -> AgentTraits:
        """What the real agent takes; it needs no folder, and is always there."""
        return self._traits

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        """Play one attempt.

        Raises:
            AgentError: the stubs say that this attempt fails.
        """
        stub = self._stubs.for_task(request.task_id, request.agent)
        if self._on_call is not None:
            self._on_call(request)
        channel.report(Progress(kind="started"))
        channel.spent(cost_usd=stub.cost_usd, tokens=stub.tokens)  # counts when the attempt is cut off
        session = None
        if "session" in self._traits.supports:
            session = request.session or f"rehearsed-{request.task_id}"
            await channel.session_opened(session)
        await _work(stub.delay_seconds or 0.0, channel)
        failures = stub.fail or ()
        if request.attempt <= len(failures):
            raise failures[request.attempt - 1].error(cost_usd=stub.cost_usd, tokens=stub.tokens)
        return AgentResult(
            output=self._output(stub, request),
            cost_usd=stub.cost_usd,
            tokens=stub.tokens,
            session_id=session,
        )

    def _output(self, stub: Stub, request: AgentRequest) -> Frozen:
        if stub.has_output:
            return stub.output
        return made_up_output(
            request.task_id,
            request.agent,
            schema=request.output_schema,
            parameters=request.parameters,
            guesses=self._guesses,
        )


async def _work(seconds: float, channel: AttemptChannel) -> None:
    """Take a time, and be heard meanwhile: a delay is work and not silence."""
    await trio.lowlevel.checkpoint()
    ends_at = trio.current_time() + seconds
    while (left := ends_at - trio.current_time()) > 0:
        channel.report(Progress(kind="alive"))
        await trio.sleep(min(left, _SIGN_OF_LIFE_SECONDS))
