"""From a workflow and its inputs to a plan."""

import time

import pytest

from actorflow.errors import InternalError
from actorflow.expressions import Secret
from actorflow.values import FrozenDict, freeze
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.model import HookPhase, RetryPolicy, Settings, TaskSpec, Workflow
from actorflow.workflow.shell_text import shell_environment
from actorflow.workflow.templates import InterpolationError

CATALOG = {
    "shell": AgentTraits(name="shell", shell_text=frozenset({"command"})),
    "coder": AgentTraits(name="coder", supports=frozenset({"handoff"})),
    "echo": AgentTraits(name="echo"),
}


def task(name, dependencies=(), agent="echo", **keys):
    for key in ("parameters", "env"):
        keys[key] = freeze(keys.get(key, {}))
    return TaskSpec(id=name, agents=(agent,), dependencies=tuple(dependencies), **keys)


def plan(*tasks, hooks=(), inputs=None, variables=None, **keys):
    workflow = Workflow(name="w", tasks=tasks, hooks=tuple(hooks), variables=freeze(variables or {}), **keys)
    return compile_plan(workflow, freeze(inputs or {}), catalog=CATALOG)


def record(**fields):
    return {
        "output": None,
        "status": "success",
        "reason": None,
        "error": None,
        "attempts": 1,
        "duration": 1.0,
        **fields,
    }


def test_graph_and_order_are_worked_out():
    made = plan(
        task("a"), task("b", ["a"]), task("c", ["a", "b"]), hooks=[task("h", hook=HookPhase.ON_START)]
    )

    assert list(made.tasks) == ["a", "b", "c", "h"]
    assert [t.index for t in made.tasks.values()] == [0, 1, 2, 3]
    assert [t.path_length for t in made.tasks.values()] == [3, 2, 1, 1]
    assert made.tasks["a"].dependents == ("b", "c")
    assert made.hooks == {HookPhase.ON_START: ("h",)}


def test_variables_are_rendered_with_inputs_and_seen_by_bare_name():
    made = plan(
        task("a"),
        inputs={"n": 2, "who": "you"},
        variables={"hi": "hi ${who}", "deep": {"list": ["${n}", 1]}, "k": "${inputs.n + 1}"},
    )

    assert made.values == {"n": 2, "who": "you", "hi": "hi you", "deep": {"list": (2, 1)}, "k": 3}
    assert isinstance(made.values["deep"], FrozenDict)


def test_a_variable_that_cannot_be_worked_out_says_which():
    with pytest.raises(InterpolationError, match=r"context\.variables\.v"):
        plan(task("a"), inputs={"o": {}}, variables={"v": "${o.missing}"})


def test_max_parallel_of_the_command_line_wins():
    workflow = Workflow(name="w", tasks=(task("a"),), settings=Settings(max_parallel=4))

    assert compile_plan(workflow, FrozenDict(), catalog=CATALOG).max_parallel == 4
    assert compile_plan(workflow, FrozenDict(), catalog=CATALOG, max_parallel=9).max_parallel == 9


def test_parameters_keep_types_in_whole_holes_and_make_text_elsewhere():
    made = plan(
        task("a"),
        task(
            "b",
            ["a"],
            parameters={
                "whole": "${a.output}",
                "text": "n=${a.output.n}",
                "list": [{"k": "${a.status}"}],
                "plain": 1,
            },
        ),
    )

    rendered = made.tasks["b"].parameters.render({"a": record(output={"n": 1.5})})

    assert rendered == {"whole": {"n": 1.5}, "text": "n=1.5", "list": ({"k": "success"},), "plain": 1}
    assert isinstance(rendered, FrozenDict)
    assert isinstance(rendered["whole"], FrozenDict)
    assert made.tasks["b"].reads == {"a"}


def test_a_value_is_never_read_again():
    made = plan(task("a"), task("b", ["a"], parameters={"t": "${a.output}", "u": "x ${a.output}"}))

    assert made.tasks["b"].parameters.render({"a": record(output="${a.status}")}) == {
        "t": "${a.status}",
        "u": "x ${a.status}",
    }


@pytest.mark.parametrize(
    ("hole", "word"), [("${a.output.x}", "x"), ("say ${a.output}", "null"), ("${a.output}", "NaN")]
)
def test_a_hole_that_cannot_be_filled_names_its_path(hole, word):
    made = plan(task("a"), task("b", ["a"], parameters={"deep": [{"k": hole}]}))
    output = {"x": {}, "null": None, "NaN": float("nan")}[word]

    with pytest.raises(InterpolationError) as caught:
        made.tasks["b"].parameters.render({"a": record(output=output)})

    assert caught.value.path == "parameters.deep[0].k"
    assert caught.value.kind == "interpolation"
    assert word in caught.value.message


def test_conditions_are_compiled_and_their_reads_known():
    made = plan(
        task("a"),
        task("b", ["a"], condition="a.status == 'failed'"),
        task("c", condition=True),
        task("d", condition=False),
    )

    assert made.tasks["b"].condition.evaluate({"a": record(status="failed")}) is True
    assert made.tasks["b"].condition_reads == {"a"}
    assert made.tasks["b"].rule.overruled == {"a"}
    assert made.tasks["c"].condition is None
    assert made.tasks["d"].condition.evaluate({}) is False


