"""``actorflow agents``: where agents come from, what they may do, and what is wrong with their files."""

from __future__ import annotations

import json

import pytest

REVIEWER = """---
name: reviewer
description: Reviews changes: the careful one
tools: Read, Grep
model: opus
color: red
---

You review changes.
\x1b[31mNot red.
"""


@pytest.fixture
def define(project, tmp_path):
    def define(name: str, text: str, *, user: bool = False):
        folder = (tmp_path if user else project) / ".claude" / "agents"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        return folder / name

    return define


def test_list_shows_agents_by_where_they_come_from(call, define):
    define("reviewer.md", REVIEWER)
    define("writer.md", "---\nname: writer\ndescription: Writes\n---\nb", user=True)
    define("helper.yaml", "description: Helps\ncommand: [sh, -c, cat]\n")

    done = call("agents", "list")

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    project, user, shipped, built_in = (
        lines.index(heading)
        for heading in (
            "of this project (.claude/agents/)",
            "of yours (~/.claude/agents/)",
            "shipped with actorflow",
            "built in",
        )
    )
    assert project < user < shipped < built_in
    assert [line.split() for line in lines[project + 1 : user - 1]] == [
        ["helper", "Helps"],
        [
            *(["-"] if lines[project + 2].startswith("-") else []),
            "reviewer",
            *"Reviews changes: the careful one".split(),
        ],
    ]
    assert any(line.split()[-1] == "Writes" for line in lines[user:shipped])
    assert any(" planner " in line for line in lines[shipped:built_in])


def test_list_shows_a_broken_file_and_all_other_agents(call, define):
    path = define("broken.md", "---\nname: broken\ntools: {a: b}\n---\n")

    done = call("agents", "list")

    assert done.exit_code == 0
    assert "! broken " in done.stdout
    assert f"{path}:3:8: error[E601]: tools must be a list of names, not a mapping" in done.stdout
    assert "  shell " in done.stdout


def test_a_file_with_a_built_in_name_is_warned_about(call, define):
    path = define("shell.md", "---\nname: shell\n---\nb")

    done = call("agents", "list")

    assert done.stderr == f"warning: {path} is not used: 'shell' is built in, and nothing can take its name\n"


@pytest.mark.slow
def test_list_as_json(call, define, fits, tmp_path):
    first = define("reviewer.md", REVIEWER)
    second = define("reviewer.md", REVIEWER, user=True)

    found = {
        known["name"]: known for known in fits("agents", json.loads(call("agents", "list", "--json").stdout))
    }

    assert found["reviewer"]["file"] == str(first)
    assert found["reviewer"]["shadows"] == [{"file": str(second), "origin": "user"}]
    assert (found["reviewer"]["origin"], found["planner"]["origin"], found["shell"]["origin"]) == (
        "project",
        "shipped",
        "built-in",
    )
    assert (found["codex"]["kind"], found["planner"]["kind"], found["echo"]["kind"]) == (
        "command",
        "claude",
        "code",
    )
    assert found["shell"]["can_run"]


def test_show_tells_what_counts_what_does_not_and_the_prompt(call, define):
    path = define("reviewer.md", REVIEWER)

    done = call("agents", "show", "reviewer")

    assert done.exit_code == 0
    assert "reviewer: of this project (.claude/agents/), run by Claude Code\n" in done.stdout
    for row in (
        f"file         {path}",
        "tools        Read, Grep",
        "model        opus",
        "ignored      color: only Claude Code's own screen shows it",
    ):
        assert f"  {row}\n" in done.stdout
    assert f"{path}:3:29: warning[W822]: not YAML" in done.stdout
    assert done.stdout.endswith("\nYou review changes.\n\\x1b[31mNot red.\n")


def test_show_as_json(call, define, fits):
    define("reviewer.md", REVIEWER)

    found = fits("agent", json.loads(call("agents", "show", "reviewer", "--json").stdout))

    assert found["settings"] == {"tools": ["Read", "Grep"], "model": "opus"}
    assert list(found["ignored"]) == ["color"]
    assert found["prompt"].endswith("\x1b[31mNot red.")
    assert [problem["code"] for problem in found["problems"]] == ["W822"]


@pytest.mark.parametrize("name", ["codex", "shell", "claude", "planner"])
def test_every_kind_of_agent_can_be_shown(call, fits, name):
    found = fits("agent", json.loads(call("agents", "show", name, "--json").stdout))

    assert found["name"] == name
    assert call("agents", "show", name).stdout.startswith(f"{name}: ")


def test_show_of_a_program_tells_its_command_line(call, define):
    define("mine.yaml", "extends: codex\nrole: You are brief.\nmodel: large\n")

    text = call("agents", "show", "mine").stdout

    assert '["codex", "exec", "--json"' in text
    assert '"model": {"default": "large"' in text
    assert text.endswith("\nYou are brief.\n")


