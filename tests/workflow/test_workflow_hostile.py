"""Hostile files get one clear error quickly and in little memory, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from actorflow.errors import SpecErrors
from actorflow.workflow import load_workflow
from actorflow.workflow.catalog import AgentTraits

MILLION = 1_000_000


def _json_tasks(tasks):
    """A file of (id, dependencies)."""
    entries = [{"id": name, "agent": "echo", "dependencies": wanted} for name, wanted in tasks]
    return json.dumps({"name": "x", "tasks": entries}).encode()


FILES = {
    "brackets": (lambda: b"[" * (4 * MILLION), "w.yaml", "E513"),
    "braces": (lambda: b"{a: " * MILLION, "w.yaml", "E513"),
    "dashes": (lambda: b"- " * MILLION, "w.yaml", "E513"),
    "comments that hide brackets": (lambda: b"a: [ #]\n" + b"[ #]\n" * MILLION, "w.yaml", "E513"),
    "aliases": (
        lambda: (
            b"a0: &a0 [x, x]\n"
            + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 30))
        ),
        "w.yaml",
        "E509",
    ),
    "a million aliases": (lambda: b"a: &a x\nb:\n" + b"- *a\n" * MILLION, "w.yaml", "E5"),
    "merge keys": (lambda: b"a: {b: c}\n" + b"<<: {x: y}\n" * 50_000, "w.yaml", "E510"),
    "duplicate keys": (lambda: b"name: x\n" * 200_000, "w.yaml", "E508"),
    "tags": (lambda: b"tasks:\n" + b"- !!str a\n" * 300_000, "w.yaml", "E511"),
    "tag directives": (
        lambda: b"".join(b"%%TAG !a%d! x\n" % i for i in range(200_000)) + b"---\na: b\n",
        "w.yaml",
        "E511",
    ),
    "NUL": (lambda: b"name: x\n" + b"\0" * MILLION, "w.yaml", "E503"),
    "100 MB": (lambda: b"name: " + b"x" * (100 * MILLION), "w.yaml", "E501"),
    "not UTF-8": (lambda: b"name: x # \n" * MILLION + b"\xff", "w.yaml", "E502"),
    "UTF-16": (lambda: ("name: x\n" * MILLION).encode("utf-16"), "w.yaml", "E502"),
    "a flow of numbers": (lambda: b"name: x\ntasks: [" + b"1," * (4 * MILLION) + b"1]", "w.yaml", "E514"),
    "a block of entries": (lambda: b"name: x\ntasks:\n" + b"- a\n" * (3 * MILLION), "w.yaml", "E514"),
    "a block of mappings": (lambda: b"name: x\ntasks:\n" + b"- {a: b}\n" * MILLION, "w.yaml", "E514"),
    "a flow of lists": (lambda: b"name: x\ntasks: [" + b"[]," * (3 * MILLION) + b"1]", "w.yaml", "E514"),
    "an open quote": (lambda: b"name: x\ntasks: '" + b"''" * (4 * MILLION), "w.yaml", "E505"),
    "carriage returns": (lambda: b"name: x\n" + b"\r" * (4 * MILLION) + b"taks: 1\n", "w.yaml", "E602"),
    "bad tasks": (
        lambda: b"name: x\ntasks:\n" + b"- {id: 1, agnt: x, timeout: soon}\n" * 50_000,
        "w.yaml",
        "E601",
    ),
    "a hundred thousand bad tasks": (
        lambda: b"name: x\ntasks:\n" + b"- {id: 1, agnt: x, timeout: soon}\n" * 100_000,
        "w.yaml",
        "E514",
    ),
    "unknown names": (
        lambda: (
            b"name: x\ntasks:\n"
            + b"".join(
                b"- {id: task_%d, agent: echo, dependencies: [tsak_%d]}\n" % (i, i) for i in range(30_000)
            )
        ),
        "w.yaml",
        "E704",
    ),
    "a long cycle": (
        lambda: (
            b"name: x\ntasks:\n"
            + b"".join(
                b"- {id: t%d, agent: echo, dependencies: [t%d]}\n" % (i, (i + 1) % 20_000)
                for i in range(20_000)
            )
        ),
        "w.yaml",
        "E706",
    ),
    "a json cycle of a hundred thousand": (
        lambda: _json_tasks([(f"t{i}", [f"t{i - 1}" if i else "t99999"]) for i in range(100_000)]),
        "w.json",
        "E706",
    ),
    "a json knot with a short cycle": (
        lambda: _json_tasks(
            [
                (f"t{i}", [f"t{i + 1}" if i < 99_999 else "t0", *(["t0"] if i == 1 else [])])
                for i in range(100_000)
            ]
        ),
        "w.json",
        "E706",
    ),
    "a long condition": (
        lambda: b"name: x\ntasks: [{id: a, agent: echo, condition: '${" + b"(a" * MILLION + b"}'}]",
        "w.yaml",
        "E618",
    ),
    "a long template": (
        lambda: b"name: x\ntasks: [{id: a, agent: echo, description: '" + b"${a} " * MILLION + b"'}]",
        "w.yaml",
        "E401",
    ),
    "many secrets": (
        lambda: (
            b"name: x\ncontext: {secrets: {"
            + b",".join(b" a%d: bbbbbbbb" % i for i in range(20_000))
            + b"}}\ntasks: [{id: a, agent: echo}]"
        ),
        "w.yaml",
        "E616",
    ),
    "a deep condition": (
        lambda: b"name: x\ntasks: [{id: a, agent: echo, condition: '" + b'"\\"' * 5000 + b"${a}'}]",
        "w.yaml",
        "E613",
    ),
    "json brackets": (lambda: b'{"tasks": ' + b"[" * (10 * MILLION), "w.json", "E513"),
    "json lists": (lambda: b'{"tasks": [' + b"[]," * (4 * MILLION) + b"[]]}", "w.json", "E514"),
    "json numbers": (lambda: b'{"tasks": [' + b"1," * (4 * MILLION) + b"1]}", "w.json", "E514"),
    "json texts": (lambda: b'{"tasks": [' + b'"",' * (3 * MILLION) + b'""]}', "w.json", "E514"),
    "json duplicate keys": (lambda: b'{"name": "x",' + b'"a": 1,' * 100_000 + b'"a": 1}', "w.json", "E508"),
    "a json number of ten million digits": (
        lambda: b'{"name": "x", "tasks": ' + b"9" * (10 * MILLION) + b"}",
        "w.json",
        "E515",
    ),
    "json escapes without an end": (lambda: b'{"name": "' + b"a\\n" * (2 * MILLION), "w.json", "E506"),
}

CHILD = """
import json, sys, time
from actorflow.errors import SpecErrors
from actorflow.workflow import load_workflow
from actorflow.workflow.catalog import AgentTraits
data = sys.stdin.buffer.read()
start = time.process_time()
try:
    load_workflow(data, file=sys.argv[1], catalog={"echo": AgentTraits(name="echo")})
    problems = []
