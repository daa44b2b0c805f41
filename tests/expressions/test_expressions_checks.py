"""Static checks: what is said about a text, where, and how it helps; and that conditions and templates are mapped."""

from __future__ import annotations

import pytest

from actorflow import expressions as ex

TASK = ex.NameInfo(
    kind="task",
    fields=frozenset({"output", "status", "attempts", "reason"}),
    schema={
        "properties": {
            "status": {"type": "string", "enum": ["success", "failed", "skipped"]},
            "attempts": {"type": "integer"},
            "output": {
                "type": "object",
                "properties": {
                    "n": {"type": "integer"},
                    "files": {"type": "array", "items": {"type": "string"}},
                    "open": {"type": "object", "properties": {}, "additionalProperties": True},
                    "either": {"anyOf": [{"type": "string"}, {"type": "object"}]},
                    "flag": {"type": "boolean"},
                },
            },
        }
    },
    warn_unless_guarded="'build' may be skipped, and then has no output",
    guarded_fields=frozenset({"output"}),
    hint="write build.output?.n or build.output ?? …",
)
SURE = ex.NameInfo(kind="task", fields=TASK.fields, schema=TASK.schema)
SCOPE = ex.Scope(
    {
        "build": TASK,
        "test": SURE,
        "tasks": ex.NameInfo(kind="task", members={"build-image": SURE, "build": TASK}),
        "late": ex.NameInfo(kind="task", error="'late' is not waited for", hint="add it to dependencies"),
        "secrets": ex.NameInfo(kind="secret", error="secrets flow only into env"),
        "inputs": ex.NameInfo(kind="input", members={"name": None}),
        "anything": None,
        "text": ex.NameInfo(schema={"type": "string"}),
    },
    noun="task",
    note="tasks this one waits for: build, test",
)
ENVIRONMENT = ex.Environment(context_functions={"success", "failure", "always"})


def found(source: str) -> list[tuple[str, str]]:
    return [(d.code, source[d.start : d.end]) for d in ENVIRONMENT.check(source, SCOPE)]


@pytest.mark.parametrize(
    "source",
    [
        "test.output.n > 3",
        "test.output.files[0].upper()",
        "test.output.open.whatever.deep",
        "test.output.either.x",
        "test.status == 'success' && test.attempts < 3",
        "test.output.n > 1.5",
        "anything.at.all[0].x(1)"[:-5],
        "tasks['build-image'].output.n",
        "tasks.build.status",
        "inputs.name",
        "build.output?.n ?? 3",
        "build.output ?? 1",
        "has(build.output)",
        "try(build.output.n, 0)",
        "build.status == 'success' && build.output.n > 3",
        "build.status == 'success' ? build.output.n : 0",
        "success() && build.output.n > 3",
        "always()",
        "type(anything) == int",
        "[1].map(build, build.whatever)",
        "let(x, test, x.whatever)",
        "json.parse(text).a",
        "anything.map(x, x.y)",
        "text + 'a'",
        "1 == 'a'",
        "inputs?.nope",
        "'a' in test.output",
    ],
)
def test_nothing_is_said_about_what_may_work(source: str) -> None:
    assert ENVIRONMENT.check(source, SCOPE) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("biuld.status", [("E203", "biuld")]),
        ("tasks['biuld'].status", [("E203", "'biuld'")]),
        ("tasks.biuld", [("E203", "biuld")]),
        ("inputs.nmae", [("E203", "nmae")]),
        ("tasks[anything].status", [("E209", "tasks")]),
        ("late.output", [("E204", "late.output")]),
        ("secrets.TOKEN + 'x'", [("E204", "secrets.TOKEN")]),
        ("test.staus", [("E205", "staus")]),
        ("tasks['build-image'].outptu", [("E205", "outptu")]),
        ("test.output.m", [("E205", "m")]),
        ("test.output.n.x", [("E205", "x")]),
        ("test.output.files.x", [("E205", "x")]),
        ("test.output.files[0].x", [("E205", "x")]),
        ("text.length2", [("E205", "length2")]),
        ("build.output.n", [("W252", "build.output.n")]),
        ("tasks.build.output.n", [("W252", "tasks.build.output.n")]),
        ("test.status == 'sucess'", [("W253", "test.status == 'sucess'")]),
        ("'done' != test.status", [("W253", "'done' != test.status")]),
        ("test.attempts > 'a'", [("E206", "test.attempts > 'a'")]),
        ("text < 1", [("E206", "text < 1")]),
        ("text + 1", [("E206", "text + 1")]),
        ("text - 'a'", [("E206", "text - 'a'")]),
        ("text && true", [("E206", "text")]),
        ("!text", [("E206", "text")]),
        ("text ? 1 : 2", [("E206", "text")]),
        ("text[0]", [("E205", "0")]),
        ("1 in 'abc'", [("E206", "1 in 'abc'")]),
        ("[1] * 2", [("E206", "[1] * 2")]),
        ("{} < {}", [("E206", "{} < {}")]),
        ("-'a' + 1", []),
        ("nosuch(test.nope)", [("E201", "nosuch"), ("E205", "nope")]),
        ("upper() + lower(1, 2)", [("E202", "upper()"), ("E202", "lower(1, 2)")]),
        ("anything.map(x)", [("E202", "map(x)"), ("E203", "x")]),
        ("success(1)", [("E202", "success(1)")]),
        ("1 +", [("E100", "")]),
        ("a ${b}", [("E107", "${")]),
        ("nope + nope", [("E203", "nope"), ("E203", "nope")]),
        ("jsn.parse(text)", [("E203", "jsn"), ("E201", "parse")]),
    ],
)
def test_finding(source: str, expected: list[tuple[str, str]]) -> None:
    assert found(source) == expected


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("biuld.status", "did you mean 'build'? (tasks this one waits for: build, test)"),
        ("test.staus", "did you mean 'status'? (fields: attempts, output, reason, status)"),
        ("test.status == 'sucess'", "did you mean 'success'? (it is one of: success, failed, skipped)"),
        ("late.output", "add it to dependencies"),
        ("tasks[anything]", "write tasks['name']"),
        ("upercase(text)", "did you mean 'uppercase'?"),
        ("text + 1", "string(x) makes a text of a value"),
    ],
)
def test_finding_helps(source: str, hint: str) -> None:
    (diagnostic,) = ENVIRONMENT.check(source, SCOPE)

    assert diagnostic.hint == hint


