"""The actors of a run: they carry out what ``scheduling`` decides, and record it first. docs/explanation/engine.md is the map."""
