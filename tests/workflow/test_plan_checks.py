"""The static checks of expressions, templates and commands: what is refused, where it points, what it says."""

import pytest

from actorflow.values import FrozenDict, freeze
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.checks import check_expressions
from actorflow.workflow.model import (
    HookPhase,
    InputSpec,
    InputType,
    OnTaskFailure,
    RunIf,
    SecretSource,
    TaskSpec,
    Workflow,
)

CATALOG = {
    "shell": AgentTraits(name="shell", shell_text=frozenset({"command"})),
    "coder": AgentTraits(name="coder", text_output=True, supports=frozenset({"handoff", "output_schema"})),
    "echo": AgentTraits(name="echo"),
}

SCHEMA = freeze(
    {
        "type": "object",
        "properties": {
            "kind": {"type": "string"},
            "files": {"type": "array", "items": {"type": "object", "properties": {"path": {}}}},
        },
    }
)


def task(name, dependencies=(), agent="echo", **keys):
    for key in ("parameters", "env"):
        keys[key] = freeze(keys.get(key, {}))
    return TaskSpec(id=name, agents=(agent,), dependencies=tuple(dependencies), **keys)


def workflow(*tasks, hooks=(), inputs=None, variables=None, secrets=()):
    return Workflow(
        name="w",
        tasks=tasks,
        hooks=tuple(hooks),
        inputs=tuple(InputSpec(name=name, type=kind) for name, kind in (inputs or {}).items()),
        inputs_closed=inputs is not None,
        variables=freeze(variables or {}),
        secrets=tuple(SecretSource(name=name, kind="env", locator=name) for name in secrets),
    )


def check(*tasks, **keys):
    return check_expressions(workflow(*tasks, **keys), CATALOG)


def read_by_last(text, *before, dependencies=None, **keys):
    """Findings of a task that reads ``text`` in its parameters, behind ``before``."""
    wanted = [spec.id for spec in before] if dependencies is None else dependencies
    return check(*before, task("last", wanted, parameters={"task": text}), **keys).findings


BUILD = task("build")
DESIGN = task("design", output_schema=SCHEMA, agent="coder")
NOTES = task("notes", agent="coder")
SHOUT = task("shout", agent="shell", parameters={"command": "ls"})
SHOUT_JSON = task("shout", agent="shell", parameters={"command": "ls", "output": "json"})
DASHED = task("build-image")
SKIPPABLE = task("maybe", condition="run.id != ''")
TOLERANT = task("build", on_failure=OnTaskFailure.SKIP)

