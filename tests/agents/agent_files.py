"""Agent files as people write them: each shape that public collections have, with what must come out.

``READ`` are files that load: bytes -> attributes of the definition, and the codes of its warnings. ``REFUSED``
are files that do not: bytes -> (code, line, column) of each problem.
"""

from __future__ import annotations

from typing import Any

PLAIN = "---\nname: reviewer\ndescription: Reviews code\n---\nYou review code.\n"


def _text(text: str) -> bytes:
    return text.encode()


READ: dict[str, tuple[bytes, dict[str, Any], list[str]]] = {
    "plain": (_text(PLAIN), {"name": "reviewer", "description": "Reviews code", "prompt": "You review code.", "tools": None}, []),
    "windows line ends": (_text(PLAIN.replace("\n", "\r\n")), {"name": "reviewer", "prompt": "You review code."}, []),
    "byte order mark": (b"\xef\xbb\xbf" + _text(PLAIN), {"name": "reviewer"}, []),
    "old Mac line ends": (_text(PLAIN.replace("\n", "\r")), {"name": "reviewer", "prompt": "You review code."}, []),
    "blank lines above": (_text("\n\n" + PLAIN), {"name": "reviewer"}, []),
    "blanks behind the fences": (_text(PLAIN.replace("---", "---  ")), {"name": "reviewer"}, []),
    "nothing behind the second fence": (
        _text("---\nname: a\ndescription: x\n---"), {"name": "a", "prompt": ""}, ["W821"]),
    "a rule inside the body": (
        _text(PLAIN + "\n---\n\nname: other\n"), {"name": "reviewer", "prompt": "You review code.\n\n---\n\nname: other"}, []),
    "tools separated by commas": (
        _text("---\nname: a\ndescription: x\ntools: Read, Grep,Glob , Bash\n---\nb"), {"tools": ("Read", "Grep", "Glob", "Bash")}, []),
    "tools as a flow list": (_text("---\nname: a\ndescription: x\ntools: [Read, 'Grep']\n---\nb"), {"tools": ("Read", "Grep")}, []),
    "tools as a list": (_text("---\nname: a\ndescription: x\ntools:\n  - Read\n  - Grep\n---\nb"), {"tools": ("Read", "Grep")}, []),
    "tools as a list without indentation": (
        _text("---\nname: a\ndescription: x\ntools:\n- Read\n- Grep\nmodel: opus\n---\nb"), {"tools": ("Read", "Grep"), "model": "opus"}, []),
    "tools in one pair of quotes": (_text('---\nname: a\ndescription: x\ntools: "Read, Grep"\n---\nb'), {"tools": ("Read", "Grep")}, []),
    "rules with commas inside": (
        _text("---\nname: a\ndescription: x\ntools: Read, Bash(git diff:*, git log:*), mcp__github__get\n---\nb"),
        {"tools": ("Read", "Bash(git diff:*, git log:*)", "mcp__github__get")}, []),
    "all tools, quoted": (_text('---\nname: a\ndescription: x\ntools: "*"\n---\nb'), {"tools": None}, []),
    "all tools, bare": (_text("---\nname: a\ndescription: x\ntools: *\n---\nb"), {"tools": None}, ["W822"]),
    "all tools, in words": (_text("---\nname: a\ndescription: x\ntools: All tools\n---\nb"), {"tools": None}, []),
    "no tools, clearly": (_text("---\nname: a\ndescription: x\ntools: []\n---\nb"), {"tools": ()}, []),
    "no tools, by an empty key": (_text("---\nname: a\ndescription: x\ntools:\n---\nb"), {"tools": ()}, ["W821"]),
    "a tool named twice": (_text("---\nname: a\ndescription: x\ntools: Read, Read\n---\nb"), {"tools": ("Read",)}, []),
    "denied tools": (_text("---\nname: a\ndescription: x\ndisallowedTools: Write, Edit\n---\nb"), {"disallowed_tools": ("Write", "Edit")}, []),
    "everything denied": (_text("---\nname: a\ndescription: x\ndisallowedTools: '*'\n---\nb"), {"disallowed_tools": ("*",)}, []),
    "a block description": (
        _text("---\nname: a\ndescription: |\n  One: two\n\n  <example>\n  user: \"x\"\n  </example>\nmodel: opus\n---\nb"),
        {"description": 'One: two\n\n<example>\nuser: "x"\n</example>', "model": "opus"}, []),
    "a folded description": (
        _text("---\nname: a\ndescription: >-\n  One\n  two: three\ntools: Read\n---\nb"), {"description": "One two: three", "tools": ("Read",)}, []),
    "a folded description beside what is not YAML": (
        _text("---\nname: a\ndescription: >\n  One\n  two: three\ncolor: @blue\n---\nb"), {"description": "One two: three"}, ["W822"]),
    "a block description beside what is not YAML": (
        _text("---\nname: a\ndescription: |\n  One\n    two\n\ncolor: @blue\n---\nb"), {"description": "One\n  two"}, ["W822"]),
    "a colon inside a bare description": (
        _text("---\nname: a\ndescription: Use it for: this and that\nmodel: sonnet\n---\nb"),
        {"name": "a", "description": "Use it for: this and that", "model": "sonnet"}, ["W822"]),
    "examples in one bare line": (
        _text(
            "---\nname: a\ndescription: Use it when asked. Examples:\\n\\n<example>\\nContext: A user asks.\\nuser: \"Please check: it\"\\n"
            "assistant: 'I'll use it'\\n</example>\nmodel: inherit\ncolor: red\n---\nb"),
        {"description": "Use it when asked. Examples:\n\n<example>\nContext: A user asks.\nuser: \"Please check: it\"\nassistant: 'I'll use it'\n</example>",
         "model": None}, ["W822"]),
    "examples in bare lines": (
        _text(
            "---\nname: a\ndescription: Use it when asked. Examples:\n\n<example>\nContext: A user asks.\nuser: \"Check it\"\n"
            "assistant: \"Yes\"\n<commentary>Because.</commentary>\n</example>\ntools: Read\nmodel: opus\n---\nb"),
        {"description": 'Use it when asked. Examples:\n\n<example>\nContext: A user asks.\nuser: "Check it"\nassistant: "Yes"\n'
         "<commentary>Because.</commentary>\n</example>", "tools": ("Read",), "model": "opus"}, ["W822"]),
    "examples in indented bare lines": (
        _text("---\nname: a\ndescription: Use it. For example:\n  <example>\n  user: \"x: y\"\n  </example>\ntools: Read\n---\nb"),
        {"description": 'Use it. For example:\n<example>\nuser: "x: y"\n</example>', "tools": ("Read",)}, ["W822"]),
    "quotes inside a quoted description": (
        _text('---\nname: a\ndescription: "Say "please" to it: always"\nmodel: opus\n---\nb'),
        {"description": 'Say "please" to it: always', "model": "opus"}, ["W822"]),
    "a quoted description with escapes": (
        _text('---\nname: a\ndescription: "One.\\n\\n\\"Two\\": three"\n---\nb'), {"description": 'One.\n\n"Two": three'}, []),
    "a quoted description over lines, with quotes inside": (
        _text('---\nname: a\ndescription: "One "two"\nthree: four"\nversion: 1\nmodel: opus\n---\nb'),
        {"description": 'One "two"\nthree: four', "model": "opus"}, ["W822"]),
    "an apostrophe in single quotes": (
        _text("---\nname: a\ndescription: 'It's here: look'\n---\nb"), {"description": "It's here: look"}, ["W822"]),
    "only one quote": (_text('---\nname: a\ndescription: "Experts" do it: well\n---\nb'), {"description": '"Experts" do it: well'}, ["W822"]),
    "a description that begins like YAML": (_text("---\nname: a\ndescription: @mention it\n---\nb"), {"description": "@mention it"}, ["W822"]),
    "a description with a list": (_text("---\nname: a\ndescription:\n  - One\n  - Two\n---\nb"), {"description": "One\nTwo"}, []),
    "a description that is a mapping": (_text("---\nname: a\ndescription: {a: b}\n---\nb"), {"description": "", "ignored": {"description": "description must be text, not a mapping"}}, ["W821"]),
    "own keys behind a block description": (
        _text("---\nname: a\ndescription: |\n  One\npriority: high: er\ntools: Read\n---\nb"),
        {"description": "One", "tools": ("Read",), "ignored": {"priority": "Claude Code knows no such key of an agent"}}, ["W822"]),
    "a number for a name": (_text("---\nname: 007\ndescription: x\n---\nb"), {"name": "7"}, []),
    "a name with blanks": (_text("---\nname: Code Reviewer\ndescription: x\n---\nb"), {"name": "Code Reviewer"}, []),
    "a name with a comment": (_text("---\nname: reviewer # ours\ndescription: x: y\n---\nb"), {"name": "reviewer"}, ["W822"]),
    "a name in another script": (_text("---\nname: 審査\ndescription: 検査する\n---\n本文"), {"name": "審査", "prompt": "本文"}, []),
    "no name": (_text("---\ndescription: x\n---\nb"), {"name": "file", "description": "x"}, ["W821"]),
    "no front matter": (_text("You review code."), {"name": "file", "description": "", "prompt": "You review code."}, ["W821"]),
    "an empty front matter": (_text("---\n---\nb"), {"name": "file", "prompt": "b"}, ["W821"]),
    "only comments": (_text("---\n# later\n---\nb"), {"name": "file", "prompt": "b"}, ["W821"]),
    "a tab behind a key": (_text("---\nname:\ta\ndescription:\tx\n---\nb"), {"name": "a", "description": "x"}, []),
    "tabs for indentation": (_text("---\nname: a\ndescription: x\ntools:\n\t- Read\n\t- Grep\n---\nb"), {"tools": ("Read", "Grep")}, ["W822"]),
    "a key without a blank": (_text("---\nname:a\ndescription: x\nmodel:opus\n---\nb"), {"name": "a", "model": "opus"}, ["W822"]),
    "an indented front matter": (_text("---\n  name: a\n  description: b: c\n---\nb"), {"name": "a", "description": "b: c"}, ["W822"]),
    "a key twice": (_text("---\nname: a\nname: b\ndescription: x\n---\nb"), {"name": "a"}, ["W822"]),
    "Windows-1252": (b"---\nname: a\ndescription: caf\xe9 \x93x\x94\n---\nb", {"description": "café “x”"}, ["W821"]),
    "an alias of a model": (_text("---\nname: a\ndescription: x\nmodel: claude-opus-4-5[1m]\n---\nb"), {"model": "claude-opus-4-5[1m]"}, []),
    "a model of another program": (
        _text("---\nname: a\ndescription: x\nmodel: GPT-5 (copilot)\n---\nb"), {"model": None, "ignored": {"model": "this is no name of a model"}}, ["W821"]),
    "a list of models": (
        _text("---\nname: a\ndescription: x\nmodel: [opus, sonnet]\n---\nb"), {"model": None, "ignored": {"model": "model must be text, not a list"}}, ["W821"]),
    "every key": (
        _text(
            "---\nname: a\ndescription: x\ntools: Read\ndisallowedTools: Bash\nmodel: haiku\neffort: high\npermissionMode: plan\nmaxTurns: 7\n"
            "skills: [tidy]\nmcpServers: [docs]\nhooks:\n  Stop:\n    - hooks: [{type: command, command: date}]\nmemory: project\n"
            "background: true\nisolation: worktree\ncolor: red\ninitialPrompt: Begin.\nomitClaudeMd: true\n---\nb"),
        {"tools": ("Read",), "disallowed_tools": ("Bash",), "model": "haiku", "effort": "high", "permission_mode": "plan", "max_turns": 7,
         "skills": ("tidy",), "mcp_servers": {"docs": None}, "hooks": {"Stop": ({"hooks": ({"type": "command", "command": "date"},)},)},
         "memory": "project", "initial_prompt": "Begin.", "omit_claude_md": True}, []),
    "keys without values": (
        _text("---\nname: a\ndescription: x\nmodel:\nmcpServers:\nhooks:\nskills:\ninitialPrompt:\nmaxTurns:\neffort:\nomitClaudeMd:\n---\nb"),
        {"model": None, "mcp_servers": {}, "hooks": {}, "skills": (), "initial_prompt": "", "max_turns": None}, []),
    "servers by name and in full": (
        _text("---\nname: a\ndescription: x\nmcpServers:\n  - docs\n  - web: {command: npx, args: [-y, web]}\n---\nb"),
        {"mcp_servers": {"docs": None, "web": {"command": "npx", "args": ("-y", "web")}}}, []),
    "servers as a mapping": (
        _text("---\nname: a\ndescription: x\nmcpServers:\n  web:\n    type: http\n    url: http://127.0.0.1/\n---\nb"),
        {"mcp_servers": {"web": {"type": "http", "url": "http://127.0.0.1/"}}}, []),
    "servers as text": (_text("---\nname: a\ndescription: x\nmcpServers: docs, web\n---\nb"), {"mcp_servers": {"docs": None, "web": None}}, []),
    "servers as nonsense": (_text("---\nname: a\ndescription: x\nmcpServers: [1]\n---\nb"), {"mcp_servers": {}}, ["W821"]),
    "turns as text": (_text("---\nname: a\ndescription: x\nmaxTurns: '12'\n---\nb"), {"max_turns": 12}, []),
    "a misspelt effort": (
        _text("---\nname: a\ndescription: x\neffort: hihg\n---\nb"),
        {"effort": None, "ignored": {"effort": "effort must be one of low, medium, high, xhigh, max"}}, ["W821"]),
    "a flag as a number": (_text("---\nname: a\ndescription: x\nomitClaudeMd: 3\n---\nb"), {"omit_claude_md": False}, ["W821"]),
    "a flag in quotes": (_text("---\nname: a\ndescription: x\nomitClaudeMd: 'True'\n---\nb"), {"omit_claude_md": True}, []),
    "hooks of another program": (
        _text("---\nname: a\ndescription: x\nhooks:\n  pre: |\n    echo starting\n  post: echo done\n---\nb"), {"hooks": {}}, ["W821"]),
    "keys as commands have them": (
        _text("---\nname: a\ndescription: x\nallowed-tools: Read\nmax_turns: 3\nversion: 1.0\n---\nb"),
        {"tools": None, "max_turns": None}, ["W821", "W821"]),
    "a mode that a file cannot grant": (
        _text("---\nname: a\ndescription: x\npermissionMode: bypassPermissions\n---\nb"),
        {"permission_mode": None, "ignored": {"permissionMode": "a file cannot grant bypassPermissions: only the command line can"}}, []),
}  # fmt: skip

