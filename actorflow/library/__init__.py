"""The template library: the workflows that ship with actorflow, and the Python that they call."""
