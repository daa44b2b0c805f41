"""Agents that are other programs: Codex, Gemini, OpenCode, Aider, or one's own, described in YAML.

``definition`` is what a description says, ``decode`` reads it, ``argv`` makes the command line, ``rules`` and
``heard`` say what the program's output means (pure), ``failures`` what went wrong, and ``agent`` runs it.
Nothing is imported here, so that knowing such an agent does not load trio.
"""
