"""What a resume would do, worked out before anything is touched: which text of the workflow counts, what runs again, and why.

Takes a run's folder and what a person asked for; gives a ``Resumption``, from which the driver takes the
events that it records first, and a dry run its list of decisions, so that the two cannot differ. Reads the
journal, the workflow file, agents' definitions and secrets; writes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from actorflow import __version__
from actorflow.agents.interface import Agent
from actorflow.agents.registry import AgentRegistry
from actorflow.api.checking import load_file, registry_of
from actorflow.api.pinning import capacity_of, entries_of
from actorflow.api.scrubbing import literals_again, pinned
from actorflow.api.supplies import agents_at_hand, secrets_of
from actorflow.engine.outliving import Outliving
from actorflow.engine.records import read_records
from actorflow.engine.recovery import Again, AttemptKey, after_losses, recovery_events, taken_over
from actorflow.engine.secrets import marks_of
from actorflow.engine.session import BlobReader
from actorflow.engine.validity import Comparison, Side
from actorflow.errors import InputError, RunError, SpecDiffers, SpecErrors
from actorflow.ids import RunId, TaskId
from actorflow.journal import BlobStore, JournalReader, RunFolder
from actorflow.monitor.history import status_at_end
from actorflow.rehearsal.stub_files import stubs_of
from actorflow.settings import Settings
from actorflow.state import REHEARSAL, RunState, RunStatus
from actorflow.state import events as ev
from actorflow.state.pinned_spec import pinned_spec
from actorflow.values import freeze_mapping, thaw
from actorflow.workflow import Loaded, read_inputs
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.plan import Plan
from actorflow.workflow.spec_changes import SpecChanges, TaskChange, spec_changes
from actorflow.workflow.suggest import Suggester

__all__ = ["Resumption", "SpecChoice", "change_report", "prepare_resume"]

SpecChoice: TypeAlias = Literal["ask", "current", "pinned"]
"""Which text of the workflow counts: the one that the run follows (``pinned``), the file as it is now
(``current``), or the pinned one unless the file says something else, which raises ``SpecDiffers`` (``ask``)."""

_LAST = 8  # events of a journal's end, which tell how it ended
NO_CHANGES = SpecChanges((), ())
NOTHING_OUTLIVES: Mapping[AttemptKey, Outliving] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """What is known before a run is gone on with.

    Attributes:
        accepted: the spec that the run has followed up to now.
        plan: of the spec that it is to follow.
        spec: what is recorded when that is another one.
        changes: how it differs.
        asked: tasks to run again, whatever became of them.
        file_is_gone: the workflow file is not there any more, so nobody can tell whether it has changed.
    """

    folder: RunFolder
    accepted: ev.RunAccepted
    spec_sequence: int
    plan: Plan
    agents: Mapping[str, Agent]
    secrets: Mapping[str, str]
    root: Path
    asked: frozenset[TaskId]
    old_plan: Plan
    is_current: bool = False
    spec: ev.SpecChanged | None = None
    changes: SpecChanges = NO_CHANGES
    file_is_gone: bool = False

    def events(
        self,
        state: RunState,
        driver: ev.DriverStarted,
        outliving: Mapping[AttemptKey, Outliving] = NOTHING_OUTLIVES,
    ) -> list[ev.Event]:
        """Return what a driver records before it goes on from ``state``.

        Args:
            outliving: the attempts that have outlived the driver before; those that are not LOST in what this returns
                are for the next one to go on with.

        Raises:
            RunError: another resume has given the run another spec meanwhile.
        """
        if state.spec_sequence != self.spec_sequence:
            raise RunError(
                f"run {self.folder.run_id} has just been given another spec", hint="look at it and try again"
            )
        again = Again(self.asked, frozenset(self.changed(state)))
        reason = " ".join(["resume", *(f"--from {task}" for task in self.plan.tasks if task in self.asked)])
        fitting = self._fitting(state, outliving)
        return recovery_events(
            self.plan, state, driver, reason=reason, again=again, spec=self.spec, outliving=fitting
        )

    def taken_over(self, state: RunState, outliving: Mapping[AttemptKey, Outliving]) -> frozenset[AttemptKey]:
        """Return the attempts that ``events`` leaves open."""
        again = Again(self.asked, frozenset(self.changed(state)))
        return taken_over(self.plan, state, self._fitting(state, outliving), again=again, spec=self.spec)

    def _fitting(self, state: RunState, outliving: Mapping[AttemptKey, Outliving]) -> frozenset[AttemptKey]:
        """Return the attempts that were asked what they would be asked now, and whose secrets are still known."""
        fitting = {key: found for key, found in outliving.items() if self.knows_secrets_of(found)}
        if not self.is_current:
            return frozenset(fitting)
        comparison = self.comparison(state)
        return frozenset(
            key for key, found in fitting.items() if comparison.is_still_asked(found.task, found.asked)
        )

    def knows_secrets_of(self, found: Outliving) -> bool:
        """Whether the secrets that an attempt was begun with are those of now: one that has changed since could not be masked in what it gives."""
        if found.secrets is None:
            return not self.secrets
        return found.secrets <= marks_of(self.folder.run_id, self.secrets)

    def changed(self, state: RunState) -> dict[TaskId, str]:
        """Return the tasks whose outcome does not hold under the current spec, each with the reason; {} when the pinned one counts."""
        return self.comparison(state).changed() if self.is_current else {}

    def comparison(self, state: RunState) -> Comparison:
        """Return the pinned spec beside the one that counts."""
        return Comparison(
            old=self._side(self.old_plan),
            new=self._side(self.plan),
            before=state,
            after=self.under_spec(state),
            changes=self.changes,
        )

    def under_spec(self, state: RunState, kept: frozenset[AttemptKey] = frozenset()) -> RunState:
        """Return ``state`` with its open attempts lost but for those that are ``kept``, under the spec that counts."""
        return after_losses(state, kept, spec=self.spec)

    def _side(self, plan: Plan) -> Side:
        return Side(
            run_id=self.folder.run_id,
            plan=plan,
            agents=self.agents,
            secrets=self.secrets,
            project_root=self.root,
            load=BlobReader(BlobStore(self.folder.blobs)),
        )


def prepare_resume(
    folder: RunFolder,
    *,
    settings: Settings,
    max_parallel: int | None = None,
    from_tasks: Sequence[str] = (),
    spec: SpecChoice = "ask",
) -> Resumption:
    """Work out how a run is gone on with; see ``api.resume`` for the arguments and what is raised."""
    accepted, sequence, has_succeeded = _read_spec(folder)
    registry = registry_of(replace(settings, permission_mode=accepted.permission_mode))
    root = Path(accepted.project_root or settings.project_root)
    limit = accepted.max_parallel if max_parallel is None else max_parallel
    loaded = pinned(accepted, registry)
    inputs = freeze_mapping(accepted.inputs)
    plan = compile_plan(loaded.workflow, inputs, catalog=registry.catalog(), max_parallel=limit)
    secret_literals = literals_again(accepted, loaded.workflow, registry)
    found = Resumption(
        folder=folder,
        accepted=accepted,
        spec_sequence=sequence,
        plan=plan,
        agents={},
        secrets={},
        root=root,
        asked=frozenset(),
        old_plan=plan,
    )
    if spec == "current":
        current = load_file(Path(accepted.file), registry=registry)
        found = _under_current(found, loaded, current, registry, limit)
        secret_literals = current.secret_literals
    elif spec == "ask" and (from_tasks or not has_succeeded):
        _ask(folder.run_id, accepted, loaded, registry)
    stubs = stubs_of(accepted.stubs) if accepted.mode == REHEARSAL else None
    return replace(
        found,
        agents=agents_at_hand(found.plan, registry, stubs),
        secrets=secrets_of(found.plan.workflow, root, secret_literals, stubs),
        asked=_named(folder.run_id, from_tasks, found.plan),
        file_is_gone=not Path(accepted.file).exists(),
    )


def change_report(change: TaskChange) -> dict[str, object]:
    """Return a change of a task as ``--json`` gives it."""
    return {"task": change.task, "kind": change.kind, "keys": list(change.keys)}


# --- the specs ---------------------------------------------------------------------------------------------------


def _read_spec(folder: RunFolder) -> tuple[ev.RunAccepted, int, bool]:
    """Return the spec that the run follows, the event that has it, and whether the run ended in success."""
    with JournalReader.open(folder.path) as reader:
        records = reader.read(limit=1)
        changed = reader.last_of("SpecChanged")
        end = read_records(reader.read(max(0, reader.head() - _LAST)))
    recorded = read_records([*records, *([] if changed is None else [changed])])
    spec = pinned_spec(recorded)
    if spec is None:
        raise RunError(f"run {folder.run_id} was never begun", hint="start it again with 'actorflow run'")
    found = status_at_end(reversed(end))
    return spec, recorded[-1].sequence, found is not None and found[0] is RunStatus.SUCCESS


def _ask(run_id: RunId, accepted: ev.RunAccepted, old: Loaded, registry: AgentRegistry) -> None:
    """Raise ``SpecDiffers`` if the file is there and says something else than what is pinned."""
    file = Path(accepted.file)
    if not file.is_file() or _text_of(file) == accepted.text:
        return
    try:
        current = load_file(file, registry=registry)
    except SpecErrors as errors:
        raise SpecDiffers(run_id, accepted.file, problems=len(errors.problems)) from errors
    changes = spec_changes(old.workflow, current.workflow)
    if changes:
        tasks = tuple(change_report(change) for change in changes.tasks)
        difference = difflib.unified_diff(
            accepted.text.splitlines(), current.workflow.text.splitlines(), "pinned", "current", lineterm=""
        )
        raise SpecDiffers(
            run_id, accepted.file, tasks=tasks, elsewhere=changes.elsewhere, difference=tuple(difference)
        )


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _under_current(
    found: Resumption, old: Loaded, current: Loaded, registry: AgentRegistry, limit: int | None
) -> Resumption:
    """Have the run follow the current file."""
    workflow, accepted = current.workflow, found.accepted
    known = {spec.name for spec in workflow.inputs}
    kept = {name: thaw(value) for name, value in accepted.inputs.items() if name in known}
    inputs = read_inputs(workflow, [], kept)
    plan = compile_plan(workflow, inputs, catalog=registry.catalog(), max_parallel=limit)
    changed = ev.SpecChanged(
        tasks=entries_of(plan),
        text=workflow.text,
        format=workflow.format,
        file=accepted.file,
        inputs=plan.inputs,
        values=plan.values,
        actorflow_version=__version__,
        capacity=capacity_of(workflow.settings),
    )
    changes = spec_changes(old.workflow, workflow)
    return replace(
        found,
        plan=plan,
        is_current=True,
        spec=changed if workflow.text != accepted.text else None,
        changes=changes,
    )


def _named(run_id: RunId, names: Sequence[str], plan: Plan) -> frozenset[TaskId]:
    """Check the names of tasks; all that are unknown are told at once."""
    unknown = [name for name in names if name not in plan.tasks]
    if unknown:
        suggester, known = Suggester(), list(plan.tasks)
        hints = [hint for name in unknown if (hint := suggester.hint(name, known))]
        shown = ", ".join(known[:10]) + (" …" if len(known) > 10 else "")
        noun = "task" if len(unknown) == 1 else "tasks"
        names_text = ", ".join(repr(name[:80]) for name in unknown)
        hint = "; ".join(hints) or f"its tasks are: {shown}"
        raise InputError(f"run {run_id} has no {noun} {names_text}", hint=hint)
    return frozenset(TaskId(name) for name in names)
