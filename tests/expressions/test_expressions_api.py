"""The embedding interface: environments, expressions, templates, references, functions of a host."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial, wraps
from typing import Any

import pytest
from pyrsistent import pmap

from actorflow import expressions as ex
from actorflow.errors import ExpressionError
from actorflow.values import freeze


def evaluate(source: str, snapshot: Mapping[str, Any] | None = None) -> Any:
    return ex.Environment().compile(source).evaluate(snapshot or {})


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.slow
def test_import_and_dotted_paths_load_neither_lark_nor_the_rest() -> None:
    code = """
import sys
from actorflow import expressions as ex
env = ex.Environment()
env.template("hi ${task.name}").render({"task": {"name": "x"}})
env.compile("task.output.kind")
loaded = set(sys.modules)
print(sorted(m for m in loaded if m.split(".")[0] in {"lark", "trio", "sqlite3", "re2", "rich", "click", "yaml"}
      or (m.startswith("actorflow.") and not m.startswith(("actorflow.expressions", "actorflow.values", "actorflow.errors")))))
env.compile("1 + 1")
print("lark" in sys.modules)
"""
    assert run_python(code) == "[]\nTrue"


def test_all_public_names_exist() -> None:
    assert sorted(ex.__all__) == sorted(set(ex.__all__))
    assert all(hasattr(ex, name) for name in ex.__all__)


def test_failures_are_expression_errors_with_their_facts() -> None:
    with pytest.raises(ExpressionError) as caught:
        ex.Environment().compile("task.output +")

    failure = caught.value
    assert isinstance(failure, ex.ParseError)
    assert (failure.kind, failure.code, failure.start, failure.end) == ("parse", "E100", 13, 14)
    assert failure.source == "task.output +"
    assert str(failure).splitlines() == [
        "error[E100]: the expression ends too early: a value is needed",
        "    task.output +",
        "                 ^",
    ]


@pytest.mark.parametrize(
    ("source", "kind", "text", "hint"),
    [
        ("tsk.name", "eval", "tsk", "did you mean 'task'?"),
        ("task.nmae", "eval", "nmae", "did you mean 'name'?"),
        ("uper(task.name)", "static", "uper", "did you mean 'upper'?"),
        ("task.name ? 1 : 2", "eval", "task.name", "write x != '' or x == 'true'"),
        ("1 && true", "eval", "1", "write x != 0"),
        ("true && 22", "eval", "22", "write x != 0"),
        ("true && 22 && true", "eval", "22", "write x != 0"),
        ("false || false || 33", "eval", "33", "write x != 0"),
        ("true && true && true && 44 && true", "eval", "44", "write x != 0"),
        ("1/0 == 1 && 'a' && true", "eval", "1/0", ""),
        ("1 = 1", "parse", "=", "to compare, write =="),
        ("a & b", "parse", "&", "write && (or the word and)"),
        ("2 ** 3", "parse", "*", "there is no power operator: write pow(x, y)"),
        ("fn::upper(1)", "parse", ":", "functions are called as fn:name(x)"),
        (
            "[1, 2][-1]",
            "eval",
            "[1, 2][-1]",
            "last(list) is the last element; places are counted from the start, from 0",
        ),
        ("'a' in 'abc'", "eval", "'a' in 'abc'", "contains(text, part) looks into a text"),
        ("upper(1, 2)", "static", "upper(1, 2)", "write upper(text)"),
        ("upper(1)", "eval", "upper(1)", "string(x) makes a text of a value"),
        (
            "repeat('a', 1000000000)",
            "limit",
            "repeat('a', 1000000000)",
            "at most 1,048,576 characters are allowed",
        ),
    ],
)
def test_failure_points_at_its_cause_and_helps(source: str, kind: str, text: str, hint: str) -> None:
    with pytest.raises(ex.ExpressionFailure) as caught:
        evaluate(source, {"task": {"name": "x"}})

    failure = caught.value
    assert failure.kind == kind
    assert source[failure.start : failure.end] == text
    assert failure.hint == hint
    assert "^" * len(text) in str(failure)


def test_failure_survives_pickling() -> None:
    with pytest.raises(ex.EvaluationError) as caught:
        evaluate("tsk.name", {"task": 1})

    copy = pickle.loads(pickle.dumps(caught.value))

    assert type(copy) is ex.EvaluationError
    assert (copy.code, copy.hint, str(copy)) == (caught.value.code, caught.value.hint, str(caught.value))


def test_messages_never_show_values() -> None:
    with pytest.raises(ex.EvaluationError) as caught:
        evaluate("task.name + 1", {"task": {"name": "a private text"}})

    assert "private" not in str(caught.value)


def test_expression_says_what_it_is_made_of() -> None:
    expression = ex.Environment(context_functions={"success"}).compile(
        "success() && tasks['build-image'].output.n > limit && items.exists(x, x.n == y?.z)"
    )

    found = [(r.root, r.path, r.optional, r.computed) for r in expression.references]
    assert found == [
        ("tasks", ("build-image", "output", "n"), False, False),
        ("limit", (), False, False),
        ("items", (), False, False),
        ("y", ("z",), True, False),
    ]
    assert expression.functions == ("exists", "success")
    first = expression.references[0]
    assert expression.source[first.start : first.end] == "tasks['build-image'].output.n"
    assert [expression.source[start] for start in first.key_starts] == ["'", "o", "n"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.b ?? c", [("a", True), ("c", False)]),
        ("has(a.b) && a.b > 1", [("a", True), ("a", False)]),
        ("try(a.b, c)", [("a", True), ("c", False)]),
        ("coalesce(a, b)", [("a", True), ("b", True)]),
        ("'k' in a", [("a", True)]),
        ("a['x'][b].c", [("a", False), ("b", False)]),
        ("let(x, a, x.b + c)", [("a", False), ("c", False)]),
        ("[1].map(a, a + b) + a", [("b", False), ("a", False)]),
        ("json.parse(a)", [("a", False)]),
        ("json.x", [("json", False)]),
        ("[1].map(json, json.x)", []),
        ("a.transformMapEntry(k, v, {k: v + b})", [("a", False), ("b", False)]),
        ("cel.bind(x, a, x + b)", [("a", False), ("b", False)]),
    ],
)
def test_references_of(source: str, expected: list[tuple[str, bool]]) -> None:
    found = ex.Environment().compile(source).references

    assert [(reference.root, reference.optional) for reference in found] == expected


def test_names_of_types_are_marked() -> None:
    (first, second) = ex.Environment().compile("type(a) == int").references

    assert (first.type_name, second.type_name) == (False, True)
    assert evaluate("type(1) == int", {"int": 5}) is False


def test_computed_key_ends_the_path() -> None:
    (tasks, _) = ex.Environment().compile("tasks[x].output").references

    assert (tasks.path, tasks.computed) == ((), True)


def test_context_function_reads_its_value_from_the_snapshot() -> None:
    expression = ex.Environment(context_functions={"success"}).compile("success() && n > 1")

    assert expression.evaluate({"success()": True, "n": 2}) is True
    with pytest.raises(ex.EvaluationError, match=r"success\(\) is not available here"):
        expression.evaluate({"n": 2})
    with pytest.raises(ex.StaticError):
        ex.Environment(context_functions={"success"}).compile("success(1)")
    with pytest.raises(ex.StaticError):
        ex.Environment().compile("success()")


@pytest.mark.parametrize("wrap", [dict, pmap, freeze])
def test_any_mapping_can_be_the_snapshot(wrap: Any) -> None:
    assert evaluate("task.items[1].n", wrap({"task": freeze({"items": [{"n": 1}, {"n": 2}]})})) == 2


def test_dotted_names_of_the_snapshot_are_found() -> None:
    assert evaluate("a.b.c", {"a.b": {"c": 1}}) == 1
    assert evaluate("a.b.c", {"a.b": {"c": 1}, "a.b.c": 2}) == 2
    assert evaluate("has(a.b)", {"a.b": 1}) is True


def test_dates_of_the_host_are_values() -> None:
    moment = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert evaluate("m == timestamp('2024-01-01T10:00:00Z')", {"m": moment}) is True
    assert evaluate("m + d", {"m": moment, "d": timedelta(minutes=5)}) == ex.Timestamp(1704103500)
    assert evaluate("m", {"m": moment}) == ex.Timestamp(1704103200)
    with pytest.raises(ex.EvaluationError, match="a Python datetime"):
        evaluate("m", {"m": datetime(2024, 1, 1)})  # noqa: DTZ001  # a naive one is no moment


def test_times_show_seconds_and_nanos() -> None:
    assert (ex.Timestamp(-1, 500_000_000).seconds, ex.Timestamp(-1, 500_000_000).nanos) == (-1, 500_000_000)
    assert (ex.Duration(-1, -500_000_000).seconds, ex.Duration(-1, -500_000_000).nanos) == (-1, -500_000_000)
    assert repr(ex.Duration(90)) == "Duration(90, 0)"
    with pytest.raises(OverflowError):
        ex.Timestamp(10**12)


def test_host_functions_are_called_with_values() -> None:
    functions = {
        **ex.STANDARD,
        "vat": lambda price, rate=19: price * rate // 100,
        "total": lambda *prices: sum(prices),
    }
    environment = ex.Environment(functions=functions)

    assert environment.compile("vat(200)").evaluate({}) == 38
    assert environment.compile("price.vat(7)").evaluate({"price": 100}) == 7
    assert environment.compile("total(1, 2, 3)").evaluate({}) == 6
    with pytest.raises(ex.StaticError, match="takes 1 to 2 arguments"):
        environment.compile("vat()")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: 1 // 0, "E310"),
        (object, "E315"),
        (lambda: [1, {"a": print}], "E315"),
        (lambda: list(range(200_000)), "E407"),
    ],
)
def test_what_a_host_function_does_wrong_is_our_error(call: Any, code: str) -> None:
    with pytest.raises(ex.ExpressionFailure) as caught:
        ex.Environment(functions={"f": call}).compile("f()").evaluate({})

    assert caught.value.code == code
    assert caught.value.source == "f()"


class Adder:
    """A host's callable that is no function."""

    def __call__(self, a: int, b: int = 1, *, scale: int = 1) -> int:
        return (a + b) * scale

    @staticmethod
    def none() -> None:
        """Take nothing."""


