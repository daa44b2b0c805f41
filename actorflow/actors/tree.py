"""The tree as a value: what is running where, for people and for other processes. Immutable, plain fields only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, final

from actorflow.actors.specs import Restart, Strategy

__all__ = ["ChildState", "TreeNode", "format_tree"]


class ChildState(StrEnum):
    """Where a child is in its life."""

    WAITING = "waiting"
    """Not running, and to be started: in order for the first time, or again after a crash and the back-off."""
    STARTING = "starting"
    """``on_start`` runs, or a supervisor starts its children."""
    RUNNING = "running"
    """It takes messages."""
    STOPPING = "stopping"
    """It was asked to stop, and finishes its message, its background tasks and ``on_stop``."""
    CRASHED = "crashed"
    """It ended and shall be restarted; its supervisor is at it."""
    STOPPED = "stopped"
    """Its supervisor stopped it, going down itself; if the supervisor is started again, so is it."""
    FINISHED = "finished"
    """It is gone for good and its mailbox is closed."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """A child and what is below it, at one moment.

    Attributes:
        name: its name among its siblings.
        path: its place, from the root's name on.
        kind: what it is.
        state: where it is in its life.
        restart: when it is restarted.
        restarts: how often it has been restarted.
        strategy: a supervisor's restart strategy; None for others.
        mailbox_depth: messages waiting; 0 for a supervisor.
        mailbox_capacity: the bound; 0 for a supervisor.
        children: in start order.
    """

    name: str
    path: str
    kind: Literal["supervisor", "actor"]
    state: ChildState
    restart: Restart
    restarts: int
    strategy: Strategy | None = None
    mailbox_depth: int = 0
    mailbox_capacity: int = 0
    children: tuple[TreeNode, ...] = ()


def format_tree(node: TreeNode) -> str:
    """Draw a tree for people, one line a node, without a line end at the end."""
    return "\n".join((_label(node), *_lines(node, "")))


def _lines(node: TreeNode, indent: str) -> Iterator[str]:
    for child in node.children:
        is_last = child is node.children[-1]
        yield f"{indent}{'└─' if is_last else '├─'} {_label(child)}"
        yield from _lines(child, indent + ("   " if is_last else "│  "))


def _label(node: TreeNode) -> str:
    facts: list[str] = [node.strategy] if node.strategy else []
    facts.append(str(node.state))
    if node.mailbox_capacity:
        facts.append(f"mailbox {node.mailbox_depth}/{node.mailbox_capacity}")
    if node.restarts:
        facts.append(f"restarts {node.restarts}")
    return f"{node.name} ({', '.join(facts)})"
