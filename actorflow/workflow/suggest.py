"""Did you mean …?

Finds the known name nearest to a wrong one by edit distance (insert, delete, replace, swap of neighbours). A
hostile file can have ten thousand wrong names beside ten thousand known ones, so a ``Suggester`` has a budget
for one file; when it is used up it stays silent.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Suggester", "edit_distance"]

_LOOK, _COMPARE = 1, 40
_BUDGET = 400_000
_LONGEST = 64


def edit_distance(a: str, b: str, limit: int) -> int:
    """Return how many edits make ``b`` of ``a``; some number above ``limit`` when it is more than that."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, above, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


class Suggester:
    """Names near to wrong ones, within a budget of comparisons."""

    def __init__(self, budget: int = _BUDGET) -> None:
        self._left = budget

    def nearest(self, name: str, known: Iterable[str]) -> str:
        """Return the known name nearest to ``name``, or "" when none is near (or the budget is used up)."""
        if not name or len(name) > _LONGEST:
            return ""
        limit = 1 if len(name) <= 3 else 2 if len(name) <= 8 else 3
        folded, best, best_distance = name.casefold(), "", limit + 1
        for candidate in known:
            self._left -= _LOOK
            if self._left <= 0:
                return ""
            if abs(len(candidate) - len(name)) >= best_distance:
                if not best and len(name) > 2 and candidate.casefold().startswith(folded):
                    best = candidate  # the start of a name, but anything nearer is better
                continue
            self._left -= _COMPARE
            distance = edit_distance(folded, candidate.casefold(), best_distance - 1)
            if distance < best_distance:
                best, best_distance = candidate, distance
        return best

    def hint(self, name: str, known: Iterable[str]) -> str:
        """Return ``did you mean 'x'?`` or ""."""
        near = self.nearest(name, known)
        return f"did you mean '{near}'?" if near else ""
