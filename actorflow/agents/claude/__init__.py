"""The backend that has Claude Code do the work of a task.

``agent`` is the agent; ``talk`` the conversation with one ``claude`` process, which speaks JSON lines;
``messages``, ``transcript`` and ``failures`` are pure and say what those lines mean; ``options``, ``rights`` and
``policy`` say what it may do; ``command`` and ``prompt`` what it is given; ``setup`` finds the program. Nothing
is imported here, so that knowing the traits of an agent does not load trio.
"""
