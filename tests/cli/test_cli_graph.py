"""``graph`` and ``timeline``: pictures of files and of runs, from any process and at any time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import Result

from actorflow import api
from actorflow.cli.options import settings_for
from actorflow.monitor.graph import picture_of_workflow
from actorflow.views import desktop, pictures
from tests.cli.conftest import PATIENCE_SECONDS, ROOT
from tests.views.test_views_pictures import check_inert

Call = Callable[..., Result]

TITLE = "{http://www.w3.org/2000/svg}title"

has_graphviz = pytest.mark.skipif(
    find_spec("pygraphviz") is None and shutil.which("dot") is None, reason="there is no Graphviz here"
)


def titles(svg: bytes | str) -> set[str]:
    """Return what is shown on pointing at the parts of a picture: every box with its lines, every arrow with its kind."""
    return {element.text or "" for element in ET.fromstring(svg).iter(TITLE)}


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda _name: None)
    monkeypatch.setattr(pictures, "which", lambda _name: None)


@pytest.fixture
def ran(call: Call, workflow: Callable[..., str]) -> str:
    """Run a workflow in which one task fails and one is skipped; return the run's id."""
    file = workflow(first="echo hi", second=["first", "echo broken >&2; exit 3"], third=["second", "true"])
    done = call("run", file, "-q")
    assert done.exit_code == 1
    return done.stdout.split()[0]


def test_a_file_is_drawn_as_dot_on_stdout_without_any_option(
    call: Call, workflow: Callable[..., str]
) -> None:
    done = call("graph", workflow(a="true", b=["a", "true"]))

    assert done.exit_code == 0
    assert done.stdout.startswith("digraph actorflow {")
    assert "n0 -> n1" in done.stdout


def test_a_workflow_is_found_by_its_name(call: Call, project: Path, workflow: Callable[..., str]) -> None:
    folder = project / ".claude" / "workflows"
    folder.mkdir()
    (project / workflow(a="true")).rename(folder / "named.json")

    assert "digraph" in call("graph", "named").stdout


@pytest.mark.parametrize(
    ("name", "start"),
    [("x.dot", "digraph"), ("x.gv", "digraph"), ("x.mmd", "flowchart"), ("x.MERMAID", "flowchart")],
)
def test_the_ending_of_the_file_says_the_format(
    name: str, start: str, call: Call, project: Path, workflow: Callable[..., str], no_graphviz: None
) -> None:
    done = call("graph", workflow(a="true"), "-o", name)

    assert done.stdout == ""
    assert done.stderr == f"the picture is in {name}\n"
    assert (project / name).read_text(encoding="utf-8").startswith(start)


def test_format_wins_over_the_ending(call: Call, project: Path, workflow: Callable[..., str]) -> None:
    call("graph", workflow(a="true"), "-o", "x.txt", "--format", "mmd")

    assert (project / "x.txt").read_text(encoding="utf-8").startswith("flowchart")


def test_an_ending_that_says_nothing_is_refused(call: Call, workflow: Callable[..., str]) -> None:
    done = call("graph", workflow(a="true"), "-o", "x.jpeg")

    assert done.exit_code == 2
    assert ".svg, .png, .pdf, .dot, .mmd" in done.stderr


@has_graphviz
@pytest.mark.slow
def test_a_run_is_drawn_with_its_states(call: Call, ran: str) -> None:
    done = call("graph", ran, "--format", "svg")

    found = "\n".join(titles(done.stdout))
    assert "first\nshell\nsuccess in" in found
    assert "second\nshell\nfailed in" in found
    assert "third\nshell\nskipped\na task before it failed" in found
    assert f"\n{ran}\nfailed in" in found


def test_a_run_is_found_by_last_and_by_the_beginning_of_its_id(call: Call, ran: str) -> None:
    texts = {call("graph", name).stdout for name in (ran, "last", ran[:-2])}

    assert len(texts) == 1
    assert "failed in" in texts.pop()


def test_the_arrows_of_a_run_come_from_its_workflow_as_it_was(call: Call, project: Path) -> None:
    tasks = [
        {"id": "a", "agent": "shell", "parameters": {"command": "echo x"}},
        {
            "id": "b",
            "agent": "shell",
            "dependencies": ["a"],
            "condition": "a.status == 'failed'",
            "parameters": {"command": "true"},
        },
    ]
    (project / "w.json").write_text(json.dumps({"name": "w", "tasks": tasks}), encoding="utf-8")
    assert call("run", "w.json", "-q").exit_code == 0
    (project / "w.json").unlink()

    done = call("graph", "last")

    assert "n0 -> n1 [style=dotted" in done.stdout
    assert done.stderr == ""