@pytest.mark.parametrize(
    ("call", "source", "takes"),
    [
        (Adder(), "f()", "1 to 2 arguments"),
        (partial(pow, 2), "f()", "1 to 2 arguments"),
        (Adder.none, "f(1)", "0 arguments"),
        (wraps(lambda a: a)(lambda *a: a), "f(1, 2)", "1 argument"),
        ("x".join, "f()", "1 argument"),
    ],
)
def test_arity_of_every_callable_with_a_signature_is_checked(call: Any, source: str, takes: str) -> None:
    with pytest.raises(ex.StaticError, match=f"takes {takes}"):
        ex.Environment(functions={"f": call}).compile(source)


def test_callable_without_a_signature_takes_anything_and_keyword_arguments_are_refused() -> None:
    assert ex.Environment(functions={"f": max}).compile("f(1, 2)").evaluate({}) == 2
    with pytest.raises(TypeError, match="'f' needs keyword arguments"):
        ex.Environment(functions={"f": lambda a, *, b: (a, b)})


@pytest.mark.parametrize("result", [{1, 2}, datetime(2026, 1, 1), timedelta(days=200_000), 1j])  # noqa: DTZ001  # naive on purpose
def test_message_about_a_result_says_that_the_function_returned_it(result: object) -> None:
    with pytest.raises(ex.EvaluationError, match=r"f\(\): the function returned a Python \w+") as caught:
        ex.Environment(functions={"f": lambda: result}).compile("f()").evaluate({})

    assert caught.value.code == "E315"


