"""The template library: the workflows that ship with actorflow, their copies in projects, and the Python that they call.

Takes names, gives files; knows where workflows are kept and nothing of how they are run or shown.
"""