# what stands in a parameter, the tasks before, code, the characters that are pointed at, a word of message or hint
WRONG = [
    ("${biuld.output}", [BUILD], "E203", "biuld.output", "did you mean 'build'"),
    ("${biuld.output}", [BUILD], "E203", "biuld.output", "unknown task 'biuld'"),
    ("${biuld}", [BUILD], "E203", "biuld", "did you mean 'build'"),
    ("say ${nothing.here}", [BUILD], "E203", "nothing.here", "unknown name"),
    ("${last.output}", [BUILD], "E204", "last.output", "itself"),
    ("${build.result}", [BUILD], "E205", "build.result", "build.output.result"),
    ("${build.outptu}", [BUILD], "E205", "build.outptu", "did you mean 'output'"),
    ("${tasks['biuld'].output}", [BUILD], "E203", "tasks['biuld'].output", "did you mean 'build'"),
    ("${tasks[run.id].output}", [BUILD], "E209", "tasks", "name it"),
    ("${tasks}", [BUILD], "E209", "tasks", "name it"),
    ("${build-image.output}", [DASHED], "E203", "build-image", "tasks['build-image'].output"),
    ("${'a' + build-image.output.tag}", [DASHED], "E203", "build-image", "tasks['build-image'].output.tag"),
    ("${design.output.colour}", [DESIGN], "E902", "design.output.colour", "output_schema"),
    ("${design.output.knid}", [DESIGN], "E902", "design.output.knid", "did you mean 'kind'"),
    ("${design.output.kind.first}", [DESIGN], "E902", "design.output.kind.first", "string"),
    ("${design.output.files[0].name}", [DESIGN], "E902", "design.output.files[0].name", "name"),
    ("${notes.output.kind}", [NOTES], "E902", "notes.output.kind", "text"),
    ("${shout.output.kind}", [SHOUT], "E902", "shout.output.kind", "output: json"),
    ("${secrets.TOKEN}", [], "E901", "secrets.TOKEN", "env:"),
    ("${run.nam}", [], "E205", "run.nam", "did you mean 'name'"),
    ("${run.status}", [], "E205", "run.status", "unknown field"),
    ("${item}", [], "E204", "item", "reserved"),
    ("${env.HOME}", [], "E204", "env.HOME", "reserved"),
    ("${vars.nothing}", [], "E205", "vars.nothing", "unknown variable"),
    ("${inputs.nothing}", [], "E205", "inputs.nothing", "unknown input"),
    ("${shuot(build.output)}", [BUILD], "E201", "shuot", "unknown function"),
    ("${size(1, 2)}", [], "E202", "size(1, 2)", "argument"),
    ("${1 + 'a'}", [], "E206", "1 + 'a'", "string"),
    ("${build.}", [BUILD], "E100", None, ""),
    ("${maybe.output}", [SKIPPABLE, BUILD], "W252", "maybe.output", "it may be skipped"),
    ("${build.output}", [TOLERANT], "W252", "build.output", "tolerated"),
    ("${build.status == 'failed'}", [TOLERANT], "W951", "build.status", "build.error != null"),
    ("${build.status == 'SUCCESS'}", [BUILD], "W951", "build.status", "did you mean 'success'"),
    ("${'done' == build.status}", [BUILD], "W951", "build.status", "one of"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "before", "code", "pointed_at", "word"), WRONG)
def test_what_is_wrong_is_found_and_pointed_at(text, before, code, pointed_at, word):
    found = [f for f in read_by_last(text, *before) if f.code == code]

    assert len(found) == 1, read_by_last(text, *before)
    (finding,) = found
    assert finding.path == ("tasks", len(before), "parameters", "task")
    assert word in f"{finding.message} {finding.hint}"
    assert finding.severity == ("warning" if code.startswith("W") else "error")
    if pointed_at is not None:
        assert text[finding.offset :].startswith(pointed_at)


RIGHT = [
    ("${build.output} ${build.status} ${build.attempts}", [BUILD]),
    ("${build.output.anything.at[3].all}", [BUILD]),
    ("${tasks['build-image'].output.tag}", [DASHED]),
    ("${tasks.build.output}", [BUILD]),
    ("${design.output.kind}", [DESIGN]),
    ("${design.output.files[0].path}", [DESIGN]),
    ("${notes.output}", [NOTES]),
    ("${notes.output?.kind ?? 'none'}", [NOTES]),
    ("${shout.output.kind}", [SHOUT_JSON]),
    ("${run.id} ${run.name} ${run.started_at}", []),
    ("${maybe.output ?? 'none'}", [SKIPPABLE, BUILD]),
    ("${maybe?.output?.x ?? 'none'}", [SKIPPABLE, BUILD]),
    ("${maybe.status == 'success' ? maybe.output : ''}", [SKIPPABLE, BUILD]),
    ("${maybe.output}", [SKIPPABLE]),
    ("${build.status == 'skipped'}", [TOLERANT]),
    ("${build.status != 'failed'}", [TOLERANT]),
    ("$${biuld.output} costs $5 or $$", [BUILD]),
    ("${[1, 2].map(x, x + 1)}", []),
    ("${build.output.filter(b, b.size > 1)}", [BUILD]),
    ("${type(build.output) == int}", [BUILD]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "before"), RIGHT)
