"""What a check-up found: of a run, or of the place where runs are made. Data, and its JSON form.

``api.checkup`` and ``api.run_checkup`` look; whoever shows it takes it from here. Texts may hold characters that a
terminal obeys. Must not look at anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Finding", "Verdict", "findings_report", "worst"]

Verdict: TypeAlias = Literal["ok", "warn", "fail"]

_RANK: dict[Verdict, int] = {"ok": 0, "warn": 1, "fail": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what, as a word (``journal blobs agents …``).
        verdict: ``warn``: it works, and somebody should know; ``fail``: something will not work.
        text: what was found.
        hint: what to do about it, or "".
        area: what a ``fail`` is about, for the exit code: the storage, or how things are set up.
    """

    subject: str
    verdict: Verdict
    text: str
    hint: str = ""
    area: Literal["storage", "configuration"] = "configuration"


def worst(findings: Sequence[Finding]) -> Verdict:
    """Return the worst verdict; ``ok`` when nothing was looked at."""
    return max((finding.verdict for finding in findings), key=_RANK.__getitem__, default="ok")


def findings_report(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as ``doctor --json`` gives them."""
    return {
        "verdict": worst(findings),
        "findings": [
            {"subject": f.subject, "verdict": f.verdict, "text": f.text, "hint": f.hint or None}
            for f in findings
        ],
    }