except SpecErrors as errors:
    problems = errors.problems
seconds = time.process_time() - start
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
json.dump({"seconds": seconds, "kib": int(peak.split()[1]), "count": len(problems), "codes": [p.code for p in problems],
           "places": [(p.line, p.column) for p in problems], "longest": max(map(len, map(str, problems)), default=0)}, sys.stdout)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_quickly(name):
    make, file, code = FILES[name]
    data = make()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, file], input=data, capture_output=True, timeout=60, check=True
    )

    told = json.loads(done.stdout)
    assert any(found.startswith(code) for found in told["codes"]), told["codes"][:5]
    assert all(line >= 1 and column >= 1 for line, column in told["places"])
    assert told["count"] <= 101
    assert told["longest"] < 2000
    # Processor time, because other tests run beside this one; twice what it may take on an idle machine.
    assert told["seconds"] < 2.0
    given = len(data) // 1024 if len(data) < 40 * MILLION else len(data) // 1024 + 1024
    assert told["kib"] < 200 * 1024 + max(0, given - 33 * 1024)


def test_aliases_are_never_expanded():
    """What an alias costs does not depend on what it stands for."""
    from actorflow.workflow.document import read_document
    from actorflow.workflow.events import ReadLimits

    document = read_document(FILES["aliases"][0](), file="w.yaml", limits=ReadLimits())

    assert {fault.code for fault in document.faults} == {"E509", "E599"}


@pytest.mark.parametrize(("tasks", "codes"), [(9_999, {"E706", "E801"}), (10_000, {"E706"})])
def test_of_very_many_tasks_that_wait_for_each_other_nothing_else_is_said(tasks, codes):
    """So that nothing else is done with them: the time that it would take is more than the whole refusal may."""
    entries = [
        {
            "id": f"t{i}",
            "agent": "ecko" if i == 7 else "echo",
            "dependencies": [f"t{i - 1}" if i else f"t{tasks - 1}"],
        }
        for i in range(tasks)
    ]
    data = json.dumps({"name": "x", "tasks": entries}).encode()

    with pytest.raises(SpecErrors) as refused:
        load_workflow(data, file="w.json", catalog={"echo": AgentTraits(name="echo")})

    assert {problem.code for problem in refused.value.problems} == codes
    told = next(problem for problem in refused.value.problems if problem.code == "E706")
    assert f"t0 -> t{tasks - 1} -> t{tasks - 2}" in told.message
    assert told.message.endswith("… -> t0")
    assert data[told.column - 1 :].startswith(b'"t%d"' % (tasks - 1))
