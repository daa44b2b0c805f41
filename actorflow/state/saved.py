"""A folded state as bytes, so that a long journal need not be folded again.

Takes a state with the order of its tasks and gives bytes; takes the bytes and gives them back. Only a shortcut:
what is saved can always be folded from the journal, and bytes of another ``FORMAT`` are of no use to anybody.
``FORMAT`` names the version of actorflow and the fields of the state, so that a change of either makes every
older one void by itself. Outputs, which most readers do not need, are kept apart: few are decoded one by one, many all at once. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import replace
from pyrsistent import PMap, pmap

from actorflow import __version__
from actorflow.ids import TaskId
from actorflow.state.account import Account
from actorflow.state.events import AttemptSucceeded, BlobRef, Event, Failure, RunResumed, SpecChanged
from actorflow.state.flat_map import flat_map
from actorflow.state.limits import Limit
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.transitions import record_of
from actorflow.values import Frozen, FrozenDict, freeze, freeze_mapping
from actorflow.workflow.budget import Budget

__all__ = ["FORMAT", "SavedState", "load_state", "put_outputs", "save_state"]

_APART = ("tasks", "context", "removed")


def _fields(*kinds: type) -> str:
    return repr([(kind.__name__, *sorted(kind.__annotations__.items())) for kind in kinds])


_KINDS = (RunState, TaskState, Failure, BlobRef, Account, Limit, Budget)

FORMAT = f"1/{__version__}/{crc32(_fields(*_KINDS).encode()):08x}"
"""What a saved state must have been written as to be read."""


class _Saved(msgspec.Struct, array_like=True, gc=False):
    """The parts.

    Attributes:
        run: fields of the state by name, but for ``_APART`` and what is as a new state has it.
        values: what expressions see besides the records of tasks.
        tasks: without their outputs, in order of declaration; those that are not part of the run any more last.
        count: how many tasks are part of the run.
        outputs: number of a task -> its output; a blob as its name and its size.
        limits: task -> its greatest number of attempts, where that is more than one.
    """

    run: msgspec.Raw
    values: msgspec.Raw
    tasks: msgspec.Raw
    count: int
    outputs: msgspec.Raw
    limits: dict[str, int]


class _Output(msgspec.Struct, array_like=True, gc=False):
    value: msgspec.Raw
    size: int = -1
    """Of the blob that ``value`` names; -1: it is the output itself."""


_PARTS = msgspec.json.Decoder(_Saved)
_OUTPUTS = msgspec.json.Decoder(dict[int, _Output])
_ALL_OUTPUTS = msgspec.json.Decoder(dict[int, tuple[Any, int]])


class SavedState(msgspec.Struct, frozen=True):
    """A state that was saved.

    Attributes:
        state: without outputs, and with a context of no use.
        order: its tasks as the workflow declares them.
        limits: task -> its greatest number of attempts, where that is more than one.
    """

    state: RunState
    order: tuple[TaskId, ...]
    limits: dict[TaskId, int]
    _values: msgspec.Raw
    _outputs: msgspec.Raw
    _removed: tuple[TaskId, ...] = ()

    def whole(self) -> RunState:
        """Return the state as it was."""
        removed = self.state.removed.evolver()
        for task_id, output in self._outputs_of(range(len(self.order), len(self.order) + len(removed))):
            removed[task_id] = replace(removed[task_id], output=output)
        complete = pmap(dict(put_outputs(self.state.tasks, self.outputs(self.order))))
        context: dict[str, Any] = dict(freeze_mapping(msgspec.json.decode(self._values)))
        context |= {t.id: record_of(t) for t in complete.values() if t.status.is_terminal}
        return replace(self.state, tasks=complete, context=pmap(context), removed=removed.persistent())

    def outputs(self, tasks: Collection[TaskId]) -> dict[TaskId, Frozen | BlobRef]:
        """Return task -> its output, for those of some tasks that have one."""
        wanted = set(tasks)
        numbers = [number for number, task_id in enumerate(self.order) if task_id in wanted]
        if len(numbers) * 2 < len(self.order):
            return dict(self._outputs_of(numbers))
        decoded = _ALL_OUTPUTS.decode(self._outputs)  # all at once is quicker than many one by one
        return {self.order[n]: _frozen(*decoded[n]) for n in numbers if n in decoded}

    def without_output(self, events: Iterable[Event]) -> frozenset[TaskId]:
        """Return the tasks whose output, after some more events, is not the one that was saved."""
        changed: set[TaskId] = set()
        for event in events:
            if isinstance(event, AttemptSucceeded):
                changed.add(event.task)
            elif isinstance(event, RunResumed):
                changed.update(event.tasks)
            elif isinstance(event, SpecChanged):
                changed.update(set(self.order).difference(entry.id for entry in event.tasks))
        return frozenset(changed)

    def _outputs_of(self, numbers: Iterable[int]) -> Iterator[tuple[TaskId, Frozen | BlobRef]]:
        outputs = _OUTPUTS.decode(self._outputs)
        ids = (*self.order, *self._removed)
        yield from ((ids[number], _read(outputs[number])) for number in numbers if number in outputs)


def put_outputs(
    tasks: PMap[TaskId, TaskState], outputs: Mapping[TaskId, Frozen | BlobRef]
) -> PMap[TaskId, TaskState]:
    """Return ``tasks`` with some outputs put in, to be looked at."""
    changed = {task: replace(tasks[task], output=output) for task, output in outputs.items()}
    return flat_map({**tasks, **changed})


def save_state(state: RunState, order: Sequence[TaskId], limits: Mapping[TaskId, int]) -> bytes:
    """Return ``state`` as bytes; see ``SavedState`` for the other two."""
    known = dict(state.tasks.items())  # a persistent map is slow to look things up in
    tasks = [*(known[task_id] for task_id in order), *state.removed.values()]
    values = _raw({name: value for name, value in state.context.items() if name not in known})
    del known  # of a hundred thousand tasks each copy is some ten megabytes: never two of them at once
    outputs = _raw(
        {number: _output(task.output) for number, task in enumerate(tasks) if task.output is not None}
    )
    light = _raw([_without_output(task) for task in tasks])
    del tasks
    run = {n: getattr(state, n) for n in RunState.__struct_fields__ if n not in _APART}
    return _ENCODER.encode(
        _Saved(
            run=_raw(run),
            values=values,
            tasks=light,
            count=len(order),
            outputs=outputs,
            limits={str(task): limit for task, limit in limits.items()},
        )
    )


def load_state(data: bytes) -> SavedState:
    """Read what ``save_state`` of the same ``FORMAT`` gave.

    Raises:
        msgspec.MsgspecError: it is something else.
    """
    parts = _PARTS.decode(data)
    tasks = _TASKS.decode(parts.tasks)
    order = tuple(task.id for task in tasks[: parts.count])
    run = _RUN.decode(parts.run)
    state = replace(
        run,
        tasks=flat_map({task.id: task for task in tasks[: parts.count]}),
        removed=pmap({task.id: task for task in tasks[parts.count :]}),
    )
    limits = {TaskId(task): limit for task, limit in parts.limits.items()}
    removed = tuple(task.id for task in tasks[parts.count :])
    return SavedState(state, order, limits, parts.values, parts.outputs, removed)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))


def _without_output(task: TaskState) -> TaskState:
    return task if task.output is None else replace(task, output=None)


def _output(output: Frozen | BlobRef) -> _Output:
    if isinstance(output, BlobRef):
        return _Output(_raw(output.sha256), output.size)
    return _Output(_raw(output))


def _read(output: _Output) -> Frozen | BlobRef:
    return _frozen(msgspec.json.decode(output.value), output.size)


def _frozen(value: Any, size: int) -> Frozen | BlobRef:
    return freeze(value) if size < 0 else BlobRef(value, size)


def _told(value: Any) -> Any:
    """Give msgspec what it does not know in a form that it does: persistent maps."""
    if isinstance(value, PMap):
        return dict(value)
    raise NotImplementedError(f"a state has no {type(value)!r}")


def _revive(kind: Any, value: Any) -> Any:
    """Make again what msgspec does not know: our frozen mappings, and persistent maps of anything."""
    if kind is FrozenDict:
        return freeze_mapping(value)
    if getattr(kind, "__origin__", None) is PMap:
        return pmap(msgspec.convert(value, dict.__class_getitem__(kind.__args__)))
    raise NotImplementedError(f"a state has no {kind!r}")


_ENCODER = msgspec.json.Encoder(enc_hook=_told)
_RUN = msgspec.json.Decoder(RunState, dec_hook=_revive)
_TASKS = msgspec.json.Decoder(list[TaskState])
