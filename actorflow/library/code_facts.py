"""Facts about a folder of source code: what the ``quickstart`` template calls through the ``python`` agent.

Plain functions from JSON values to JSON values, which is all that a Python task needs to be. They read
tracked files of a git repository and write one Markdown file. Must not import anything of actorflow: they run
in a worker process of their own.
"""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["python_facts", "tracked_files", "write_report"]

MAX_FILE_BYTES = 1_000_000
"""Larger files are data rather than source; they are counted and not read."""


def tracked_files(repository: str = ".") -> list[str]:
    """Return the paths of all files that git tracks, sorted."""
    listed = subprocess.run(["git", "-C", repository, "ls-files", "-z"], check=True, capture_output=True)
    return sorted(name for name in listed.stdout.decode(errors="replace").split("\0") if name)


def python_facts(repository: str = ".") -> dict[str, Any]:
    """Count what is in the Python files: ``{files, lines, functions, classes, longest_function, unreadable}``."""
    sizes: Counter[str] = Counter()
    longest: dict[str, Any] = {"name": "", "lines": 0}
    unreadable: list[str] = []
    for name in (name for name in tracked_files(repository) if name.endswith(".py")):
        source = _source(Path(repository, name))
        if source is None:
            unreadable.append(name)
            continue
        tree, lines = source
        sizes.update(files=1, lines=lines)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                sizes.update(functions=1)
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > longest["lines"]:
                    longest = {"name": f"{name}:{node.lineno} {node.name}", "lines": length}
            elif isinstance(node, ast.ClassDef):
                sizes.update(classes=1)
    counts = {key: sizes[key] for key in ("files", "lines", "functions", "classes")}
    return {**counts, "longest_function": longest, "unreadable": unreadable}


def _source(path: Path) -> tuple[ast.Module, int] | None:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None
        text = path.read_text(encoding="utf-8")
        return ast.parse(text), len(text.splitlines())
    except (OSError, SyntaxError, ValueError):
        return None


def write_report(path: str, title: str, sections: Mapping[str, Any]) -> dict[str, Any]:
    """Write facts as Markdown; returns ``{path, bytes}``.

    Args:
        path: where to; its folder is made.
        sections: heading -> a text, a list, or a mapping, shown as a paragraph, a list or a table.
    """
    parts = [
        f"# {title}",
        *(part for name, value in sections.items() if value for part in _section(name, value)),
    ]
    text = "\n\n".join(parts) + "\n"
    target = Path(path).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return {"path": str(target), "bytes": len(text.encode())}


def _section(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        rows = [f"| {_cell(key)} | {_cell(item)} |" for key, item in value.items()]
        return [f"## {name}", "\n".join(["| fact | value |", "| --- | --- |", *rows])]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [f"## {name}", "\n".join(f"- {_cell(item)}" for item in value)]
    return [f"## {name}", str(value)]


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_cell(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_cell(item) for item in value) or "none"
    return str(value).replace("|", "\\|").replace("\n", " ")