def test_threads_share_environments_expressions_and_the_parser() -> None:
    environment = ex.Environment()
    shared = environment.compile("n.map(x, x * 2).exists(x, x == k) && 'a1'.matches('^a[0-9]$')")

    def work(number: int) -> bool:
        own = environment.compile(f"k + {number} == {2 * number} ? 'yes' : 'no'")
        snapshot = {"n": list(range(number + 1)), "k": number}
        return own.evaluate(snapshot) == "yes" and shared.evaluate(snapshot) is (number % 2 == 0)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(300)))


def test_host_function_gets_secrets_revealed_and_its_result_is_secret() -> None:
    environment = ex.Environment(functions={"twice": lambda text: text * 2})

    value = environment.compile("twice(token)").evaluate({"token": ex.Secret("ab")})

    assert isinstance(value, ex.Secret)
    assert value.reveal() == "abab"


def test_not_strict_makes_unknown_functions_evaluation_errors() -> None:
    environment = ex.Environment(strict=False)

    assert environment.compile("nosuch(1) || true").evaluate({}) is True
    with pytest.raises(ex.EvaluationError) as caught:
        environment.compile("upper()").evaluate({})
    assert caught.value.code == "E311"


def test_limits_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="steps"):
        ex.Limits(steps=0)
    with pytest.raises(ValueError, match="raised"):
        ex.Limits(depth=1000)


