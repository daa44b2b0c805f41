"""A stage: actors that write down when they start and stop, and do what a message tells them."""

from __future__ import annotations

import pytest
import trio

from actorflow.actors import Actor, ChildSpec, SupervisorSpec


class Boom(Exception):
    """What actors on the stage crash with."""


class Player(Actor):
    def __init__(self, stage, name):
        self.stage = stage
        self.name = name
        self.ctx = None

    async def on_start(self, ctx):
        self.ctx = ctx
        if self.stage.failing_starts.get(self.name, 0) > 0:
            self.stage.failing_starts[self.name] -= 1
            self.stage.note("fail", self.name)
            raise Boom(self.name)
        gate = self.stage.start_gates.get(self.name)
        if gate is not None:
            await gate.wait()
        self.stage.note("start", self.name)

    async def receive(self, message):
        match message:
            case "crash":
                raise Boom(self.name)
            case "finish":
                self.ctx.stop_self()
            case ("sleep", seconds):
                await trio.sleep(seconds)
            case _ if callable(message):
                return await message(self.ctx)
        return message

    async def on_stop(self):
        self.stage.note("stop", self.name)


class Stage:
    def __init__(self):
        self.log = []
        self.moments = []
        self.exits = []
        self.restarted = []
        self.failing_starts = {}
        self.start_gates = {}

    def note(self, what, name):
        self.log.append(f"{what} {name}")
        self.moments.append((trio.current_time(), f"{what} {name}"))

    def child(self, name, **options):
        options.setdefault("on_exit", self.exits.append)
        return ChildSpec(name, lambda: Player(self, name), **options)

    def group(self, strategy, names, *, restart="permanent", **options):
        return SupervisorSpec("sup", strategy, [self.child(n, restart=restart) for n in names], **options)

    def clear(self):
        self.log.clear()
        self.moments.clear()
        self.exits.clear()


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def boom():
    return Boom


async def settle():
    await trio.testing.wait_all_tasks_blocked()


@pytest.fixture(name="settle")
def settle_fixture():
    """Waits until every actor has done what it can do."""
    return settle
