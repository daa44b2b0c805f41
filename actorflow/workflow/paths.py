"""Paths that a workflow names: relative, and below the project root.

Judges the text only; that no symbolic link leads out is checked where the path is used.
"""

from __future__ import annotations

__all__ = ["path_mistake"]


def path_mistake(path: str) -> str:
    """Return what is wrong with ``path`` in words, or ""."""
    if not path.strip():
        return "the path is empty"
    if "\0" in path or "\n" in path:
        return "a path has no NUL and no line end"
    if "${" in path or "$<" in path:
        return "holes are not filled in paths"
    if path.startswith(("/", "~")) or path[1:3] in (":\\", ":/"):
        return "a path must be relative to the project root"
    if ".." in path.replace("\\", "/").split("/"):
        return "a path must stay below the project root ('..' is not allowed)"
    return ""