@pytest.mark.parametrize(
    ("limit", "source", "code"),
    [
        ({"source": 5}, "1 + 1 + 1", "E401"),
        ({"brackets": 2}, "[[[1]]]", "E402"),
        ({"depth": 3}, "1 + 1 + 1 + 1", "E403"),
        ({"nodes": 3}, "[1, 2, 3]", "E404"),
        ({"steps": 3}, "1 + 1 + 1", "E405"),
        ({"steps": 20}, "range(10).map(x, x + 1)", "E405"),
        ({"string": 4}, "'abc' + repeat('d', 5)", "E406"),
        ({"allocation": 100}, "range(10)", "E407"),
        ({"result": 2}, "[1, 2, 3]", "E408"),
        ({"regex": 2}, "'a'.matches('abc')", "E409"),
    ],
)
def test_every_limit_holds(limit: dict[str, int], source: str, code: str) -> None:
    with pytest.raises(ex.LimitError) as caught:
        ex.Environment(limits=ex.Limits(**limit)).compile(source).evaluate({})

    assert caught.value.code == code
    assert caught.value.source == source


def test_template_shows_its_segments() -> None:
    template = ex.Environment().template("a ${x.y} b $<z> $${c}")

    assert [segment if isinstance(segment, str) else segment.expression.source for segment in template.segments] == ["a ", "x.y", " b ", "z", " ${c}"]  # fmt: skip
    assert [template.source[hole.start : hole.end] for hole in template.holes] == ["${x.y}", "$<z>"]
    assert [(r.root, template.source[r.start : r.end]) for r in template.references] == [
        ("x", "x.y"),
        ("z", "z"),
    ]
    assert not template.is_single
    assert template.render({"x": {"y": 1}, "z": True}) == "a 1 b true ${c}"


@pytest.mark.parametrize("source", ["${v}", "$<v>"])
def test_single_hole_keeps_the_type(source: str) -> None:
    template = ex.Environment().template(source)

    assert template.is_single
    assert template.render({"v": [1, None]}) == [1, None]
    assert template.render({"v": None}) is None


@pytest.mark.parametrize("source", ["a ${x.nope} b", "${x.nope}"])
def test_template_failure_points_into_the_template(source: str) -> None:
    with pytest.raises(ex.EvaluationError) as caught:
        ex.Environment().template(source).render({"x": {}})

    assert caught.value.source == source
    assert source[caught.value.start : caught.value.end] == "nope"


def test_template_compile_failure_points_into_the_template() -> None:
    with pytest.raises(ex.ParseError) as caught:
        ex.Environment().template("a ${x} ${1 +} b")

    assert (caught.value.start, caught.value.source) == (12, "a ${x} ${1 +} b")


@pytest.mark.parametrize("source", ["n > 1", "${n > 1}", "$<(n > 1)>", "  ${ n > 1 }  "])
def test_condition_is_bare_or_one_whole_hole(source: str) -> None:
    assert ex.Environment().condition(source).evaluate({"n": 2}) is True


@pytest.mark.parametrize("source", ["not ${n}", "${n} && ${m}", "x${n}"])
def test_condition_with_text_around_its_hole_is_refused(source: str) -> None:
    with pytest.raises(ex.StaticError) as caught:
        ex.Environment().condition(source)

    assert caught.value.code == "E207"


def test_result_can_be_frozen() -> None:
    value = evaluate("{'a': [1, {2: 'b'}[2]], 'c': nums.filter(x, x > 1)}", {"nums": (1, 2, 3)})

    assert freeze(value) == freeze({"a": [1, "b"], "c": [2, 3]})


def test_result_has_pythons_own_keys() -> None:
    assert evaluate("{1: 'a', 'b': true}") == {1: "a", "b": True}
    assert evaluate("{true: 'a', false: 'b'}") == {True: "a", False: "b"}
    with pytest.raises(ex.EvaluationError):
        evaluate("{1: 'a', true: 'b'}")


def test_expression_can_be_used_by_many_evaluations_at_once() -> None:
    environment = ex.Environment(
        functions={**ex.STANDARD, "again": lambda n: inner.evaluate({"n": n - 1}) if n else 0}
    )
    inner = environment.compile("[n].map(x, again(x) + 1)[0]")

    assert inner.evaluate({"n": 5}) == 6
