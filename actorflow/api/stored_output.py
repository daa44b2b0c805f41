"""A large output of a run, which its journal only refers to.

Takes the run's folder and the reference; gives the value. Reads one file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from actorflow.values import Frozen, freeze

if TYPE_CHECKING:
    from actorflow.state.events import BlobRef

__all__ = ["stored_output"]


def stored_output(folder: Path, ref: BlobRef) -> Frozen:
    """Return the output behind ``ref`` in the run that lies in ``folder``.

    Raises:
        JournalError: it is missing or damaged.
    """
    from actorflow.journal import BlobStore  # few runs have outputs so large

    return freeze(msgspec.json.decode(BlobStore(folder / "blobs").get(ref.sha256)))
