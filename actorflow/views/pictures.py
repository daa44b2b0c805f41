"""Draws pictures: DOT text becomes SVG, PNG or PDF by Graphviz, wherever it is to be found.

``dot`` on the PATH is used through the ``graphviz`` package; without it, the Graphviz that the ``pygraphviz``
wheel carries. Both work in a process of their own under a deadline: a layout that takes for ever, or a C
library that dies, ends that process only. Invariant: what is given back as SVG has no link, no script and no
handler; names generated for Graphviz are replaced by what the boxes are. Must not be given text that was not
made by ``dot_text``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from shutil import which
from typing import Final, Literal
from xml.sax.saxutils import escape as xml_escape

from actorflow.errors import ConfigurationError, RunError
from actorflow.monitor.graph import Picture
from actorflow.monitor.graph_dot import dot_text, node_name
from actorflow.monitor.graph_mermaid import mermaid_text
from actorflow.monitor.palette import PALETTES, Theme
from actorflow.views.escape import escape

__all__ = ["FORMATS", "PictureFormat", "draw", "picture_text", "tips"]

PictureFormat = Literal["svg", "png", "pdf", "dot", "mmd"]
"""How a picture can be written."""

FORMATS: Final[tuple[PictureFormat, ...]] = ("svg", "png", "pdf", "dot", "mmd")

_PATIENCE_SECONDS = 60.0
_PIXELS_PER_INCH = 144
_MOST_SAID = 300

_INSTALL = """install Graphviz (apt-get install graphviz, brew install graphviz)
or its bundled library (pip install 'actorflow[pictures]');
.dot and .mmd (Mermaid) need neither"""


@dataclass(frozen=True, slots=True)
class _Renderer:
    """One way to Graphviz.

    Attributes:
        program: Python text for a process of its own: DOT on stdin, the picture on stdout, the format as its
            argument.
    """

    name: str
    program: str


_PROGRAM: Final = _Renderer(
    "dot",
    "import sys, graphviz\n"
    "sys.stdout.buffer.write(graphviz.pipe('dot', sys.argv[1], sys.stdin.buffer.read(), quiet=True))",
)
_LIBRARY: Final = _Renderer(
    "pygraphviz",
    "import sys, pygraphviz\n"
    "graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())\n"
    "sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog='dot'))",
)


def draw(picture: Picture, kind: PictureFormat, *, theme: Theme = "light") -> bytes:
    """Return the picture in the format ``kind``.

    Raises:
        ConfigurationError: there is no Graphviz that can be loaded, and ``kind`` needs it.
        RunError: Graphviz failed, or took too long.
    """
    palette = PALETTES[theme]
    if kind == "mmd":
        return mermaid_text(picture, palette, picture_text).encode()
    if kind == "dot":
        return dot_text(picture, palette, picture_text).encode()
    resolution = _PIXELS_PER_INCH if kind == "png" else None
    drawn = _drawn(dot_text(picture, palette, picture_text, dots_per_inch=resolution).encode(), kind)
    return _inert(drawn.decode(), picture).encode() if kind == "svg" else drawn


def picture_text(text: str) -> str:
    r"""Return ``text`` on one line without what a terminal obeys, or XML cannot hold; see ``escape``."""
    return escape(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _drawn(dot: bytes, kind: str) -> bytes:
    renderer = _renderer()
    # -P: a file that is called graphviz.py in the working directory is not imported.
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", renderer.program, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            drawn, said = process.communicate(dot, timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise RunError(
                f"Graphviz ({renderer.name}) has not drawn the picture in {_PATIENCE_SECONDS:g} s",
                hint="draw fewer boxes (--max-nodes), or write .dot or .mmd",
            ) from None
        finally:
            _end(process)
    if process.returncode or not drawn:
        last = said.decode(errors="replace").strip().rpartition("\n")[2][-_MOST_SAID:]
        if renderer is _LIBRARY and last.startswith(("ImportError", "ModuleNotFoundError", "OSError")):
            raise ConfigurationError(f"{renderer.name} is here, but cannot be loaded: {last}", hint=_INSTALL)
        raise RunError(f"Graphviz ({renderer.name}) failed: {last or f'exit status {process.returncode}'}")
    return drawn


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started, if it has not ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _renderer() -> _Renderer:
    if which("dot"):
        return _PROGRAM
    if find_spec("pygraphviz") is not None:
        return _LIBRARY
    raise ConfigurationError("there is no Graphviz to draw this picture with", hint=_INSTALL)


_PROLOGUE = re.compile(r"<!DOCTYPE[^>]*>\s*|<!--.*?-->\s*", re.DOTALL)
_TITLE = re.compile(r"<title>([^<]*)</title>\n?")


def tips(picture: Picture) -> dict[str, str]:
    """Return Graphviz's name of the picture, its boxes and its arrows -> what is shown when somebody points at one."""
    found = {"actorflow": _tip(picture.title)}
    for place, node in enumerate(picture.nodes):
        found[node_name(place)] = _tip("\n".join((node.name, *node.lines, node.tip)))
    for edge in picture.edges:
        ends = f"{node_name(edge.source)}&#45;&gt;{node_name(edge.target)}"
        words = f"{picture.nodes[edge.source].name} → {picture.nodes[edge.target].name}"
        found[ends] = _tip(f"{words}\n{edge.kind.value}")
    return found


def _tip(text: str) -> str:
    return "\n".join(picture_text(line) for line in text.split("\n") if line)


def _inert(svg: str, picture: Picture) -> str:
    """Take away what Graphviz adds for documents of its own, and put words for people where its names for things stand."""
    shown = tips(picture)

    def title(found: re.Match[str]) -> str:
        text = shown.get(found.group(1), "")
        return f"<title>{xml_escape(text)}</title>\n" if text else ""

    return _TITLE.sub(title, _PROLOGUE.sub("", svg))
