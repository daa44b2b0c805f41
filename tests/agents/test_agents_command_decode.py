"""Descriptions of programs: what is read, what extends what, and everything that can be wrong, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorflow.agents.command.decode import read_command
from actorflow.agents.command.files import load_command
from actorflow.agents.definitions_found import DefinitionFile, find_definitions
from actorflow.agents.registry import AgentRegistry
from actorflow.errors import SpecErrors

SOURCE = Path("agents/mine.yaml")


def read(text, base=None):
    data = text if isinstance(text, bytes) else text.encode()
    return read_command(data, source=SOURCE, scope="project", base=(base or {}).get)


def problems(text, severity="error", base=None):
    """Return code and place of each problem; of warnings alone the description must be usable."""
    if severity == "error":
        with pytest.raises(SpecErrors) as caught:
            read(text, base)
        return [(p.code, p.line, p.column) for p in caught.value.problems if p.severity == "error"]
    return [(p.code, p.line, p.column) for p in read(text, base)[0].warnings]


def test_the_smallest_description():
    definition, _ = read("command: [tool, --quiet]\n")

    assert (definition.name, definition.command, definition.prompt, definition.output.format) == (
        "mine",
        ("tool", "--quiet"),
        "stdin",
        "text",
    )
    assert (definition.program, definition.keeps_sessions, definition.warnings) == ("tool", False, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("E504", 1, 1)]),
        ("- a\n", [("E601", 1, 1)]),
        ("description: x\n", [("E603", 1, 1)]),
        ("command: tool\n", [("E601", 1, 10)]),
        ("command: []\n", [("E607", 1, 10)]),
        ("command: [a, 5]\n", [("E601", 1, 14)]),
        ("command: [a, {b: c}]\n", [("E601", 1, 14)]),
        ("comand: [a]\n", [("E602", 1, 1)]),
        ("command: [a, '{modle}']\noptions: {model: x}\n", [("E832", 1, 14)]),
        ("command: [a, '{prompt}']\n", [("E833", 1, 10)]),
        ("command: [a]\nprompt: argument\n", [("E833", 1, 10)]),
        ("command: [a]\nprompt: file\n", [("E833", 1, 10)]),
        ("command: [a, '{session}']\n", [("E833", 1, 10)]),
        ("command: [a]\nresume: [a]\noutput: {format: jsonl, text: t, session: s}\n", [("E833", 2, 9)]),
        ("command: [a]\nprompt: by mail\n", [("E604", 2, 9)]),
        ("command: [a]\noptions: {prompt: x}\n", [("E609", 2, 11)]),
        ("command: [a, '{m}']\noptions: {m: {default: z, allowed: [x, y]}}\n", [("E604", 2, 11)]),
        ("command: [a, '{m}']\noptions: {m: {default: [{}]}}\n", [("E601", 2, 24)]),
        ("command: [a, '{model}']\nmodel: x\noptions: {model: y}\n", [("E610", 2, 1)]),
        ("command: [a]\nenv: {LD_PRELOAD: x}\n", [("E612", 2, 7)]),
        ("command: [a]\nname: a/b\n", [("E609", 2, 7)]),
        ("command: [a]\noutput: {text: t}\n", [("E610", 2, 9)]),
        ("command: [a]\noutput: {format: jsonl}\n", [("E603", 2, 9)]),
        ("command: [a]\noutput: {format: jsonl, text: {when: {a: b}}}\n", [("E603", 2, 31)]),
        ("command: [a]\noutput: {format: jsonl, text: a..b}\n", [("E604", 2, 31)]),
        ("command: [a]\noutput: {format: jsonl, text: {take: [a, 5]}}\n", [("E601", 2, 42)]),
        ("command: [a]\noutput: {format: jsonl, text: {take: t, when: {a: {b: c}}}}\n", [("E601", 2, 51)]),
        ("command: [a]\noutput: {format: jsonl, text: {take: t, joined: true}}\n", [("E602", 2, 41)]),
        (
            "command: [a]\noutput: {format: jsonl, text: t, tokens: {take: n, total: run}}\n",
            [("E604", 2, 59)],
        ),
        ("command: [a]\nerrors: {exit: {x: rate_limit}}\n", [("E609", 2, 17)]),
        ("command: [a]\nerrors: {exit: {3: rate_limits}}\n", [("E604", 2, 20)]),
        ("command: [a]\nerrors: {match: [{pattern: '(?=x)', kind: rate_limit}]}\n", [("E834", 2, 28)]),
        ("command: [a]\nerrors: {match: [{pattern: x}]}\n", [("E603", 2, 18)]),
        ("extends: nobody\n", [("E831", 1, 10)]),
        ("command: &a [a]\n", [("E509", 1, 10)]),
        ("command: !!python/name:os.system [a]\n", [("E511", 1, 10)]),
        ("command: [a]\ncommand: [b]\n", [("E508", 2, 1)]),
        ("command: [" + "[" * 60 + "\n", [("E513", 1, 29)]),
        (b"command: [a]\n# caf\xe9\n", [("E502", 2, 6)]),
        (b"command: [a]\nrole: '" + b"x" * 300_000 + b"'\n", [("E501", 1, 1)]),
        (
            "comand: [a]\nprompt: mail\noutput: {format: xml}\nerrors: {exit: {1: no}}\n",
            [("E602", 1, 1), ("E604", 2, 9), ("E604", 3, 18), ("E604", 4, 20)],
        ),
    ],
)
def test_everything_that_is_wrong_is_told_with_its_place(text, expected):
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("command: [a]\noptions: {m: x}\n", [("W821", 2, 11)]),
        ("command: [a]\nmodel: x\n", [("W821", 2, 1)]),
        ("command: [a]\nschema: strict\n", [("W821", 2, 1)]),
        ("command: [a]\nresume: [a, '{session}']\n", [("W821", 2, 1)]),
        ("command: [a]\noutput: {format: jsonl, text: {take: t, restart: {a: b}}}\n", [("W821", 2, 41)]),
    ],
)
def test_what_has_no_effect_is_told(text, expected):
    assert problems(text, "warning") == expected


def test_a_problem_is_shown_with_its_line():
    with pytest.raises(SpecErrors) as caught:
        read("command: [a, '{modle}']\noptions: {model: x}\n")

    assert str(caught.value.problems[0]) == (
        "agents/mine.yaml:1:14: error[E832]: there is no placeholder {modle}\n"
        "    command: [a, '{modle}']\n"
        "                 ^^^^^^^^^\n"
        "    did you mean 'model'?"
    )


@pytest.fixture
def folder(tmp_path):
    agents = tmp_path / ".claude" / "agents"
    agents.mkdir(parents=True)
    return agents


def load(name, tmp_path):
    files = find_definitions(tmp_path, None)
    return load_command(files[name][0], files)


def test_a_preset_is_extended_with_a_model_and_a_role(folder, tmp_path):
    (folder / "reviewer.yaml").write_text(
        "extends: codex\nmodel: gpt-5.2\nrole: You review.\noptions: {sandbox: read-only}\nenv: {A: b}\n"
        "errors: {exit: {7: billing}, match: [{pattern: house rule, kind: permission_denied}]}\n"
    )

    definition, codex = load("reviewer", tmp_path), load("codex", tmp_path)

    assert (definition.name, definition.role, definition.scope) == ("reviewer", "You review.", "project")
    assert (definition.command, definition.output, definition.about) == (codex.command, codex.output, "")
    assert definition.options["model"].default == "gpt-5.2"
    assert definition.options["effort"] == codex.options["effort"]
    assert definition.options["sandbox"].default == "read-only"
    assert definition.options["sandbox"].allowed == codex.options["sandbox"].allowed  # no wider than it was
    assert definition.environment == {"A": "b"}
    assert definition.errors.messages[0].pattern == "house rule"
    assert definition.errors.messages[1:] == codex.errors.messages
    assert definition.errors.exit_codes == {7: "billing"}
    assert definition.warnings == ()
    assert definition.fingerprint != codex.fingerprint


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("options: {sandbox: danger-full-access}\n", None),
        (
            "options: {sandbox: {default: danger-full-access, allowed: [danger-full-access]}}\n",
            ("danger-full-access",),
        ),
        ("options: {sandbox: {allowed: [read-only]}}\n", ("read-only",)),
    ],
)
def test_what_tasks_may_choose_is_only_widened_by_saying_so(text, allowed, folder, tmp_path):
    (folder / "x.yaml").write_text("extends: codex\n" + text)

    if allowed is None:
        with pytest.raises(
            SpecErrors,
            match=r"x\.yaml:2:11: error\[E604\]: the default of 'sandbox' must be one of read-only, workspace-write",
        ):
            load("x", tmp_path)
    else:
        assert load("x", tmp_path).options["sandbox"].allowed == allowed


def test_a_file_may_extend_the_one_that_it_shadows(folder, tmp_path):
    (folder / "codex.yaml").write_text("extends: codex\nmodel: mine\n")

    assert load("codex", tmp_path).options["model"].default == "mine"


def test_parts_of_the_output_are_laid_over_one_by_one(folder, tmp_path):
    (folder / "x.yaml").write_text("extends: codex\noutput: {tokens: usage.total}\n")

    definition = load("x", tmp_path)

    assert definition.output.tokens.take == ("usage.total",)
    assert definition.output.format == "jsonl"


@pytest.mark.parametrize(
    "files",
    [
        {"a.yaml": "extends: a\n"},
        {"a.yaml": "extends: b\n", "b.yaml": "extends: a\n"},
        {"a.yaml": "extends: b\n", "b.yaml": "command: {}\n"},
        {"a.yaml": "extends: planner\n"},
    ],
    ids=["itself", "a circle", "a broken one", "one for Claude Code"],
)
def test_what_cannot_be_extended(files, folder, tmp_path):
    for name, text in files.items():
        (folder / name).write_text(text)

    with pytest.raises(SpecErrors, match=r"a\.yaml:1:10: error\[E831\]"):
        load("a", tmp_path)


@pytest.mark.slow
def test_a_long_chain_of_descriptions_is_refused_and_crashes_nothing(folder, tmp_path):
    for number in range(1500):
        (folder / f"a{number}.yaml").write_text(f"extends: a{number + 1}\n")
    (folder / "a1500.yaml").write_text("command: [x]\n")

    with pytest.raises(SpecErrors, match="E831"):
        load("a0", tmp_path)
    assert load("a1495", tmp_path).command == ("x",)


def test_problems_of_what_is_taken_over_are_told_at_extends(folder, tmp_path):
    (folder / "a.yaml").write_text("extends: codex\nprompt: file\n")

    with pytest.raises(SpecErrors, match=r"a\.yaml:1:10: error\[E833\]: command has no \{prompt_file\}"):
        load("a", tmp_path)


def test_the_registry_knows_programs_by_their_files(folder, tmp_path):
    (folder / "mine.yaml").write_text("name: my tool\ncommand: [sh, -c, cat]\n")
    (folder / "broken.yml").write_text("comand: [sh]\n")
    registry = AgentRegistry.installed(project_root=tmp_path, plugins=[])

    assert registry.entry("my tool").origin == "project"
    assert registry.catalog()["my tool"].required == {"task"}
    assert registry.get("my tool").definition.program == "sh"
    assert "broken.yml:1:1: error[E602]" in registry.catalog()["broken"].defect
    assert registry.entry("codex").origin == "shipped"


def test_the_fingerprint_is_of_what_the_program_is_told(tmp_path):
    first = read("command: [a]\n")[0]

    assert (
        read("# note\ncommand:\n  - a\nname: other\ndescription: x\nabout: y\n")[0].fingerprint
        == first.fingerprint
    )
    for more in (
        "role: x\n",
        "env: {A: b}\n",
        "prompt: stdin\nescape: {a: b}\n",
        "errors: {exit: {1: billing}}\n",
    ):
        assert read("command: [a]\n" + more)[0].fingerprint != first.fingerprint


def test_a_markdown_file_is_no_description():
    assert not DefinitionFile("a", Path("a.md"), "user").is_command
    assert DefinitionFile("a", Path("a.YML"), "user").is_command
