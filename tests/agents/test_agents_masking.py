"""No secret is left in anything that was masked, however it was written down; everything else is left alone."""

from __future__ import annotations

import base64
import html
import json
import quopri
import shlex
import stat
import urllib.parse

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actorflow.agents import masking
from actorflow.agents.masking import MASK, Masker
from actorflow.values import FrozenDict, freeze

ENCODINGS = {
    "raw": lambda s: s,
    "json": json.dumps,
    "json in UTF-8": lambda s: json.dumps(s, ensure_ascii=False),
    "json in json": lambda s: json.dumps(json.dumps(s)),
    "json in json in json": lambda s: json.dumps({"a": json.dumps([json.dumps(s)])}),
    "json with escaped slashes": lambda s: json.dumps(s).replace("/", "\\/"),
    "url": lambda s: urllib.parse.quote(s, safe=""),
    "url path": urllib.parse.quote,
    "url in lower case": lambda s: _lower_percents(urllib.parse.quote(s, safe="")),
    "url form": urllib.parse.quote_plus,
    "url twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "html": html.escape,
    "html without quotes": lambda s: html.escape(s, quote=False),
    "html numbers": lambda s: s.encode("ascii", "xmlcharrefreplace").decode(),
    "all html numbers": lambda s: "".join(f"&#x{ord(c):X};" for c in s),
    "url in html": lambda s: html.escape(urllib.parse.quote(s, safe="'&")),
    "python": repr,
    "python ascii": ascii,
    "python bytes": lambda s: repr(s.encode()),
    "unicode escapes": lambda s: s.encode("unicode_escape").decode(),
    "quoted-printable": lambda s: quopri.encodestring(s.encode(), quotetabs=True).decode().replace("=\n", ""),
    "quoted-printable in lines": lambda s: quopri.encodestring(s.encode(), quotetabs=True).decode(),
    "shell in quotes": shlex.quote,
    "shell in quotes, escaped": lambda s: "'" + s.replace("'", "'\\''") + "'",
    "code points": lambda s: "".join(f"\\u{{{ord(c):x}}}" for c in s),
    "octal": lambda s: "".join(f"\\{byte:03o}" for byte in s.encode()),
    "shell": lambda s: "".join(f"\\{c}" for c in s) if "\n" not in s else shlex.quote(s),
    "hex": lambda s: s.encode().hex(),
    "hex in upper case": lambda s: s.encode().hex().upper(),
    "hex with colons": lambda s: s.encode().hex(":"),
    "hex with blanks": lambda s: s.encode().hex(" "),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 at 1": lambda s: base64.b64encode(b"x" + s.encode()).decode(),
    "base64 at 2": lambda s: base64.b64encode(b"xy" + s.encode() + b"z").decode(),
    "base64 url": lambda s: base64.urlsafe_b64encode(b"x" + s.encode() + b"zz").decode(),
    "base64 in lines": lambda s: base64.encodebytes(b"x" * 50 + s.encode()).decode(),
    "base64 in lines in json": lambda s: json.dumps(base64.encodebytes(b"x" * 51 + s.encode()).decode()),
    "base64 in json with escaped slashes": lambda s: json.dumps(
        base64.b64encode(s.encode()).decode()
    ).replace("/", "\\/"),
    "base64 in url": lambda s: urllib.parse.quote(base64.b64encode(s.encode()).decode(), safe=""),
}


def _lower_percents(text):
    return "".join(c.lower() if text[max(0, i - 2) : i].count("%") else c for i, c in enumerate(text))


secrets = st.text(
    st.characters(codec="utf-8", exclude_characters="*") | st.sampled_from("\"'\\/+&<>%=?# \t$`é€😀"),
    min_size=6,
    max_size=100,
).filter(lambda s: len(s.splitlines()) == 1 and len(s.strip()) >= 6 and len(set(s)) > 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODINGS)
@settings(max_examples=8, deadline=None)
@given(secret=secrets)
def test_nothing_of_a_secret_is_left_in_any_encoding(name, secret):
    encoded = ENCODINGS[name](secret)

    masked = Masker([secret]).text(f"before {encoded} after")

    assert MASK in masked
    assert encoded not in masked
    assert secret not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert len(masked) <= len("before  after") + len(encoded) - len(secret.strip()) + 2 * len(MASK) + 76


KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSjAgEAAo\n-----END KEY-----\n"


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_line_of_a_secret_is_masked(name):
    masked = Masker([KEY]).text(ENCODINGS[name](KEY))

    for line in KEY.splitlines():
        assert line not in masked
        assert ENCODINGS[name](line).strip("\"'") not in masked
    for line in ("MIIEvQIBADANBgkqhkiG9w0", "BAQEFAASCBKcwggSjAgEAAo"):
        for part in (line[:12], line[-12:]):
            assert part not in masked


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(secrets, min_size=1, max_size=4), st.data())
def test_masking_again_finds_nothing(secrets, data):
    texts = [ENCODINGS[data.draw(st.sampled_from(sorted(ENCODINGS)))](secret) for secret in secrets]
    masker = Masker(secrets)

    masked = masker.text("|".join(texts))

    assert masker.text(masked) is masked


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200), secrets)
def test_what_holds_no_secret_is_left_alone(text, secret):
    assume(Masker([secret]).text(text) is text)

    assert Masker([secret]).text(f"{text} {secret} {text}").count(MASK) >= 1