def test_status_functions_are_looked_up_in_the_snapshot():
    made = plan(task("a"), task("b", ["a"], condition="failure() && !success()"))

    assert (
        made.tasks["b"].condition.evaluate({"failure()": True, "success()": False, "always()": True}) is True
    )


def test_retry_is_the_effective_one():
    assert plan(task("a")).tasks["a"].retry == RetryPolicy(max_attempts=1)


# -- hand-off -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "handed"),
    [
        ({}, ("a", "b")),
        ({"parameters": {"task": "see ${a.output}"}}, ("b",)),
        ({"parameters": {"task": "${tasks['b'].output} ${a.status}"}}, ()),
        ({"handoff": "none"}, ()),
        ({"handoff": ("z", "a"), "parameters": {"task": "${a.output}"}}, ("z", "a")),
        ({"agent": "echo"}, ()),
    ],
)
def test_an_agent_is_handed_what_its_parameters_do_not_reference(keys, handed):
    made = plan(task("z"), task("a", ["z"]), task("b"), task("c", ["a", "b"], **{"agent": "coder", **keys}))

    assert made.tasks["c"].handoff == handed


# -- shell ----------------------------------------------------------------------------------------------------------


def test_a_shell_command_never_holds_a_value():
    made = plan(
        task("a"),
        task(
            "s",
            ["a"],
            "shell",
            parameters={"command": 'echo ${a.output} "${a.output}" $HOME', "stdin": "${a.status}"},
        ),
    )
    snapshot = {"a": record(output="$(id)")}

    shell = made.tasks["s"].shell

    assert shell.text == 'echo "${AF_1}" "${AF_1}" $HOME'
    assert shell_environment(shell, snapshot) == {"AF_1": "$(id)"}
    assert made.tasks["s"].parameters.render(snapshot) == {"command": shell.text, "stdin": "success"}
    assert made.tasks["s"].reads == {"a"}


def test_a_command_without_holes_reads_nothing():
    made = plan(task("s", agent="shell", parameters={"command": "echo $$${HOME}", "output": "text"}))

    assert made.tasks["s"].shell.variables == ()
    assert made.tasks["s"].parameters.render({})["command"] == "echo $${HOME}"


def test_an_argv_list_is_plain_data():
    made = plan(
        task("a"), task("s", ["a"], "shell", parameters={"command": ["echo", "${a.output}", "'${a.status}'"]})
    )

    assert made.tasks["s"].shell is None
    assert made.tasks["s"].parameters.render({"a": record(output="$(id)")}) == {
        "command": ("echo", "$(id)", "'success'")
    }


def test_the_command_of_another_agent_is_plain_text():
    made = plan(task("a"), task("s", ["a"], "echo", parameters={"command": "echo '${a.status}'"}))

    assert made.tasks["s"].parameters.render({"a": record()}) == {"command": "echo 'success'"}


def test_env_of_the_parameters_becomes_env_and_wins():
    spec = task(
        "s",
        agent="shell",
        env={"A": "task", "B": "${secrets.T}"},
        parameters={"command": "x", "env": {"A": "${n}", "C": "a ${secrets.T}"}},
    )
    made = plan(spec, inputs={"n": 3})

    env = made.tasks["s"].env.render({"n": 3, "secrets": {"T": Secret("s3cret")}})

    assert env == {"A": "3", "B": "s3cret", "C": "a s3cret"}
    assert "env" not in made.tasks["s"].parameters.render({"n": 3})


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (1.5, "1.5"), ([1, "é"], '[1,"é"]'), ({"k": None}, '{"k":null}'), ("", "")],
)
def test_env_values_are_text(value, text):
    made = plan(task("a"), task("s", ["a"], env={"A": "${a.output}"}))

    assert made.tasks["s"].env.render({"a": record(output=value)}) == {"A": text}


def test_null_is_no_env_value():
    made = plan(task("a"), task("s", ["a"], env={"A": "${a.output}"}))

    with pytest.raises(InterpolationError, match=r"env\.A") as caught:
        made.tasks["s"].env.render({"a": record()})
    assert "?? ''" in caught.value.hint


def test_verify_is_shell_text_too():
    made = plan(task("a"), task("s", ["a"], "coder", verify="grep -q ${a.output} file"))

    assert made.tasks["s"].verify.text == 'grep -q "${AF_1}" file'
    assert made.tasks["s"].verify.task_references == {"a"}
    assert made.tasks["s"].reads == {"a"}


def test_a_command_that_validation_refuses_is_not_compiled():
    with pytest.raises(InternalError, match="E910"):
        plan(task("s", agent="shell", parameters={"command": "echo '${run.id}'"}))


# -- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_thousand_tasks_compile_at_once():
    tasks = [
        task(
            f"t{i}",
            [f"t{j}" for j in range(max(0, i - 3), i)],
            parameters={"task": f"do ${{t{i - 1}.output}}" if i else "go"},
        )
        for i in range(10_000)
    ]

    started = time.process_time()
    made = plan(*tasks)

    assert time.process_time() - started < 3  # 0.3 s on the machine it was written on
    assert made.tasks["t9999"].parameters.render({"t9998": record(output="x")}) == {"task": "do x"}
