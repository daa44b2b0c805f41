"""DOT and Mermaid: what comes from data stays inside labels, whatever it is; the rest is what the picture says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.monitor.graph import Edge, EdgeKind, Node, Picture
from actorflow.monitor.graph_dot import dot_text
from actorflow.monitor.graph_mermaid import mermaid_text
from actorflow.monitor.palette import PALETTES, PHASES
from actorflow.views.pictures import picture_text
from tests.monitor.picture_runs import plain_picture
from tests.strategies.hostile_texts import HOSTILE

LIGHT = PALETTES["light"]

# What Graphviz's own scanner takes for tokens; anything else in the text is an error there too.
TOKEN = re.compile(r'\s+|"((?:[^"\\]|\\.)*)"|->|[{}\[\];=,]|[A-Za-z_]\w*|-?(?:\d+\.?\d*|\.\d+)')


def tokens(dot: str) -> list[str]:
    found, at = [], 0
    while at < len(dot):
        match = TOKEN.match(dot, at)
        assert match, f"no token of DOT: {dot[at : at + 40]!r}"
        at = match.end()
        if match.group().strip():
            found.append(match.group())
    return found


def skeleton(text: str) -> list[str]:
    """Return the tokens of a DOT text with every label emptied."""
    found = tokens(text)
    return ["" if at > 1 and found[at - 2 : at] == ["label", "="] else t for at, t in enumerate(found)]


def shown(label: str) -> str:
    r"""Undo what a label's escapes mean to Graphviz, line ends apart."""
    text = re.sub(r"\\(.)", lambda m: "\n" if m.group(1) in "nl" else m.group(1), label)
    return text.replace("&amp;", "&")


def with_text(text: str) -> Picture:
    nodes = (Node(name=text, lines=(text, text), phase="failed"), Node(name="b", hook="on_start"))
    return Picture(title=text, nodes=nodes, edges=(Edge(0, 1),), is_run=True)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_one_token_of_dot(text: str) -> None:
    found = dot_text(with_text(text), LIGHT, picture_text)

    assert skeleton(found) == skeleton(dot_text(with_text("harmless"), LIGHT, picture_text))


@given(st.text())
def test_no_text_leaves_its_label_in_dot_or_is_changed_by_it(text: str) -> None:
    found = dot_text(with_text(text), LIGHT, picture_text)

    assert skeleton(found) == skeleton(dot_text(with_text("harmless"), LIGHT, picture_text))
    line = next(line for line in found.splitlines() if line.startswith("  n0 ["))
    label = re.match(r'  n0 \[label="((?:[^"\\]|\\.)*)"', line)
    assert label is not None
    assert shown(label.group(1)) == "\n".join([picture_text(text)] * 3)


@given(st.text())
def test_no_text_leaves_its_label_in_mermaid(text: str) -> None:
    found = mermaid_text(with_text(text), LIGHT, picture_text)
    harmless = mermaid_text(with_text("x"), LIGHT, picture_text)

    def emptied(mermaid: str) -> str:
        return re.sub(
            r'n0\["[^"\[\]<>`{}]*<br/>[^"\[\]<>`{}]*<br/>[^"\[\]<>`{}]*"\]|accTitle: .*', "", mermaid
        )

    assert emptied(found) == emptied(harmless)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_in_mermaid(text: str) -> None:
    found = mermaid_text(with_text(text), LIGHT, picture_text)

    assert not re.search(r"click|href", re.sub(r'"[^"]*"|accTitle.*', "", found))
    assert set(re.findall(r"<[^>]*>?", found)) == {"<br/>"}
    assert "`" not in found


def test_the_same_picture_is_the_same_text() -> None:
    picture = plain_picture(["a", "b", "c"], [(0, 1), (1, 2)])

    assert dot_text(picture, LIGHT, picture_text) == dot_text(picture, LIGHT, picture_text)


def test_kinds_of_arrows_differ_in_line_and_head_and_not_only_in_colour() -> None:
    picture = plain_picture(["a", "b"], [])
    texts = []
    for kind in EdgeKind:
        dot = dot_text(replace(picture, edges=(Edge(0, 1, kind),)), LIGHT, picture_text)
        line = next(line for line in dot.splitlines() if line.startswith("  n0 -> n1"))
        texts.append(re.sub(r'color="[^"]*"', "", line))

    assert len(set(texts)) == len(EdgeKind)
    assert "style=dashed" in texts[1]
    assert "style=dotted" in texts[2]


def test_the_legend_has_what_is_in_the_picture_and_nothing_else() -> None:
    nodes = (Node(name="a", phase="failed"), Node(name="b", phase="retry_wait"))
    picture = Picture(title="p", nodes=nodes, edges=(Edge(0, 1, EdgeKind.RECOVERY),), is_run=True)

    legend = dot_text(picture, LIGHT, picture_text).partition("cluster_legend")[2]

    assert re.findall(r'label="([^"]*)"', legend) == [
        "Legend",
        "failed",
        "retry wait",
        "may start after a failure",
    ]


def test_a_picture_without_states_and_kinds_has_no_legend() -> None:
    assert "legend" not in dot_text(plain_picture(["a", "b"], [(0, 1)]), LIGHT, picture_text)


def test_the_critical_path_is_thick_and_in_the_legend() -> None:
    nodes = (Node(name="a", is_critical=True), Node(name="b", is_critical=True))
    picture = Picture(title="p", nodes=nodes, edges=(Edge(0, 1, is_critical=True),), critical="critical path")

    dot = dot_text(picture, LIGHT, picture_text)

    assert 'label="critical path"' in dot
    assert 'n0 -> n1 [color="#000000" penwidth=3 weight=3]' in dot
    assert "==>" in mermaid_text(picture, LIGHT, picture_text)


def test_hooks_stand_in_boxes_of_their_own() -> None:
    nodes = (Node(name="a"), Node(name="h", hook="on_failure"))
    picture = Picture(title="p", nodes=nodes)

    dot = dot_text(picture, LIGHT, picture_text)

    assert "subgraph cluster_h0" in dot
    assert dot.count("\n  n0 [") == 1
    assert dot.count("\n    n1 [") == 1
    assert 'subgraph hook_on_failure["hook on_failure"]' in mermaid_text(picture, LIGHT, picture_text)


@pytest.mark.parametrize("phase", PHASES)
def test_a_state_is_drawn_in_its_colours_in_both_languages(phase: str) -> None:
    for palette in PALETTES.values():
        picture = Picture(title="p", nodes=(Node(name="a", phase=phase),), is_run=True)
        fill = palette.phases[phase].fill

        assert f'fillcolor="{fill}"' in dot_text(picture, palette, picture_text)
        assert f"classDef {phase} fill:{fill}," in mermaid_text(picture, palette, picture_text)
