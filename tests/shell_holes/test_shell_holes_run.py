"""Hostile values in every place where a hole may stand, run for real with dash and bash.

Each value must come back byte for byte and nothing of it may run: ``canary`` is a program on the path that leaves a mark. One process runs
one context with all values, each through a hole of its own.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.shell_text import compile_shell, shell_environment

VALUES = [
    "", " ", "a b", "  both  ", "\n", "a\nb\n", "\n\n\n", "\t", "\r\n", "a\rb",
    "'", '"', "''", '""', "\\", "\\\\", "\\'", '\\"', "a'b\"c", "\\n\\c\\0101",
    "$", "$$", "$HOME", "${HOME}", "${AF_1}", "$AF_2", "$(canary)", "`canary`", "$((canary))", "$[canary]",
    "; canary", "& canary", "| canary", "&& canary", "|| canary", "\ncanary\n", "\ncanary #", "> canary-file", "< /dev/null", ">(canary)",
    "'; canary; '", '"; canary; "', "'\"; canary; \"'", '$(canary)"$(canary)', "'$(canary)'", "\\$(canary)", '"$(canary)"', "\\`canary\\`",
    "a[$(canary)]", "a[$(canary)]=1", "x[`canary`0]", "-v a[$(canary)]", "-va[$(canary)0]", "() { :; }; canary", "BASH_FUNC_x%%=() { canary; }",
    "# c", "!", "!!", "!canary", "*", "?", "[a-z]", "o/*", "~", "~root", "{a,b}", "{1..3}", "{}", "@(canary)", "%s%n%d", "%",
    "-n", "-e", "-", "--", "-rf", "--help", "-a", "-o", "(", ")", "))", "}", "{", "]", "]]", "[", "=", ";;", "&", "|",
    "fi; canary", "esac\ncanary", "done; canary", ") canary", "EOF", "EOF\ncanary\n", "sh -c canary", "canary", "/bin/sh", "PATH=x", "x=y",
    "é漢😀", "ÁÂÃÄÅÆÇÈ", "\u2028", "\x01", "\x7f", "\x01\x7f\x01", "\x1b[31m", "\ufeff", "x" * 100_000,
]  # fmt: skip
"""Each byte sequence that some shell treats in a way of its own; the last line is about characters that dash and bash mark text with."""

FILE_NAMES = [v for v in VALUES if v and "/" not in v and len(v) < 200 and v not in (".", "..")]

BOTH = ("dash", "bash")

CONTEXTS = {
    "argument": ("printf %s ${V} > OUT", "{}"),
    "angle brackets": ("printf %s $<V> > OUT", "{}"),
    "double quotes": ('printf %s "${V}" > OUT', "{}"),
    "joined to text": ("printf %s a${V}b > OUT", "a{}b"),
    "joined to quotes": ("printf %s 'a'${V}\"b\" > OUT", "a{}b"),
    "joined to itself": ("printf %s ${V}${V} > OUT", "{}{}"),
    "joined to a variable": ('A=a; printf %s $A${V}"$A" > OUT', "a{}a"),
    "inside a sentence": ('printf %s "a ${V} b" > OUT', "a {} b"),
    "between escaped quotes": ('printf %s "\\"${V}\\"" > OUT', '"{}"'),
    "between single quotes in double ones": ("printf %s \"'${V}'\" > OUT", "'{}'"),
    "behind a dollar quote in double quotes": ("printf %s \"$'${V}'\" > OUT", "$'{}'"),
    "behind an escaped back-slash": ("printf %s \\\\${V} > OUT", "\\{}"),
    "behind a literal hole": ("printf %s '$${HOME}'${V} > OUT", "${HOME}{}"),
    "behind a tilde": ("printf %s ~${V} > OUT", "~{}"),
    "in front of a number sign": ("printf %s ${V}#c > OUT", "{}#c"),
    "in braces": ("printf %s {${V}} > OUT", "{{}}"),
    "in quoted brackets": ("printf %s '['${V}] > OUT", "[{}]"),
    "behind an equals sign": ("printf %s --option=${V} > OUT", "--option={}"),
    "behind back-ticks": ('printf %s "`printf a`${V}" > OUT', "a{}"),
    "behind arithmetic": ('printf %s "$((1 + 1))${V}" > OUT', "2{}"),
    "behind a parameter": ('A=abc; printf %s "$${A#a}${V}$${A%c}" > OUT', "bc{}ab"),
    "assigned": ('X=${V}; printf %s "$X" > OUT', "{}"),
    "assigned in quotes": ('X="${V}"; printf %s "$X" > OUT', "{}"),
    "assigned and joined": ('X=a${V}"b"; printf %s "$X" > OUT', "a{}b"),
    "assigned for one command": ("X=${V} sh -c 'printf %s \"$X\"' > OUT", "{}"),
    "assigned by env": ("env X=${V} sh -c 'printf %s \"$X\"' > OUT", "{}"),
    "exported": ('export X=${V}; printf %s "$X" > OUT', "{}"),
    "local": ('f() { local X=${V}; printf %s "$X" > OUT; }; f', "{}"),
    "passed on": ('X=${V}; Y=$X; printf %s "$Y" > OUT', "{}"),
    "default of a variable": ('X=${V}; printf %s "$${X-d}" > OUT', "{}"),
    "command substitution": ("X=$(printf %s ${V}; echo .); printf %s \"$${X%.}\" > OUT", "{}"),
    "quoted substitution": ('printf %s "$(printf %s "${V}"; echo .)" > OUT', "{}."),
    "substitution in a substitution": ('printf %s "$(printf %s "$(printf %s "${V}"; echo .)"; echo .)" > OUT', "{}.."),
    "substitution with a case": ("printf %s \"$(case a in a) printf %s ${V};; esac; echo .)\" > OUT", "{}."),
    "for": ('for X in ${V}; do printf %s "$X" > OUT; done', "{}"),
    "for several": ('for X in a ${V} "${V}"; do printf %s "$X" >> OUT; done', "a{}{}"),
    "while": ("while :; do printf %s ${V} > OUT; break; done", "{}"),
    "case subject": ("case ${V} in *) printf %s ${V} > OUT;; esac", "{}"),
    "case pattern": ("case -x- in ${V}) echo no > OUT;; (-x-) printf %s ${V} > OUT;; esac", "{}"),
    "case pattern matches itself": ("case ${V} in ${V}) printf %s ${V} > OUT;; esac", "{}"),
    "test equal": ("if [ ${V} = ${V} ]; then printf %s ${V} > OUT; fi", "{}"),
    "test not equal": ('if test x${V} != "x${V}y"; then printf %s ${V} > OUT; fi', "{}"),
    "test negated": ("if [ ! ${V} != ${V} ]; then printf %s ${V} > OUT; fi", "{}"),
    "test of a number": ("[ ${V} -eq 1 ] 2> /dev/null || printf %s ${V} > OUT", None),
    "test of emptiness": ("[ -n ${V} ] || :; [ ${V} ] || :; printf %s ${V} > OUT", "{}"),
    "test of a file": ("[ -e ${V} ] || :; printf %s ${V} > OUT", "{}"),
    "and, or, not": ("true && printf %s ${V} > OUT || ! false", "{}"),
    "pipeline": ("printf %s ${V} | cat | cat > OUT", "{}"),
    "subshell": ("( printf %s ${V} ) > OUT", "{}"),
    "group": ("{ printf %s ${V}; } > OUT", "{}"),
    "background": ("printf %s ${V} > OUT & wait", "{}"),
    "function": ('f() { printf %s "$1" > OUT; }; f ${V}', "{}"),
    "positional": ('set -- ${V}; printf %s "$1" > OUT', "{}"),
    "argument of a nested shell": ("sh -c 'printf %s \"$1\"' _ ${V} > OUT", "{}"),
    "argument behind --": ("sh -s -- ${V} > OUT << 'EOF'\nprintf %s \"$1\"\nEOF", "{}"),
    "wrapped": ("nice -n 1 env -u A timeout 60 printf %s ${V} > OUT", "{}"),
    "awk argument": ("awk 'BEGIN { printf \"%s\", ARGV[1] }' ${V} > OUT", "{}"),
    "continued line": ("printf %s \\\n${V} \\\n > OUT", "{}"),
    "comment": ("# it's a \"comment\" with ${V}\nprintf %s ${V} > OUT # ${V} $(", "{}"),
    "behind a here-document": ("cat << 'EOF' > /dev/null\n'\"`$(\nEOF\nprintf %s ${V} > OUT", "{}"),
    "behind an expanding here-document": ("cat << EOF > /dev/null\n$(echo \"'\") \"\nEOF\nprintf %s ${V} > OUT", "{}"),
    "behind a here-document on its line": ("cat << EOF > /dev/null; printf %s ${V} > OUT\n'\nEOF", "{}"),
    "behind quotes over lines": ("X='a\n\"\n'; printf %s ${V} > OUT", "{}"),
    "behind $'…'": ("printf %s $'a'${V} > OUT", None),
}  # fmt: skip
"""A command with the hole ``V`` and the output file ``OUT``, and what the file must hold; None where dash and bash differ by design."""

BASH_CONTEXTS = {
    "here-string": ("cat <<< ${V} > OUT", "{}\n"),
    "process substitution": ("cat <(printf %s ${V}) > OUT", "{}"),
    "printf -v": ('printf -v X %s ${V}; printf %s "$X" > OUT', "{}"),
    "both outputs": ("{ printf %s ${V}; } &> OUT", "{}"),
    "declared": ('declare -r X=${V}; (printf %s "$X" > OUT)', None),
    "function keyword": ('function f { printf %s "$1" > OUT; }; f ${V}', "{}"),
}

RUNS = [
    *((shell, name, *context) for name, context in CONTEXTS.items() for shell in BOTH),
    *(("bash", name, *context) for name, context in BASH_CONTEXTS.items()),
]


def program(name):
    found = shutil.which(name)
    assert found, (
        f"{name} is needed to test shell holes: install it (apt-get install dash bash, brew install dash bash)"
    )
    return found


@pytest.fixture
def sandbox(tmp_path):
    (tmp_path / "work" / "o").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    canary = tmp_path / "bin" / "canary"
    canary.write_text('#!/bin/sh\n: > "$CANARY"\n')
    canary.chmod(0o755)
    return tmp_path


def run(shell: str, command: str, snapshot: dict, sandbox: Path):
    """Compile, fill and run a command as the shell agent does; returns the process."""
    compiled, problems = compile_shell(ENVIRONMENT.template(command))
    assert not problems, problems
    environment = {
        "PATH": f"{sandbox / 'bin'}:{os.environ['PATH']}",
        "CANARY": str(sandbox / "canary-was-run"),
        "HOME": str(sandbox),
        "LC_ALL": "C.UTF-8",
        **shell_environment(compiled, snapshot),
    }
    return subprocess.run(
        [program(shell), "-c", compiled.text],
        cwd=sandbox / "work",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )


def canary_was_run(sandbox: Path) -> bool:
    return (sandbox / "canary-was-run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "name", "command", "expected"), RUNS, ids=[f"{r[0]}: {r[1]}" for r in RUNS]
)
def test_values_come_back_and_nothing_of_them_runs(shell, name, command, expected, sandbox):
    holes = [command.replace("<V>", f"<v[{i}]>").replace("{V}", f"{{v[{i}]}}") for i in range(len(VALUES))]
    parts = [hole.replace("OUT", f"o/{i}") for i, hole in enumerate(holes)]

    done = run(shell, "\n".join(parts), {"v": VALUES}, sandbox)

    assert not canary_was_run(sandbox)
    if expected is None:
        return
    for i, value in enumerate(VALUES):
        written = sandbox / "work" / "o" / str(i)
        assert written.exists(), (value, done.stderr)
        assert written.read_bytes() == expected.replace("{}", value, 2).encode(), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("shell", BOTH)
@pytest.mark.parametrize("target", ["${V}", '"${V}"', "./${V}"])
def test_a_redirection_writes_to_the_file_of_that_name(shell, target, sandbox):
    names = [name for name in FILE_NAMES if target.startswith(".") or not name.startswith("-")]
    parts = [f"printf %s {i} > {target.replace('V', f'v[{i}]')}" for i in range(len(names))]

    done = run(shell, "\n".join(["cd o", *parts]), {"v": names}, sandbox)

    written = {path.name: path.read_text() for path in (sandbox / "work" / "o").iterdir()}
    assert written == {name: str(i) for i, name in enumerate(names)}, done.stderr
    assert not canary_was_run(sandbox)


@pytest.mark.slow
@pytest.mark.parametrize("shell", BOTH)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=10, max_size=40
    )
)
def test_any_text_comes_back(shell, values, sandbox):
    parts = [
        f'printf \'%s\\0\' ${{v[{i}]}} "${{v[{i}]}}" "$(printf %s ${{v[{i}]}}; echo .)"'
        for i in range(len(values))
    ]

    done = run(shell, "\n".join(parts), {"v": values}, sandbox)

    assert done.stdout == "".join(f"{v}\0{v}\0{v}.\0" for v in values).encode()


def test_a_value_that_is_not_text_is_compact_json(sandbox):
    snapshot = {"a": 1, "b": True, "c": [1, "é x", None], "d": {"k": 1.5}}

    done = run("dash", "printf '%s|' ${a} ${b} ${c} ${d}", snapshot, sandbox)

    assert done.stdout.decode() == '1|true|[1,"é x",null]|{"k":1.5}|'