def test_text_without_the_secret_is_the_very_same_object():
    masker = Masker(["open sesame"])
    text, value = "open says me", freeze({"a": ["b", {"c": "d"}]})

    assert masker.text(text) is text
    assert masker.value(value) is value
    assert masker.bytes(b"\xff\x00") == b"\xff\x00"


def test_without_secrets_everything_is_the_very_same_object(tmp_path):
    masker, text = Masker([]), "text"

    assert masker.text(text) is text
    assert not masker.file(tmp_path / "missing")


def test_values_are_masked_in_depth_and_in_keys():
    value = freeze({"open sesame": ["say open sesame", 1, None, {"k": '"open sesame"'}], "other": 2.5})

    masked = Masker(["open sesame"]).value(value)

    assert masked == {"***": ("say ***", 1, None, FrozenDict(k='"***"')), "other": 2.5}
    assert isinstance(masked, FrozenDict)
    assert isinstance(masked["***"], tuple)


@pytest.mark.parametrize("secret", ["", "12345", "a\nb\nc"])
def test_what_is_too_short_is_not_masked(secret):
    masker = Masker([secret])

    assert masker.text(f"x{secret}y") == f"x{secret}y"
    assert masker.too_short == (1 if secret else 0)


def test_short_lines_do_not_hide_a_secret_of_several():
    assert "ab\ncd\nef" not in Masker(["ab\ncd\nef"]).text("x ab\ncd\nef y")


def test_the_longer_of_two_secrets_is_masked_whole():
    assert Masker(["password", "password-of-root"]).text("the password-of-root is") == "the *** is"


@pytest.mark.parametrize("name", ["quoted-printable in lines", "shell in quotes", "shell in quotes, escaped"])
@pytest.mark.parametrize(
    "secret", ["漢aa🦄🦄漢漢é 🦄🦄漢🦄ßéa ß漢漢Zq7", "it's '' a \"secret\"' of many quotes'" * 3]
)
def test_what_encodings_put_in_between_hides_nothing(name, secret):
    masked = Masker([secret]).text(f"before {ENCODINGS[name](secret)} after")

    assert masked in ("before *** after", "before '***' after")


@pytest.mark.parametrize("length", [64, 65, 69, 70, 128, 131, 1000])
def test_a_long_secret_is_masked_to_its_end(length):
    secret = base64.b64encode(bytes(i * 7 % 251 for i in range(length))).decode()[:length]

    assert Masker([secret]).text(f"a {secret} b") == "a *** b"


def test_bytes_that_are_not_utf8_are_kept():
    assert Masker(["open sesame"]).bytes(b"\xff open sesame \xfe") == b"\xff *** \xfe"


def test_lone_surrogates_are_kept():
    assert Masker(["open sesame"]).text("\ud800 open sesame") == "\ud800 ***"


@given(
    before=st.binary(max_size=300), between=st.binary(max_size=200), name=st.sampled_from(sorted(ENCODINGS))
)
def test_a_file_is_masked_as_a_text_is(before, between, name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("masking")
    masker, secret = Masker(["open/sesame +1"]), ENCODINGS[name]("open/sesame +1").encode()
    content = before + secret + between + secret
    (folder / "file").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_BLOCK_BYTES", 64)
        patch.setattr(masking, "_OVERLAP_BYTES", 512)

        assert masker.file(folder / "file")

    assert (folder / "file").read_bytes() == masker.bytes(content)
    assert [file.name for file in folder.iterdir()] == ["file"]


def test_a_file_without_the_secret_is_not_touched(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"nothing in it\xff" * 200_000)
    before = file.stat()

    assert not Masker(["open sesame"]).file(file)

    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_masked_file_keeps_its_mode(tmp_path):
    file = tmp_path / "file"
    file.write_text("open sesame")
    file.chmod(0o640)

    assert Masker(["open sesame"]).file(file)

    assert file.read_text() == MASK
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_symbolic_link_is_not_followed(tmp_path):
    (tmp_path / "file").write_text("open sesame")
    (tmp_path / "link").symlink_to("file")

    with pytest.raises(OSError, match="symbolic links"):
        Masker(["open sesame"]).file(tmp_path / "link")

    assert (tmp_path / "file").read_text() == "open sesame"


def test_a_secret_does_not_show_in_the_masker():
    assert "open sesame" not in repr(Masker(["open sesame"]))
