"""The command line, for which 16 seconds more have gone by on the machine's clock than for everybody else.

``python later.py status last``: a driver that has not been heard of for as long is silent to it.
"""

from __future__ import annotations

import time

from actorflow.__main__ import main
from actorflow.journal import lease

if __name__ == "__main__":
    lease.who_drives.__kwdefaults__["monotonic"] = lambda: time.monotonic() + 16
    main()
