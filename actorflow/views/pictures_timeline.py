"""Draws a timeline as SVG: a Gantt chart of attempts and waits over the curve of how many ran at once.

Takes a ``Timeline``, gives one SVG document. Written here, without Graphviz: rectangles, lines and text, and
``<title>``s that browsers show on pointing. Every text is cleaned and escaped; there is no link, no script,
no style from data and no address but SVG's own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from actorflow.monitor.palette import PALETTES, PHASES, Paint, Palette, Theme
from actorflow.monitor.timeline import Bar, Row, Span, Timeline, ticks
from actorflow.monitor.times import duration_text, moment_text
from actorflow.monitor.words import mode_mark
from actorflow.views.escape import cut
from actorflow.views.pictures import picture_text

__all__ = ["timeline_svg"]

_CHART = 860.0
_ROW = 20.0
_HEAD = 64.0
_CURVE = 70.0
_MARGIN = 16.0
_LETTER = 6.7  # the width of a letter of 11 pixels, generously
_MOST_LETTERS = 32
_FONT = "Helvetica,Arial,sans-serif"
_DASHES = {"solid": "", "dashed": "4 2", "dotted": "1 2"}
_GOING_ON = frozenset({"running", "pending", "paused", "interrupted", "silent"})
_LEGEND_WIDTH = 118.0


def timeline_svg(timeline: Timeline, *, status: str, theme: Theme = "light", zone: tzinfo = UTC) -> str:
    """Return the timeline as an SVG document.

    Args:
        status: the run's status in words.
        zone: in which the moment of its start is written.
    """
    longest = max((len(cut(row.task, _MOST_LETTERS)) for row in timeline.rows), default=0)
    chart = _Chart(timeline, PALETTES[theme], left=_MARGIN + 20 + longest * _LETTER)
    return "\n".join(chart.document(status, zone))


def _tag(name: str, text: str | None = None, **attributes: str | float) -> str:
    """Return an element; attribute names have ``_`` for ``-``, numbers get at most two decimals."""
    written = "".join(
        f" {key.replace('_', '-')}={quoteattr(value if isinstance(value, str) else f'{value:.2f}'.rstrip('0').rstrip('.'))}"
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{written}/>" if text is None else f"<{name}{written}>{text}</{name}>"


def _text(text: str) -> str:
    """Return cleaned and escaped text, its line breaks kept."""
    return "\n".join(xml_escape(picture_text(line)) for line in text.split("\n") if line)


@dataclass(frozen=True, slots=True)
class _Chart:
    """Where things are, and how they look.

    Attributes:
        left: where the time axis begins, right of the names.
    """

    timeline: Timeline
    palette: Palette
    left: float

    @property
    def width(self) -> float:
        return self.left + _CHART + 90

    @property
    def rows_end(self) -> float:
        return _HEAD + _CURVE + 26 + _ROW * len(self.timeline.rows)

    def x(self, moment: float) -> float:
        span = self.timeline.span
        share = (moment - span.start) / (span.end - span.start) if span.end > span.start else 0.0
        return self.left + _CHART * min(1.0, max(0.0, share))

    def document(self, status: str, zone: tzinfo) -> Iterator[str]:
        per_line = int((self.width - 2 * _MARGIN) // _LEGEND_WIDTH)
        entries = list(self._legend_entries())
        height = self.rows_end + 30 + 22 * -(-len(entries) // per_line)
        size = f'width="{self.width:.0f}" height="{height:.0f}" viewBox="0 0 {self.width:.0f} {height:.0f}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}" font-size="11">'
        yield _tag(
            "title",
            _text(
                f"Timeline of {self.timeline.workflow}, run {self.timeline.run_id}{mode_mark(self.timeline.mode)}"
            ),
        )
        yield _tag("rect", width=self.width, height=height, fill=self.palette.ground)
        yield from self._head(status, zone)
        yield from self._axis()
        yield from self._gaps()
        yield from self._curve()
        for number, row in enumerate(self.timeline.rows):
            yield from self._row(row, _HEAD + _CURVE + 26 + _ROW * number)
        for number, (name, paint) in enumerate(entries):
            yield from self._legend(name, paint, number % per_line, number // per_line)
        yield "</svg>\n"

    def _words(self, text: str, x: float, y: float, **attributes: str | float) -> str:
        return _tag("text", _text(text), x=x, y=y, **({"fill": self.palette.text} | attributes))

    def _head(self, status: str, zone: tzinfo) -> Iterator[str]:
        timeline = self.timeline
        took = duration_text(timeline.span.end - timeline.span.start)
        since = f"{moment_text(timeline.span.start, zone)} {zone.tzname(None) or ''}".strip()
        hidden = f", {timeline.hidden:,} shorter tasks are not shown" if timeline.hidden else ""
        yield self._words(f"{timeline.workflow}{mode_mark(timeline.mode)}", _MARGIN, 24, font_size="16")
        took = f"for {took}" if status in _GOING_ON else f"in {took}"
        facts = f"{timeline.run_id}: {status} {took}, from {since}, at most {timeline.most_parallel} at once{hidden}"
        yield self._words(facts, _MARGIN, 42, fill=self.palette.faint)

    def _axis(self) -> Iterator[str]:
        span = self.timeline.span
        top = _HEAD + _CURVE + 4
        for tick in ticks(span, 10):
            x = self.x(span.start + tick)
            yield _tag(
                "line", x1=x, x2=x, y1=_HEAD, y2=self.rows_end, stroke=self.palette.faint, stroke_opacity=0.35
            )
            yield self._words(_tick_text(tick), x, top + 12, text_anchor="middle", fill=self.palette.faint)

    def _gaps(self) -> Iterator[str]:
        for gap in self.timeline.gaps:
            yield self._block(
                gap,
                _HEAD,
                self.rows_end - _HEAD,
                f"no driver for {duration_text(gap.end - gap.start)}",
                fill=self.palette.faint,
                fill_opacity=0.25,
            )

    def _block(self, span: Span, y: float, height: float, tip: str, **attributes: str | float) -> str:
        """Return a rectangle over ``span`` that can be seen however short it is."""
        x = self.x(span.start)
        width = max(1.5, self.x(span.end) - x)
        return _tag("rect", _tag("title", _text(tip)), x=x, y=y, width=width, height=height, **attributes)

    def _curve(self) -> Iterator[str]:
        """Draw how many attempts ran at once, as steps."""
        most = self.timeline.most_parallel
        bottom = _HEAD + _CURVE
        yield _tag(
            "line", x1=self.left, x2=self.left + _CHART, y1=bottom, y2=bottom, stroke=self.palette.faint
        )
        if not most:
            return
        points = [(self.left, bottom)]
        for moment, count in self.timeline.parallel:
            points += [
                (self.x(moment), points[-1][1]),
                (self.x(moment), bottom - (_CURVE - 8) * count / most),
            ]
        points.append((points[-1][0], bottom))
        paint = self.palette.phases["running"]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield _tag("polygon", points=path, fill=paint.fill, fill_opacity=0.45, stroke=paint.border)
        yield self._words(f"{most} at once", self.left - 6, _HEAD + 12, text_anchor="end")
        yield self._words("0", self.left - 6, bottom, text_anchor="end", fill=self.palette.faint)

    def _row(self, row: Row, y: float) -> Iterator[str]:
        paint = self.palette.phases[row.phase]
        middle = y + _ROW / 2
        name = cut(row.task, _MOST_LETTERS)
        weight = "bold" if row.is_critical else ""
        yield _tag(
            "rect",
            _tag("title", _text(f"{row.task}: {row.phase.replace('_', ' ')}")),
            x=_MARGIN,
            y=middle - 4.5,
            width=9.0,
            height=9.0,
            **_stroke(paint),
        )
        yield self._words(name, _MARGIN + 15, middle + 4, font_weight=weight)
        for bar in row.bars:
            yield from self._bar(row, bar, middle)
        yield self._words(_beside(row), self._bars_end(row) + 6, middle + 4, fill=self.palette.faint)

    def _bars_end(self, row: Row) -> float:
        return max((self.x(bar.span.end) for bar in row.bars), default=self.left)

    def _bar(self, row: Row, bar: Bar, middle: float) -> Iterator[str]:
        is_attempt = bool(bar.attempt)
        width = self.x(bar.span.end) - self.x(bar.span.start)
        if not is_attempt and width < 1:
            return
        height = 14.0 if is_attempt else 6.0
        by = f" by {bar.agent}" if bar.agent else ""
        what = f"attempt {bar.attempt}{by}, {bar.phase}" if is_attempt else bar.phase.replace("_", " ")
        took = duration_text(bar.span.end - bar.span.start)
        tip = f"{row.task}: {what}, {took}\n{bar.note}"
        paint = self.palette.phases[bar.phase]
        yield self._block(bar.span, middle - height / 2, height, tip, **_stroke(paint))
        if bar.attempt > 1 and width > 14:
            yield self._words(str(bar.attempt), self.x(bar.span.start) + 4, middle + 4, fill=paint.text)

    def _legend_entries(self) -> Iterator[tuple[str, Paint]]:
        timeline = self.timeline
        present = {bar.phase for row in timeline.rows for bar in row.bars} | {
            row.phase for row in timeline.rows
        }
        for phase in PHASES:
            if phase in present:
                yield phase.replace("_", " "), self.palette.phases[phase]
        if any(row.is_critical for row in timeline.rows):
            yield "bold: critical path", Paint(self.palette.ground, "", self.palette.ground)
        if timeline.gaps:
            yield "no driver", Paint(self.palette.faint, "", self.palette.faint)

    def _legend(self, name: str, paint: Paint, column: int, line: int) -> Iterator[str]:
        x, y = _MARGIN + column * _LEGEND_WIDTH, self.rows_end + 22 + 22 * line
        yield _tag("rect", None, x=x, y=y - 9, width=14.0, height=10.0, **_stroke(paint))
        yield self._words(name, x + 20, y)


def _stroke(paint: Paint) -> dict[str, str | float]:
    return {"fill": paint.fill, "stroke": paint.border, "stroke_dasharray": _DASHES[paint.dash]}


def _beside(row: Row) -> str:
    """Return what is written behind the bars: how long it worked, in how many attempts."""
    attempts = [bar for bar in row.bars if bar.attempt]
    if not attempts:
        return row.phase.replace("_", " ") if row.phase != "pending" else ""
    worked = duration_text(sum(bar.span.end - bar.span.start for bar in attempts))
    return worked if len(attempts) == 1 else f"{worked} in {len(attempts)} attempts"


def _tick_text(seconds: float) -> str:
    if seconds >= 60:
        return duration_text(seconds)
    return f"{seconds:g} s"
