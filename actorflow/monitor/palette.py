"""The colours of pictures, light and dark, by the state of a task.

The fills are those of Okabe and Ito, or close to them: people with any of the common kinds of colour
blindness can tell any two of them apart, on both grounds, and a test measures that. A state is never told by
colour alone: its word is always written, and what is not over has a border of its own. Plain ``#rrggbb``
texts, fit for DOT, Mermaid and SVG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["PALETTES", "PHASES", "Paint", "Palette", "Theme"]

Theme = Literal["light", "dark"]
"""What a picture is drawn on."""

PHASES: Final = tuple(
    "failed running retry_wait parked waiting lost cancelled pending skipped success".split()
)
"""The states and sub-states that have a paint, what needs attention first. ``lost`` is one of attempts only."""


@dataclass(frozen=True, slots=True)
class Paint:
    """How one state is drawn.

    Attributes:
        fill: of its box.
        text: on the fill.
        border: of the box.
        dash: ``solid``, ``dashed`` or ``dotted``.
        width: of the border, in points.
    """

    fill: str
    text: str
    border: str
    dash: Literal["solid", "dashed", "dotted"] = "solid"
    width: float = 1.2


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of one theme.

    Attributes:
        ground: behind everything.
        text: on the ground.
        faint: lines and words that matter less.
        edge: of plain edges.
        critical: of the critical path; always drawn thicker too.
        condition: of edges that lead to a condition; always dashed too.
        recovery: of edges that are taken after a failure; always dotted, with an open arrow head, too.
        neutral: a task of a workflow that is not running.
        phases: state or sub-state -> its paint; every one of ``PHASES``.
    """

    ground: str
    text: str
    faint: str
    edge: str
    critical: str
    condition: str
    recovery: str
    neutral: Paint
    phases: Mapping[str, Paint]


_BLACK = "#000000"

_LIGHT = Palette(
    ground="#ffffff",
    text="#1a1a1a",
    faint="#6e7781",
    edge="#57606a",
    critical="#000000",
    condition="#0072b2",
    recovery="#b34700",
    neutral=Paint("#f3f5f7", "#1a1a1a", "#57606a"),
    phases={
        "failed": Paint("#d55e00", _BLACK, "#7a3500", width=2.4),
        "running": Paint("#56b4e9", _BLACK, "#00507d", width=2.4),
        "retry_wait": Paint("#f0e442", _BLACK, "#6b6500", "dashed"),
        "parked": Paint("#e69f00", _BLACK, "#6e4c00", "dashed"),
        "waiting": Paint("#d6ecfa", _BLACK, "#00507d", "dashed"),
        "lost": Paint("#5c6370", "#ffffff", "#24282f", "dashed"),
        "cancelled": Paint("#cc79a7", _BLACK, "#6d2c4f"),
        "pending": Paint("#ffffff", "#1a1a1a", "#57606a", "dotted"),
        "skipped": Paint("#d0d3d6", "#1a1a1a", "#6e7781", "dashed"),
        "success": Paint("#009e73", _BLACK, "#004d38"),
    },
)

_DARK = Palette(
    ground="#14181d",
    text="#e6e9ec",
    faint="#9aa4ae",
    edge="#aab4be",
    critical="#ffffff",
    condition="#6cc4ff",
    recovery="#ff9d5c",
    neutral=Paint("#2a3038", "#e6e9ec", "#9aa4ae"),
    phases={
        "failed": Paint("#d55e00", _BLACK, "#ffc49b", width=2.4),
        "running": Paint("#56b4e9", _BLACK, "#ffffff", width=2.4),
        "retry_wait": Paint("#f0e442", _BLACK, "#fffbd0", "dashed"),
        "parked": Paint("#e69f00", _BLACK, "#ffe0a3", "dashed"),
        "waiting": Paint("#1d4e70", "#ffffff", "#9fd4f5", "dashed"),
        "lost": Paint("#dfe3e8", _BLACK, "#ffffff", "dashed"),
        "cancelled": Paint("#cc79a7", _BLACK, "#f6d3e5"),
        "pending": Paint("#14181d", "#e6e9ec", "#9aa4ae", "dotted"),
        "skipped": Paint("#454c55", "#ffffff", "#9aa4ae", "dashed"),
        "success": Paint("#009e73", _BLACK, "#8fe3c8"),
    },
)

PALETTES: Final[Mapping[Theme, Palette]] = {"light": _LIGHT, "dark": _DARK}
"""Theme -> its colours."""
