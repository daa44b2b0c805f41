"""Secrets whose text stands in the workflow file: found, cut out of the text that a run keeps, never shown.

Takes the document; gives name -> value to the caller alone. When the same text stands elsewhere in the file
too it cannot be cut without changing what the workflow means, so that is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

from actorflow.workflow.decode import Draft
from actorflow.workflow.decode_settings import CUT_SECRET
from actorflow.workflow.document import Document
from actorflow.workflow.positions import locate
from actorflow.workflow.report import Path, Report

__all__ = ["check_repeated", "cut_secrets", "literal_values"]

_BLOCK: Path = ("context", "secrets")
_MOST = 100
_SHORTEST = 6
"""Shorter texts occur by chance, and are not masked in output either."""


def literal_values(document: Document, draft: Draft) -> dict[str, str]:
    """Return name -> value of the literal secrets; one that was cut already has none."""
    names = [secret.name for secret in draft.workflow.secrets if secret.kind == "literal"]
    if not names:
        return {}
    block = document.value["context"]["secrets"]
    return {name: block[name] for name in names if block[name] != CUT_SECRET}


def check_repeated(document: Document, literals: Mapping[str, str], report: Report) -> None:
    """Report secrets whose text would stay in the file after they were cut."""
    if not literals:
        return
    if len(literals) > _MOST:
        report.error(
            _BLOCK, "E616", f"more than {_MOST} secrets are written in the file", "use env:NAME", at_key=True
        )
        return
    rest = cut_secrets(document, literals)
    for name, value in literals.items():
        if len(value) >= _SHORTEST and value in rest:
            message = f"the text of the secret '{name}' also stands elsewhere in this file"
            report.error(
                (*_BLOCK, name), "E617", message, "take it from the environment (env:NAME)", at_key=True
            )


def cut_secrets(document: Document, literals: Mapping[str, str]) -> str:
    """Return the text of ``document`` with each literal secret replaced by ``literal:cut``."""
    text, at = document.text, 0
    pieces: list[str] = []
    places = locate(document, [(*_BLOCK, name) for name in literals])
    found = [place for name in literals if (place := places.exact((*_BLOCK, name))) is not None]
    for place in sorted(found, key=lambda p: p.start):
        tail = "\n" if place.style in ("|", ">") else ""
        pieces += [text[at : place.start], f'"{CUT_SECRET}"{tail}']
        at = place.end
    return "".join([*pieces, text[at:]])