def test_what_is_right_is_not_complained_about(text, before):
    assert read_by_last(text, *before) == ()


def test_a_task_that_is_not_awaited_names_the_dependency_to_add():
    findings = read_by_last("${build.output}", BUILD, dependencies=[])

    assert [f.code for f in findings] == ["E708"]
    assert findings[0].hint == "add 'build' to the dependencies of 'last'"


def test_a_task_may_read_what_comes_before_its_dependencies():
    assert read_by_last("${build.output}", BUILD, task("test", ["build"]), dependencies=["test"]) == ()


def test_suggestions_are_names_in_scope_only():
    (finding,) = read_by_last("${biuld.output}", BUILD, task("other"), dependencies=["other"])

    assert "'build'" not in finding.hint
    assert "other" in finding.hint


def test_nothing_is_said_of_names_that_could_not_be_decoded():
    reads = task("last", parameters={"task": "${broken.output}"})

    assert check_expressions(workflow(reads), CATALOG, broken={"broken"}).findings == ()


def test_paths_given_by_the_reader_are_used():
    reads = task("last", parameters={"a": [{"b": "${x.y}"}]})

    (finding,) = check_expressions(workflow(reads), CATALOG, paths=[("tasks", 7)]).findings

    assert finding.path == ("tasks", 7, "parameters", "a", 0, "b")


# -- inputs -------------------------------------------------------------------------------------------------------


def test_a_bare_name_in_a_hole_declares_an_input():
    checked = check(
        task("a", description="About ${topic}", parameters={"task": "Build ${feature_name} with ${ topic }"}),
        task("b", parameters={"task": "${feature_name}"}),
    )

    assert checked.findings == ()
    assert [(i.name, i.type, i.required, i.declared) for i in checked.implicit_inputs] == [
        ("topic", InputType.STRING, True, False),
        ("feature_name", InputType.STRING, True, False),
    ]


def test_an_inputs_block_makes_the_list_complete():
    checked = check(task("a", parameters={"task": "${name} ${nam}"}), inputs={"name": InputType.STRING})

    assert [(f.code, f.offset) for f in checked.findings] == [("E203", 10)]
    assert "did you mean 'name'" in checked.findings[0].hint
    assert checked.implicit_inputs == ()


@pytest.mark.parametrize(
    "spec",
    [
        task("a", env={"X": "${topic}"}),
        task("a", condition="topic"),
        task("a", agent="shell", parameters={"command": "echo ${topic}"}),
        task("a", parameters={"task": "${topic.name}"}),
        task("a", parameters={"task": "${upper(topic)}"}),
        task("a", parameters={"task": "${topic + '!'}"}),
    ],
    ids=["env", "condition", "command", "path", "argument", "operand"],
)
def test_a_name_elsewhere_declares_nothing(spec):
    checked = check(spec)

    assert [f.code for f in checked.findings] == ["E203"]
    assert checked.implicit_inputs == ()


@pytest.mark.parametrize("name", ["desing", "Design", "designs", "esign", "dseign", "tonne"])
def test_a_near_miss_of_a_known_name_is_no_input(name):
    checked = check(
        task("design"), task("a", ["design"], parameters={"task": f"${{{name}}}"}), variables={"tone": "x"}
    )

    assert [f.code for f in checked.findings] == ["E203"]
    assert checked.implicit_inputs == ()


def test_the_shell_hint_shows_how_to_write_its_own_variable():
    (finding,) = check(task("a", agent="shell", parameters={"command": "ls ${HOME}"})).findings

    assert "for the shell's own variable write $HOME or $${HOME}" in finding.hint


def test_a_task_in_a_command_is_no_variable_of_the_shell():
    (finding,) = check(task("a", agent="shell", parameters={"command": "ls ${biuld.output}"})).findings

    assert "shell" not in finding.hint


