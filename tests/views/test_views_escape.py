from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.views.escape import cut, escape, escape_lines, is_safe
from tests.strategies.hostile_texts import TERMINAL

any_text = st.text(alphabet=st.characters(codec=None, categories=None))


def is_obeyed(character: str) -> bool:
    """What a terminal, or the reader's eye, might obey: stated anew, not by the pattern under test."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(
        character
    ) in ("LRE LRO RLE RLO PDF LRI RLI FSI PDI".split())


@pytest.mark.parametrize("attack", TERMINAL)
def test_no_attack_on_the_terminal_comes_through(attack: str) -> None:
    shown = escape(attack)

    assert not [c for c in shown if is_obeyed(c)]
    assert is_safe(shown)
    assert "\\" in shown
    shown.encode("utf-8")


@given(any_text)
def test_no_raw_control_character_ever_comes_out(text: str) -> None:
    assert not [c for c in escape(text) if is_obeyed(c)]
    assert not [c for c in escape_lines(text) if is_obeyed(c) and c not in "\n\t"]


@given(any_text)
def test_escaped_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = escape(text)

    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@given(any_text)
def test_escaping_twice_changes_nothing_more(text: str) -> None:
    assert escape(escape(text)) == escape(text)
    assert escape_lines(escape_lines(text)) == escape_lines(text)


@pytest.mark.parametrize(
    "text", ["", "plain", "Grüße, 世界, مرحبا, שלום", "👩‍👩‍👧 ✓ é", "a\\b", "\N{COMBINING ACUTE ACCENT}"]
)
def test_ordinary_text_of_any_script_passes_unchanged(text: str) -> None:
    assert escape(text) == text
    assert is_safe(text)


def test_what_is_escaped_is_shown_by_its_code() -> None:
    assert escape("\x1b\t\n\r\u202e\U000e0041") == "\\x1b\\t\\n\\r\\u202e\\U000e0041"


def test_lines_and_tabs_are_kept_where_asked_for() -> None:
    assert escape_lines("a\tb\nc\x1bd") == "a\tb\nc\\x1bd"


def test_a_carriage_return_cannot_overwrite_a_line() -> None:
    assert escape_lines("safe\rEVIL\r\nend") == "safe\nEVIL\nend"


@given(any_text, st.integers(min_value=0, max_value=30))
def test_cut_text_is_never_wider_than_asked(text: str, width: int) -> None:
    assert len(cut(text, width)) <= width or cut(text, width) == ""
    assert cut(text, len(text)) == text
