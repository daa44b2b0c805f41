"""Broken, cut and garbled workflow files through the real command line: exit code 2, every problem with its place, quickly, in little memory, and never a traceback."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorflow import expressions as ex
from actorflow.errors import ExpressionError
from tests.crash.projects import Project, Zygote
from tests.expressions.test_expressions_attacks import EXPRESSIONS
from tests.workflow.broken_files import ALL

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"^(w\.\w+):(\d+):(\d+): (error|warning)\[([EW]\d{3})\]: ", re.MULTILINE)
MOST_SECONDS, MOST_BYTES = 1.0, 200 << 20
OF_OTHER_AGENTS = {"a schema for an agent without it"}
"""These rest on agents that only the catalog of their own tests has."""
AT_ONCE = 60
"""Expressions in one file: a hundred problems are told, and the rest counted."""


GOOD_CONDITIONS = {"success()"}
"""Only conditions may call it."""


class Validator:
    """``actorflow validate`` in a project."""

    def __init__(self, zygote: Zygote, root: Path) -> None:
        self._zygote = zygote
        self._project = Project.make(root / "project", {})

    def validate(self, name: str, data: bytes) -> tuple[int, list[tuple[str, int, int]]]:
        """Return the exit code and the problems: code, line, column; check what every answer must be."""
        (self._project.root / name).write_bytes(data)
        said = self._zygote.call(self._project, "validate", name)
        problems = [(code, int(line), int(column)) for _, line, column, _, code in PLACE.findall(said.output)]
        assert said.status in (0, 2), said.errors
        assert "internal error" not in said.errors, said.errors
        assert said.processor_seconds < MOST_SECONDS, said.errors
        assert said.most_bytes < MOST_BYTES, said.errors
        if said.status == 2:
            assert problems, said.output + said.errors
            lines = data.count(b"\n") + data.count(b"\r") + 1
            assert all(1 <= line <= lines and column >= 1 for _, line, column in problems), said.output
        return said.status, problems


@pytest.fixture
def validator(zygote: Zygote, ram_path: Path) -> Validator:
    return Validator(zygote, ram_path)


@pytest.mark.parametrize("piece", range(2))
def test_every_broken_file_ends_with_2_and_the_places(validator: Validator, piece: int, figure) -> None:
    broken = [case for case in ALL if any(code[0] == "E" for code, _ in case.problems)]
    broken = [case for case in broken if case.name not in OF_OTHER_AGENTS][piece::2]

    for case in broken:
        status, problems = validator.validate(f"w.{case.file.rpartition('.')[2]}", case.data)
        assert status == 2, case.name
        assert len(problems) >= len(set(case.places)), case.name

    figure("bad input: broken files", tried=len(broken), of="files", what="without exit code 2 and a place")


@pytest.mark.parametrize("piece", range(2))
def test_what_is_cut_or_garbled_is_read_or_refused_with_a_place(
    validator: Validator, piece: int, size, figure
) -> None:
    rng = random.Random(piece)
    whole = [
        path.read_bytes()
        for path in sorted((ROOT / "templates").glob("*.yaml"))
        if ".tests." not in path.name
    ]
    whole += [case.data for case in ALL if case.file.endswith(".json")]
    count = size(160, 4000) // 2
    refused = 0

    for _ in range(count):
        data = _garbled(rng, rng.choice(whole))
        status, _ = validator.validate("w.json" if data.lstrip()[:1] == b"{" else "w.yaml", data)
        refused += status == 2

    assert refused > count // 2
    figure(
        "bad input: cut and garbled files",
        tried=count,
        of="files",
        what="tracebacks, or refused without a place",
    )


def _garbled(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    at = rng.randrange(len(changed) + 1)
    match rng.randrange(6):
        case 0:
            del changed[at:]
        case 1:
            del changed[at : at + rng.randint(1, 30)]
        case 2:
            changed[at:at] = rng.randbytes(rng.randint(1, 8))
        case 3:
            changed[at:at] = rng.choice((b"\t", b"\0", b"\r", b"{", b"]", b"'", b'"', b": ", b"- ", b"&a ", b"*a", b"!!x ", b"${", b"}", b"\xef\xbb\xbf", b"|\n", b"---\n", b"\xe2\x80\xae"))  # fmt: skip
        case 4:
            line = data.splitlines(keepends=True)
            rng.shuffle(line)
            return b"".join(line)
        case _:
            for _ in range(rng.randint(1, 20)):
                if changed:
                    changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _bad_expressions() -> Iterator[str]:
    """Everything in our own tables of cases and of attacks that cannot be compiled, and the beginnings of all cases that can."""
    lines = (ROOT / "tests/expressions/data/conformance.txt").read_text(encoding="utf-8").splitlines()
    sources = [line.partition(" ==> ")[0] for line in lines if " ==> " in line]
    attacks = [source for _, source in EXPRESSIONS if len(source) < 2000]
    beginnings = [source[: len(source) * 2 // 3] for source in sources]
    environment = ex.Environment()
    for source in dict.fromkeys((*sources, *attacks, *beginnings)):
        if source in GOOD_CONDITIONS or any("\ud800" <= c <= "\udfff" for c in source):
            continue  # a half of a surrogate pair is no JSON
        try:
            environment.compile(source)
        except ExpressionError:
            yield source


def test_every_bad_expression_is_told_at_its_place(validator: Validator, figure) -> None:
    bad = list(_bad_expressions())
    for start in range(0, len(bad), AT_ONCE):
        chunk = bad[start : start + AT_ONCE]
        tasks = [
            f'{{"id": "t{i}", "agent": "echo", "condition": {json.dumps(source)}}}'
            for i, source in enumerate(chunk)
        ]
        text = '{"name": "x", "tasks": [\n' + ",\n".join(tasks) + "]}\n"
        status, problems = validator.validate("w.json", text.encode("utf-8", "surrogatepass"))
        told = {line for _, line, _ in problems}
        missing = [source for number, source in enumerate(chunk, 2) if number not in told]
        assert (status, missing) == (2, [])

    figure("bad input: expressions", tried=len(bad), of="expressions", what="without exit code 2 and a place")
    assert len(bad) >= 300
