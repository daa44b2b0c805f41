"""What a person looks at: escaped text, live views, summaries. Takes read models; writes to the streams it is handed and nowhere else."""

from __future__ import annotations
