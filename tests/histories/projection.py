"""A folded state as plain values, so that it can be kept beside the history that it came from."""

from __future__ import annotations

from typing import Any

import msgspec

from actorflow.state import RunState, TaskState


def told(state: RunState) -> dict[str, Any]:
    """Return every field of a state; tasks and context by name."""
    fields = {name: getattr(state, name) for name in RunState.__struct_fields__}
    for name in ("tasks", "removed"):
        fields[name] = {task.id: _task(task) for task in sorted(fields[name].values(), key=lambda t: t.id)}
    fields["context"] = {name: fields["context"][name] for name in sorted(fields["context"])}
    return msgspec.json.decode(msgspec.json.encode(fields, enc_hook=dict))  # type: ignore[no-any-return]  # a mapping


def _task(task: TaskState) -> dict[str, Any]:
    return {name: getattr(task, name) for name in TaskState.__struct_fields__}


def kept(recorded: Any, now: Any) -> Any:
    """Return of ``now`` what ``recorded`` has a word about: a later version may know more, and never something else."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return {key: kept(value, now.get(key)) for key, value in recorded.items()}
    return now
