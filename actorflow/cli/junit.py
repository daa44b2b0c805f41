"""Results of tests as JUnit XML, which CI servers show.

Takes results, gives one document. A file that is not valid is one failed test. Characters that XML cannot
have are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from actorflow import api

__all__ = ["junit_xml"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(results: Sequence[api.FileResult]) -> str:
    """Return the document."""
    suites = "".join(_suite(result) for result in results)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{suites}</testsuites>\n'


def _suite(result: api.FileResult) -> str:
    cases = [_case(case, str(result.file)) for case in result.cases]
    failures = sum(bool(case.not_met) for case in result.cases)
    if result.problems:
        text = "\n".join(str(problem) for problem in result.problems)
        cases.append(_element("the file is valid", str(result.file), 0.0, text))
        failures += 1
    seconds = sum(case.seconds for case in result.cases)
    head = (
        f'name={_attribute(str(result.file))} tests="{len(cases)}" failures="{failures}" time="{seconds:.3f}"'
    )
    return f"  <testsuite {head}>\n{''.join(cases)}  </testsuite>\n"


def _case(case: api.CaseResult, file: str) -> str:
    lines = [
        f"{found.place.file}:{found.place.line}:{found.place.column}: {found.message}\n{found.hint}".rstrip()
        for found in case.not_met
    ]
    return _element(case.name, file, case.seconds, "\n".join(lines))


def _element(name: str, file: str, seconds: float, failure: str) -> str:
    head = f'    <testcase name={_attribute(name)} classname={_attribute(file)} time="{seconds:.3f}"'
    if not failure:
        return f"{head}/>\n"
    return f"{head}>\n      <failure message={_attribute(failure)}/>\n    </testcase>\n"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text), {"\n": "&#10;"})
