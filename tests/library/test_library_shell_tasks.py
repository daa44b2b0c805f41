"""The shell tasks of the templates do in a real repository what their templates say; the agents beside them are left out."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from actorflow import api
from actorflow.resources import data_folder
from actorflow.settings import Settings
from actorflow.values import thaw
from actorflow.workflow.document import read_document
from actorflow.workflow.events import ReadLimits

pytestmark = pytest.mark.slow


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.chdir(root)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@localhost")
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "a.py").write_text("a = 1\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "First")
    return root


@pytest.fixture
def shell(repository: Path, tmp_path: Path) -> Callable[..., Any]:
    """Run one shell task of a template alone; gives (status, output, error)."""

    def shell(
        template: str, task: str, *, replacing: tuple[str, str] = ("", ""), **inputs: Any
    ) -> tuple[Any, ...]:
        file = data_folder("templates") / f"{template}.yaml"
        text = (
            file.read_text(encoding="utf-8").replace(*replacing) if replacing[0] else file.read_text("utf-8")
        )
        document = read_document(text.encode(), file=file.name, limits=ReadLimits()).value
        (chosen,) = [entry for entry in document["tasks"] if entry["id"] == task]
        alone = {key: value for key, value in chosen.items() if key not in ("dependencies", "condition")}
        import json

        alone_file = tmp_path / "alone.json"
        kept = {key: document[key] for key in ("name", "inputs")}
        alone_file.write_text(json.dumps({**kept, "tasks": [alone]}), encoding="utf-8")
        settings = Settings(project_root=repository, state_dir=tmp_path / "state", user_folder=tmp_path)
        finished = trio.run(lambda: api.run(alone_file, settings=settings, given=inputs))
        state = finished.state.tasks[task]
        return state.status.value, thaw(state.output), state.error and state.error.message

    return shell


def test_a_review_sees_which_files_have_changed(shell, repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "change")
    assert shell("pr-review", "changed") == ("success", "", None)

    (repository / "b c.py").write_text("b = 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "More")

    assert shell("pr-review", "changed", base="main") == ("success", "b c.py", None)
    status, _, error = shell("pr-review", "changed", base="--output=stolen")
    assert (status, list(repository.glob("stolen*"))) == ("failed", [])
    assert "--output=stolen" in error


@pytest.mark.parametrize(("verdict", "status"), [("approve", "success"), ("changes", "failed")])
def test_the_gate_lets_through_what_is_approved(shell, verdict: str, status: str) -> None:
    assert shell("pr-review", "gate", replacing=("${report.output.verdict}", verdict))[0] == status


def test_a_refactoring_begins_on_a_clean_tree_with_passing_tests(shell, repository: Path) -> None:
    inputs = {"target": "a.py", "goal": "g"}
    head = git(repository, "rev-parse", "HEAD")

    assert shell("refactor-with-tests", "baseline", test_command="echo fine", **inputs) == (
        "success",
        head,
        None,
    )
    status, _, error = shell("refactor-with-tests", "baseline", test_command="echo broken; exit 3", **inputs)
    assert (status, "broken" in error) == ("failed", True)
    (repository / "new.py").touch()
    status, _, error = shell("refactor-with-tests", "baseline", test_command="true", **inputs)
    assert (status, "the working tree has changes" in error) == ("failed", True)


def test_what_did_not_work_out_is_kept_in_a_stash(shell, repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "new.py").write_text("new = 1\n")

    assert (
        shell(
            "refactor-with-tests",
            "undo",
            target="a",
            goal="g",
            test_command="true",
            replacing=(_UNDO, "true"),
        )[0]
        == "success"
    )

    assert git(repository, "status", "--porcelain") == ""
    assert "a refactoring that did not work out, run 2" in git(repository, "stash", "list")
    git(repository, "stash", "pop")
    assert (repository / "new.py").exists()


_UNDO = "refactor.status == 'failed' || (compare.status == 'success' && !(compare.output.same_behaviour && compare.output.better))"


def test_release_notes_begin_with_the_commits_since_the_last_tag(shell, repository: Path) -> None:
    git(repository, "tag", "v1")
    assert shell("release-notes", "commits", version="2") == ("success", "", None)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Faster login\n\nIt took too long.")

    _, output, _ = shell("release-notes", "commits", version="2")

    assert next(line.strip() for line in output.splitlines()).endswith(" Faster login")
    assert "It took too long." in output
    assert shell("release-notes", "commits", version="2", since="HEAD")[1] == ""


def test_release_notes_of_a_repository_without_tags(shell, repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Second")

    assert shell("release-notes", "commits", version="1")[1].split()[1:] == ["Second"]


def test_release_notes_are_written_to_a_file_with_any_name(shell, repository: Path) -> None:
    name = "-n $(x) notes.md"

    assert (
        shell("release-notes", "save", version="1", file=name, replacing=("${check.output}", "# 1"))[0]
        == "success"
    )

    assert (repository / name).read_text() == "# 1"