@has_graphviz
@pytest.mark.slow
def test_what_agents_and_files_say_does_nothing_in_any_picture(call: Call, project: Path) -> None:
    evil = '</text><script>alert(1)</script>\\n"];x[URL="javascript:alert(1)"] \x1b]8;;https://evil.example\x07 \u202e'
    command = "printf '%s' \"$EVIL\" >&2; exit 3"
    task = {"id": "a", "agent": "shell", "env": {"EVIL": evil}, "parameters": {"command": command}}
    printable = evil.partition(" \x1b")[0]  # a name with control characters is refused
    workflow = {"name": printable, "description": evil, "tasks": [task | {"description": evil}]}
    (project / "w.json").write_text(json.dumps(workflow), encoding="utf-8")
    assert call("run", "w.json", "-q").exit_code == 1

    drawn = [call("graph", subject, "--format", "svg").stdout for subject in ("w.json", "last")]
    drawn.append(call("timeline", "last").stdout)

    for svg in drawn:
        root = check_inert(svg)
        assert "</text><script>alert(1)</script>" in "".join(root.itertext())
    for kind in ("dot", "mmd"):
        text = call("graph", "last", "--format", kind).stdout
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_what_is_neither_a_file_nor_a_run_is_said_once(call: Call, ran: str) -> None:
    done = call("graph", "nothing")

    assert done.exit_code == 2
    assert "no workflow named 'nothing', and no run 'nothing'" in done.stderr


@pytest.mark.parametrize("name", ["missing.yaml", "some/place"])
def test_what_looks_like_a_path_is_not_looked_for_among_runs(name: str, call: Call) -> None:
    done = call("graph", name)

    assert done.exit_code == 2
    assert "run" not in done.stderr.partition("\n")[0]


def test_a_file_with_problems_is_not_drawn_and_all_are_told(call: Call, workflow: Callable[..., str]) -> None:
    done = call("graph", workflow(a=["nobody", "true"], b=["nobody2", "true"]))

    assert done.exit_code == 2
    assert done.stdout == ""
    assert "nobody" in done.stderr
    assert "nobody2" in done.stderr
    assert "nothing was run" not in done.stderr  # nobody wanted to run it


def test_without_graphviz_the_message_says_what_to_install_and_what_works(
    call: Call, workflow: Callable[..., str], no_graphviz: None
) -> None:
    done = call("graph", workflow(a="true"), "-o", "x.svg")

    assert done.exit_code == 3
    assert not Path("x.svg").exists()
    for words in ("no Graphviz", "apt-get install graphviz", "pip install 'actorflow[pictures]'", ".mmd"):
        assert words in done.stderr


def test_a_large_workflow_is_grouped_and_that_is_said(call: Call, workflow: Callable[..., str]) -> None:
    file = workflow(**{f"t{i}": "true" for i in range(30)})

    done = call("graph", file, "--max-nodes", "10")

    assert "30 tasks are drawn as 1 box;" in done.stderr
    assert "30 tasks" in done.stdout


def test_dark_colours_are_dark(call: Call, workflow: Callable[..., str]) -> None:
    done = call("graph", workflow(a="true"), "--theme", "dark")

    assert 'bgcolor="#14181d"' in done.stdout


