"""A counter that crashes, and the supervisor that starts it again: the example of docs/explanation/actors.md."""

# ruff: noqa: D101, D102, D103, T201 - the page explains it, and it prints what the page shows

from __future__ import annotations

from dataclasses import dataclass

import trio

from actorflow.actors import (
    Actor,
    AskFailed,
    ChildSpec,
    SupervisorSpec,
    format_tree,
    open_runtime,
)


@dataclass(frozen=True)
class Bump:
    by: int


class Counter(Actor):
    def __init__(self, start: int) -> None:
        self.value = start

    async def receive(self, message: Bump) -> int:
        self.value += message.by
        return self.value


app = SupervisorSpec(
    "app",
    strategy="one_for_one",
    children=[ChildSpec("counter", lambda: Counter(100))],
)


async def main() -> None:
    async with open_runtime(app) as runtime:
        counter = runtime.ref("app/counter")
        print(await counter.ask(Bump(1), timeout_seconds=1))
        print(await counter.ask(Bump(1), timeout_seconds=1))

        try:
            await counter.ask(Bump("oops"), timeout_seconds=1)
        except AskFailed as failed:
            print(f"{failed} ({failed.__cause__})")

        print(await counter.ask(Bump(1), timeout_seconds=1))
        print(format_tree(runtime.tree()))


if __name__ == "__main__":
    trio.run(main)
