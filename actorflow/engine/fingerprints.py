"""What an attempt was asked, in a few characters: equal fingerprints, equal work.

Takes the request of an attempt and its agent; gives ``DEFINITION:REQUEST``, two hexadecimal
digests. The first is of what the agent is (its definition, "" when it has none), the second of what it was
asked: everything filled in, so that the outputs it reads are part of it. Recorded with each success; a resume
with a changed spec compares them. Secrets are masked before anything is digested, so that none can be guessed
from a fingerprint, and one that was changed makes nothing run again. The agent session is no part of it: another
attempt goes on with its own. The same in every process; must stay the
same over versions, or say so by another ``VERSION``.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from actorflow.agents.interface import Agent, AgentRequest
from actorflow.agents.masking import Masker

__all__ = ["fingerprint_of", "is_same_agent"]

VERSION = 1
_DEFINITION_BYTES = 8
_REQUEST_BYTES = 16
_ENCODER = msgspec.json.Encoder(order="sorted")


def fingerprint_of(request: AgentRequest, agent: Agent, masker: Masker | None = None) -> str:
    """Return the fingerprint of a request.

    Args:
        masker: masks the secrets that the request may hold; None when there are none.
    """
    environment = dict(request.environment)
    if masker is not None:
        environment = {name: masker.text(text) for name, text in environment.items()}
    asked = (
        VERSION,
        request.agent,
        request.parameters,
        request.description,
        environment,
        request.options,
        request.output_schema,
        request.verify,
        str(request.cwd),
        request.handoff,
    )
    return f"{_definition(agent)}:{_digest(_ENCODER.encode(asked), _REQUEST_BYTES)}"


def is_same_agent(one: str, other: str) -> bool:
    """Whether two fingerprints are of agents with the same definition."""
    return one.partition(":")[0] == other.partition(":")[0]


def _definition(agent: Agent) -> str:
    """Return a digest of what the agent's traits, or the definition that it was made from, say that it is."""
    made_from = getattr(agent, "definition", None)
    known = agent.traits.fingerprint or getattr(made_from, "fingerprint", "")
    return _digest(known.encode(), _DEFINITION_BYTES) if known else ""


def _digest(data: bytes, size: int) -> str:
    return blake2b(data, digest_size=size).hexdigest()