@pytest.fixture
def viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put programs that are to show a file into an otherwise bare desktop; gives what was shown with which."""
    programs, shown = tmp_path / "programs", tmp_path / "shown"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(desktop, "_OPENERS", (("xdg-open",), ("gio", "open")))
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)

    def viewer(name: str, then: str = "true") -> Path:
        script = f'#!/bin/sh\necho "{name} $@" >> {shown}\necho noise\necho noise >&2\n{then}\n'
        (programs / name).write_text(script, encoding="utf-8")
        (programs / name).chmod(0o755)
        return shown

    return viewer


@pytest.mark.parametrize("command", ["graph", "timeline"])
@has_graphviz
@pytest.mark.slow
def test_a_picture_can_be_opened_on_the_desktop(
    command: str, call: Call, ran: str, viewer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = viewer("xdg-open")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    done = call(command, ran, "--open")

    (place,) = tmp_path.glob(f"actorflow-*/{command}.svg")
    assert shown.read_text() == f"xdg-open {place.as_uri()}\n"
    assert done.stderr == f"the picture is in {place}\n"


@pytest.mark.parametrize(
    ("browser", "programs", "expected"),
    [
        ("mine --new %s&", {"mine": "true"}, ["mine --new URI"]),
        ("gone:broken:mine", {"broken": "exit 3", "mine": "true"}, ["broken URI", "mine URI"]),
        ("broken", {"broken": "exit 3", "xdg-open": "exit 4", "gio": "true"}, ["broken URI", "xdg-open URI", "gio open URI"]),
        ("stays", {"stays": "exec sleep 60", "xdg-open": "true"}, ["stays URI"]),
        ("it's: :mine", {"mine": "true"}, ["mine URI"]),
    ],
)  # fmt: skip
def test_what_shows_a_picture(
    browser: str,
    programs: dict[str, str],
    expected: list[str],
    call: Call,
    ran: str,
    viewer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROWSER", browser)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(desktop, "_SECONDS", 0.1 if "stays" in programs else 30)
    for name, then in programs.items():
        shown = viewer(name, then)

    done = call("timeline", ran, "-o", "t #1.svg", "--open")

    for left in desktop._RUNNING:
        assert left.poll() is None
        waited = time.monotonic()
        while not shown.exists() and time.monotonic() < waited + PATIENCE_SECONDS:  # it may be slow to start
            time.sleep(0.01)
        left.kill()
        left.wait()
    desktop._RUNNING.clear()
    place = Path("t #1.svg").absolute().as_uri()
    assert shown.read_text().splitlines() == [line.replace("URI", place) for line in expected]
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "the picture is in t #1.svg\n")


def test_without_a_desktop_the_picture_is_written_all_the_same(call: Call, ran: str, viewer) -> None:
    """Nor is a browser for text started, which would take the terminal."""
    shown = viewer("xdg-open")

    done = call("timeline", ran, "-o", "t.svg", "--open")

    assert done.exit_code == 0
    assert Path("t.svg").exists()
    assert "no desktop" in done.stderr
    assert not shown.exists()


def test_a_timeline_shows_each_attempt_of_a_run(call: Call, ran: str) -> None:
    done = call("timeline", ran)

    found = "\n".join(sorted(titles(done.stdout)))
    assert "first: attempt 1, success, " in found
    assert "second: attempt 1, failed, " in found
    assert "third: skipped" in found


def test_a_timeline_is_always_an_svg(call: Call, ran: str) -> None:
    done = call("timeline", ran, "-o", "t.png")

    assert done.exit_code == 2
    assert "a timeline is an SVG" in done.stderr


@pytest.mark.slow
def test_a_run_is_drawn_from_another_process_while_it_goes_on_and_after_its_driver_was_killed(
    call: Call, start, gate, workflow: Callable[..., str]
) -> None:
    begun, go = gate("begun"), gate("go")
    driver = start("run", workflow(held="echo > begun; read line < go"), "-q")
    begun.wait()

    while_it_runs = call("graph", "last").stdout
    driver.kill()
    driver.wait()
    after_the_crash = call("graph", "last").stdout

    assert "running for" in while_it_runs
    assert "interrupted for" in after_the_crash
    assert "running without a driver for" in after_the_crash
    told = json.loads(call("explain", "held", "--json").stdout)
    assert (told["status"], told["unattended"]) == ("running", "running")
    assert told["summary"].endswith("is running without a driver; a resume waits for it")
    assert "running without a driver; a resume waits for it" in call("status").stdout
    assert "held: attempt 1, running" in "\n".join(titles(call("timeline", "last").stdout))
    go.open()


@has_graphviz
@pytest.mark.slow
def test_five_hundred_tasks_are_drawn_in_seconds(project: Path, start) -> None:
    def command(i: int) -> dict[str, object]:
        waits = sorted({f"t{i - 25}", f"t{i - 24}"}) if i >= 25 else []
        return {"id": f"t{i}", "agent": "shell", "dependencies": waits, "parameters": {"command": "true"}}

    (project / "w.json").write_text(
        json.dumps({"name": "w", "tasks": [command(i) for i in range(500)]}), encoding="utf-8"
    )
    began = time.monotonic()
    process = start("graph", "w.json", "-o", "x.svg", stdout=subprocess.DEVNULL)

    assert process.wait() == 0
    assert time.monotonic() - began < 20  # 1.3 s on an idle machine with two cores; this one runs other tests
    assert len(titles((project / "x.svg").read_bytes())) > 1000


@pytest.mark.parametrize("name", ["quickstart"])
def test_the_pictures_of_the_documentation_are_not_stale(name: str) -> None:
    workflow = api.validate(ROOT / "templates" / f"{name}.yaml", settings=settings_for(None)).workflow
    assert workflow is not None
    expected = pictures.tips(picture_of_workflow(workflow))
    svg = (ROOT / "docs" / "pictures" / f"{name}.svg").read_bytes()

    advice = f"run: actorflow graph templates/{name}.yaml -o docs/pictures/{name}.svg"
    assert titles(svg) == set(expected.values()), advice
