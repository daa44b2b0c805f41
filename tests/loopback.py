"""A network of their own for programs under test, in which only loopback exists: nothing that they do can reach another machine.

``Loopback.open`` has a process make the network (``loopback_holder``). ``command`` says how a program is called in there, ``program`` gives a file that calls it in there, and ``listen`` gives a socket
that was made in there: a socket stays in the network where it was made, so the stub that accepts on it can live in the test's own process. Where the machine permits no namespaces the same calls give the
ordinary network, ``refused`` says why, and the summary of the session says so loudly.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

HOLDER: Final = Path(__file__).with_name("loopback_holder.py")
PROPERTY: Final = "network"
PATIENCE_SECONDS: Final = 30.0


class Loopback:
    """See the module.

    Attributes:
        refused: why there is no such network; "" when there is one.
        network: the name of the network, as ``readlink /proc/self/ns/net`` says it in there.
    """

    def __init__(
        self,
        *,
        refused: str = "",
        prefix: tuple[str, ...] = (),
        asker: socket.socket | None = None,
        network: str = "",
    ) -> None:
        self.refused = refused
        self.network = network
        self._prefix = prefix
        self._asker = asker

    @classmethod
    @contextmanager
    def open(cls, *, nsenter: str | None = None) -> Iterator[Loopback]:
        """Make the network; it ends with the context, once nothing is left in it."""
        nsenter = shutil.which("nsenter") if nsenter is None else nsenter
        if sys.platform != "linux" or not nsenter:
            yield cls(refused="only Linux with nsenter has namespaces")
            return
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE_SECONDS)
        argv = [sys.executable, "-I", "-S", str(HOLDER), str(theirs.fileno())]
        with ours, subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL) as holder:
            theirs.close()
            try:
                with ours.makefile("rb", buffering=0) as said:
                    answer = json.loads(said.readline())
                if "refused" in answer:
                    yield cls(refused=answer["refused"])
                    return
                options = [f"--{name}=/proc/{holder.pid}/ns/{name}" for name in answer["namespaces"]]
                prefix = (nsenter, "--preserve-credentials", *options, "--")
                yield cls(prefix=prefix, asker=ours, network=os.readlink(f"/proc/{holder.pid}/ns/net"))
            finally:
                holder.kill()

    def command(self, *argv: str) -> list[str]:
        """Return how ``argv`` is called in there; the process is the called one itself, with its own id."""
        return [*self._prefix, *argv]

    def program(self, file: Path, target: str) -> str:
        """Return a program that is ``target``, in there.

        Args:
            file: where it may be written.
            target: the path of a program.
        """
        if not self._prefix:
            return target
        file.write_text(f'#!/bin/sh\nexec {shlex.join(self.command(target))} "$@"\n', encoding="utf-8")
        file.chmod(0o755)
        return str(file)

    def listen(self) -> socket.socket:
        """Return a socket that listens on loopback in there, on a port of its own."""
        if self._asker is None:
            return socket.create_server(("127.0.0.1", 0))
        self._asker.sendall(b"?")
        _, [descriptor], _, _ = socket.recv_fds(self._asker, 1, 1)
        return socket.socket(fileno=descriptor)


@pytest.fixture(scope="session")
def own_network() -> Iterator[Loopback]:
    """The network of this process's tests."""
    with Loopback.open() as loopback:
        yield loopback


@pytest.fixture
def loopback(own_network: Loopback, record_property: Callable[[str, object], None]) -> Loopback:
    """The network in which programs of this test are started; the summary counts it."""
    record_property(PROPERTY, own_network.refused)
    return own_network


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in which network programs were tested."""
    networks = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    outside = [why for why in networks if why]
    if outside:
        terminalreporter.section("NO NETWORK OF THEIR OWN", red=True, bold=True)
        terminalreporter.line(
            f"{len(outside)} tests of the real Claude Code were kept from other machines by their environment only, because this machine makes no "
            f"network namespace: {', '.join(sorted(set(outside)))}. Most Linux machines do: unshare --user --net true"
        )
    elif networks:
        terminalreporter.line(
            f"{len(networks)} tests ran programs in a network in which only loopback exists"
        )
