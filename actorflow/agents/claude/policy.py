"""What the user, and the project, allow agents that Claude Code runs, whatever workflows and definitions say.

Takes ``~/.claude/actorflow.yaml`` and ``.claude/actorflow.yaml`` of the project and gives one ``Policy``: what both
allow. A policy only limits, so it does no harm that the project's comes with the project. A file that is not
there says nothing; one that cannot be understood is an error, because it may have been meant to forbid.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from actorflow.agents.claude.options import OPTIONS
from actorflow.agents.claude.rights import MODES, Wishes, common_tools
from actorflow.errors import ConfigurationError
from actorflow.workflow.document import read_document
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.placing import problems_of
from actorflow.workflow.problems import has_errors
from actorflow.workflow.report import Enough, Report
from actorflow.workflow.shape_groups import Key, Object
from actorflow.workflow.shapes import INVALID, Choice, Number

__all__ = ["POLICY_FILE", "Policy", "read_policy"]

POLICY_FILE: Final = "actorflow.yaml"

_LIMITS: Final = ReadLimits(max_bytes=128 * 1024, max_depth=20, max_nodes=20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is allowed at most; None is no limit.

    Attributes:
        who: the files that say so, in words.
        disallowed_tools: refused whoever allows them.
    """

    who: str = "the policy"
    permission_mode: str | None = None
    tools: tuple[str, ...] | None = None
    disallowed_tools: tuple[str, ...] = ()
    max_budget_usd: float | None = None

    @property
    def wishes(self) -> Wishes:
        """It, as one of the three that have a say."""
        return Wishes(
            who=self.who, tools=self.tools, refused=self.disallowed_tools, mode=self.permission_mode
        )

    def __and__(self, other: Policy) -> Policy:
        """Return what both allow."""
        modes = [mode for mode in (self.permission_mode, other.permission_mode) if mode is not None]
        budgets = [usd for usd in (self.max_budget_usd, other.max_budget_usd) if usd is not None]
        return Policy(
            who=f"{self.who} and {other.who}",
            permission_mode=min(modes, key=MODES.index, default=None),
            tools=common_tools(self.tools, other.tools),
            disallowed_tools=self.disallowed_tools + other.disallowed_tools,
            max_budget_usd=min(budgets, default=None),
        )


def _build(keys: dict[str, Any], *_: object) -> Any:
    return Policy(**keys)


_POLICY: Final = Object(
    "the policy of Claude Code's agents",
    {
        "permission_mode": Key(Choice(MODES), "The most that a permission mode may allow."),
        "tools": Key(OPTIONS["tools"].shape, "The only tools that agents may have."),
        "disallowed_tools": Key(OPTIONS["disallowed_tools"].shape, "Tools that no agent may use."),
        "max_budget_usd": Key(Number(), "What one attempt may cost at most."),
    },
    _build,
)
_FILE: Final = Object(
    "the policy", {"claude": Key(_POLICY, "What agents that Claude Code runs may do.")}, lambda keys, *_: keys
)


def read_policy(project_root: Path | None, user_folder: Path | None) -> Policy:
    """Return what the user's and the project's files allow.

    Raises:
        ConfigurationError: a file cannot be read or understood; names all that is wrong.
    """
    folders = [user_folder, None if project_root is None else project_root / ".claude"]
    files = dict.fromkeys(folder / POLICY_FILE for folder in folders if folder is not None)
    policies = [policy for file in files if (policy := _read(file)) is not None]
    if not policies:
        return Policy()
    first, *others = policies
    for other in others:
        first = first & other
    return first


def _read(file: Path) -> Policy | None:
    try:
        # A pipe, which somebody may have put there, would let us wait for ever.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ConfigurationError(
                    f"{file} is no file", hint="no agent is run while it is unclear what it may do"
                )
            data = stream.read(_LIMITS.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    document = read_document(data, file=str(file), limits=_LIMITS)
    if [fault.code for fault in document.faults] == ["E504"]:  # empty
        return None
    report = Report()
    keys: Any = INVALID
    if document.is_readable:
        with suppress(Enough):
            keys = _FILE.decode(document.value, (), report)
    problems = problems_of(document, report)
    if keys is INVALID or has_errors(problems):
        raise ConfigurationError(
            "\n".join(str(problem) for problem in problems),
            hint="no agent is run while it is unclear what it may do",
        )
    policy = keys.get("claude")
    return None if policy is None else replace(policy, who=str(file))
