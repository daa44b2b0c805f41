"""Which agents a project and a user define, and which file counts."""

from __future__ import annotations

import os

import pytest

from actorflow.agents.definitions_found import SHIPPED_AGENTS, SHIPPED_COMMANDS, find_definitions
from actorflow.errors import SpecErrors


@pytest.fixture
def define(tmp_path):
    def define(file, text, *, where="project"):
        folder = tmp_path / "project" / ".claude" if where == "project" else tmp_path / "user"
        path = folder / "agents" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return define


@pytest.fixture
def find(tmp_path):
    def find():
        found = find_definitions(tmp_path / "project", tmp_path / "user")
        return {name: [f for f in files if f.scope != "shipped"] for name, files in found.items()}

    return find


@pytest.fixture
def names(find):
    return lambda: [name for name, files in find().items() if files]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("---\nname: reviewer\ndescription: x\n---\nbody", "reviewer"),
        ("---\ndescription: x\nname: 'reviewer'  # its name\n---\n", "reviewer"),
        ('\ufeff---\r\nname: "reviewer"\r\n---\r\n', "reviewer"),
        ("\n---\nname:\treviewer\n---\n", "reviewer"),
        ("---\nname:reviewer\ndescription: a: b\n---\n", "reviewer"),
        ("---\nname: >-\n  reviewer\n---\n", "reviewer"),
        ("---\nname: Code Reviewer\n---\n", "Code Reviewer"),
        ("---\nname: 審査\n---\n", "審査"),
        ("no front matter\nname: other\n", "file"),
        ("---\ndescription: x\n---\nname: other\n", "file"),
        ("---\nmetadata:\n  name: nested\n---\n", "file"),
        (b"---\nname: reviewer\nx: \xff\n---\n", "reviewer"),
    ],
)
def test_name_is_that_of_the_front_matter_else_of_the_file(define, find, text, name):
    define("file.md", text)

    ((found,),) = (files for files in find().values() if files)

    assert found.name == name
    assert found.read().name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("", "file"), ("---\nname: reviewer\n", "reviewer"), ("---\nname: ../escape\n---\n", "file")],
)
def test_a_broken_file_keeps_its_name_and_spoils_no_other(define, find, text, name):
    define("file.md", text)
    define("other.md", "You work.")

    found = find()

    assert found["other"][0].read().prompt == "You work."
    with pytest.raises(SpecErrors):
        found[name][0].read()


def test_the_project_comes_before_the_user_and_the_user_before_what_ships(define, tmp_path):
    users = define("a.md", "---\nname: planner\n---\n", where="user")
    projects = define("z.md", "---\nname: planner\n---\n")

    files = find_definitions(tmp_path / "project", tmp_path / "user")["planner"]

    assert [(file.path, file.scope) for file in files[:2]] == [(projects, "project"), (users, "user")]
    assert files[2].scope == "shipped"


def test_in_one_folder_the_first_file_counts(define, find):
    define("b.md", "---\nname: x\n---\n")
    define("a.md", "---\nname: x\n---\n")
    define("c/a.md", "---\nname: x\n---\n")

    assert [file.path.name for file in find()["x"]] == ["a.md", "b.md", "a.md"]


def test_only_markdown_and_yaml_files_define_agents(define, names):
    define("a.txt", "")
    define("inner/deeper/b.MD", "x")
    define(".hidden/c.md", "x")
    define("c.yaml", "command: [c]\n")
    define("d.yml", "command: [c]\nname: 'my tool' # ours\n")

    assert names() == ["c", "my tool", "b"]


@pytest.mark.parametrize(
    "file",
    ["README.md", "readme.md", "inner/CHANGELOG.md", "CLAUDE.md", "README-agents.md", "QUICK_REFERENCE.md"],
)
def test_documents_beside_the_agents_define_nothing(define, names, file):
    define(file, "# About these agents\n")

    assert names() == []


def test_an_agent_without_a_front_matter_may_have_any_other_name(define, names):
    for name in ("license-checker", "claude-reviewer", "Reviewer", "agents-coordinator"):
        define(f"{name}.md", "You work.")

    assert sorted(names()) == ["Reviewer", "agents-coordinator", "claude-reviewer", "license-checker"]


def test_a_readme_with_a_front_matter_is_an_agent(define, names):
    define("README.md", "---\nname: docs-writer\ndescription: x\n---\nb")

    assert names() == ["docs-writer"]


def test_a_folder_that_is_not_there_defines_nothing(names):
    assert names() == []
    assert list(find_definitions(None, None)) == [*SHIPPED_AGENTS, *SHIPPED_COMMANDS]


def test_what_cannot_be_read_defines_nothing(define, names, tmp_path):
    define("a.md", "x")
    folder = tmp_path / "project" / ".claude" / "agents"
    (folder / "folder.md").mkdir()
    (folder / "dangling.md").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.md")

    assert names() == ["a"]


def test_links_are_followed_and_circles_are_not(define, names, tmp_path):
    define("b.md", "x", where="elsewhere")
    define("a.md", "x")
    folder = tmp_path / "project" / ".claude" / "agents"
    (folder / "more").symlink_to(tmp_path / "user" / "agents")
    (folder / "round").symlink_to(folder)
    (folder / "itself.md").symlink_to("itself.md")

    assert sorted(names()) == ["a", "b"]
