"""Plays a workflow without its agents: stubs say what each would give, and the real engine does the rest.

Takes a valid workflow and a file of stubs (what each task gives, how its first attempts fail, how long it
takes), gives an agent that plays them. Tests of workflows, their expectations and their coverage are built on
that. Knows the workflow, the contract of agents and what is folded from events; must not drive a run, and
must not read files or the clock.
"""
