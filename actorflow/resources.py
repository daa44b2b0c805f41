"""Where the data files that ship with actorflow are: ``grammar/`` and ``templates/``.

In a wheel they lie inside the package (``actorflow/_data/``); in a checkout or an editable install they lie
beside it. This is the only module that knows; everything else asks here. Must not read the files itself.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["data_folder"]

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """Return the folder ``name`` (``"grammar"`` or ``"templates"``).

    Raises:
        FileNotFoundError: the installation is broken; the message names both places that were tried.
    """
    inside, beside = _PACKAGE / "_data" / name, _PACKAGE.parent / name
    for folder in (inside, beside):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"the {name} files of actorflow are in neither {inside} nor {beside}: install it again"
    )
