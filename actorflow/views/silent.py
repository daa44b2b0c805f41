"""No progress at all (``--quiet``): follows a run so that its first update is noticed, and shows nothing."""

from __future__ import annotations

from actorflow.monitor.feed import UpdateOfRun
from actorflow.views.watching import Screen

__all__ = ["SilentScreen"]


class SilentScreen(Screen[None]):
    """Shows nothing."""

    def absorb(self, update: UpdateOfRun) -> None:
        """Forget the update."""

    def frame(self) -> None:
        """Return nothing to draw."""

    def draw(self, frame: None) -> None:
        """Draw nothing."""
