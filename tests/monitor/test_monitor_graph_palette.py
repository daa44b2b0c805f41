"""Colours: people with each kind of colour blindness can tell states apart, and everybody can read what is written."""

from __future__ import annotations

from itertools import combinations

import pytest

from actorflow.monitor.palette import PALETTES, PHASES, Theme
from actorflow.state.status import SubState, TaskStatus

THEMES: tuple[Theme, ...] = ("light", "dark")

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "ordinary": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
JUST_SEEN = 10.0  # a difference of 2.3 is just noticeable side by side; boxes stand apart


def linear(colour: str) -> list[float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, sight: str) -> tuple[float, float, float]:
    rgb = linear(colour)
    seen = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in SIGHT[sight]]
    r, g, b = seen
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: str, other: str, sight: str) -> float:
    pairs = zip(lab(one, sight), lab(other, sight), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def test_every_state_and_sub_state_has_a_paint() -> None:
    assert set(PHASES) == {*TaskStatus, *SubState, "lost"}
    for palette in PALETTES.values():
        assert set(palette.phases) == set(PHASES)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_states_can_be_told_apart_by_their_fill(theme: Theme, sight: str) -> None:
    phases = PALETTES[theme].phases
    for one, other in combinations(PHASES, 2):
        found = difference(phases[one].fill, phases[other].fill, sight)
        assert found > JUST_SEEN, f"{one} and {other} look alike: {found:.1f}"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_kinds_of_edges_differ_in_colour(theme: Theme, sight: str) -> None:
    palette = PALETTES[theme]
    for one, other in combinations((palette.edge, palette.critical, palette.condition, palette.recovery), 2):
        assert difference(one, other, sight) > JUST_SEEN


@pytest.mark.parametrize("theme", THEMES)
def test_words_can_be_read_on_what_they_stand_on(theme: Theme) -> None:
    palette = PALETTES[theme]
    for paint in (palette.neutral, *palette.phases.values()):
        assert contrast(paint.text, paint.fill) >= 4.5
    for colour in (palette.text, palette.faint, palette.condition, palette.recovery):
        assert contrast(colour, palette.ground) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_boxes_stand_out_from_the_ground(theme: Theme) -> None:
    palette = PALETTES[theme]
    for paint in (palette.neutral, *palette.phases.values()):
        assert contrast(paint.border, palette.ground) >= 3
