r"""Writes a picture as DOT, the language of Graphviz.

Takes a ``Picture`` and colours, gives text. Names are generated (``n0``, ``n1``); what comes from files and
agents stands in labels only, each one quoted string in which quotes, backslashes and ampersands are escaped,
so that no attribute, no HTML label, no URL and no escape sequence of Graphviz can come from data. Same
picture, same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from actorflow.monitor.graph import Edge, EdgeKind, Node, Picture
from actorflow.monitor.palette import PHASES, Paint, Palette

__all__ = ["Clean", "dot_text", "node_name"]

Clean = Callable[[str], str]
"""Gives a text on one line in which every character can be shown and written as XML."""

_SIMPLE_FROM = 150  # from so many boxes on, curves cost more than they are worth
_MOST_IN_LINE = 30
_FONT = "Helvetica,Arial,sans-serif"
_HOOKS = {
    "on_start": "before the first task",
    "on_success": "after success",
    "on_failure": "after failure",
    "on_complete": "at the end",
}
_EDGE_WORDS = {EdgeKind.CONDITION: "if its condition holds", EdgeKind.RECOVERY: "may start after a failure"}


def dot_text(picture: Picture, palette: Palette, clean: Clean, *, dots_per_inch: int | None = None) -> str:
    """Return the picture as DOT.

    Args:
        clean: applied to every text before it is escaped.
        dots_per_inch: for pixel formats; None leaves it to Graphviz.
    """
    writer = _Writer(picture, palette, clean)
    resolution = "" if dots_per_inch is None else f" dpi={dots_per_inch}"
    return "\n".join(["digraph actorflow {", *writer.head(resolution), *writer.body(), "}", ""])


def node_name(place: int) -> str:
    """Return the name that the node at ``place`` of a picture has in the DOT text."""
    return f"n{place}"


class _Writer:
    """Writes the parts of one picture."""

    def __init__(self, picture: Picture, palette: Palette, clean: Clean) -> None:
        self._picture = picture
        self._palette = palette
        self._clean = clean

    def head(self, resolution: str) -> Iterator[str]:
        palette = self._palette
        lines = "polyline" if len(self._picture.nodes) >= _SIMPLE_FROM else "spline"
        title = self._label([*self._picture.title.split("\n"), ""], end="\\l")
        font = f'fontname="{_FONT}"'
        yield f'  graph [rankdir=LR bgcolor="{palette.ground}" pad=0.3 nodesep=0.25 ranksep=0.5 splines={lines}{resolution}]'
        yield f'  graph [label={title} labelloc=t labeljust=l {font} fontsize=16 fontcolor="{palette.text}"]'
        yield f'  node [shape=box {font} fontsize=11 margin="0.14,0.08" height=0.4]'
        yield f'  edge [{font} fontsize=10 color="{palette.edge}" fontcolor="{palette.text}" arrowsize=0.7]'

    def body(self) -> Iterator[str]:
        for place, node in enumerate(self._picture.nodes):
            if not node.hook:
                yield f"  {node_name(place)} {self._box(node)}"
        yield from self._first()
        for number, phase in enumerate(dict.fromkeys(node.hook for node in self._picture.nodes if node.hook)):
            yield from self._hooks(number, phase)
        for edge in self._picture.edges:
            yield f"  {node_name(edge.source)} -> {node_name(edge.target)}{self._arrow(edge)}"
        yield from self._legend()

    def _first(self) -> Iterator[str]:
        """Put the tasks that wait for nothing below each other, unless there are too many."""
        waiting = {edge.target for edge in self._picture.edges}
        nodes = enumerate(self._picture.nodes)
        first = [node_name(place) for place, node in nodes if place not in waiting and not node.hook]
        if 1 < len(first) <= _MOST_IN_LINE:
            yield f"  {{ rank=same; {'; '.join(first)} }}"

    def _hooks(self, number: int, phase: str) -> Iterator[str]:
        title = self._label([f"hook {phase}: {_HOOKS.get(phase, '')}"])
        faint = self._palette.faint
        yield f"  subgraph cluster_h{number} {{"
        yield f'    graph [label={title} style=dashed color="{faint}" fontsize=11 fontcolor="{self._palette.text}"]'
        for place, node in enumerate(self._picture.nodes):
            if node.hook == phase:
                yield f"    {node_name(place)} {self._box(node)}"
        yield "  }"

    def _box(self, node: Node) -> str:
        paint = self._palette.phases.get(node.phase, self._palette.neutral)
        label = self._label([node.name, *node.lines])
        shape = " peripheries=2" if node.count > 1 else ""
        return f"[label={label}{shape} {self._painted(paint, is_critical=node.is_critical)}]"

    def _painted(self, paint: Paint, *, is_critical: bool = False) -> str:
        border = self._palette.critical if is_critical else paint.border
        width = 3.4 if is_critical else paint.width
        return (
            f'style="filled,rounded,{paint.dash}" fillcolor="{paint.fill}" color="{border}" '
            f'fontcolor="{paint.text}" penwidth={width}'
        )

    def _arrow(self, edge: Edge) -> str:
        attributes = [*self._kind(edge.kind)]
        if edge.is_critical:
            attributes += [f'color="{self._palette.critical}"', "penwidth=3", "weight=3"]
        return f" [{' '.join(attributes)}]" if attributes else ""

    def _kind(self, kind: EdgeKind) -> Iterable[str]:
        match kind:
            case EdgeKind.PLAIN:
                return ()
            case EdgeKind.CONDITION:
                return "style=dashed", f'color="{self._palette.condition}"'
            case EdgeKind.RECOVERY:
                return (
                    "style=dotted",
                    f'color="{self._palette.recovery}"',
                    "arrowhead=onormal",
                    "penwidth=1.8",
                )

    def _legend(self) -> Iterator[str]:
        entries = [*self._legend_boxes(), *self._legend_arrows()]
        if not entries:
            return
        faint = self._palette.faint
        yield "  subgraph cluster_legend {"
        yield f'    graph [label="Legend" style=rounded color="{faint}" fontsize=11 fontcolor="{self._palette.text}"]'
        yield "    node [fontsize=10 height=0.25]"
        yield from entries
        yield "  }"

    def _legend_boxes(self) -> Iterator[str]:
        present = {node.phase for node in self._picture.nodes}
        for number, phase in enumerate(phase for phase in PHASES if phase in present):
            label = self._label([phase.replace("_", " ")])
            yield f"    s{number} [label={label} {self._painted(self._palette.phases[phase])}]"

    def _legend_arrows(self) -> Iterator[str]:
        kinds = {edge.kind for edge in self._picture.edges}
        samples = [(Edge(0, 0, kind), words) for kind, words in _EDGE_WORDS.items() if kind in kinds]
        if self._picture.critical:
            samples.append((Edge(0, 0, is_critical=True), self._picture.critical))
        for number, (edge, words) in enumerate(samples):
            ends = [f"e{number}{end}" for end in "ab"]
            yield f'    {ends[0]} [shape=point width=0.05 style=filled fillcolor="{self._palette.edge}" color="{self._palette.edge}"]'
            yield f'    {ends[1]} [label={self._label([words])} shape=plaintext fontcolor="{self._palette.text}"]'
            yield f"    {' -> '.join(ends)}{self._arrow(edge)}"

    def _label(self, lines: Iterable[str], end: str = "\\n") -> str:
        r"""Return one quoted string; the ends of lines (``\n`` centred, ``\l`` to the left) are the only escape sequences in it."""
        return '"' + end.join(_escaped(self._clean(line)) for line in lines) + '"'


def _escaped(text: str) -> str:
    """Escape what Graphviz interprets in a label: its escape sequences, the end of the string, character entities."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
