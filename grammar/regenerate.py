"""Write everything that is generated from the grammar: ``python grammar/regenerate.py`` (``--check`` only compares).

Takes ``expression.lark`` beside this file and gives ``actorflow/expressions/tables.json``, the tables that Lark's LALR parser
runs on, and the grammar and function pages of the documentation. Equal input gives equal bytes, so a test can compare.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GRAMMAR = ROOT / "grammar" / "expression.lark"
WIDEST = 2**32 - 1
"""The width of a pattern without an end; which number that is depends on the version of Python."""
OPTIONS = {"parser": "lalr", "lexer": "contextual", "keep_all_tokens": True, "maybe_placeholders": False}


def tables(grammar: str) -> str:
    """Return the tables of ``grammar`` as JSON text."""
    import lark
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    parser = lark.Lark(grammar, **OPTIONS)  # type: ignore[arg-type]  # Lark types its options one by one
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    shipped = _stable({"data": data, "memo": memo})
    _number_memo(shipped)
    _number_tokens(shipped["data"]["parser"]["parser"])
    _number_states(shipped["data"]["parser"]["parser"])
    return json.dumps(shipped, sort_keys=True, separators=(",", ":")) + "\n"


# Lark numbers states, tokens and rules in an order that depends on the hash seed. The functions below number them again in
# an order that depends on the grammar only, so that the file changes exactly when the grammar does.


def _stable(value: Any) -> Any:
    """Turn keys into text and sets and tuples into lists, as JSON will."""
    if isinstance(value, dict):
        return {str(key): _stable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stable(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_stable(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return min(value, WIDEST)
    return value


def _number_memo(shipped: dict[str, Any]) -> None:
    old = sorted(shipped["memo"], key=lambda key: json.dumps(shipped["memo"][key], sort_keys=True))
    new = {int(key): number for number, key in enumerate(old)}
    shipped["memo"] = {str(new[int(key)]): shipped["memo"][key] for key in old}
    shipped["data"] = _renamed(shipped["data"], new)


def _renamed(value: Any, new: dict[int, int]) -> Any:
    """Return ``value`` with its memo references renamed and its lists of references sorted."""
    if isinstance(value, dict):
        if set(value) == {"@"}:
            return {"@": new[value["@"]]}
        return {key: _renamed(item, new) for key, item in value.items()}
    if isinstance(value, list):
        items = [_renamed(item, new) for item in value]
        references = items and all(isinstance(item, dict) and set(item) == {"@"} for item in items)
        return sorted(items, key=lambda item: item["@"]) if references else items
    return value


def _number_tokens(table: dict[str, Any]) -> None:
    names = sorted(table["tokens"].values())
    new = {old: str(names.index(name)) for old, name in table["tokens"].items()}
    table["tokens"] = {new[old]: name for old, name in table["tokens"].items()}
    table["states"] = {
        state: {new[token]: action for token, action in actions.items()}
        for state, actions in table["states"].items()
    }


def _number_states(table: dict[str, Any]) -> None:
    shift = 0
    order = [table["start_states"]["start"]]
    for state in order:  # grows while it is walked: breadth first
        for _, (action, target) in sorted(table["states"][str(state)].items(), key=lambda item: int(item[0])):
            if action == shift and target not in order:
                order.append(target)
    new = {state: number for number, state in enumerate(order)}
    table["states"] = {
        str(new[state]): {
            token: [action, new[target] if action == shift else target]
            for token, (action, target) in table["states"][str(state)].items()
        }
        for state in order
    }
    for ends in ("start_states", "end_states"):
        table[ends] = {name: new[state] for name, state in table[ends].items()}


def outputs() -> dict[Path, str]:
    """Return every generated file with its content."""
    from actorflow.expressions import manual

    grammar = GRAMMAR.read_text("utf-8")
    return {
        ROOT / "actorflow" / "expressions" / "tables.json": tables(grammar),
        ROOT / "docs" / "reference" / "expressions.md": manual.reference_page(),
        ROOT / "docs" / "reference" / "grammar.md": manual.grammar_page(grammar),
    }


def main() -> int:
    """Write what differs, or with ``--check`` only say it."""
    wanted = outputs()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], "utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    raise SystemExit(main())
