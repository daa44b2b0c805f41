"""The network of the programs under test: nothing but loopback is in it, and the real ``claude`` is."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.claude.messages_api import text, tool
from tests.loopback import Loopback

ADDRESSES = {
    "192.0.2.1": "AF_INET",
    "10.0.0.1": "AF_INET",
    "1.1.1.1": "AF_INET",
    "169.254.169.254": "AF_INET",
    "2001:db8::1": "AF_INET6",
}
TRY = """
import json, os, socket, sys
found = {}
for address, family in json.loads(sys.argv[1]).items():
    for kind in ("SOCK_STREAM", "SOCK_DGRAM"):
        with socket.socket(getattr(socket, family), getattr(socket, kind)) as attempt:
            attempt.settimeout(20)
            found[f"{address} {kind}"] = attempt.connect_ex((address, 443))
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))):
    pass
print(json.dumps([os.readlink("/proc/self/ns/net"), os.getuid(), os.getpid(), found]))
"""


@pytest.fixture
def inside(loopback):
    if loopback.refused:
        pytest.skip(f"NO NETWORK NAMESPACE HERE: {loopback.refused}")
    return loopback


def test_nothing_but_loopback_can_be_reached(inside):
    with inside.listen() as server:
        argv = inside.command(sys.executable, "-c", TRY, json.dumps(ADDRESSES), str(server.getsockname()[1]))
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            said, _ = process.communicate(timeout=60)

    network, user, pid, found = json.loads(said)
    assert network == inside.network != os.readlink("/proc/self/ns/net")
    assert (user, pid) == (os.getuid(), process.pid)
    assert set(found.values()) == {errno.ENETUNREACH}, found


@pytest.mark.slow
def test_the_command_line_claude_and_its_commands_are_in_there(inside, api, actorflow, status, project):
    (project / "w.yaml").write_text(
        "name: w\ntasks:\n"
        "  - {id: ours, agent: shell, parameters: {command: readlink /proc/self/ns/net}}\n"
        "  - {id: theirs, agent: claude, parameters: {task: LOOK AROUND}, options: {tools: [Bash]}}\n"
    )
    look = 'readlink /proc/$PPID/ns/net; bash -c "exec 3<>/dev/tcp/192.0.2.1/443" 2>&1 || true'
    api.when("LOOK AROUND", tool("Bash", command=look, description="d"), text("done"))

    actorflow("run", "w.yaml", "-q")

    assert status()["tasks"]["ours"]["output"].strip() == inside.network
    said = api.of("LOOK AROUND")[1].conversation
    assert inside.network in said
    assert "Network is unreachable" in said


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no program that says whether it can be")
def test_a_machine_that_permits_it_has_one(own_network):
    permitted = subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, timeout=30)

    assert not (permitted.returncode == 0 and own_network.refused), own_network.refused


def test_without_one_programs_are_called_as_they_are(tmp_path):
    with Loopback.open(nsenter="") as loopback, loopback.listen() as server:
        assert loopback.refused == "only Linux with nsenter has namespaces"
        assert loopback.command("true", "1") == ["true", "1"]
        assert loopback.program(tmp_path / "x", "/bin/true") == "/bin/true"
        assert server.getsockname()[0] == "127.0.0.1"
