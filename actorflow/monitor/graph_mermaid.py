"""Writes a picture as Mermaid, which GitHub, GitLab and many editors draw by themselves.

Takes a ``Picture`` and colours, gives text. Names are generated; of every text from files and agents only
letters, digits and harmless punctuation stand as they are, everything else is a numeric entity: nothing in it
can end its label, be HTML or Markdown, or link anywhere. Same picture, same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from actorflow.monitor.graph import Edge, EdgeKind, Picture
from actorflow.monitor.graph_dot import Clean, node_name
from actorflow.monitor.palette import PHASES, Paint, Palette

__all__ = ["mermaid_text"]

_UNSAFE = re.compile(r"[^\w \-.,:/…]")
_DASHES = {"solid": "", "dashed": ",stroke-dasharray:6 3", "dotted": ",stroke-dasharray:2 3"}
_ARROWS = {EdgeKind.PLAIN: "-->", EdgeKind.CONDITION: "-.->", EdgeKind.RECOVERY: "-.-o"}


def mermaid_text(picture: Picture, palette: Palette, clean: Clean) -> str:
    """Return the picture as a Mermaid flowchart.

    Args:
        clean: applied to every text before it is escaped.
    """
    return "\n".join(
        [
            "flowchart LR",
            *_title(picture, clean),
            *_boxes(picture, clean),
            *(f"  {_arrow(edge)}" for edge in picture.edges),
            *_styles(picture, palette),
            "",
        ]
    )


def _title(picture: Picture, clean: Clean) -> Iterator[str]:
    text = ", ".join(_escaped(clean(line)) for line in picture.title.split("\n"))
    yield f"  accTitle: {text}"


def _boxes(picture: Picture, clean: Clean) -> Iterator[str]:
    for phase in dict.fromkeys(node.hook for node in picture.nodes):
        indent = "    " if phase else "  "
        if phase:
            yield f'  subgraph hook_{_escaped(phase)}["hook {_escaped(phase)}"]'
        for place, node in enumerate(picture.nodes):
            if node.hook == phase:
                label = "<br/>".join(_escaped(clean(line)) for line in (node.name, *node.lines))
                yield f'{indent}{node_name(place)}["{label}"]'
        if phase:
            yield "  end"


def _arrow(edge: Edge) -> str:
    arrow = "==>" if edge.is_critical and edge.kind is EdgeKind.PLAIN else _ARROWS[edge.kind]
    return f"{node_name(edge.source)} {arrow} {node_name(edge.target)}"


def _styles(picture: Picture, palette: Palette) -> Iterator[str]:
    yield from _class("plan", palette.neutral, [i for i, node in enumerate(picture.nodes) if not node.phase])
    for phase in PHASES:
        members = [i for i, node in enumerate(picture.nodes) if node.phase == phase]
        yield from _class(phase, palette.phases[phase], members)
    critical = [i for i, node in enumerate(picture.nodes) if node.is_critical]
    if critical:
        yield f"  classDef critical stroke:{palette.critical},stroke-width:4px"
        yield f"  class {_names(critical)} critical"


def _class(name: str, paint: Paint, members: list[int]) -> Iterator[str]:
    if members:
        border = f"stroke:{paint.border},stroke-width:{paint.width}px{_DASHES[paint.dash]}"
        yield f"  classDef {name} fill:{paint.fill},color:{paint.text},{border}"
        yield f"  class {_names(members)} {name}"


def _names(places: Iterable[int]) -> str:
    return ",".join(node_name(place) for place in places)


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"#{ord(match.group())};", text)
