"""The encodings in which a program may print a secret, as a program that does it, and as what to look for.

``python encodings.py`` prints what the variable SECRET holds in all of them, to stdout or to stderr; ``forms`` gives the byte strings that must not be found anywhere.
"""

from __future__ import annotations

import base64
import html
import json
import os
import quopri
import shlex
import sys
import urllib.parse
from collections.abc import Callable

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "raw": lambda text: text.encode(),
    "JSON": lambda text: json.dumps(text)[1:-1].encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[1:-1].encode(),
    "JSON without ASCII escapes": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].encode(),
    "shell": lambda text: shlex.quote(text).encode(),
    "Python": lambda text: repr(text)[1:-1].encode(),
    "percent": lambda text: urllib.parse.quote(text, safe="").encode(),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()),
    "HTML": lambda text: html.escape(text).encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 behind one byte": lambda text: base64.b64encode(b":" + text.encode()),
    "base64 behind two bytes": lambda text: base64.b64encode(b"a:" + text.encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
    "base64 in lines": lambda text: base64.encodebytes((text * 3).encode()),
}


def forms(secret: str) -> dict[str, bytes]:
    """Return what must not be found: each encoding, for base64 without the digits that hold something else, too."""
    found = {name: encode(secret) for name, encode in ENCODINGS.items()}
    for name, cut in (
        ("base64", 0),
        ("base64 behind one byte", 2),
        ("base64 behind two bytes", 3),
        ("base64 for URLs", 0),
    ):
        digits = found[name].rstrip(b"=")
        found[name] = digits[cut : len(digits) - len(digits) % 4 or None][:-1]
    del found["base64 in lines"]  # its first line begins as "base64" does
    return found


def main() -> None:
    secret, size = os.environ["SECRET"], int(sys.argv[2])
    out = sys.stdout if sys.argv[1] == "out" else sys.stderr
    for name, encode in ENCODINGS.items():
        out.buffer.write(b"x" * size + b" " + name.encode() + b" is >" + encode(secret) + b"<\n")
    out.flush()
    sys.exit(int(sys.argv[3]))


if __name__ == "__main__":
    main()