def test_a_read_that_is_not_awaited_is_only_an_error():
    findings = read_by_last("${maybe.output}", SKIPPABLE, dependencies=[])

    assert [f.code for f in findings] == ["E708"]


def test_the_shells_own_defaults_get_the_hint_too():
    (finding,) = check(task("a", agent="shell", parameters={"command": "ls ${DIR:-/tmp}"})).findings

    assert finding.code == "E100"
    assert "$${" in finding.hint


# -- conditions ---------------------------------------------------------------------------------------------------


def condition(text, *before, **keys):
    return check(*before, task("last", [spec.id for spec in before], condition=text), **keys).findings


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 == 1", "W251"),
        ("true", "W251"),
        (True, "W251"),
        (False, "W251"),
        ("'yes'", "E208"),
        ("size('a')", "E208"),
        ("build.status == ", "E100"),
        ("build.output && 1", "E206"),
        ("secrets.A == 'a'", "E901"),
        ("flag == 1 && tone == 'a' && topic", "E203"),
    ],
)
def test_conditions_that_are_none(text, code):
    findings = condition(text, BUILD, variables={"tone": "a", "flag": 1}, secrets=["A"])

    assert [f.code for f in findings] == [code]
    assert findings[0].path == ("tasks", 1, "condition")


@pytest.mark.parametrize(
    "text",
    [
        "always()",
        "failure() || build.status == 'failed'",
        "!flag",
        "flag",
        "build.output",
        "n > 3 && t == 'a'",
    ],
)
def test_conditions_that_are_some(text):
    inputs = {"flag": InputType.BOOLEAN, "n": InputType.INTEGER, "t": InputType.STRING}

    assert condition(text, BUILD, inputs=inputs) == ()


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("deploy", "type: boolean"),
        ("inputs.deploy", "type: boolean"),
        ("count", "boolean"),
        ("tone", "compare"),
    ],
)
def test_a_condition_that_is_one_name_must_be_boolean(name, word):
    inputs = {"deploy": InputType.STRING, "count": InputType.INTEGER}

    (finding,) = condition(name, inputs=inputs, variables={"tone": "warm"})

    assert finding.code == "E208"
    assert word in finding.hint


def test_declared_types_are_used():
    (finding,) = condition("count == 1 || count < 'a'", inputs={"count": InputType.INTEGER})

    assert finding.code == "E206"


# -- secrets, variables, hooks --------------------------------------------------------------------------------------


def test_secrets_may_stand_in_env_only():
    spec = task(
        "a",
        agent="shell",
        env={"A": "Bearer ${secrets.TOKEN}"},
        parameters={"command": "curl $A", "env": {"B": "${secrets.TOKEN}"}, "stdin": "${secrets.TOKEN}"},
        description="${secrets.TOKEN}",
    )

    findings = check(spec, secrets=["TOKEN"]).findings

    assert [(f.code, f.path[2:]) for f in findings] == [
        ("E901", ("description",)),
        ("E901", ("parameters", "stdin")),
    ]


def test_an_unknown_secret_is_found():
    (finding,) = check(task("a", env={"A": "${secrets.TOKNE}"}), secrets=["TOKEN"]).findings

    assert finding.code == "E205"
    assert "did you mean 'TOKEN'" in finding.hint


@pytest.mark.parametrize(
    ("text", "code"), [("${a.output}", "E204"), ("${other}", "E204"), ("${run.id}", "E204"), ("${vars.other}", "E204"), ("${success()}", "E204"), ("${nothing}", "E203"), ("${secrets.A}", "E901")]
)  # fmt: skip
def test_variables_may_use_inputs_only(text, code):
    findings = check(
        task("a"),
        variables={"other": 1, "v": {"deep": [text]}},
        secrets=["A"],
        inputs={"name": InputType.STRING},
    ).findings

    assert [(f.code, f.path) for f in findings] == [(code, ("context", "variables", "v", "deep", 0))]


