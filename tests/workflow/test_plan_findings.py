"""Codes of the checks: one meaning each, and every one of the shell's in its page."""

import re
from pathlib import Path

from actorflow.expressions import CODES as EXPRESSION_CODES
from actorflow.workflow.codes import CODES as FILE_CODES
from actorflow.workflow.findings import CODES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "shell-holes.md"


def test_no_code_has_two_meanings():
    assert not CODES.keys() & FILE_CODES.keys()
    assert not CODES.keys() & EXPRESSION_CODES.keys()


def test_the_page_on_shell_holes_has_every_code_of_theirs_and_no_other():
    told = set(re.findall(r"`(E9\d\d)`", PAGE.read_text()))

    assert told == {code for code in CODES if code.startswith(("E91", "E92"))}
