"""Generated commands: whatever is accepted is run with hostile values, by dash and bash, and nothing of a value may run.

The generator knows the grammar of the shell and the builtins and programs that are dangerous, and puts holes anywhere. Most of what it makes is
refused; what is not must keep its promise. Seeds are fixed, so that a failure can be seen again; found ones become lines of the table of refusals.
"""

import os
import random
import shutil
import subprocess

import pytest

from actorflow.expressions import ExpressionFailure
from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.shell_text import compile_shell

HOLES = ["${v}", "${v}", "${v}", '"${v}"', '"a${v}b"', "a${v}"]
ATOMS = [
    *HOLES, "a", "'a b'", "-n", "--", "-", "-c", "-e", "-v", "-s", "=", "1", "_", "x=1", "!", "]", "{}", "*", "$X", '"$X"', "$1", '"$@"', "$*", "$?",
    "$${X:-a}", "$${X#a}", '"$${X}"', "$${#X}", "$((1+1))", "$((X))", "$${X:1}", "$${X//a/b}", "\\a", "\\'", "`echo $X`", "$'a'",
]  # fmt: skip
HEADS = [
    "echo", "printf", "printf %s", "printf -v X %s", "test", "[", "read", "read -r X", "unset", "export", "export X", "readonly", "local", "declare",
    "declare -a", "declare -i", "typeset", "let", "trap", "alias", "set", "set --", "eval", "eval 'echo \"$X\"'", "sh", "sh -c", "sh -c 'echo \"$1\"' _",
    "sh -c 'eval \"$1\"' _", "bash -s --", "bash -ec 'echo $0'", "env", "env X=1", "env sh -c", "command", "command -v", "exec", "xargs", "xargs -I{}",
    "xargs -n1 sh -c 'echo \"$0\"'", "find . -maxdepth 0 -exec", "find . -name", "nice -n", "nice", "timeout 2", "time", "time --", "cat", "ls", "cd",
    "type", "hash", "getopts", "mapfile", "shift", "wait", "kill -0", "builtin", ".", "f", "g", ":", "true", "awk 'BEGIN{print}'", "awk -v", "sed -n",
    "sed -e p", "perl -e 1", "perl -e 1 --", "$X", '"$X"', "stdbuf -o0", "tr a b", "sort", "grep -e", "expr", "umask", "ulimit", "pushd", "shopt",
    "complete", "compgen -W", "enable", "help", "let X=1;echo", "echo a | ", "! ", "printf '%d'", "printf '%b'", "exit", "return", "test -n", "[ -n",
    "[ a =", "coproc", "basename",
]  # fmt: skip
VALUES = [
    "$(canary)", "`canary`", ";canary;", "\ncanary\n", "'; canary; '", '"; canary; "', "a[$(canary)]", "-v a[$(canary)]", "canary", "-c canary",
    "EOF\ncanary\n", ") canary #", "a[$(canary)]=1", "X[$(canary)]", "-va[$(canary)0]", "-ccanary", "(a[$(canary)]=1)", '-e system("canary")',
    '--expression=1e canary', 'BEGIN{system("canary")}', "X", "-exec", "1;canary", "}; canary; {", "-p a[$(canary)]", "[$(canary)]=1", "-s",
]  # fmt: skip


class Generator:
    def __init__(self, seed):
        self.choose = random.Random(seed).choice

    def word(self, depth):
        pieces = self.choose([1, 1, 1, 2, 3])
        return "".join(self.atom(depth) for _ in range(pieces))

    def atom(self, depth):
        if depth and self.choose([True, *[False] * 8]):
            return self.choose(["$({})", '"$({})"']).replace("{}", self.commands(depth - 1))
        return self.choose(ATOMS)

    def simple(self, depth):
        head = self.choose(HEADS)
        text = " ".join([head, *(self.word(depth) for _ in range(self.choose([0, 1, 2, 3])))])
        if head.startswith("["):
            text += self.choose([f" = {self.word(depth)} ]", " -eq 1 ]", " ]", " -a -n a ]"])
        if self.choose([True, *[False] * 6]):
            text = f"X={self.word(depth)} {text}"
        return text + self.choose(
            [""] * 8 + [" > o", " < /dev/null", f" <<< {self.word(0)}", f" >& {self.word(0)}", " 2>&1"]
        )

    def command(self, depth):
        if not depth or self.choose([True, False]):
            return self.simple(depth)
        inner = self.commands(depth - 1)
        return self.choose(
            [
                f"X={self.word(depth)}",
                f"if {inner}; then {self.simple(0)}; fi",
                f"for X in {self.word(depth)} a; do {inner}; done",
                f"case {self.word(depth)} in {self.word(0)}) {inner};; *) {self.simple(0)};; esac",
                f"f() {{ {inner}; }}",
                f"({inner})",
                f"{{ {inner}; }}",
                f"{self.simple(0)} | while read -r X; do {inner}; done",
                f"cat <<EOF\n{self.choose(['a', '$X', 'it is', '$(echo $X)'])}\nEOF\n{inner}",
            ]
        )

    def commands(self, depth):
        count = self.choose([1, 1, 2, 3])
        return self.choose(["; ", " && ", " || ", "\n"]).join(self.command(depth) for _ in range(count))


def accepted(seed, count):
    """Yield commands with holes that are accepted, among ``count`` generated ones."""
    generator = Generator(seed)
    for _ in range(count):
        source = generator.commands(generator.choose([0, 1, 1, 2]))
        try:
            template = ENVIRONMENT.template(source)
        except ExpressionFailure:
            continue  # an atom beside another one made something that is no hole
        command, problems = compile_shell(template)
        if command.variables and not problems:
            yield source, command


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nothing_of_a_value_runs_in_any_accepted_command(seed, tmp_path):
    for program in ("dash", "bash", "timeout"):
        assert shutil.which(program), f"{program} is needed to test shell holes"
    (tmp_path / "bin").mkdir()
    canary = tmp_path / "bin" / "canary"
    canary.write_text('#!/bin/sh\n: > "$CANARY"\n')
    canary.chmod(0o755)
    generator = random.Random(seed)
    tried = 0

    for source, command in accepted(seed, 250):
        tried += 1
        values = generator.sample(VALUES, 6)
        work = tmp_path / f"work{tried}"
        work.mkdir()
        (names,) = {" ".join(f'{name}="$V{{}}"' for name, _ in command.variables)}
        lines = [
            f'{names.format(*[i] * len(command.variables))} timeout 5 {shell} -c "$TEXT"; [ -e "$CANARY" ] && exit 99'
            for i in range(len(values))
            for shell in ("dash", "bash")
        ]
        environment = {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "CANARY": str(tmp_path / "canary-was-run"),
            "HOME": str(work),
            "TEXT": command.text,
            **{f"V{i}": value for i, value in enumerate(values)},
        }
        done = subprocess.run(
            ["dash", "-c", "\n".join([*lines, "exit 0"])],
            env=environment,
            cwd=work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
        )

        assert done.returncode == 0, (source, values)

    assert tried > 10
