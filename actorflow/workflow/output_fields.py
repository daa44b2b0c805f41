"""What can be said of a path into a task's output before the task has run.

Takes the producer and a path of constant keys; gives what is wrong when its ``output_schema`` (or its being
text) rules the path out. Keeps silent wherever a schema leaves room: ``anyOf``, ``additionalProperties:
true``, unknown keywords. Must not validate values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorflow.workflow.catalog import Catalog
from actorflow.workflow.model import TaskSpec

__all__ = ["gives_text", "output_mistake"]

_OPEN_KEYWORDS = frozenset("anyOf oneOf allOf if not patternProperties $dynamicRef".split())


def gives_text(spec: TaskSpec, catalog: Catalog) -> bool:
    """Whether the task's output is text, whichever of its agents gives it."""
    if spec.output_schema is not None or spec.parameters.get("output") == "json":
        return False
    traits = [catalog.get(agent) for agent in spec.agents]
    return bool(traits) and all(t is not None and (t.text_output or bool(t.shell_text)) for t in traits)


def output_mistake(
    spec: TaskSpec, path: tuple[str | int, ...], *, is_text: bool
) -> tuple[str, str, tuple[str, ...]] | None:
    """Return message, wrong key and known keys for a path into the output that cannot work; None when it may.

    Args:
        path: constant keys and indexes after ``.output``.
        is_text: see ``gives_text``.
    """
    if not path:
        return None
    if is_text:
        return f"the output of '{spec.id}' is text and has no '{path[0]}'", str(path[0]), ()
    schema: Any = spec.output_schema
    for step in path:
        schema = _resolved(schema, spec.output_schema)
        if not isinstance(schema, Mapping) or _OPEN_KEYWORDS & schema.keys():
            return None
        kinds = schema.get("type", ())
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        if kinds and not kinds & {"object", "array"}:
            return (
                f"the output_schema of '{spec.id}' has no '{step}' here, it says {', '.join(sorted(kinds))}",
                str(step),
                (),
            )
        if isinstance(step, int):
            schema = schema.get("items")
            continue
        known = schema.get("properties")
        if not isinstance(known, Mapping):
            return None
        if step not in known:
            if schema.get("additionalProperties", False) is not False:
                return None
            return f"the output_schema of '{spec.id}' has no '{step}'", step, tuple(known)
        schema = known[step]
    return None


def _resolved(schema: Any, root: Any) -> Any:
    """Follow local references, a few steps at most."""
    for _ in range(8):
        if not (isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)):
            return schema
        target = root
        if not schema["$ref"].startswith("#"):
            return None
        for part in schema["$ref"].lstrip("#").strip("/").split("/"):
            if part:
                target = (
                    target.get(part.replace("~1", "/").replace("~0", "~"))
                    if isinstance(target, Mapping)
                    else None
                )
        schema = target
    return None