REFUSED: dict[str, tuple[bytes, list[tuple[str, int, int]]]] = {
    "empty": (b"", [("E504", 1, 1)]),
    "blank": (b" \n\t\n", [("E504", 1, 1)]),
    "never closed": (b"---\nname: a\ndescription: x\n\nYou review.", [("E821", 1, 1)]),
    "UTF-16": (PLAIN.encode("utf-16"), [("E502", 1, 1)]),
    "a NUL": (b"---\nname: a\ndescription: x\n---\n\0", [("E503", 5, 1)]),
    "too large": (b"---\nname: a\n---\n" + b"x" * 1024 * 1024, [("E501", 1, 1)]),
    "prose between two rules": (b"---\n\n# Guidelines\n\n**Version:** 2\n\n---\n\nMore.", [("E505", 5, 2)]),
    "a list for a front matter": (b"---\n- a\n- b\n---\nb", [("E505", 2, 1)]),
    "a name with a slash": (b"---\nname: ../a\ndescription: x\n---\nb", [("E609", 2, 7)]),
    "a name over two lines": (b'---\nname: "a\\nb"\ndescription: x\n---\nb', [("E609", 2, 7)]),
    "a long name": (b"---\nname: " + b"a" * 101 + b"\n---\nb", [("E609", 2, 7)]),
    "tools of another program": (b"---\nname: a\ntools:\n  write: false\n---\nb", [("E601", 3, 7)]),
    "tools that are no names": (b"---\nname: a\ntools: [Read, 3]\n---\nb", [("E601", 3, 8)]),
    "a tool like an option": (b"---\nname: a\ntools: --danger\n---\nb", [("E601", 3, 8)]),
    "an unknown mode": (b"---\nname: a\npermissionMode: yolo\n---\nb", [("E604", 3, 17)]),
    "no turns": (b"---\nname: a\nmaxTurns: 0\n---\nb", [("E605", 3, 11)]),
    "turns in words": (b"---\nname: a\nmaxTurns: many\n---\nb", [("E605", 3, 11)]),
    "hooks that are text": (b"---\nname: a\nhooks: run\n---\nb", [("E601", 3, 8)]),
    "broken tools": (b"---\nname: a: b\ntools:\n  write: false\n  edit: x: y\n---\nb", [("W822", 2, 8), ("E601", 3, 7)]),
    "a front matter like a book": (b"---\nname: a\ndescription: |\n" + b"  x\n" * 40_000 + b"---\nb", [("E501", 1, 1)]),
    "everything at once": (
        b"---\nname: a/b\ntools: {a: b}\nmaxTurns: -1\npermissionMode: all\nmodel: [x]\n---\nb",
        [("E609", 2, 7), ("E601", 3, 8), ("E605", 4, 11), ("E604", 5, 17), ("W821", 6, 8)]),
}  # fmt: skip
