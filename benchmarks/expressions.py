"""How fast expressions are: ``python benchmarks/expressions.py [--quick]``.

The six expressions of every page about speed, as ratios to Python's own ``eval`` of a compiled code object in the same run, beside the
peers that are installed (``pip install cel-python common-expression-language simpleeval asteval jinja2 jmespath rule-engine``); those that
are not are named. Then compile times, cold (a new process) and warm. A peer that cannot say an expression has no number for it.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from actorflow import expressions as ex
from actorflow.values import freeze

SNAPSHOT: dict[str, Any] = {
    "task": {"name": "build", "status": "success", "output": {"kind": "web", "n": 7}},
    "limit": {"n": 3},
    "items": [{"n": n, "name": f"item {n}"} for n in range(100)],
}
NAMES = (
    "1 path == text",
    "2 four comparisons",
    "3 ternary, concatenation",
    "4 filter of 100",
    "5 function",
    "6 template of 3",
)
OURS = (
    "task.output.kind == 'web'",
    "task.status == 'success' && task.output.n > 3 && limit.n != 4 || task.name == 'x'",
    "task.status == 'success' ? 'done: ' + task.name : 'not ' + task.name",
    "items.filter(x, x.n > 50)",
    "fn:uppercase(task.name)",
    "deploy ${task.name} as ${task.output.kind}: ${task.status}",
)
PYTHON = (
    "task['output']['kind'] == 'web'",
    "task['status'] == 'success' and task['output']['n'] > 3 and limit['n'] != 4 or task['name'] == 'x'",
    "'done: ' + task['name'] if task['status'] == 'success' else 'not ' + task['name']",
    "[x for x in items if x['n'] > 50]",
    "task['name'].upper()",
    "f\"deploy {task['name']} as {task['output']['kind']}: {task['status']}\"",
)
CEL = (
    OURS[0],
    OURS[1],
    OURS[2],
    OURS[3],
    None,
    "'deploy ' + task.name + ' as ' + task.output.kind + ': ' + task.status",
)

Runner = Callable[[], Any]


def python_eval(place: int) -> Runner:
    code = compile(PYTHON[place], "benchmark", "eval")
    builtins: dict[str, Any] = {"__builtins__": {}}
    return lambda: eval(code, builtins, SNAPSHOT)


def actorflow(place: int) -> Runner:
    environment = ex.Environment()
    snapshot = {name: freeze(value) for name, value in SNAPSHOT.items()}
    if place == 5:
        render = environment.template(OURS[place]).render
        return lambda: render(snapshot)
    evaluate = environment.compile(OURS[place]).evaluate
    return lambda: evaluate(snapshot)


def cel_python(place: int) -> Runner | None:
    import celpy

    source = CEL[place]
    if source is None:
        return None
    environment = celpy.Environment()
    program = environment.program(environment.compile(source))
    activation = {name: celpy.json_to_cel(value) for name, value in SNAPSHOT.items()}
    return lambda: program.evaluate(activation)


def cel_rust(place: int) -> Runner | None:
    import cel

    source = CEL[place]
    if source is None:
        return None
    if hasattr(cel, "compile"):
        program = cel.compile(source)
        return lambda: program.execute(SNAPSHOT)
    return lambda: cel.evaluate(source, SNAPSHOT)


def simpleeval(place: int) -> Runner | None:
    import simpleeval as peer

    evaluator = peer.EvalWithCompoundTypes(names=SNAPSHOT, functions={"upper": str.upper})
    source = {4: "upper(task['name'])"}.get(place, PYTHON[place])
    parsed = evaluator.parse(source)
    return lambda: evaluator.eval(source, previously_parsed=parsed)


def asteval(place: int) -> Runner | None:
    import asteval as peer

    interpreter = peer.Interpreter(minimal=False, use_numpy=False, user_symbols=dict(SNAPSHOT))
    parsed = interpreter.parse(PYTHON[place])
    return lambda: interpreter.run(parsed)


def jinja2(place: int) -> Runner | None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment()
    if place == 5:
        template = environment.from_string(
            "deploy {{ task.name }} as {{ task.output.kind }}: {{ task.status }}"
        )
        return lambda: template.render(SNAPSHOT)
    source = {
        3: "items | selectattr('n', '>', 50) | list",
        4: "task.name | upper",
    }.get(place, PYTHON[place])
    evaluate = environment.compile_expression(source)
    return lambda: evaluate(SNAPSHOT)


def jmespath(place: int) -> Runner | None:
    import jmespath as peer

    source = {
        0: "task.output.kind == 'web'",
        1: "task.status == 'success' && task.output.n > `3` && limit.n != `4` || task.name == 'x'",
        3: "items[?n > `50`]",
        5: "join('', ['deploy ', task.name, ' as ', task.output.kind, ': ', task.status])",
    }.get(place)
    if source is None:
        return None
    compiled = peer.compile(source)
    return lambda: compiled.search(SNAPSHOT)


def rule_engine(place: int) -> Runner | None:
    import rule_engine as peer

    source = {
        0: 'task.output.kind == "web"',
        1: 'task.status == "success" and task.output.n > 3 and limit.n != 4 or task.name == "x"',
        2: 'task.status == "success" ? "done: " + task.name : "not " + task.name',
        3: "[x for x in items if x.n > 50]",
        4: "task.name.as_upper",
        5: '"deploy " + task.name + " as " + task.output.kind + ": " + task.status',
    }[place]
    rule = peer.Rule(source)
    return lambda: rule.evaluate(SNAPSHOT)


PEERS: dict[str, tuple[str, Callable[[int], Runner | None]]] = {
    "cel-python": ("celpy", cel_python),
    "cel-rust": ("cel", cel_rust),
    "simpleeval": ("simpleeval", simpleeval),
    "asteval": ("asteval", asteval),
    "jinja2 sandbox": ("jinja2", jinja2),
    "jmespath": ("jmespath", jmespath),
    "rule-engine": ("rule_engine", rule_engine),
}


def microseconds(run: Runner, *, rounds: int) -> float:
    """Return the best of many short rounds: on a busy machine some round still runs undisturbed."""
    return best_of([run], rounds=rounds)[0]


def best_of(runs: list[Runner], *, rounds: int) -> list[float]:
    """Return the best times of several runners, in turns, so that all meet the same machine."""
    counts = []
    for run in runs:
        run()
        started = time.perf_counter()
        run()
        counts.append(max(1, int(0.001 / max(time.perf_counter() - started, 1e-7))))
    best = [math.inf] * len(runs)
    for _ in range(rounds):
        for place, run in enumerate(runs):
            started = time.perf_counter()
            for _ in range(counts[place]):
                run()
            best[place] = min(best[place], (time.perf_counter() - started) / counts[place])
    return [took * 1e6 for took in best]


def prepared(make: Callable[[int], Runner | None], place: int) -> Runner | None:
    """Return a peer's runner if it can do the expression."""
    try:
        run = make(place)
        if run is not None:
            run()
    except Exception as failure:  # noqa: BLE001  # a peer may refuse anything; the table says so
        print(f"  ({make.__name__} cannot do {NAMES[place]}: {type(failure).__name__})", file=sys.stderr)
        return None
    return run


