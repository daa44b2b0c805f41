"""The recipes of docs/how-to/actors.md, each a function that a test runs."""

# ruff: noqa: D101, D102, D103, ARG001, ARG002 - the page explains them, and not each recipe needs its context

from __future__ import annotations

from collections.abc import Callable

import trio

from actorflow.actors import (
    Actor,
    Backoff,
    ChildSpec,
    Context,
    Envelope,
    Exit,
    Ref,
    SupervisorSpec,
    open_runtime,
    service,
)

# --- answer later ---


class Gate(Actor):
    """Holds whoever asks to pass until somebody opens it."""

    async def run(self, ctx: Context) -> None:
        waiting: list[Envelope] = []
        async for envelope in ctx.inbox:
            match envelope.message:
                case "pass":
                    waiting.append(envelope)
                case "open":
                    for held in waiting:
                        held.reply("passed")
                    waiting.clear()


async def answer_later() -> object:
    async with open_runtime(SupervisorSpec("app", children=[ChildSpec("gate", Gate)])) as runtime:
        gate = runtime.ref("app/gate")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_soon, gate)
            return await gate.ask("pass", timeout_seconds=5)


async def open_soon(gate: Ref[str]) -> None:
    await trio.sleep(1)
    await gate.tell("open")


# --- take several messages at once ---


class Writer(Actor):
    """Writes whatever has come in as one batch."""

    def __init__(self, write: Callable[[list[str]], None]) -> None:
        self.write = write

    async def run(self, ctx: Context) -> None:
        async for first in ctx.inbox:
            batch = [first, *ctx.inbox.drain_nowait(limit=99)]
            self.write([envelope.message for envelope in batch])
            for envelope in batch:
                envelope.reply("written")


# --- run a loop as a service ---


async def tick(ctx: Context, ticks: list[float]) -> None:
    while True:
        ticks.append(trio.current_time())
        await trio.sleep(10)


async def run_a_service(ticks: list[float]) -> None:
    ticker = ChildSpec("ticker", service(tick, ticks))
    async with open_runtime(SupervisorSpec("app", children=[ticker])):
        await trio.sleep(25)


# --- start workers and hear how they end ---


class Worker(Actor):
    def __init__(self, number: int) -> None:
        self.number = number

    async def run(self, ctx: Context) -> None:
        await trio.sleep(self.number)
        if self.number == 3:
            raise ValueError("three is not a lucky number")


async def start_workers() -> list[str]:
    ended: list[str] = []

    def on_exit(exit_: Exit) -> None:
        ended.append(f"{exit_.path} {exit_.reason}")

    async with open_runtime(SupervisorSpec("workers")) as runtime:
        for number in (1, 2, 3):
            runtime.root.start_child_nowait(
                ChildSpec(
                    f"worker-{number}",
                    lambda number=number: Worker(number),
                    restart="temporary",
                    on_exit=on_exit,
                )
            )
        await runtime.root.wait_child("worker-3")  # the one that takes longest
    return ended


# --- wait longer before each restart ---

patient = SupervisorSpec(
    "feeds",
    max_restarts=20,
    within_seconds=600,
    backoff=Backoff(initial_seconds=1, factor=2, max_seconds=60, jitter=0.2),
)
