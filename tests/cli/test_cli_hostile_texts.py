"""What files and agents say reaches every place where a person looks, and does nothing there: terminal, pictures, pages that show them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from importlib.util import find_spec
from shutil import which

import html5lib
import pytest
from click.testing import Result

from tests.strategies.hostile_texts import HOSTILE

Call = Callable[..., Result]

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = frozenset(
    "svg g title text polygon polyline path ellipse rect line circle defs clipPath tspan".split()
)
"""What a picture is made of: nothing of this acts, loads or leads anywhere."""

SPEAKING = [text.encode("utf-8", "replace").decode() for text in HOSTILE if "\0" not in text]
"""The texts that a program can be given in its environment: no NUL, no half of a character."""


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 60


def literal(text: str) -> str:
    """Write a text so that no hole is in it."""
    return text.replace("${", "$${").replace("$<", "$$<")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every view of a run whose tasks say one hostile text each: in a description, in an output, on stderr, as a failure."""
    from click.testing import CliRunner

    from actorflow.cli import cli

    project = tmp_path_factory.mktemp("hostile")
    (project / ".claude").mkdir()
    tasks = [
        {
            "id": f"t{n}",
            "agent": "shell",
            "description": literal(text),
            "env": {"SAID": literal(text)},
            "parameters": {"command": 'printf %s "$SAID"; printf %s "$SAID" >&2; exit ' + str(n % 2)},
        }
        for n, text in enumerate(SPEAKING)
    ]
    workflow = {"name": "<b>&\"'", "settings": {"max_parallel": 8, "on_failure": "continue"}, "tasks": tasks}
    (project / "w.json").write_text(json.dumps(workflow), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        for name in ("ACTORFLOW_STATE_DIR", "ACTORFLOW_DEBUG", "NO_COLOR", "COLUMNS"):
            patch.delenv(name, raising=False)

        def call(*words: str) -> str:
            done = CliRunner().invoke(cli, words)
            assert done.exit_code in (0, 1), done.output
            return done.output

        views = {"run": call("run", "w.json")}
        for words in (
            "status last",
            "status last --json",
            "logs last",
            "explain last",
            "explain last --json",
            "watch last",
            "history",
            "events last",
            "events last --json",
            "context last --at t1",
            "stats <b>&\"'",
        ):
            command, *rest = words.split(" ")
            views[words] = call(command, *rest)
        for n in range(4):
            views[f"explain t{n}"] = call("explain", "last", f"t{n}")
        for kind in ("dot", "mmd", *(["svg"] if which("dot") or find_spec("pygraphviz") else [])):
            views[f"graph {kind}"] = call("graph", "last", "--format", kind)
            views[f"graph file {kind}"] = call("graph", "w.json", "--format", kind)
        views["timeline"] = call("timeline", "last")
    return views


def obeyed(text: str) -> set[str]:
    """Return what a terminal, or a reader's eye, might obey; ends of lines and tabs apart."""
    bidirectional = "LRE LRO RLE RLO PDF LRI RLI FSI PDI".split()
    return {
        character
        for character in set(text) - {"\n", "\t"}
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in bidirectional
    }


def test_no_view_holds_a_character_that_a_terminal_obeys(told: dict[str, str]) -> None:
    for words, text in told.items():
        assert not obeyed(text), words


def test_what_was_said_can_be_read(told: dict[str, str]) -> None:
    for n, text in enumerate(SPEAKING):
        if text.isprintable():
            assert text in told["logs last"]
            if n % 2:
                assert json.dumps(text, ensure_ascii=False)[1:-1] in told["events last --json"]


@pytest.mark.parametrize("view", ["graph svg", "graph file svg", "timeline"])
def test_a_browser_finds_a_picture_and_nothing_that_acts(view: str, told: dict[str, str]) -> None:
    if view not in told:
        pytest.skip("there is no Graphviz here at all")
    page = html5lib.parse(f"<!doctype html><title>t</title><body>{told[view]}<p>after", treebuilder="etree")

    body = page.find("{http://www.w3.org/1999/xhtml}body")
    assert body is not None
    comments = [child for child in body.iter() if not isinstance(child.tag, str)]
    drawn, after = [child for child in body if isinstance(child.tag, str)]  # nothing has left the picture
    assert all((comment.text or "").startswith("?xml ") for comment in comments)
    assert after.text == "after"
    for element in drawn.iter():
        assert element.tag.startswith(SVG), element.tag
        assert element.tag.removeprefix(SVG) in DRAWN, element.tag
        for name, value in element.attrib.items():
            assert not re.match(r"on|.*href", name.lower()), name
            assert "url(" not in value
    if view != "timeline":  # which has names and times, and nothing that was said
        assert "<script>alert(1)</script>" in "".join(drawn.itertext())


def test_json_stays_json(told: dict[str, str]) -> None:
    for words in ("status last --json", "explain last --json"):
        json.loads(told[words])
    for line in told["events last --json"].splitlines():
        json.loads(line)
