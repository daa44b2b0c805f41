"""Texts that a file or an agent can hold in order to do harm where they are shown: in a terminal, a picture, a page, a language for pictures.

Each is one string; ``TERMINAL`` texts hold characters that a terminal (or the reader's eye) obeys, ``MARKUP`` and
``LANGUAGE`` texts are printable.
"""

from __future__ import annotations

__all__ = ["HOSTILE", "LANGUAGE", "MARKUP", "TERMINAL"]

MARKUP = (
    "<script>alert(1)</script>",
    'x" onload="alert(1)',
    "x' onmouseover='alert(1)",
    "</text></svg><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "<![CDATA[<a href='javascript:alert(1)'>]]>",
    "]]><script>alert(1)</script><![CDATA[",
    "&lt;b&gt; &#60;i&#62; &amp;amp; &nosuch;",
    "&#x3c;script&#x3e;alert(1)&#x3c;/script&#x3e;",
    "<!-- --> ]]> <?xml-stylesheet href='x'?> <!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "<!DOCTYPE svg [<!ENTITY lol 'lol'>]>&lol;&lol;",
    "<foreignObject><iframe src='https://evil.example'></iframe></foreignObject>",
    "<a xlink:href='javascript:alert(1)'><rect width='9' height='9'/></a>",
    "<image href='https://evil.example/pixel.png'/>",
    "<use href='data:image/svg+xml;base64,PHN2Zz4='/>",
    "<animate attributeName='href' values='javascript:alert(1)'/>",
    "<set attributeName='onmouseover' to='alert(1)'/>",
    "<style>@import 'https://evil.example';</style>",
    "url(https://evil.example/x) expression(alert(1))",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<svg/onload=alert(1)//",
    "<b>bold</b><u>under</u> text &nbsp;",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
)

LANGUAGE = (
    '"] ; evil [URL="https://evil.example" label=<<b>x</b>>',
    '"; graph [bgcolor=red]; x [label="',
    "<<table><tr><td href='https://evil.example'>x</td></tr></table>>",
    "\\N \\G \\E \\T \\H \\L \\n \\l \\r \\",
    "ends with a backslash \\",
    'quotes " and \\" and \\\\" and """',
    "}} } digraph g { a -> b } subgraph cluster_x {",
    "/* comment */ // comment # comment",
    "node -> edge -- graph; strict digraph",
    "a:port:ne -> b:port",
    "--> evil & more; %% {{x}} `md` \"`**b**`\" #quot; end\nclick n0 href 'https://evil.example'",
    "%%{init: {'securityLevel': 'loose'}}%%",
    "]:::evil classDef evil fill:#f00",
    "n0@{ shape: circle, img: 'https://evil.example' }",
    "=cmd|' /C calc'!A0",
    "${secrets.TOKEN} $<env> $(id) `id` ; rm -rf ~",
    "%s %n %(name)s {0} {name!r:>{width}}",
    "[link=https://evil.example]rich[/link] [bold red]markup[/] :boom:",
    "../../../../etc/passwd",
)

TERMINAL = (
    "\x1b[2J\x1b[H",  # clear the screen
    "\x1b]0;title\x07",  # OSC: window title
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b[31m\x9b2J",  # OSC 8: a link that lies
    "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",  # OSC 52: write the clipboard
    "\x1b]1337;File=inline=1:AAAA\x07",  # a terminal's own: files
    "\x1bP$q\x1b\\",  # DCS
    "\x1b_Gf=24;AAAA\x1b\\",  # APC: pictures
    "\x1b[?1049h\x1b[?25l",  # alternate screen, no cursor
    "\x1b[6n\x1b[c",  # ask the terminal to type something
    "\x9b2J",  # CSI in one byte
    "\x9d0;title\x9c",  # OSC in one byte
    "done\rfail",  # overwrite the line
    "\x08\x08\x08\x7f",  # overwrite what stands before
    "\x07\x05\x0e\x0f\x00\x7f",
    "\u202egnp.exe\u2066 \u200f",
    "a\u202eb\u2066c",  # bidirectional overrides
    "pass\u200fword\u061c",
    "one\u2028two\u2029three\x85four",
    "\U000e0041\U000e0042",  # tags: invisible text
    "\ud800",  # a lone surrogate
    "\ufeff\u00ad\u2060",
    "nul \x00 bell \x07 surrogate \ud800 noncharacters \ufffe\uffff",
)

HOSTILE = MARKUP + LANGUAGE + TERMINAL
