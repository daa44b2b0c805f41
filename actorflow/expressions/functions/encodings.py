"""Standard functions that write values as text and read them back: JSON, base64, URLs, hashes, shells, file names.

JSON is paid for by what it may hold before it is read. File names are texts with ``/``: nothing here looks at a disk. Must not give what
JSON cannot say: NaN, infinities, ints of more than 64 bits (those become doubles).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any, Final, NoReturn

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import a_text, made, wrong
from actorflow.expressions.functions.conversions import utf8
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import Value
from actorflow.expressions.limits import Frame, allocate, allocate_text, char_size, spend
from actorflow.expressions.literals import INT_MAX, INT_MIN
from actorflow.expressions.operations import operand
from actorflow.expressions.results import DEPTH, compact, is_deeper

__all__ = ["encodings", "names"]

encodings: Final = Registry("Encodings")
names: Final = Registry("File names and shells")


@encodings("json.stringify", "toJSON", "to_json")
def stringify(frame: Frame, value: Value) -> str:
    """The value as compact JSON.

    json.stringify({'a': [1, true, null]}) -> '{"a":[1,true,null]}'
    toJSON('x') -> '"x"'
    """
    return compact(frame, value)


@encodings("json.parse", "fromJSON", "from_json")
def parse(frame: Frame, text: Value) -> Value:
    """The value that a JSON text says.

    json.parse('{"a": [1, 2.5]}').a[1] -> 2.5
    fromJSON('[1, 2]') -> [1, 2]
    json.parse('{') -> E309
    """
    source = a_text(frame, text)
    spend(frame, len(source) >> 5)
    allocate_text(frame, len(source), char_size(source))
    allocate(
        frame, 2 * source.count("[") + 6 * source.count("{") + 2 * source.count(",") + 2 * source.count(":")
    )
    try:
        value: Value = json.loads(
            source, parse_int=_json_int, parse_float=_json_float, parse_constant=_json_constant
        )
    except ValueError:
        raise EvaluationError("E309", "the string is no JSON") from None
    except RecursionError:  # how deep Python can go depends on its version and on who calls
        raise _too_deep() from None
    if source.count("[") + source.count("{") > DEPTH and is_deeper(value, DEPTH):
        raise _too_deep()
    return value


def _too_deep() -> EvaluationError:
    return EvaluationError("E309", "the JSON is nested too deeply", hint=f"at most {DEPTH} deep is allowed")


def _json_int(text: str) -> float:
    if len(text) <= 20 and INT_MIN <= (number := int(text)) <= INT_MAX:
        return number
    return _json_float(text)


def _json_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise EvaluationError("E307", "the JSON holds a number that does not fit in a double")
    return number


def _json_constant(_: str) -> NoReturn:
    raise EvaluationError("E309", "the string is no JSON: it has no NaN and no infinities")


def _octets(frame: Frame, value: Value) -> bytes:
    value = operand(frame, value)
    if type(value) is bytes:
        spend(frame, len(value) >> 6)
        return value
    if type(value) is not str:
        raise wrong("a string or bytes", value)
    allocate_text(frame, len(value), char_size(value))
    return utf8(value)


@encodings("base64.encode")
def base64_encode(frame: Frame, value: Value) -> str:
    """The bytes, or the text in UTF-8, as base64.

    base64.encode('hello') -> 'aGVsbG8='
    """
    octets = _octets(frame, value)
    allocate_text(frame, 4 * (len(octets) // 3 + 1))
    return base64.b64encode(octets).decode()


@encodings("base64.decode")
def base64_decode(frame: Frame, text: Value) -> bytes:
    """The bytes that base64 says, with or without its = at the end.

    string(base64.decode('aGVsbG8')) -> 'hello'
    base64.decode('?') -> E309
    """
    source = a_text(frame, text)
    allocate_text(frame, len(source))
    try:
        return base64.b64decode(source + "=" * (-len(source) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise EvaluationError("E309", "the string is no base64") from None


@encodings("url_encode")
def url_encode(frame: Frame, text: Value) -> str:
    """The text for a part of a URL: everything but letters, digits and `_.-~` as %XX.

    url_encode('a b/ü') -> 'a%20b%2F%C3%BC'
    """
    from urllib.parse import quote

    source = a_text(frame, text)
    allocate_text(frame, 12 * len(source) if not source.isascii() else 3 * len(source))
    return quote(utf8(source), safe="")


@encodings("url_decode")
def url_decode(frame: Frame, text: Value) -> str:
    """The text that a part of a URL says.

    url_decode('a%20b') -> 'a b'
    """
    from urllib.parse import unquote

    source = a_text(frame, text)
    allocate_text(frame, 2 * len(source))
    spend(frame, source.count("%"))
    try:
        return unquote(source, errors="strict")
    except UnicodeDecodeError:
        raise EvaluationError("E309", "the string is no URL text in UTF-8") from None


@encodings("hash.sha256", "sha256")
def sha256(frame: Frame, value: Value) -> str:
    """The SHA-256 of the bytes, or of the text in UTF-8, in hexadecimal.

    hash.sha256('').substring(0, 8) -> 'e3b0c442'
    """
    import hashlib

    octets = _octets(frame, value)
    spend(frame, len(octets) >> 6)
    return made(frame, hashlib.sha256(octets).hexdigest())


@names("shell_quote")
def shell_quote(frame: Frame, value: Value) -> str:
    """The text as one word of a POSIX shell; a list as several words.

    shell_quote('b c.txt') -> "'b c.txt'"
    shell_quote(['a', '$(id)']) -> "'a' '$(id)'"
    """
    known = operand(frame, value)
    words: Any = known if type(known) in {list, tuple} else [known]
    spend(frame, len(words))
    quoted = []
    for word in words:
        text = a_text(frame, word)
        if "\0" in text:
            raise EvaluationError("E310", "a word of a shell cannot hold a NUL character")
        allocate_text(frame, len(text) + 4 * text.count("'") + 3)
        quoted.append("'" + text.replace("'", "'\"'\"'") + "'")
    return made(frame, " ".join(quoted))


def _path(frame: Frame, value: Value) -> str:
    text = a_text(frame, value)
    spend(frame, len(text) >> 6)  # it is searched for its last part
    return text


@names("basename")
def basename(frame: Frame, path: Value, extension: Value = "") -> str:
    """The last part of a path, without an extension if one is given.

    basename('src/app.py') -> 'app.py'
    basename('src/app.py', '.py') -> 'app'
    """
    name = made(frame, _path(frame, path).rstrip("/").rpartition("/")[2])
    ending = a_text(frame, extension)
    return name.removesuffix(ending) if name != ending else name


@names("dirname")
def dirname(frame: Frame, path: Value) -> str:
    """The path without its last part; "." if there is no other.

    dirname('src/lib/app.py') -> 'src/lib'
    dirname('app.py') -> '.'
    """
    text = _path(frame, path)
    head = text.rstrip("/").rpartition("/")[0].rstrip("/")
    return made(frame, head or ("/" if text.startswith("/") else "."))


@names("extname")
def extname(frame: Frame, path: Value) -> str:
    """The extension of the last part of a path, with its dot; "" if there is none.

    extname('src/app.tar.gz') -> '.gz'
    extname('.profile') -> ''
    """
    name = _path(frame, path).rstrip("/").rpartition("/")[2]
    head, dot, tail = name.rpartition(".")
    return made(frame, dot + tail if head else "")
