"""``actorflow completion``: the script that teaches a shell to complete our commands, options, runs and tasks."""

from __future__ import annotations

import click

__all__ = ["completion_command"]

_SHELLS = ("bash", "zsh", "fish")

_MENDED = (
    # zsh: one whose .zshrc does not begin completion itself knows no compdef.
    (
        "    compdef ",
        "    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }\n    compdef ",
    ),
    # bash: files are offered beside names, and not in their place.
    (
        "COMPREPLY=()\n            compopt -o default",
        'COMPREPLY+=($(compgen -f -- "$value"))\n            compopt -o filenames',
    ),
)


@click.command("completion", short_help="Print the script for completion in a shell.")
@click.argument("shell", metavar="[SHELL]", type=click.Choice(_SHELLS), required=False)
def completion_command(shell: str | None) -> None:
    """Print the script that lets a shell complete commands, options, runs, tasks and workflows.

    SHELL is bash, zsh or fish; the one in the variable SHELL when it is left out. For this session:

    \b
      eval "$(actorflow completion bash)"
      actorflow completion fish | source

    To keep it, put that line into ~/.bashrc or ~/.zshrc, or write the script to
    ~/.config/fish/completions/actorflow.fish.
    """  # noqa: D301 (the mark that click looks for is the character itself)
    from click.shell_completion import get_completion_class

    from actorflow.cli.group import cli
    from actorflow.cli.streams import say
    from actorflow.errors import InputError

    name = shell or _shell_of_this_session()
    scripts = get_completion_class(name) if name in _SHELLS else None
    if scripts is None:
        raise InputError(
            f"the shell {name!r} cannot be taught" if name else "which shell is not known",
            hint=f"say which: {', '.join(f'actorflow completion {shell}' for shell in _SHELLS)}",
        )
    # Bash older than 4.4 cannot do it; click warns of that itself, on stderr.
    script = scripts(cli, {}, "actorflow", "_ACTORFLOW_COMPLETE").source()
    for found, wanted in _MENDED:
        script = script.replace(found, wanted)
    say(script, end="")


def _shell_of_this_session() -> str:
    from pathlib import Path

    from actorflow.cli.options import shell_variable

    return Path(shell_variable()).name
