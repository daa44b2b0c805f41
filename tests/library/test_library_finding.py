"""Which file a name means: the project's, the user's, or a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorflow.errors import InputError
from actorflow.library.finding import find_workflow, known_workflows
from actorflow.settings import Settings

TASKS = "name: w\ntasks: [{id: a, agent: echo}]\n"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for folder in ("project/.claude/workflows", "user/workflows", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    return Settings(
        project_root=tmp_path / "project", state_dir=tmp_path / "state", user_folder=tmp_path / "user"
    )


@pytest.fixture
def write(tmp_path: Path):
    def write(*names: str, text: str = TASKS) -> None:
        for name in names:
            (tmp_path / name).write_text(text, encoding="utf-8")

    return write


PROJECT = "project/.claude/workflows/"


@pytest.mark.parametrize(
    ("text", "file", "origin"),
    [
        ("ship", PROJECT + "ship.yaml", "project"),
        ("ship.yaml", PROJECT + "ship.yaml", "project"),
        ("both", PROJECT + "both.yml", "project"),
        ("mine", "user/workflows/mine.json", "user"),
    ],
)
def test_a_name_means_the_nearest_workflow(
    settings: Settings, write, tmp_path: Path, text: str, file: str, origin: str
) -> None:
    write(PROJECT + "ship.yaml", PROJECT + "both.yml", "user/workflows/both.yaml")
    write("user/workflows/mine.json", text='{"name": "w", "tasks": []}')

    found = find_workflow(text, settings)

    assert (found.path, found.origin) == (tmp_path / file, origin)


def test_a_template_is_meant_when_nobody_has_a_workflow_of_that_name(
    settings: Settings, write, tmp_path: Path
) -> None:
    assert find_workflow("bug-fix", settings).origin == "library"

    write(PROJECT + "bug-fix.yaml")

    assert find_workflow("bug-fix", settings).path == tmp_path / PROJECT / "bug-fix.yaml"


def test_a_path_wins_over_a_name(settings: Settings, write) -> None:
    write(PROJECT + "ship.yaml", "elsewhere/ship")

    assert find_workflow("ship", settings).path == Path("ship")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("script.js", "tasks: 1"),
        ("notes.md", "tasks:"),
        ("plan.yaml", "name: no tasks here\nsteps: []\n# tasks: none\n"),
        ("ship.stubs.yaml", "tasks: {}"),
        ("ship.tests.yaml", "tasks: {}"),
    ],
)
def test_what_is_no_workflow_is_not_found(settings: Settings, write, name: str, text: str) -> None:
    write(PROJECT + name, text=text)

    assert [known for known, found in known_workflows(settings).items() if found.origin == "project"] == []
    with pytest.raises(InputError):
        find_workflow(name.rpartition(".")[0], settings)


@pytest.mark.parametrize("text", [TASKS, '{"tasks": []}', "{name: w, tasks: []}", "'tasks' : []", "tasks:\n"])
def test_whatever_has_tasks_is_a_workflow(settings: Settings, write, text: str) -> None:
    write(PROJECT + "w.yaml", text=text)

    assert find_workflow("w", settings).origin == "project"


def test_a_name_with_two_meanings_is_not_guessed(settings: Settings, write) -> None:
    write(PROJECT + "ship.yaml", PROJECT + "ship.json")

    with pytest.raises(InputError, match=r"more than one workflow: .*ship\.json and ship\.yaml"):
        find_workflow("ship", settings)
    assert find_workflow("ship.json", settings).path.name == "ship.json"


@pytest.mark.parametrize("text", ["../workflows/ship", "x/ship", "", "."])
def test_a_name_is_only_a_name(settings: Settings, write, text: str) -> None:
    write(PROJECT + "ship.yaml")

    with pytest.raises(InputError):
        find_workflow(text, settings)


def test_what_is_not_there_is_told_with_what_is(settings: Settings, write) -> None:
    write(PROJECT + "ship.yaml", "user/workflows/mine.yaml")

    hints = {}
    for text in ("shp", "bugfix", "zzz"):
        with pytest.raises(InputError) as caught:
            find_workflow(text, settings)
        hints[text] = caught.value.hint

    assert hints["shp"] == "did you mean 'ship'?"
    assert hints["bugfix"] == "did you mean 'bug-fix'? (a template of the library)"
    assert "are: ship, mine\ntemplates: bug-fix, full-stack-feature" in hints["zzz"]
