"""How a command with holes is written anew, and which values its variables take."""

import pytest

from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.shell_text import MAX_VALUE_BYTES, compile_shell, shell_environment
from actorflow.workflow.templates import InterpolationError


def compiled(source, **keys):
    command, problems = compile_shell(ENVIRONMENT.template(source), **keys)
    assert problems == ()
    return command


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("echo ${a}", 'echo "${AF_1}"'),
        ('echo "${a}"', 'echo "${AF_1}"'),
        ('echo "x ${a} y"', 'echo "x ${AF_1} y"'),
        ("echo x${a}y", 'echo x"${AF_1}"y'),
        ("echo $<a>", 'echo "${AF_1}"'),
        ("echo ${a} ${b} ${a}", 'echo "${AF_1}" "${AF_2}" "${AF_1}"'),
        ("echo $HOME $${HOME} $$<x ${a}", 'echo $HOME ${HOME} $<x "${AF_1}"'),
        ("cat < ${a} > ${b}", 'cat < "${AF_1}" > "${AF_2}"'),
        ('X=$(f ${a}) g "$(h "${b}")"', 'X=$(f "${AF_1}") g "$(h "${AF_2}")"'),
        ("echo ${a}${b}", 'echo "${AF_1}""${AF_2}"'),
    ],
)
def test_a_hole_becomes_a_variable_in_its_quoting(source, text):
    assert compiled(source).text == text


def test_a_hole_that_is_repeated_has_one_variable():
    command = compiled("echo ${a.b} ${a.b} ${a.c}")

    assert [(name, expression.source) for name, expression in command.variables] == [
        ("AF_1", "a.b"),
        ("AF_2", "a.c"),
    ]


@pytest.mark.parametrize(
    ("source", "taken", "name"),
    [
        ("echo $AF_1 ${a}", (), "AF1_1"),
        ("echo $AF_7 $AF1_2 ${a}", (), "AF2_1"),
        ("echo ${a}", ("AF_1",), "AF1_1"),
        ("echo ${a}", ("OTHER",), "AF_1"),
    ],
)
def test_names_that_are_in_use_are_avoided(source, taken, name):
    assert [n for n, _ in compiled(source, taken=taken).variables] == [name]


def test_a_command_without_holes_is_never_complained_about():
    source = "echo 'open $(( `"

    assert compiled(source).text == source


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("raw $(x)", "raw $(x)"),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (["a", None], '["a",null]'),
        ({"k": "é"}, '{"k":"é"}'),
        ("", ""),
    ],
)
def test_values_are_text_or_compact_json(value, text):
    assert shell_environment(compiled("echo ${a}"), {"a": value}) == {"AF_1": text}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "?? ''"),
        ("a\0b", "stdin:"),
        ("x" * (MAX_VALUE_BYTES + 1), "stdin:"),
        ("é" * (MAX_VALUE_BYTES // 2 + 1), "stdin:"),
        (["x" * MAX_VALUE_BYTES], "stdin:"),
        ("\ud800", "Unicode"),
    ],
    ids=["null", "NUL", "long", "long in bytes", "long as JSON", "surrogate"],
)
def test_a_value_that_is_no_variable_is_refused(value, word):
    with pytest.raises(InterpolationError) as caught:
        shell_environment(compiled("echo ${a}"), {"a": value})

    assert word in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.kind == "interpolation"
    assert "${a}" in caught.value.message


def test_the_longest_value_is_taken():
    assert (
        shell_environment(compiled("echo ${a}"), {"a": "x" * MAX_VALUE_BYTES})["AF_1"]
        == "x" * MAX_VALUE_BYTES
    )


def test_values_are_measured_together():
    holes = " ".join(f"${{a[{i}]}}" for i in range(12))

    with pytest.raises(InterpolationError, match="1 MiB together"):
        shell_environment(compiled(f"echo {holes}"), {"a": ["x" * 100_000] * 12})


def test_a_missing_name_says_which_hole():
    with pytest.raises(InterpolationError, match=r"\$\{a\.b\}"):
        shell_environment(compiled("echo ${a.b}"), {"a": {}})


ALLOWED = [
    "mkdir -p ${x} && cd ${x}",
    "git commit -m ${x}",
    'git log --author="${x}" | head -n 3',
    "python script.py ${x}",
    "python -m pytest -k ${x}",
    "python -c 'import sys; print(sys.argv)' ${x}",
    "bash script.sh ${x}",
    "sh -c 'echo \"$1\"' _ ${x}",
    'sh -c \'for f in "$@"; do cat "$f"; done\' _ ${x}',
    "perl -e 'print @ARGV' -- ${x}",
    "node app.js ${x}",
    "awk -v n=${x} '{ print n }' file",
    "sed 's/a/b/' ${x}",
    "sed -i '' 's/a/b/' ${x}",
    "jq --arg v ${x} '.a = $v' file",
    "grep -c ${x} bash",
    "find ${x} -name '*.py' -exec grep -l a {} +",
    "find . -name ${x} -print0 | xargs -0 rm --",
    "docker run --rm -e A=${x} image",
    "sudo -u ${x} ls",
    "timeout ${x} make test",
    "env A=${x} make",
    "command -v ${x}",
    "if ! test -f ${x}; then exit 1; fi",
    'for f in *.txt; do mv "$f" ${x}; done',
    'while read -r line; do echo "$line" ${x}; done < file',
    'eval "$(direnv hook bash)"; echo ${x}',
    'trap \'rm -f "$TMP"\' EXIT; echo ${x} > "$TMP"',
    'N=${x}; echo "$N" $N',
    'f() { local n="$1"; echo "$n"; }; f ${x}',
    "echo $((1 + 2)) ${x}",
    'echo "it\'s" ${x} \'say "hi"\'',
    "cat <<'EOF' > out\n$(not run) `not either`\nEOF\necho ${x}",
    "curl -fsS -d @- https://example.org/${x} <<< '{}'",
    "test ${x} = a && test -n ${x}",
    "case ${x} in a*) echo a;; *) echo ${x};; esac",
    "set -euo pipefail\necho ${x}",
    "printf '%s\\n' ${x} ${x} | sort | uniq -c",
    "ls -la ${x}/src # the user's ${x}",
    "tar -czf ${x}.tgz dir",
]


@pytest.mark.parametrize("source", ALLOWED)
def test_ordinary_commands_are_allowed(source):
    command, problems = compile_shell(ENVIRONMENT.template(source))

    assert problems == ()
    assert command.variables


def test_a_text_of_many_words_takes_linear_time():
    source = "echo " + "word " * 20_000 + "${x}"

    assert compiled(source).text.endswith('"${AF_1}"')


@pytest.mark.parametrize(
    "source",
    [
        "$(" * 20_000 + "${x}",
        "(" * 20_000 + "${x}",
        "${x} " + "$((" * 9_000,
        'a"' * 9_999 + "${x}",
        "<<a " * 5_000 + "${x}",
    ],
)
def test_hostile_texts_are_refused_not_crashed_on(source):
    _, problems = compile_shell(ENVIRONMENT.template(source))

    assert [problem.code for problem in problems][:1] in (["E917"], ["E918"])
