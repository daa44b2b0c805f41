"""What programs do with their arguments, as far as a value among them could be run.

Tables only: which builtins evaluate an argument, which programs take program text (and through which
options), which run another command that follows. They lean to the safe side: what is not known of a listed
program is refused; programs that are not listed pass their arguments on as data, unless the name of a listed
one stands among them (``docker exec c sh -c …``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "CODE",
    "FOREIGN",
    "INERT",
    "INTEGER_VARIABLES",
    "INTERPRETERS",
    "NAMING",
    "SHELLS",
    "SHELL_CODE",
    "STEERING_VARIABLES",
    "WRAPPERS",
    "Interpreter",
    "Wrapper",
    "program_name",
]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that takes program text.

    Attributes:
        code: letters of the options whose argument is program text.
        code_long: the same as long options.
        takes: letters of other options that have an argument.
        takes_long: the same as long options.
        final: letters whose argument ends the options (``python -m``).
        operand_is_code: whether the first operand is program text, unless an option gave it.
        stdin_is_code: whether it reads its program from standard input when nothing else gives one.
    """

    code: str = ""
    code_long: tuple[str, ...] = ()
    takes: str = ""
    takes_long: tuple[str, ...] = ()
    final: str = ""
    operand_is_code: bool = False
    stdin_is_code: bool = True


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A program that runs the command which follows its own options.

    Attributes:
        flags: letters of options without an argument.
        takes: letters of options with one.
        operands: how many operands of its own stand before the command.
        assignments: whether ``NAME=value`` words may stand before the command.
    """

    flags: str = ""
    takes: str = ""
    operands: int = 0
    assignments: bool = False


SHELLS = frozenset(
    "sh ash bash dash zsh ksh ksh93 mksh pdksh oksh loksh lksh yash posh rbash csh tcsh fish osh".split()
)
"""Their ``-c`` makes the first operand program text."""

_PYTHON = Interpreter(code="c", takes="WX", takes_long=("--check-hash-based-pycs",), final="cm")
_PERL = Interpreter(code="eE")
_NODE = Interpreter(
    code="ep",
    code_long=("--eval", "--print"),
    takes="rC",
    takes_long=("--require", "--import", "--loader", "--experimental-loader", "--conditions", "--env-file"),
)
_AWK = Interpreter(
    code="e", code_long=("--source",), takes="vF", takes_long=("--assign", "--field-separator"),
    operand_is_code=True, stdin_is_code=False,
)  # fmt: skip

INTERPRETERS: dict[str, Interpreter] = {
    **dict.fromkeys("python pypy ipython".split(), _PYTHON),
    "perl": _PERL,
    "ruby": Interpreter(code="e", takes="rICEFKTx"),
    **dict.fromkeys("node nodejs".split(), _NODE),
    **dict.fromkeys("deno bun tsx ts-node".split(), Interpreter(code="ep", code_long=("--eval", "--print"))),
    "php": Interpreter(code="rBRE", takes="cdzSt"),
    **dict.fromkeys("lua luajit texlua".split(), Interpreter(code="e", takes="l")),
    **dict.fromkeys("rscript r julia guile racket".split(), Interpreter(code="eEc", code_long=("--eval", "--print"))),
    **dict.fromkeys("elixir erl ghc groovy scala clojure clj swift".split(), Interpreter(code="er", code_long=("--eval", "-eval"))),
    **dict.fromkeys("emacs sbcl ecl clisp".split(), Interpreter(code="x", code_long=("--eval", "-eval", "--execute"))),
    **dict.fromkeys("osascript jshell tclsh expect gnuplot octave".split(), Interpreter(code="ec", code_long=("--eval",))),
    **dict.fromkeys("awk gawk mawk nawk".split(), _AWK),
    **dict.fromkeys(
        "sed gsed".split(),
        Interpreter(code="ef", code_long=("--expression", "--file"), operand_is_code=True, stdin_is_code=False),
    ),
}  # fmt: skip
"""Programs whose name may be followed by a version (``python3.11``)."""

CODE: dict[str, str] = {
    **dict.fromkeys("eval . source trap alias let".split(), "the shell runs its arguments as code"),
    **dict.fromkeys(
        "compgen complete compopt bind enable hash fc shopt unalias setopt emulate autoload".split(),
        "it changes how the shell itself reads or runs commands",
    ),
    **dict.fromkeys(
        "ssh rsh mosh autossh dbclient su runuser parallel watch script at batch crontab tmux screen entr".split(),
        "it gives its arguments to another shell",
    ),
    **dict.fromkeys("make gmake bmake nmake".split(), "make expands $(shell …) in its arguments"),
    **dict.fromkeys(
        "psql mysql mariadb sqlite3 sqlite".split(), "it reads its arguments as commands of its own"
    ),
    **dict.fromkeys(
        "vi vim nvim ex ed view gdb lldb m4 dc".split(), "it reads its arguments as commands of its own"
    ),
    **dict.fromkeys(
        "pwsh powershell xonsh nu elvish busybox toybox".split(), "it runs its arguments as code"
    ),
}
"""Commands whose arguments may all be code -> why."""

FOREIGN = frozenset("ssh rsh mosh autossh dbclient su runuser pwsh powershell".split())
"""Those of ``CODE`` that are looked for among the arguments of unlisted programs too."""

NAMING = frozenset("read unset getopts mapfile readarray wait".split())
"""Builtins that give values to the variables they name."""

SHELL_CODE = frozenset("eval trap".split())
"""Those of ``CODE`` whose arguments are program text for this very shell."""

INERT = frozenset(
    "echo cat ls mkdir rmdir cp mv rm ln touch head tail wc grep egrep fgrep cut tr uniq tee cd pwd pushd popd true false : type which "
    "basename dirname realpath readlink stat file diff cmp sleep exit return shift break continue chmod chown seq date".split()
)
"""Programs that never run another one, so that names among their arguments mean nothing."""

WRAPPERS: dict[str, Wrapper] = {
    "env": Wrapper("i0v", "uC", assignments=True),
    "sudo": Wrapper("AbEHKknPSis", "ughpCTrtRDU", assignments=True),
    "doas": Wrapper("nsL", "uC"),
    "nice": Wrapper("", "n"),
    "ionice": Wrapper("t", "cn"),
    "nohup": Wrapper(),
    "setsid": Wrapper("cfw"),
    "timeout": Wrapper("v", "ks", operands=1),
    "gtimeout": Wrapper("v", "ks", operands=1),
    "stdbuf": Wrapper("", "ioe"),
    "time": Wrapper("pvaqV", "fo"),
    "command": Wrapper("p"),
    "builtin": Wrapper(),
    "exec": Wrapper("cl", "a"),
    "chroot": Wrapper("", "", operands=1),
    "caffeinate": Wrapper("disum", "tw"),
    "xargs": Wrapper("0rtxpo", "nPLlsdEeIiaJR"),
    "unbuffer": Wrapper("p"),
    "chronic": Wrapper("ve"),
}  # fmt: skip
"""Programs that run the command behind their own options -> how to find it."""

INTEGER_VARIABLES = re.compile(
    r"RANDOM|SRANDOM|SECONDS|LINENO|HISTCMD|OPTIND|EPOCHSECONDS|EPOCHREALTIME|BASH\w*|COMP_\w+|DIRSTACK|FUNCNAME|GROUPS|E?UID|PPID"
)
"""Variables of bash's own that evaluate what they are given, or refuse it."""

STEERING_VARIABLES = re.compile(
    r"PS[0-4]|CDPATH|GIT_\w+|MAKEFLAGS|MFLAGS|GNUMAKEFLAGS|(\w*_)?(PAGER|EDITOR|ASKPASS|SHELL|LESS)|VISUAL|"
    r"TAR_OPTIONS|RSYNC_RSH|CVS_RSH|RUSTC?_WRAPPER|CC|CXX|AWKPATH|GLIBC_TUNABLES"
)
"""Variables through which a value decides what programs run, besides those that no workflow may set at all."""

_VERSION = re.compile(r"-?[0-9][0-9.]*$")


def program_name(word: str) -> str:
    """Return the program that a command word names: without folders, in lower case (macOS does not mind), without a version."""
    name = word.rsplit("/", 1)[-1].lower()
    bare = _VERSION.sub("", name)
    return bare if bare in SHELLS or bare in INTERPRETERS else name
