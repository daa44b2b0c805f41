"""Which agents a project and a user define."""

from __future__ import annotations

import pytest

from actorflow.agents.definitions import known_agent_files


@pytest.fixture
def define(tmp_path):
    def define(file, text, *, where="project"):
        path = tmp_path / where / ".claude" / "agents" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return define


@pytest.fixture
def names(tmp_path):
    return lambda: list(known_agent_files(tmp_path / "project", tmp_path / "home"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("---\nname: reviewer\ndescription: x\n---\nbody", "reviewer"),
        ("---\ndescription: x\nname: 'reviewer'  # its name\n---\n", "reviewer"),
        ('\ufeff---\r\nname: "reviewer"\r\n---\r\n', "reviewer"),
        ("---\nname: reviewer\n", "reviewer"),
        ("no front matter\nname: other\n", "file"),
        ("---\ndescription: x\n---\nname: other\n", "file"),
        ("---\n  name: nested\n---\n", "file"),
        ("---\nname: two words\n---\n", "file"),
        ("---\nname: ../escape\n---\n", "file"),
        ("", "file"),
        (b"---\nname: reviewer\nx: \xff\n---\n", "reviewer"),
    ],
)
def test_name_is_that_of_the_front_matter_else_of_the_file(define, names, text, name):
    define("file.md", text)

    assert names() == [name]


def test_the_projects_definition_wins(define, tmp_path):
    define("a.md", "", where="home")
    ours = define("a.md", "")

    assert known_agent_files(tmp_path / "project", tmp_path / "home") == {"a": ours}


def test_only_markdown_files_define_agents(define, names):
    define("a.txt", "")
    define("inner/b.md", "")

    assert names() == ["b"]


def test_a_folder_that_is_not_there_defines_nothing(names, tmp_path):
    assert names() == []
    assert known_agent_files(None, None) == {}


def test_what_cannot_be_read_defines_nothing(define, names, tmp_path):
    define("a.md", "")
    (tmp_path / "project" / ".claude" / "agents" / "folder.md").mkdir()
    (tmp_path / "project" / ".claude" / "agents" / "dangling.md").symlink_to("nowhere")

    assert names() == ["a"]
