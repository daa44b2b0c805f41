"""Who does the work: the contract of an agent, the registry, and the agents that come with actorflow.

``interface`` says what an agent takes and gives, ``registry`` finds agents by name, and ``shell``, ``python``
and ``echo`` are agents. ``process`` runs one program for an attempt and leaves nothing of it behind;
``masking`` takes secrets out of what is written. Nothing is imported here, so that asking for one agent does
not load the others (or trio). Agents know nothing of the engine.
"""