def check() -> None:
    """Make sure that the same things are compared."""
    for place in range(6):
        assert (
            list(actorflow(place)()) == list(python_eval(place)())
            if place == 3
            else actorflow(place)() == python_eval(place)()
        )


def evaluation(rounds: int) -> None:
    makers: dict[str, Callable[[int], Runner | None]] = {"actorflow": actorflow}
    missing = []
    for name, (module, make) in PEERS.items():
        if importlib.util.find_spec(module) is None:
            missing.append(name)
        else:
            makers[name] = make
    print("Evaluation, as ratio to Python's eval (its time in microseconds in brackets)\n")
    print(f"{'':26}{'python':>9}" + "".join(f"{name:>15}" for name in makers))
    for place, name in enumerate(NAMES):
        runs = [prepared(make, place) for make in makers.values()]
        able = [run for run in runs if run is not None]
        base, *times = best_of([python_eval(place), *able], rounds=rounds)
        took = iter(times)
        cells = [f"{'-':>15}" if run is None else f"{next(took) / base:>14.1f}x" for run in runs]
        print(f"{name:26}{f'({base:.2f})':>9}" + "".join(cells))
    if missing:
        print(f"\nnot installed: {', '.join(missing)}")


def compiling(rounds: int) -> None:
    environment = ex.Environment()
    times = [
        microseconds(lambda place=place: environment.compile(OURS[place]), rounds=rounds)
        for place in range(5)
    ]  # type: ignore[misc]  # a default argument
    times.append(microseconds(lambda: environment.template(OURS[5]), rounds=rounds))
    print(
        f"\nCompiling, warm, microseconds: {', '.join(f'{t:.0f}' for t in times)}; median {statistics.median(times):.0f}"
    )
    cold = """
import time
start = time.perf_counter()
from actorflow import expressions as ex
imported = time.perf_counter()
ex.Environment().template("${task.name}")
path = time.perf_counter()
ex.Environment().compile("task.output.n > 3 && true")
print(f"import {1e3 * (imported - start):.0f} ms, first dotted path {1e6 * (path - imported):.0f} us, first other expression {1e3 * (time.perf_counter() - path):.0f} ms")
"""
    done = subprocess.run([sys.executable, "-c", cold], capture_output=True, text=True, check=True)
    print(f"Compiling, cold (new process): {done.stdout.strip()}")


def main() -> None:
    rounds = 30 if "--quick" in sys.argv[1:] else 200
    check()
    evaluation(rounds)
    compiling(rounds)


if __name__ == "__main__":
    main()
