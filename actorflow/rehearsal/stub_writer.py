"""Writes the file of stubs that ``run --rehearse-init`` begins with: every task, a valid output, a short delay, comments.

Takes a valid workflow, gives text. What it writes is valid stubs for that workflow, whatever the workflow
is; where no output can be made up, a comment says what has to be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actorflow.ids import TaskId
from actorflow.rehearsal.examples import NoExample
from actorflow.rehearsal.guesses import guessed_outputs
from actorflow.rehearsal.made_up import made_up_output
from actorflow.rehearsal.yaml_text import comment_lines, yaml_lines
from actorflow.values import Frozen
from actorflow.workflow.model import TaskSpec, Workflow

__all__ = ["DELAY_SECONDS", "stub_text"]

DELAY_SECONDS = 0.2
"""How long each attempt takes, unless somebody changes it: enough to be seen, too short to be waited for."""

_HEAD = """\
# What is played for each task of {name} instead of calling its agent:
#
#     actorflow run {workflow} --rehearse {stubs}
#
# A stub may have these keys, each of them may be left out:
#   output: …          what a successful attempt gives; it must fit the task's output_schema
#   fail: [timeout]    how the first attempts fail: a kind for each, or {{kind: rate_limit, retry_after: 30, message: …}}
#   delay: 0.2         how long an attempt takes, in seconds, or "5m"
#   cost_usd: 0.05     what an attempt costs
#   tokens: 1200       how many tokens it uses
# What a task's stub leaves open, `agents: {{NAME: …}}` says for all tasks of an agent, and `defaults: …` for all.
"""


def stub_text(workflow: Workflow, *, workflow_name: str, stubs_name: str) -> str:
    """Return the text of a file of stubs.

    Args:
        workflow_name: how the workflow is called in commands.
        stubs_name: the same for the file that the text is written to.
    """
    head = _HEAD.format(name=_shown(workflow.name), workflow=_shown(workflow_name), stubs=_shown(stubs_name))
    return "\n".join([head, *_body(workflow)]) + "\n"


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _body(workflow: Workflow) -> Iterator[str]:
    yield "tasks:"
    guesses = guessed_outputs(workflow)
    for spec in (*workflow.tasks, *workflow.hooks):
        yield from _stub(spec, guesses)


def _stub(spec: TaskSpec, guesses: Mapping[TaskId, Frozen]) -> Iterator[str]:
    where = f", hook {spec.hook.value}" if spec.hook else ""
    attempts = spec.effective_retry.max_attempts
    again = f", up to {attempts} attempts" if attempts > 1 else ""
    about = f": {spec.description}" if spec.description else ""
    yield from comment_lines(f"{' or '.join(spec.agents)}{where}{again}{about}", 1)
    yield f"  {spec.id}:"
    if spec.agents[0] == "echo" and spec.output_schema is None:
        yield "    # output: without one it gives its parameters, as it really does"
        yield f"    delay: {DELAY_SECONDS}"
        return
    try:
        made_up = made_up_output(
            spec.id,
            spec.agents[0],
            schema=spec.output_schema,
            parameters=spec.parameters,
            guesses=guesses,
        )
        yield from yaml_lines("output", made_up, 2)
    except NoExample:
        yield "    # output: write one that fits the task's output_schema; none could be made up"
    yield f"    delay: {DELAY_SECONDS}"
