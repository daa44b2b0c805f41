"""Runs and workflows to make pictures of: one with every state a task can be in, large ones, and hostile texts."""

from __future__ import annotations

from actorflow.ids import TaskId
from actorflow.monitor.graph import Edge, Node, Picture
from actorflow.state import events as ev
from actorflow.state.status import SkipReason
from actorflow.workflow import AgentTraits, Workflow, load_workflow
from tests.monitor.run_histories import START, History

EVERY_STATE_TEXT = """
name: every state
tasks:
  - {id: fetch, agent: shell, parameters: {command: "true"}}
  - {id: build, agent: shell, dependencies: [fetch], parameters: {command: "true"}, retry: {max_attempts: 3}}
  - {id: lint, agent: shell, dependencies: [fetch], parameters: {command: "true"}, on_failure: skip}
  - {id: docs, agent: shell, dependencies: [fetch], condition: "fetch.output == 'docs'", parameters: {command: "true"}}
  - {id: unit, agent: shell, dependencies: [build], parameters: {command: "true"}}
  - {id: integration, agent: shell, dependencies: [build], parameters: {command: "true"}, retry: {max_attempts: 3}}
  - {id: review, agent: shell, dependencies: [build], parameters: {command: "true"}, retry: {max_attempts: 3}}
  - {id: audit, agent: shell, dependencies: [build], parameters: {command: "true"}, retry: {max_attempts: 3}}
  - {id: package, agent: shell, dependencies: [build, lint], parameters: {command: "true"}}
  - {id: repair, agent: shell, dependencies: [unit], condition: "unit.status == 'failed'", parameters: {command: "true"}}
  - {id: publish, agent: shell, dependencies: [package, unit, docs], parameters: {command: "true"}}
  - {id: announce, agent: shell, dependencies: [publish], run_if: all_done, parameters: {command: "true"}}
hooks:
  on_complete:
    - {id: farewell, agent: shell, parameters: {command: "true"}}
"""


def workflow_of(text: str) -> Workflow:
    return load_workflow(text.encode(), file="w.yaml", catalog={"shell": AgentTraits(name="shell")}).workflow


def every_state() -> History:
    """Return a run of 12 tasks that is in the middle of things: every state and sub-state of a task occurs in it."""
    specs = (workflow := workflow_of(EVERY_STATE_TEXT)).tasks + workflow.hooks
    entries = [
        ev.TaskEntry(
            spec.id,
            spec.agents,
            spec.dependencies,
            spec.hook.value if spec.hook else "",
            spec.effective_retry.max_attempts,
        )
        for spec in specs
    ]
    run = History(*entries)
    broken = ev.Failure("exit_status", "exit status 1")
    limit = ev.Failure("rate_limit", "the service allows no more for now")
    run.start("fetch", at=0.2).succeed("fetch", at=4)
    run.start("build", at=4).start("lint", at=4)
    run.add(ev.TaskSkipped(TaskId("docs"), SkipReason.CONDITION_FALSE), at=4)
    run.fail("lint").add(ev.TaskSkipped(TaskId("lint"), SkipReason.TOLERATED_FAILURE), at=5)
    run.add(ev.AttemptFailed(TaskId("build"), 1, broken), at=9)
    run.add(ev.RetryScheduled(TaskId("build"), 2, START + 14, 5.0), at=9)
    run.start("build", 2, at=15)
    success = ev.AttemptSucceeded(TaskId("build"), 2, output="ok", cost_usd=0.42, tokens=12_345)
    run.add(success, at=30).add(ev.TaskSucceeded(TaskId("build")), at=30)
    run.start("unit", at=30).start("integration", at=30).start("review", at=32).start("audit", at=33)
    run.start("package", at=33)
    run.fail("unit")
    run.start("repair", at=34)
    run.add(ev.AttemptFailed(TaskId("integration"), 1, broken), at=40)
    run.add(ev.RetryScheduled(TaskId("integration"), 2, START + 90, 50.0), at=40)
    run.add(ev.AttemptRequeued(TaskId("review"), 1, START + 3600, limit), at=41)
    run.add(ev.RetryScheduled(TaskId("review"), 2, START + 3600, 3559.0), at=41)
    run.add(ev.AttemptFailed(TaskId("audit"), 1, broken), at=42)
    run.add(ev.RetryScheduled(TaskId("audit"), 2, START + 42, 0.0), at=42)
    run.add(ev.AttemptCancelled(TaskId("package"), 1), at=50).add(ev.TaskCancelled(TaskId("package")), at=50)
    return run


def plain_picture(names: list[str], edges: list[tuple[int, int]]) -> Picture:
    return Picture(
        title="p",
        nodes=tuple(Node(name=name) for name in names),
        edges=tuple(Edge(source, target) for source, target in edges),
    )


def layered(layers: int, width: int) -> Picture:
    """Return a picture of ``layers`` times ``width`` tasks, each waiting for two of the layer before."""
    names = [f"task_{layer}_{i}" for layer in range(layers) for i in range(width)]
    edges = [
        ((layer - 1) * width + (i + step) % width, layer * width + i)
        for layer in range(1, layers)
        for i in range(width)
        for step in (0, 1)
    ]
    return plain_picture(names, edges)
