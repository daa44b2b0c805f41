"""Which environment variables a workflow may not set.

Through these a file that looks harmless would run code of its own inside an agent's process, change where its
traffic or its login goes, or take the place of what actorflow sets itself. ``PATH``, ``HOME``, ``EDITOR``,
``PAGER`` and API keys are allowed: they choose, they do not inject. The caller's own environment is not
touched by this. Pure data and one function.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ENV_NAME", "FORBIDDEN_NAMES", "FORBIDDEN_PREFIXES", "is_forbidden"]

ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")

FORBIDDEN_NAMES: Final = frozenset(
    # shells
    "BASH_ENV ENV IFS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND ZDOTDIR"
    # interpreters and virtual machines
    " PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT PYTHONBREAKPOINT PYTHONUSERBASE PYTHONPLATLIBDIR"
    " NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE PERL5OPT PERL5LIB PERLLIB PERL5DB RUBYOPT RUBYLIB"
    " JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS DOTNET_STARTUP_HOOKS LUA_INIT PHP_INI_SCAN_DIR PHPRC"
    # the C library and the dynamic linker, besides the prefixes
    " GCONV_PATH LOCPATH HOSTALIASES RESOLV_HOST_CONF LIBPATH SHLIB_PATH"
    # programs that others start
    " GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_PAGER GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_ASKPASS GIT_PROXY_COMMAND"
    " GIT_EXEC_PATH GIT_TEMPLATE_DIR SSH_ASKPASS SUDO_ASKPASS LESSOPEN LESSCLOSE BROWSER"
    # where an agent's traffic, trust and settings come from
    " ANTHROPIC_BASE_URL ANTHROPIC_BEDROCK_BASE_URL ANTHROPIC_VERTEX_BASE_URL ANTHROPIC_CUSTOM_HEADERS CLAUDE_CONFIG_DIR"
    " HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED SSL_CERT_FILE SSL_CERT_DIR"
    " REQUESTS_CA_BUNDLE CURL_CA_BUNDLE".split()
)
"""Compared in upper case, because proxies are also read in lower case."""

FORBIDDEN_PREFIXES: Final = (
    "LD_",
    "DYLD_",
    "GIT_CONFIG",
    "BASH_FUNC_",
    "ACTORFLOW_",
    "CORECLR_",
    "COR_PROFILER",
)

_STEERS_CLAUDE = re.compile(
    r"_?(?:ANTHROPIC|CLAUDE)_.*(?:URL|HOST|SOCKET|PROXY|CERT|CONFIG_DIR|SHELL|HELPER|LAUNCHER|PREFIX|ENDPOINT|REMOTE).*"
)
"""Where Claude Code sends its requests, whom it believes, and what it runs around commands."""

_OUR_HOLES = re.compile(r"AF_[0-9]+")


def is_forbidden(name: str) -> bool:
    """Say whether a workflow may not set the variable ``name``."""
    upper = name.upper()
    return (
        upper in FORBIDDEN_NAMES
        or upper.startswith(FORBIDDEN_PREFIXES)
        or _STEERS_CLAUDE.fullmatch(upper) is not None
        or _OUR_HOLES.fullmatch(name) is not None
    )