def test_variables_use_inputs():
    assert (
        check(
            task("a"), variables={"v": "${name} ${inputs.name}"}, inputs={"name": InputType.STRING}
        ).findings
        == ()
    )


def hook(phase, text):
    return task("hook", parameters={"task": text}, hook=phase)


@pytest.mark.parametrize("phase", [HookPhase.ON_SUCCESS, HookPhase.ON_FAILURE, HookPhase.ON_COMPLETE])
def test_end_hooks_read_any_task_and_how_the_run_ended(phase):
    text = "${a.output ?? ''} ${a.status} ${run.status} ${run.failed_tasks} ${run.duration}"

    assert check(task("a"), hooks=[hook(phase, text)]).findings == ()


def test_an_output_read_by_an_end_hook_may_be_missing():
    (finding,) = check(task("a"), hooks=[hook(HookPhase.ON_COMPLETE, "${a.output}")]).findings

    assert finding.code == "W252"
    assert finding.path == ("hooks", "on_complete", 0, "parameters", "task")


@pytest.mark.parametrize(("text", "code"), [("${a.output}", "E204"), ("${run.status}", "E205")])
def test_on_start_reads_nothing_of_the_run(text, code):
    assert [f.code for f in check(task("a"), hooks=[hook(HookPhase.ON_START, text)]).findings] == [code]


def test_a_hooks_task_cannot_be_read():
    findings = check(
        task("a", parameters={"task": "${hook.output}"}), hooks=[hook(HookPhase.ON_START, "x")]
    ).findings

    assert [f.code for f in findings] == ["E204"]


# -- outputs that may be missing ------------------------------------------------------------------------------------


def missing(*tasks):
    return [f.path[1] for f in check(*tasks).findings if f.code == "W252"]


def reader(dependencies, text="${maybe.output}", **keys):
    return task("reader", dependencies, parameters={"task": text}, **keys)


def test_a_task_that_runs_only_after_its_one_dependency_is_sure_of_it():
    assert missing(SKIPPABLE, task("middle", ["maybe"]), reader(["middle"])) == []


def test_one_success_of_several_is_not_sure():
    assert missing(SKIPPABLE, BUILD, reader(["maybe", "build"])) == [2]


def test_all_success_is_sure():
    assert missing(SKIPPABLE, BUILD, reader(["maybe", "build"], run_if=RunIf.ALL_SUCCESS)) == []


def test_what_every_branch_needs_is_sure():
    left, right = task("left", ["maybe"]), task("right", ["maybe"])

    assert missing(SKIPPABLE, left, right, reader(["left", "right"])) == []


def test_always_is_sure_of_nothing():
    assert missing(SKIPPABLE, reader(["maybe"], run_if=RunIf.ALWAYS)) == [1]


def test_a_handler_reads_what_may_have_failed():
    findings = check(BUILD, reader(["build"], "${build.output}", condition="failure()")).findings

    assert [f.code for f in findings] == ["W252"]
    assert "failed" in findings[0].message


def test_a_status_check_in_the_condition_is_a_guard():
    assert missing(SKIPPABLE, BUILD, reader(["maybe", "build"], condition="maybe.status == 'success'")) == []


def test_a_skip_goes_down_a_chain():
    assert missing(
        task("first", condition="run.id != ''"), task("maybe", ["first"]), BUILD, reader(["maybe", "build"])
    ) == [3]


# -- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_thousand_wrong_names_beside_ten_thousand_right_ones_are_found():
    tasks = [task(f"task_{i}", parameters={"task": f"${{tusk_{i}_{i}}}"}) for i in range(2_000)]

    checked = check(*tasks)

    assert len(checked.findings) + len(checked.implicit_inputs) == 2_000


def test_keys_are_never_templates():
    assert check(task("a", parameters={"${x.y}": FrozenDict({"${z.y}": "text"})})).findings == ()
