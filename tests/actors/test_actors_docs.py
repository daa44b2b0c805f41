"""The documentation of actors: its code is code that runs, its output is what it prints, its defaults are the defaults."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actorflow.actors import Backoff, ChildSpec, SupervisorSpec, open_runtime

DOCS = Path(__file__).parents[2] / "docs"
EXPLANATION = DOCS / "explanation" / "actors.md"
HOW_TO = DOCS / "how-to" / "actors.md"
EXAMPLES = DOCS / "examples" / "actors"


@pytest.fixture
def load(monkeypatch):
    def load_example(name):
        spec = importlib.util.spec_from_file_location(f"docs_examples_actors_{name}", EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return load_example


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def run(fn, *args):
    return trio.run(fn, *args, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize(("page", "example"), [(EXPLANATION, "counter"), (HOW_TO, "recipes")])
def test_every_piece_of_code_stands_in_the_example_that_is_run(page, example):
    code = (EXAMPLES / f"{example}.py").read_text(encoding="utf-8")
    pieces = blocks(page, "python")

    assert pieces
    for piece in pieces:
        assert piece in code


def test_the_counter_prints_what_the_page_says(load, capsys):
    run(load("counter").main)

    assert capsys.readouterr().out == blocks(EXPLANATION, "text")[0]


def test_a_question_can_be_answered_later(load):
    assert run(load("recipes").answer_later) == "passed"


def test_a_writer_takes_several_messages_at_once(load):
    batches = []
    recipes = load("recipes")

    async def main():
        writer = ChildSpec("writer", lambda: recipes.Writer(batches.append))
        async with open_runtime(SupervisorSpec("app", children=[writer])) as runtime:
            ref = runtime.ref("app/writer")
            for number in range(3):
                ref.tell_nowait(number)
            return await ref.ask(3, timeout_seconds=1)

    assert run(main) == "written"
    assert [message for batch in batches for message in batch] == [0, 1, 2, 3]
    assert len(batches) < 4


def test_a_service_ticks_until_it_is_stopped(load):
    ticks = []
    run(load("recipes").run_a_service, ticks)

    assert ticks == [0, 10, 20]


def test_workers_report_how_they_ended(load):
    ended = run(load("recipes").start_workers)

    assert ended == ["workers/worker-1 finished", "workers/worker-2 finished", "workers/worker-3 crashed"]


@pytest.mark.parametrize("spec", [ChildSpec, SupervisorSpec])
def test_the_tables_of_options_are_complete_and_state_the_defaults(spec):
    text = EXPLANATION.read_text(encoding="utf-8")
    section = text.split("## Child specs" if spec is ChildSpec else "## Supervisors\n")[1].split("\n### ")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", section, re.MULTILINE))

    options = {f.name: f.default for f in dataclasses.fields(spec) if f.default is not dataclasses.MISSING}
    shown = {
        name: "Backoff()" if isinstance(default, Backoff) else repr(default).replace("'", '"')
        for name, default in options.items()
    }
    assert documented == shown


def test_the_page_states_the_defaults_of_the_back_off():
    defaults = ", ".join(f"{f.name}={f.default!r}" for f in dataclasses.fields(Backoff))

    assert f"`Backoff({defaults})`" in EXPLANATION.read_text(encoding="utf-8")