def test_show_of_a_broken_file_tells_everything_and_exits_with_2(call, define, fits):
    path = define("broken.yaml", "comand: [a]\nprompt: mail\n")

    done = call("agents", "show", "broken")
    as_json = call("agents", "show", "broken", "--json")

    assert done.exit_code == as_json.exit_code == 2
    assert f"{path}:1:1: error[E602]" in done.stdout
    assert f"{path}:2:9: error[E604]" in done.stdout
    assert [problem["line"] for problem in fits("agent", json.loads(as_json.stdout))["problems"]] == [1, 2]


def test_a_name_that_is_almost_one(call, fits):
    done = call("agents", "show", "plannr")

    assert done.exit_code == 2
    assert done.stderr == "error: there is no agent 'plannr'\n  did you mean 'planner'?\n"
    fits("failure", json.loads(call("agents", "show", "plannr", "--json").stdout))


def test_a_workflow_that_names_a_broken_agent_is_not_valid(call, define, project):
    path = define("broken.md", "---\nname: broken\nmaxTurns: many\n---\n")
    (project / "w.yaml").write_text("name: w\ntasks:\n  - {id: a, agent: broken, parameters: {task: x}}\n")

    for command in ("validate", "run"):
        done = call(command, "w.yaml")
        assert done.exit_code == 2
        assert "w.yaml:3:20: error[E805]: the agent 'broken' cannot be used:" in done.output
        assert f"{path}:3:11: error[E605]" in done.output


def test_a_program_does_the_work_of_a_task(call, define, project, fits):
    define(
        "helper.yaml",
        'command: [sh, -c, \'cat > got.txt; echo "{{\\"say\\": \\"done\\", \\"n\\": 7}}"\']\n'
        "output: {format: jsonl, text: say, tokens: n}\n",
    )
    (project / "w.yaml").write_text(
        "name: w\ntasks:\n  - {id: a, agent: helper, parameters: {task: make it so}}\n"
    )

    report = fits("run", json.loads(call("run", "w.yaml", "--json").stdout))

    assert (report["tasks"]["a"]["output"], report["tasks"]["a"]["tokens"]) == ("done", 7)
    assert (project / "got.txt").read_text().startswith("make it so\n\n")


def test_options_of_a_program_are_checked_before_anything_runs(call, project):
    (project / "w.yaml").write_text(
        "name: w\ntasks:\n"
        "  - {id: a, agent: codex, options: {sandbox: danger-full-access, modle: x}, parameters: {task: x}}\n"
        "  - {id: b, agent: aider, options: {model: --yes, files: [a.py, b.py]}, parameters: {task: x}}\n"
        "  - {id: c, agent: aider, session: a, dependencies: [a], parameters: {task: x}}\n"
    )

    done = call("validate", "w.yaml")

    assert done.exit_code == 2
    for problem in (
        "w.yaml:3:46: error[E604]: sandbox must be one of read-only, workspace-write, not 'danger-full-access'",
        "w.yaml:3:66: error[E806]: there is no option 'modle'",
        "w.yaml:4:44: error[E604]: model must not begin with '-'",
        "w.yaml:5:27: error[E804]: agent 'aider' does not support 'session'",
    ):
        assert problem in done.stdout


def test_a_program_that_is_not_installed_is_exit_3_before_anything_starts(call, define, project):
    define("helper.yaml", "command: [no-such-program-here]\n")
    (project / "w.yaml").write_text("name: w\ntasks:\n  - {id: a, agent: helper, parameters: {task: x}}\n")

    assert call("validate", "w.yaml").exit_code == 0
    done = call("run", "w.yaml")
    assert done.exit_code == 3
    assert "runs the program 'no-such-program-here', which is not in PATH" in done.stderr


def test_secrets_that_a_program_prints_in_a_second_call_are_stored_nowhere(
    call, define, project, monkeypatch
):
    monkeypatch.setenv("MY_TOKEN", "hunter2-hunter2")
    script = project / "agent.sh"
    script.write_text(
        "cat > /dev/null\n"
        'echo "{\\"id\\": \\"s1\\"}"\n'
        'if [ "$1" = again ]; then echo "token $TOKEN" >&2; echo "{\\"say\\": \\"[1]\\", \\"t\\": \\"$TOKEN\\"}"; else echo "{\\"say\\": \\"no, $TOKEN\\"}"; fi\n'
    )
    define(
        "helper.yaml",
        'command: [sh, ./agent.sh, "{prompt_file}"]\nresume: [sh, ./agent.sh, again, "{session}", "{prompt_file}"]\nprompt: file\n'
        "output: {format: jsonl, text: say, session: id}\n",
    )
    (project / "w.yaml").write_text(
        "name: w\ncontext: {secrets: {TOKEN: env:MY_TOKEN}}\n"
        "tasks:\n  - {id: a, agent: helper, parameters: {task: x}, env: {TOKEN: '${secrets.TOKEN}'}, output_schema: {type: array}}\n"
    )

    done = call("run", "w.yaml")

    assert done.exit_code == 0, done.output
    written = [path for path in (project / ".claude" / "workflow-state").rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"stdout", "stderr", "prompt.md"}
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []
