"""Every code that reading and checking a workflow file can give, with what it means.

Families: ``E5xx`` the file cannot be read, ``E6xx`` a key or value is wrong, ``E7xx`` names and graph,
``E8xx`` agents; ``W`` for warnings of the same families. What is wrong inside an expression has the codes of
``actorflow.expressions``. A code never changes its meaning; docs/reference/problems.md explains each, and a
test compares the two.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CODES"]

CODES: Final[dict[str, str]] = {
    "E501": "the file is larger than the limit",
    "E502": "the file is not UTF-8",
    "E503": "a character that a workflow file cannot contain",
    "E504": "the file is empty",
    "E505": "the file is not YAML",
    "E506": "the file is not JSON",
    "E508": "the same key twice in one mapping",
    "E509": "an anchor or an alias",
    "E510": "a merge key",
    "E511": "a tag or a directive",
    "E512": "more than one document in the file",
    "E513": "nested too deeply",
    "E514": "too many values",
    "E515": "a number that cannot be kept as it is written",
    "E516": "a mapping key that is not text",
    "E599": "there are more problems than are shown",
    "E601": "a value of the wrong type",
    "E602": "an unknown key",
    "E603": "a required key is missing",
    "E604": "a value that is not one of those allowed",
    "E605": "a number outside its range",
    "E606": "not a duration, or not a size",
    "E607": "an empty value where something is needed",
    "E608": "a version of the format that is not supported",
    "E609": "a name of the wrong form",
    "E610": "a key that is not allowed here",
    "E611": "a path that leaves the project",
    "E612": "an environment variable that a workflow cannot set",
    "E613": "a condition that is not one whole expression",
    "E614": "an input whose default or enum does not fit its type",
    "E615": "an output_schema that is not a JSON Schema we can check",
    "E616": "a secret that is not env:NAME, file:PATH or a literal",
    "E617": "the text of a literal secret also stands elsewhere in the file",
    "E618": "text that is too long, or has more than one line, where a short line is needed",
    "E701": "a name that is used twice",
    "E702": "ids that differ only in upper and lower case",
    "E703": "a reserved name",
    "E704": "an unknown task",
    "E705": "a task that depends on itself",
    "E706": "tasks that wait for each other",
    "E707": "the same entry twice in one list",
    "E708": "a task that is not among those this one waits for",
    "E709": "an unknown resource pool",
    "E710": "more of a resource than its pool has",
    "E801": "an unknown agent",
    "E802": "a parameter that the agent does not know",
    "E803": "a parameter that the agent needs is missing",
    "E804": "a key that the agent does not support",
    "E805": "an agent whose definition cannot be used",
    "E806": "an option that no agent of the task knows",
    "W651": "a literal secret in the file",
    "W652": "a setting that has no effect",
    "W851": "a budget that no agent of the workflow can keep",
}