def test_finding_is_rendered_with_its_place() -> None:
    source = "biuld.status == 'success'"
    (diagnostic,) = ENVIRONMENT.check(source, SCOPE)

    assert diagnostic.render(source).splitlines() == [
        "error[E203]: unknown task 'biuld'",
        "    biuld.status == 'success'",
        "    ^^^^^",
        "    did you mean 'build'? (tasks this one waits for: build, test)",
    ]


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("test.attempts > 1", []),
        ("${ test.attempts > 1 }", []),
        ("$<(test.attempts > 1)>", []),
        ("test.output.flag", []),
        ("anything", []),
        ("success()", []),
        ("1 + 1", ["E208"]),
        ("text", ["E208"]),
        ("test.output.n", ["E208"]),
        ("true", ["W251"]),
        ("${1 < 2}", ["W251"]),
        ("x ${anything}", ["E207"]),
        ("${anything} && ${anything}", ["E207"]),
        ("${anything", ["E102"]),
        ("", ["E106"]),
    ],
)
def test_condition(source: str, codes: list[str]) -> None:
    assert [diagnostic.code for diagnostic in ENVIRONMENT.check_condition(source, SCOPE)] == codes


def test_templates_are_checked_hole_by_hole_with_their_own_places() -> None:
    source = "a ${biuld.x} b ${1 +} c $<late.output> $${nope}"

    diagnostics = ENVIRONMENT.check_template(source, SCOPE)

    assert [(d.code, source[d.start : d.end]) for d in diagnostics] == [
        ("E203", "biuld"),
        ("E100", "}"),
        ("E204", "late.output"),
    ]
    assert [d.code for d in ENVIRONMENT.check_template("${open", SCOPE)] == ["E102"]
    assert ENVIRONMENT.check_template("no hole at all", SCOPE) == []


def test_without_a_scope_names_are_not_checked() -> None:
    assert ENVIRONMENT.check("nope.nope > 1") == []


def test_checks_of_a_large_expression_are_quick_and_never_raise() -> None:
    wide = " && ".join(f"test.output.n > {n}" for n in range(300))
    deep = "(" * 60 + "1" + ")" * 60 + " + 1" * 150

    assert ENVIRONMENT.check(wide, SCOPE) == []
    assert ENVIRONMENT.check(deep, SCOPE) == []
    assert [d.code for d in ENVIRONMENT.check("!" * 3000 + "x", SCOPE)] == ["E403"]
    assert [d.code for d in ENVIRONMENT.check("x" * 9000, SCOPE)] == ["E401"]
