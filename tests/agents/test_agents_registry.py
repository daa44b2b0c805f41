"""Agents by name: what is known, what is imported when, and what is said when an agent cannot be had."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.echo import EchoAgent
from actorflow.agents.registry import ENTRY_POINT_GROUP, AgentRegistry
from actorflow.agents.traits import BUILT_IN
from actorflow.errors import ConfigurationError
from actorflow.testing.agents import ScriptedAgent
from actorflow.workflow.catalog import AgentTraits

PLUGIN = """
from actorflow.workflow.catalog import AgentTraits

class Translator:
    traits = AgentTraits(name="its own name", parameters=frozenset({"text"}))
    async def run(self, request, channel): ...

class Absent:
    traits = AgentTraits(name="absent", unavailable="the program 'absent' is not installed")
    async def run(self, request, channel): ...

translator = Translator()

class NoAgent:
    pass
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Return a function that makes the entry point of an attribute of a module that exists for this test only."""
    (tmp_path / "translating_plugin.py").write_text(PLUGIN)
    (tmp_path / "broken_plugin.py").write_text("import a_module_that_does_not_exist\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name, place: EntryPoint(name, place, ENTRY_POINT_GROUP)
    sys.modules.pop("translating_plugin", None)


@pytest.mark.parametrize("name", ["echo", "python", "shell"])
def test_built_in_agents_are_there(name):
    registry = AgentRegistry.built_in()

    assert registry.get(name).traits == registry.catalog()[name]
    assert registry.get(name) is registry.get(name)
    assert registry.catalog()[name].name == name


def test_entry_points_of_the_package_are_its_built_in_agents():
    ours = {
        p.name: p.value
        for p in entry_points(group=ENTRY_POINT_GROUP)
        if p.value.startswith("actorflow.agents.")
    }

    assert ours == {name: place for name, (_, place) in BUILT_IN.items()}


def test_traits_of_shell_say_what_is_command_text():
    traits = AgentRegistry.built_in().catalog()["shell"]

    assert traits.shell_text == {"command"}
    assert traits.required == {"command"}
    assert traits.parameters == {"command", "env", "stdin", "output"}


def test_an_agent_of_a_later_version_is_known_and_says_that_it_cannot_run():
    registry = AgentRegistry.built_in()

    assert registry.catalog()["human"].name == "human"
    with pytest.raises(ConfigurationError, match=r"the agent 'human' .* this version") as caught:
        registry.get("human")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "name", "claude planner coder checker frontend backend researcher orchestrator".split()
)
def test_agents_of_claude_code_are_known_without_it_and_say_how_to_get_it(name, tmp_path):
    named = str(tmp_path / "nothing")
    registry = AgentRegistry.installed(plugins=[], claude=ClaudeSetup(named=named, search_path=""))

    assert registry.catalog()[name].name == name
    with pytest.raises(ConfigurationError, match=f"ACTORFLOW_CLAUDE_BIN names {named}") as caught:
        registry.get(name)
    assert caught.value.exit_code == 3


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(
        ConfigurationError,
        match=r"there is no agent 'shel'\n  did you mean 'shell'\? \(known agents: aider, backend, .*shell\)",
    ):
        AgentRegistry.built_in().get("shel")


def test_agents_can_be_registered():
    registry, agent = AgentRegistry.built_in(), ScriptedAgent("mine")

    registry.register(agent)
    registry.register(agent, name="planner")

    assert registry.get("mine") is agent
    assert registry.get("planner") is agent
    assert registry.catalog()["planner"].name == "planner"
    assert not registry.catalog()["planner"].unavailable


def test_a_taken_name_is_replaced_only_when_that_is_said():
    registry, agent = AgentRegistry.built_in(), EchoAgent()

    with pytest.raises(ConfigurationError, match="there is an agent 'echo' already"):
        registry.register(agent)
    registry.register(agent, replace_existing=True)

    assert registry.get("echo") is agent


@pytest.mark.parametrize("attribute", ["Translator", "translator"])
def test_a_plug_in_is_a_class_or_an_object(plugin, attribute):
    registry = AgentRegistry.installed(plugins=[plugin("translate", f"translating_plugin:{attribute}")])

    assert registry.get("translate") is registry.get("translate")
    assert registry.catalog()["translate"] == AgentTraits(name="translate", parameters=frozenset({"text"}))


def test_a_plug_in_is_imported_when_it_is_first_asked_for(plugin):
    catalog = AgentRegistry.installed(
        plugins=[plugin("translate", "translating_plugin:Translator")]
    ).catalog()

    assert "translate" in catalog
    assert "translate" in list(catalog)
    assert len(catalog) == len(list(catalog))
    assert catalog["shell"].name == "shell"
    assert "translating_plugin" not in sys.modules

    assert catalog["translate"].parameters == {"text"}
    assert "translating_plugin" in sys.modules


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("broken_plugin:X", "ModuleNotFoundError: No module named 'a_module_that_does_not_exist'"),
        ("translating_plugin:Missing", "AttributeError"),
        ("translating_plugin:NoAgent", "AttributeError"),
        ("translating_plugin:PLUGIN", "AttributeError"),
    ],
)
def test_a_plug_in_that_fails_makes_only_its_agent_unavailable(plugin, place, reason):
    registry = AgentRegistry.installed(plugins=[plugin("broken", place)])

    assert registry.get("shell")
    assert reason in registry.catalog()["broken"].unavailable
    with pytest.raises(
        ConfigurationError, match=f"the agent 'broken' could not be loaded.*{place}.*{reason}"
    ):
        registry.get("broken")


def test_the_package_of_a_failing_plug_in_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "broken_package-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-package\nVersion: 1.2\n")
    (folder / "entry_points.txt").write_text("[actorflow.agents]\nbroken = missing_module:Agent\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigurationError, match=r"the package broken-package 1\.2 \(missing_module:Agent\)"):
        AgentRegistry.installed().get("broken")


def test_a_plug_in_cannot_take_the_place_of_a_built_in_agent(plugin):
    registry = AgentRegistry.installed(plugins=[plugin("shell", "translating_plugin:Translator")])

    assert type(registry.get("shell")).__name__ == "ShellAgent"


def test_a_plug_in_may_bring_an_agent_that_is_missing(plugin):
    registry = AgentRegistry.installed(plugins=[plugin("planner", "translating_plugin:Translator")])

    assert type(registry.get("planner")).__name__ == "Translator"


def test_two_plug_ins_of_one_name_are_both_refused(plugin):
    points = [plugin("translate", f"translating_plugin:{name}") for name in ("Translator", "translator")]
    registry = AgentRegistry.installed(plugins=points)

    with pytest.raises(
        ConfigurationError, match=r"is brought by .*Translator.* and .*translator.*uninstall all but one"
    ):
        registry.get("translate")


def test_one_plug_in_found_twice_is_one(plugin):
    registry = AgentRegistry.installed(plugins=[plugin("translate", "translating_plugin:Translator")] * 2)

    assert registry.get("translate")


def test_a_plug_in_may_say_that_it_cannot_run_here(plugin):
    registry = AgentRegistry.installed(plugins=[plugin("absent", "translating_plugin:Absent")])

    with pytest.raises(ConfigurationError, match="the program 'absent' is not installed"):
        registry.get("absent")


@pytest.fixture
def define(tmp_path):
    def define(where, name, text="hello"):
        folder = tmp_path / "project" / ".claude" if where == "project" else tmp_path / "user"
        (folder / "agents").mkdir(parents=True, exist_ok=True)
        path = folder / "agents" / name
        path.write_text(text)
        return path

    return define


@pytest.fixture
def installed(tmp_path):
    return lambda *plugins: AgentRegistry.installed(
        project_root=tmp_path / "project", user_folder=tmp_path / "user", plugins=plugins
    )


def test_what_files_define_is_known(define, installed):
    define("project", "reviewer.md")
    define("user", "writer.md")

    registry = installed()

    assert [registry.entry(name).origin for name in ("reviewer", "writer", "planner")] == [
        "project",
        "user",
        "shipped",
    ]
    assert registry.catalog()["reviewer"].supports > {"session", "verify"}


@pytest.mark.parametrize("name", ["shell", "claude", "human"])
def test_no_file_takes_the_name_of_a_built_in_agent(define, installed, name):
    path = define("project", f"{name}.md", f"---\nname: {name}\n---\nhello")

    registry = installed()

    assert registry.entry(name).origin == "built-in"
    assert [file.path for file in registry.overruled(name)] == [path]


def test_a_file_counts_before_a_plug_in_and_a_plug_in_before_what_ships(define, installed, plugin):
    points = [plugin(name, "translating_plugin:Translator") for name in ("planner", "coder", "echo")]
    define("user", "coder.md")

    registry = installed(*points)

    assert [registry.entry(name).origin for name in ("planner", "coder", "echo")] == [
        "plug-in",
        "user",
        "built-in",
    ]


def test_a_broken_file_spoils_its_own_agent_only(define, installed):
    path = define("project", "reviewer.md", "---\nname: reviewer\ntools: {a: b}\nmaxTurns: x\n---\n")
    registry = installed()

    reason = f"the agent 'reviewer' cannot be used: {path}:3:8: error[E601]: tools must be a list of names, not a mapping (and 1 more)"
    assert registry.catalog()["reviewer"].defect == reason
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        registry.get("reviewer")
    assert registry.get("shell")
    assert not registry.catalog()["planner"].defect


def test_a_file_that_went_away_is_a_reason_and_no_traceback(define, installed):
    path = define("project", "reviewer.md")
    registry = installed()
    path.unlink()

    with pytest.raises(ConfigurationError, match=r"reviewer\.md: the file cannot be read"):
        registry.get("reviewer")


@pytest.mark.slow
def test_knowing_the_agents_imports_neither_trio_nor_their_modules():
    check = (
        "import sys; from actorflow.agents.registry import AgentRegistry; c = AgentRegistry.built_in().catalog();"
        "c['shell'], c['planner'], list(c); print([m for m in ('trio', 'actorflow.agents.shell', 'importlib.metadata') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
