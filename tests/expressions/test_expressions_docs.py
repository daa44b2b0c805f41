"""What the documentation says is what happens: functions, macros, codes, limits, programs; and nothing generated is stale."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actorflow import expressions as ex
from actorflow.expressions import manual
from actorflow.expressions.forms import FORMS
from actorflow.expressions.functions import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "embed-expressions.md"
FUNCTIONS = {f.name: f for section in SECTIONS for f in section.functions.values()}
EXAMPLES = [
    *((name, shown) for name, function in FUNCTIONS.items() for shown in manual.examples_of(function)),
    *((name, manual.example(line)) for name, (_, line) in manual.MACRO_EXAMPLES.items()),
]


LANGUAGE = ROOT / "docs" / "reference" / "expressions-language.md"
EXAMPLES += [
    ("the language", manual.Example(source, result))
    for source, result in re.findall(r"^    (.+)  →  (.+)$", LANGUAGE.read_text("utf-8"), re.MULTILINE)
]


def evaluate(source: str) -> Any:
    return ex.Environment().compile(source).evaluate({})


@pytest.mark.parametrize(("name", "shown"), EXAMPLES, ids=lambda value: getattr(value, "source", value))
def test_example_of_the_reference_is_true(name: str, shown: manual.Example) -> None:
    if re.fullmatch(r"E\d{3}", shown.result):
        with pytest.raises(ex.ExpressionFailure) as caught:
            evaluate(shown.source)
        assert caught.value.code == shown.result
    else:
        expected = evaluate(shown.result)
        assert repr(evaluate(shown.source)) == repr(expected)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_is_documented_with_an_example(name: str) -> None:
    assert manual.summary_of(FUNCTIONS[name]).endswith((".", "given."))
    assert manual.examples_of(FUNCTIONS[name])


def test_every_macro_is_documented() -> None:
    assert set(manual.MACRO_EXAMPLES) == set(FORMS)


def test_every_alias_means_its_function() -> None:
    for name, function in ex.STANDARD.items():
        assert name in {function.name, *function.aliases}


# One text for each code, so that no code of the reference is only a word.
CODES = {
    "E100": "1 +", "E101": "a\u00a0b", "E102": "'a", "E103": r"'\q'", "E104": "99999999999999999999", "E105": "fn + 1",
    "E106": "", "E107": "${a}", "E201": "nosuch()", "E202": "upper()", "E301": "nope", "E302": "{}.a", "E303": "'a'.b",
    "E304": "[][0]", "E305": "1 + 'a'", "E306": "1 ? 2 : 3", "E307": "9223372036854775807 + 1", "E308": "1 / 0",
    "E309": "int('a')", "E310": "upper(1)", "E312": "{null: 1}", "E314": "'a'.matches('(')", "E315": "object",
    "E401": "a" * 9000, "E402": "(" * 70 + "1" + ")" * 70, "E403": "-" * 300 + "a", "E404": "[" + "1," * 2500 + "]",
    "E405": "range(900).map(x, range(900).all(y, true))", "E406": "repeat('a', 2000000)", "E407": "range(1000000)",
    "E408": "range(60000).map(x, [x]).map(x, x) + range(9)", "E409": "'a'.matches(repeat('a', 2000))",
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(CODES))
def test_code_of_the_reference_is_raised(code: str) -> None:
    limits = ex.Limits(allocation=40_000_000, steps=1_000_000) if code == "E408" else ex.Limits()
    with pytest.raises(ex.ExpressionFailure) as caught:
        ex.Environment(limits=limits).compile(CODES[code]).evaluate({"object": object()})

    assert caught.value.code == code


SCOPE = ex.Scope(
    {
        "task": ex.NameInfo(
            kind="task",
            fields=frozenset({"output", "status"}),
            schema={"properties": {"status": {"enum": ["success", "failed"], "type": "string"}}},
            warn_unless_guarded="may be skipped",
            guarded_fields=frozenset({"output"}),
        ),
        "later": ex.NameInfo(kind="task", error="not an ancestor"),
        "tasks": ex.NameInfo(kind="task", members={"task": None}),
    }
)
FOUND = {
    "E203": "nope", "E204": "later.output", "E205": "task.nope", "E206": "task.status < 1", "E207": "a ${task.status}",
    "E208": "1 + 1", "E209": "tasks[task.status]", "W251": "1 < 2", "W252": "task.output == 1", "W253": "task.status == 'x'",
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(FOUND))
def test_code_of_a_static_check_is_found(code: str) -> None:
    found = ex.Environment().check_condition(FOUND[code], SCOPE)

    assert [diagnostic.code for diagnostic in found] == [code]
    assert found[0].severity == ("warning" if code.startswith("W") else "error")


def test_remaining_codes_are_raised_where_they_belong() -> None:
    with pytest.raises(ex.EvaluationError) as unknown:
        ex.Environment(strict=False).compile("nosuch()").evaluate({})
    with pytest.raises(ex.EvaluationError) as nothing:
        ex.Environment().template("x ${null}").render({})

    assert {unknown.value.code, nothing.value.code} == {"E311", "E313"}
    assert set(ex.CODES) == {*CODES, *FOUND, "E311", "E313"}


def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "grammar" / "regenerate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("", 0), (
        f"stale: {done.stdout}; run python grammar/regenerate.py"
    )


def test_reference_names_every_function_limit_and_code() -> None:
    page = (ROOT / "docs" / "reference" / "expressions.md").read_text("utf-8")

    missing = [
        name for name in (*ex.STANDARD, *FORMS, *ex.CODES, *ex.Limits.__slots__) if f"{name}" not in page
    ]
    assert missing == []
    for name in ex.Limits.__slots__:
        assert f"| `{name}` | {getattr(ex.Limits(), name):,} |" in page


def programs() -> list[tuple[str, str]]:
    return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("place", range(3))
def test_program_of_the_how_to_prints_what_it_shows(place: int) -> None:
    source, expected = programs()[place]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, str(HOW_TO), "exec"), {"__name__": "__main__"})  # our own documentation

    assert printed.getvalue() == expected


@pytest.mark.skipif(
    importlib.util.find_spec("interegular") is None, reason="Lark's strict mode needs interegular"
)
def test_grammar_passes_strict_mode() -> None:
    import lark

    grammar = (ROOT / "grammar" / "expression.lark").read_text("utf-8")
    lark.Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
        strict=True,
    )
