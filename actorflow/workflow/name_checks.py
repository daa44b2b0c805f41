"""Names: each id once, none that differ only in case, one namespace for tasks, hooks' tasks, variables and inputs.

Takes a draft and reports. Ids that differ only in case are refused because their folders would be one on some
file systems.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorflow.workflow.decode import Draft
from actorflow.workflow.report import Complaint, Path, Report

__all__ = ["check_names"]


def check_names(draft: Draft, report: Report) -> None:
    """Report names that clash."""
    seen: dict[str, tuple[str, Path]] = {}
    folded: dict[str, tuple[str, Path]] = {}
    for name, kind, path in _names(draft):
        if name in seen:
            other_kind, first = seen[name]
            uses = (
                f"for {_counted(kind)}"
                if kind == other_kind
                else f"for {_one(other_kind)} and for {_one(kind)}"
            )
            report.add(
                Complaint(
                    path,
                    "E701",
                    f"the name '{name}' is used twice, {uses}",
                    at_key=_at_key(path),
                    first=first,
                )
            )
            continue
        seen[name] = (kind, path)
        if kind != "task":
            continue
        other, first = folded.setdefault(name.lower(), (name, path))
        if other != name:
            hint = "on some file systems they would share a folder: rename one"
            message = f"the ids '{other}' and '{name}' differ only in upper and lower case"
            report.add(Complaint(path, "E702", message, hint, first=first))


def _names(draft: Draft) -> Iterator[tuple[str, str, Path]]:
    for spec in draft.workflow.inputs:
        yield spec.name, "input", ("inputs", spec.name)
    for variable in draft.workflow.variables:
        yield variable, "variable", ("context", "variables", variable)
    for task in draft.tasks:
        yield task.spec.id, "task", (*task.path, "id")


def _at_key(path: Path) -> bool:
    return path[0] not in ("tasks", "hooks")


def _one(kind: str) -> str:
    return f"an {kind}" if kind == "input" else f"a {kind}"


def _counted(kind: str) -> str:
    return f"two {kind}s"
