"""The timeline as SVG: bars where they belong, words, and nothing that acts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from actorflow.ids import TaskId
from actorflow.monitor.palette import PALETTES, Theme
from actorflow.monitor.timeline import Bar, Row, Span, Timeline, timeline_of
from actorflow.state.status import RunStatus
from actorflow.views.pictures import picture_text
from actorflow.views.pictures_timeline import timeline_svg
from tests.monitor.picture_runs import every_state
from tests.monitor.run_histories import RUN_ID, START, History, entry
from tests.strategies.hostile_texts import HOSTILE
from tests.views.test_views_pictures import SVG, check_inert, texts


def svg_of(history: History, *, until: float = 60, status: str = "running", theme: Theme = "light") -> str:
    timeline = timeline_of(history.recorded, history.state, until=START + until)
    return timeline_svg(timeline, status=status, theme=theme)


def blocks(root: ET.Element) -> dict[str, ET.Element]:
    """Return what is shown on pointing at it -> the rectangle, for all that have something to show."""
    found = {}
    for rectangle in root.iter(f"{SVG}rect"):
        title = rectangle.find(f"{SVG}title")
        if title is not None and title.text:
            found[title.text] = rectangle
    return found


def test_a_bar_stands_where_its_attempt_was_in_the_run() -> None:
    history = History(entry("a"), entry("b", "a"))
    history.start("a", at=0).succeed("a", at=10).start("b", at=10).succeed("b", at=40).finish(
        RunStatus.SUCCESS
    )
    root = check_inert(svg_of(history, status="success"))

    first, second = (blocks(root)[f"{t}: attempt 1, success, {d}"] for t, d in (("a", "10 s"), ("b", "30 s")))
    span = history.state.duration_seconds
    whole = 860.0
    assert float(first.attrib["width"]) == pytest.approx(whole * 10 / span, abs=0.01)
    assert float(second.attrib["width"]) == pytest.approx(whole * 30 / span, abs=0.01)
    end_of_first = float(first.attrib["x"]) + float(first.attrib["width"])
    assert float(second.attrib["x"]) == pytest.approx(end_of_first, abs=0.02)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_attempt_and_wait_is_drawn_in_its_colour(theme: Theme) -> None:
    found = blocks(check_inert(svg_of(every_state(), theme=theme)))

    phases = PALETTES[theme].phases
    for tip, phase in {
        "build: attempt 1, failed, 5.0 s\nexit status 1": "failed",
        "build: retry wait, 5.0 s": "retry_wait",
        "build: waiting, 1.0 s": "waiting",
        "build: attempt 2, success, 15 s": "success",
        "review: attempt 1, parked, 9.0 s\nthe service allows no more for now": "parked",
        "package: attempt 1, cancelled, 17 s": "cancelled",
        "repair: attempt 1, running, 26 s": "running",
    }.items():
        tips = [text for text in found if text.startswith(tip)]
        assert tips, (tip, sorted(found))
        assert found[tips[0]].attrib["fill"] == phases[phase].fill


def test_it_says_which_run_how_long_and_how_many_at_once() -> None:
    found = texts(check_inert(svg_of(every_state())))

    assert "bugfix" in found
    assert f"{RUN_ID}: running for 1 m 00 s, from 2026-11-22 18:48:00 UTC, at most 5 at once" in found
    assert "5 at once" in found
    assert "20 s in 2 attempts" in found


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str) -> None:
    bar = Bar(span=Span(0, 5), phase="failed", attempt=1, note=text)
    row = Row(task=TaskId(text), phase="failed", hook="", bars=(bar,))
    timeline = Timeline(run_id=text, workflow=text, span=Span(0, 10), rows=(row,))

    root = check_inert(timeline_svg(timeline, status=text))

    assert "".join(picture_text(line) for line in text.split("\n")) in "".join(texts(root)).replace("\n", "")


def test_a_run_in_which_nothing_happened_can_be_drawn() -> None:
    check_inert(svg_of(History("a"), until=0))


def test_a_wait_that_is_too_short_to_be_seen_is_left_out() -> None:
    history = (
        History(entry("a"), entry("b", "a")).start("a", at=0).succeed("a", at=1000).start("b", at=1000.5)
    )

    found = blocks(check_inert(svg_of(history, until=2000)))

    assert not [tip for tip in found if "waiting" in tip]


def test_a_moment_is_still_seen_as_a_bar() -> None:
    history = History("a").start("a", at=1).succeed("a", at=1).finish(RunStatus.SUCCESS)

    root = check_inert(svg_of(history, status="success"))

    assert float(blocks(root)["a: attempt 1, success, 0.00 s"].attrib["width"]) == 1.5
