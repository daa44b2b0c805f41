"""Properties over made-up expressions: only our errors, never over budget, print and parse agree, text is never read twice."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow import expressions as ex
from actorflow.expressions import limits as places
from actorflow.expressions.compiler import compile_tree
from actorflow.expressions.limits import Limits
from actorflow.expressions.parsing import parse
from actorflow.expressions.printing import write
from actorflow.expressions.references import find_references
from actorflow.expressions.results import finish
from actorflow.expressions.syntax import children
from actorflow.values import freeze

# 10,000 examples with ACTORFLOW_FUZZ=10000, as the nightly run does; a modest number by default.
EXAMPLES = int(os.environ.get("ACTORFLOW_FUZZ", "300"))
pytestmark = pytest.mark.slow
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

SNAPSHOT: dict[str, Any] = {
    "a": {"b": {"c": 1, "d": "text"}, "l": [1, 2, 3], "n": None},
    "s": "some ${text} with $<holes>",
    "n": 5,
    "f": 1.5,
    "t": True,
    "l": [{"k": 1}, {"k": 2}],
    "secret": ex.Secret("hidden"),
    "weird": object(),
    "big": list(range(500)),
}
ENVIRONMENT = ex.Environment()

NAMES = st.sampled_from(
    [
        "a",
        "s",
        "n",
        "f",
        "t",
        "l",
        "secret",
        "weird",
        "big",
        "nope",
        "x",
        "int",
        "a.b",
        "a.b.c",
        "l[0].k",
        "x.k",
    ]
)
LITERALS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "9223372036854775807",
        "1.5",
        "1e308",
        "'x'",
        "''",
        "b'y'",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "'${n}'",
        "r'\\d'",
        "duration('1h')",
        "timestamp(0)",
    ]
)
METHODS = st.sampled_from(sorted(ex.STANDARD))
MACROS = st.sampled_from(["map", "filter", "all", "exists", "exists_one", "sortBy"])


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from([*"+ - * / % == != < <= > >= && || in ?? and or".split(), "not in"]), inner),
        st.builds("{}.{}({})".format, inner, METHODS.filter(lambda name: "." not in name), st.lists(inner, max_size=2).map(", ".join)),
        st.builds("fn:{}({})".format, METHODS, st.lists(inner, min_size=1, max_size=3).map(", ".join)),
        st.builds("{}.{}(x, {})".format, inner, MACROS, inner),
        st.builds("{}.transformMap(k, x, {})".format, inner, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}?.[{}]".format, inner, inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("{}{}b".format, inner, st.sampled_from([".", "?."])),
        st.builds("{}{}".format, st.sampled_from(["!", "not ", "- "]), inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("let(x, {}, {})".format, inner, inner),
        st.builds("try({}, {})".format, inner, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
    )  # fmt: skip


SOURCES = st.recursive(st.one_of(NAMES, LITERALS), grow, max_leaves=12)
SCRAPS = st.lists(
    st.one_of(st.sampled_from("( ) [ ] { } . , ? : ?? ?. && || ! - + * / % == < > in not and or fn: ' \" \\ ` $ ${ $< } // ''' r' b' 0x 1e a x 1 true".split()), st.text(max_size=3)),
    max_size=25,
).map(" ".join)  # fmt: skip


def outcome(source: str) -> Any:
    try:
        return ENVIRONMENT.compile(source).evaluate(SNAPSHOT)
    except ex.ExpressionFailure as caught:
        failure = caught
    assert 0 <= failure.start <= failure.end <= len(source) + 1
    assert failure.code in ex.CODES
    assert failure.source == source
    assert "hidden" not in str(failure)
    return failure


@FUZZ
@given(st.one_of(SOURCES, SCRAPS, st.text(max_size=40)))
def test_anything_gives_a_value_or_our_error(source: str) -> None:
    outcome(source)


@FUZZ
@given(SOURCES)
def test_evaluation_never_spends_more_than_its_budget(source: str) -> None:
    allowed = Limits(steps=3000, allocation=20_000, string=2000)
    try:
        program = compile_tree(
            parse(source, allowed), ENVIRONMENT.functions, frozenset(), allowed, strict=False
        )
    except ex.ExpressionFailure:
        return
    frame: list[Any] = [
        SNAPSHOT,
        allowed.steps,
        allowed.allocation,
        False,
        allowed,
        *[None] * program.variables,
    ]

    try:
        finish(frame, program.run(frame), given=program.given)
    except ex.LimitError:
        return  # that is what stops it
    except ex.EvaluationError:
        pass

    assert frame[places.STEPS] >= 0
    assert frame[places.ROOM] >= 0


@FUZZ
@given(SOURCES)
def test_written_tree_parses_to_the_same_tree(source: str) -> None:
    tree = parse(source, Limits())
    text = write(tree)

    assert write(parse(text, Limits())) == text
    assert shape(parse(text, Limits())) == shape(tree)


def shape(node: Any) -> Any:
    """Return the tree without its spans."""
    facts = {field: getattr(node, field) for field in ("value", "name", "key", "operator", "optional", "function", "prefixed") if hasattr(node, field)}  # fmt: skip
    own = tuple((name, type(value).__name__, value) for name, value in sorted(facts.items()) if isinstance(value, str | int | float | bytes | bool | None))  # fmt: skip
    return (type(node).__name__, own, tuple(shape(child) for child in children(node)))


@FUZZ
@given(SOURCES)
def test_written_tree_means_the_same(source: str) -> None:
    first, second = outcome(source), outcome(write(parse(source, Limits())))
    if isinstance(first, ex.ExpressionFailure):
        assert isinstance(second, ex.ExpressionFailure)
        # Both stop for the same reason; a limit of size may be met earlier in the one or the other.
        assert first.code == second.code or "E40" in first.code + second.code
    else:
        assert repr(first) == repr(second)


@FUZZ
@given(SOURCES)
def test_frozen_and_plain_snapshots_give_the_same(source: str) -> None:
    plain = {key: value for key, value in SNAPSHOT.items() if key not in {"secret", "weird"}}
    frozen = {key: freeze(value) for key, value in plain.items()}

    def shown(snapshot: dict[str, Any]) -> str:
        try:
            return ENVIRONMENT.template("=${" + source + "}").render(snapshot)
        except ex.ExpressionFailure as failure:
            return failure.code

    assert shown(plain) == shown(frozen)


@FUZZ
@given(st.text(alphabet="ab$<>{}\\'\"", max_size=30))
def test_rendered_value_is_never_scanned_again(value: str) -> None:
    rendered = ENVIRONMENT.template("[${v}]$<v>").render({"v": value})

    assert rendered == f"[{value}]{value}"


@FUZZ
@given(st.text(alphabet="ab$<>{} '\"", max_size=30))
def test_escaped_text_renders_to_itself(text: str) -> None:
    escaped = text.replace("${", "$${").replace("$<", "$$<")
    if "$$$" in escaped:
        return  # a run of dollar signs before a bracket is read from the left

    assert ENVIRONMENT.template(escaped).render({}) == text


@FUZZ
@given(SOURCES)
def test_checks_never_raise_and_agree_with_compiling(source: str) -> None:
    found = {diagnostic.code for diagnostic in ENVIRONMENT.check(source)}
    refused: set[str] = set()
    try:
        ENVIRONMENT.compile(source)
    except ex.ExpressionFailure as failure:
        refused = {failure.code}

    assert refused <= found
    assert refused or not {"E201", "E202"} & found


@FUZZ
@given(SOURCES)
def test_evaluation_only_reads_referenced_names(source: str) -> None:
    asked: set[str] = set()

    class Watched(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            asked.add(key)
            return super().__getitem__(key)

    tree = parse(source, Limits())
    with contextlib.suppress(ex.ExpressionFailure):
        ENVIRONMENT.compile(source).evaluate(Watched(SNAPSHOT))

    roots = {reference.root for reference in find_references(tree, frozenset(ENVIRONMENT.functions))}
    assert {name.partition(".")[0] for name in asked} <= roots


@pytest.mark.parametrize("steps", [1, 10, 100, 1000])
def test_lower_limits_refuse_more(steps: int) -> None:
    source = "big.map(x, x * 2).filter(x, x > 10).size()"
    low = ex.Environment(limits=Limits(steps=steps)).compile(source)

    with pytest.raises(ex.LimitError) as caught:
        low.evaluate(SNAPSHOT)

    assert caught.value.code == "E405"
    assert ENVIRONMENT.compile(source).evaluate(SNAPSHOT) == 494
