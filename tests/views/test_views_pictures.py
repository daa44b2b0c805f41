"""Pictures as Graphviz draws them: inert whatever is written in them, by either way to Graphviz, or with advice when there is none."""

from __future__ import annotations

import os
import select
import shutil
import stat
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path

import pytest

from actorflow.errors import ConfigurationError, InputError, RunError
from actorflow.monitor.graph import Edge, EdgeKind, Node, Picture
from actorflow.views import pictures
from actorflow.views.pictures import PictureFormat, draw, picture_text
from actorflow.views.pictures_files import write_picture
from tests.monitor.picture_runs import plain_picture
from tests.strategies.hostile_texts import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
NEVER = "script a image use foreignObject style animate set iframe object embed link".split()

has_library = pytest.mark.skipif(
    find_spec("pygraphviz") is None, reason="there is no wheel of pygraphviz here"
)
has_graphviz = pytest.mark.skipif(
    find_spec("pygraphviz") is None and shutil.which("dot") is None, reason="there is no Graphviz here"
)


def check_inert(svg: str) -> ET.Element:
    """Parse an SVG and check that nothing in it can act, load or lead anywhere."""
    root = ET.fromstring(svg)
    for element in root.iter():
        assert element.tag.startswith(SVG), element.tag
        assert element.tag.removeprefix(SVG) not in NEVER
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), name
            assert "href" not in name.lower()
            assert "url(" not in value
    assert "<!" not in svg
    assert "<?xml-" not in svg
    return root


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def hostile_picture() -> Picture:
    flat = [text.replace("\n", " ") for text in HOSTILE]
    nodes = tuple(Node(name=t, lines=(t, "x"), tip=t, phase="failed") for t in flat)
    edges = tuple(Edge(i, i + 1, EdgeKind.CONDITION) for i in range(len(nodes) - 1))
    return Picture(title="\n".join(HOSTILE), nodes=nodes, edges=edges, is_run=True)


@has_graphviz
@pytest.mark.slow
def test_hostile_text_is_shown_as_it_is_and_does_nothing() -> None:
    picture = hostile_picture()

    root = check_inert(draw(picture, "svg").decode())

    found = texts(root)
    for node in picture.nodes:
        assert found.count(picture_text(node.name)) >= 2


@has_graphviz
@pytest.mark.slow
def test_whoever_points_at_a_box_or_an_arrow_is_told_what_it_is() -> None:
    nodes = (Node(name="a", lines=("shell",), tip="the whole <reason>"), Node(name="b"))
    picture = Picture(title="p", nodes=nodes, edges=(Edge(0, 1, EdgeKind.RECOVERY),))

    root = check_inert(draw(picture, "svg").decode())

    assert {element.text for element in root.iter(f"{SVG}title")} == {
        "p",
        "a\nshell\nthe whole <reason>",
        "b",
        "a → b\nrecovery",
    }


@has_library
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG\r\n"), ("pdf", b"%PDF")])
def test_without_dot_on_the_path_the_bundled_library_draws(
    kind: PictureFormat, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    assert draw(plain_picture(["a", "b"], [(0, 1)]), kind).startswith(start)


@pytest.fixture
def fake_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a ``dot`` of the test's own first on the PATH."""

    def make(script: str) -> None:
        program = tmp_path / "bin" / "dot"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return make


@pytest.mark.slow
def test_dot_on_the_path_is_used_when_it_is_there(fake_dot, tmp_path: Path) -> None:
    fake_dot(f'cat > {tmp_path}/given; echo "$@" > {tmp_path}/arguments; echo drawn')

    assert draw(plain_picture(["a"], []), "png") == b"drawn\n"

    assert (tmp_path / "arguments").read_text(encoding="utf-8").split() == ["-Kdot", "-Tpng"]
    assert (tmp_path / "given").read_text(encoding="utf-8").startswith("digraph actorflow {")


@pytest.mark.slow
def test_a_bundled_library_that_cannot_be_loaded_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libcgraph.so.6: no such file')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ConfigurationError, match=r"cannot be loaded: ImportError: libcgraph") as caught:
        draw(plain_picture(["a"], []), "png")

    assert "apt-get install graphviz" in (caught.value.hint or "")


@pytest.mark.slow
def test_a_dot_that_fails_is_told_with_its_own_words(fake_dot) -> None:
    fake_dot('echo "no such plugin" >&2; exit 3')

    with pytest.raises(RunError, match=r"Graphviz \(dot\) failed: .*status 3.*no such plugin"):
        draw(plain_picture(["a"], []), "png")


@pytest.mark.slow
def test_a_dot_that_hangs_is_ended_with_all_it_started(
    fake_dot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "alive")
    fake_dot(f"exec 3>{tmp_path}/alive; cat 0<&3 & exec sleep 1000")
    monkeypatch.setattr(pictures, "_PATIENCE_SECONDS", 1.5)
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(RunError, match=r"not drawn the picture in 1.5 s"):
        draw(plain_picture(["a"], []), "svg")

    ended, _, _ = select.select([reader], [], [], 30)
    assert ended
    assert os.read(reader, 1) == b""  # end of file: nobody holds the other end any more
    os.close(reader)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_without_any_graphviz_the_reader_is_told_what_to_install(
    kind: PictureFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(pictures, "find_spec", lambda _name: None)

    with pytest.raises(ConfigurationError, match="no Graphviz") as caught:
        draw(plain_picture(["a"], []), kind)

    assert "actorflow[pictures]" in caught.value.hint
    assert "apt-get install graphviz" in caught.value.hint


@pytest.mark.parametrize(("kind", "start"), [("dot", b"digraph"), ("mmd", b"flowchart")])
def test_dot_and_mermaid_need_no_graphviz(
    kind: PictureFormat, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(pictures, "find_spec", lambda _name: None)

    assert draw(plain_picture(["a"], []), kind).startswith(start)


@has_library
@pytest.mark.slow
def test_a_file_in_the_working_directory_is_not_taken_for_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pygraphviz.py").write_text("raise SystemExit(9)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")

    assert draw(plain_picture(["a"], []), "svg")


@pytest.mark.parametrize("text", HOSTILE)
def test_cleaned_text_can_be_written_as_xml_and_is_one_line(text: str) -> None:
    cleaned = picture_text(text)

    assert "\n" not in cleaned
    element = ET.Element("t")
    element.text = cleaned
    assert ET.fromstring(ET.tostring(element, encoding="unicode")).text == cleaned


def test_a_picture_takes_the_place_of_an_older_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "x.svg"
    place.write_bytes(b"old")

    write_picture(b"new", place)

    assert place.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [place]


def test_a_link_is_kept_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "link.svg").symlink_to(tmp_path / "real.svg")

    write_picture(b"new", tmp_path / "link.svg")

    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_bytes() == b"new"


def test_a_place_that_is_no_file_is_written_to_and_not_replaced() -> None:
    write_picture(b"new", Path("/dev/null"))

    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(("place", "words"), [("missing/x.svg", "no folder"), ("", "is a folder")])
def test_a_place_where_nothing_can_be_is_said_by_name(place: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        write_picture(b"new", tmp_path / place)
